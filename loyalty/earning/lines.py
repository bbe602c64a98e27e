"""Which lines of a purchase a rule looks at, and what they are worth to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from loyalty.earning.facts import Sale, SaleLine
from offers.lib import money

LINE_MATCHES = ("item", "category", "brand", "tag")


@dataclass(frozen=True, slots=True)
class NetLine:
    """A line with what is left of it after discounts, and the line it belongs to."""

    line: SaleLine
    root: SaleLine
    net: int


def net_lines(sale: Sale) -> list[NetLine]:
    """Return the lines that earn: what discounts took is off, lines given away are left out."""
    net = {line.line_id: line.subtotal for line in sale.lines}
    for discount in sale.discounts:
        named = [key for key in dict.fromkeys(discount.line_ids) if net.get(key, 0) > 0]
        among = named or [key for key, left in net.items() if left > 0]
        weights = [net[key] for key in among]
        if discount.amount <= 0 or not weights:
            continue
        for key, part in zip(among, money.split(min(discount.amount, sum(weights)), weights), strict=True):
            net[key] -= part
    by_id = {line.line_id: line for line in sale.lines}
    return [NetLine(line, _root(line, by_id), net[line.line_id]) for line in sale.lines if net[line.line_id]]


def eligible(lines: Iterable[NetLine], definition: Mapping[str, Any]) -> list[NetLine]:
    """Return the lines within the catalog restrictions and outside the exclusions; excluding wins."""
    restrictions = definition.get("catalog_restrictions") or []
    included = [entry for entry in restrictions if entry.get("mode", "include") == "include"]
    barred = [entry for entry in restrictions if entry.get("mode") == "exclude"]
    barred += [entry for entry in definition.get("exclusions") or [] if entry["match"] in LINE_MATCHES]
    return [
        line
        for line in lines
        if (not included or any(matches(line.root, entry) for entry in included))
        and not any(matches(line.root, entry) for entry in barred)
    ]


def matches(line: SaleLine, entry: Mapping[str, Any]) -> bool:
    """Whether a line has one of the values an entry names, whatever their case."""
    wanted = {str(value).casefold() for value in entry["values"]}
    match entry["match"]:
        case "item":
            return line.item_id.casefold() in wanted
        case "category":
            return line.category.casefold() in wanted
        case "brand":
            return line.brand.casefold() in wanted
        case _:
            return any(tag.casefold() in wanted for tag in line.tags)


def spend(lines: Sequence[NetLine]) -> int:
    return sum(line.net for line in lines)


def quantity(lines: Sequence[NetLine]) -> Decimal:
    """How many pieces; what belongs to another line is no piece of its own."""
    return sum((line.line.quantity for line in lines if line.line is line.root), Decimal(0))


def eligible_spend(sale: Sale) -> int:
    """Return what was paid for goods, after discounts and before tax, in minor units; never below zero."""
    return max(0, spend(net_lines(sale)))


def _root(line: SaleLine, by_id: Mapping[str, SaleLine]) -> SaleLine:
    seen = {line.line_id}
    while line.modifies in by_id and line.modifies not in seen:
        line = by_id[line.modifies]
        seen.add(line.line_id)
    return line
