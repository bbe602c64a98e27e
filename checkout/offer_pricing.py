"""What an offer takes off a transaction, to the cent and spread over its lines. Pure: facts in, amounts out.

The base is the subtotal of the eligible lines, a modifier with the line it belongs to, less what earlier discounts
took off them. An offer is rounded once, half up, and spread by largest remainder, so that the parts sum to the whole;
it never exceeds the base.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from checkout.item_facts import UNKNOWN, ItemFacts
from checkout.transaction_shape import Line, Sale
from offers.lib import money

NO_AMOUNT = frozenset({"manual_fulfillment", "pos_discount"})
CHECK = frozenset({"fixed_check_discount", "percent_check_discount"})


class Terms(Protocol):
    """What pricing asks of an offer."""

    offer_type: str
    discount_config: dict[str, Any]
    catalog_restrictions: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What another discount on the check took off: from the lines it names, or from all."""

    amount: int
    line_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """An offer's share on one line, and on how many of its units it lies."""

    line_id: str
    quantity: Decimal
    amount: int


@dataclass(frozen=True, slots=True)
class Priced:
    """What an offer takes off. `base` is what it could at most have taken."""

    amount: int
    base: int
    parts: tuple[Part, ...] = ()


@dataclass(slots=True)
class Group:
    """A line with its modifiers: what is bought together. `left`: what is still to be paid of each of them."""

    line: Line
    members: list[Line]
    left: list[int]

    @property
    def total(self) -> int:
        return sum(self.left)

    @property
    def units(self) -> int:
        """Return how many single units there are; a weighed good is one."""
        quantity = self.line.quantity
        return int(quantity) if quantity == quantity.to_integral_value() and quantity >= 1 else 1


@dataclass(slots=True)
class Run:
    """Units of one group that cost the same."""

    group: int
    price: int
    count: int


def price(*, terms: Terms, sale: Sale, facts: Mapping[str, ItemFacts], taken: Sequence[Taken] = ()) -> Priced:
    """Return what an offer with these terms takes off a sale; an amount of 0 is for the caller to judge."""
    config, lines = terms.discount_config, sale.lines
    if terms.offer_type in NO_AMOUNT:
        return Priced(0, 0)
    groups = _groups(lines, _left(lines, taken), terms.catalog_restrictions, facts)
    base = sum(group.total for group in groups)
    if terms.offer_type in CHECK:
        if not lines and not terms.catalog_restrictions:
            base = max(0, sale.subtotal - sum(one.amount for one in taken))
        gross = sum(line.subtotal for group in groups for line in group.members) if lines else sale.subtotal
        wanted = 0 if gross < (config.get("min_spend") or 0) else _off_check(terms.offer_type, config, base)
        return Priced(wanted, base, _over_groups(groups, wanted) if lines else ())
    offs = _off_items(terms.offer_type, config, groups, facts)
    parts = [part for group, (amount, units) in offs.items() for part in _over_group(groups[group], amount, units)]
    return Priced(sum(part.amount for part in parts), base, tuple(parts))


def needs_facts(terms: Terms) -> bool:
    """Whether pricing asks what the items are."""
    return bool(terms.catalog_restrictions) or terms.offer_type not in NO_AMOUNT | CHECK


def eligible(line: Line, catalog: Sequence[Mapping[str, Any]], facts: Mapping[str, ItemFacts]) -> bool:
    """Whether the catalog restrictions leave a line in: not excluded, and included if anything is."""
    includes = [one for one in catalog if one["mode"] == "include"]
    if excluded(line, catalog, facts):
        return False
    return not includes or any(matches(one, line, facts) for one in includes)


def excluded(line: Line, catalog: Sequence[Mapping[str, Any]], facts: Mapping[str, ItemFacts]) -> bool:
    return any(one["mode"] == "exclude" and matches(one, line, facts) for one in catalog)


def matches(one: Mapping[str, Any], line: Line, facts: Mapping[str, ItemFacts]) -> bool:
    """Whether a line is among the values of a {match, values}; item ids count exactly, words in any case."""
    values = one["values"]
    if one["match"] == "item":
        return line.item_id in values
    known = facts.get(line.item_id, UNKNOWN)
    names = known.tags if one["match"] == "tag" else {getattr(known, one["match"])} - {""}
    wanted = {value.casefold() for value in values}
    return any(name.casefold() in wanted for name in names)


def eligible_lines(
    lines: Sequence[Line], catalog: Sequence[Mapping[str, Any]], facts: Mapping[str, ItemFacts]
) -> list[Line]:
    """Return the lines an offer may discount: eligible ones, and the modifiers of those that are not excluded."""
    return [line for group in _groups(lines, {}, catalog, facts) for line in group.members]


# --- what may be discounted ---


def _left(lines: Sequence[Line], taken: Sequence[Taken]) -> dict[str, int]:
    """Return what is still to be paid of each line after the earlier discounts, in their order."""
    left = {line.line_id: max(0, line.subtotal) for line in lines}
    for one in taken:
        named = [line_id for line_id in one.line_ids if line_id in left] or list(left)
        weights = [left[line_id] for line_id in named]
        for line_id, part in zip(named, _share(min(one.amount, sum(weights)), weights), strict=True):
            left[line_id] -= part
    return left


def _groups(
    lines: Sequence[Line],
    left: Mapping[str, int],
    catalog: Sequence[Mapping[str, Any]],
    facts: Mapping[str, ItemFacts],
) -> list[Group]:
    by_id = {line.line_id: line for line in lines}
    groups: dict[str, Group] = {}
    for line in lines:
        root = line
        while root.modifies is not None:
            root = by_id[root.modifies]
        if not eligible(root, catalog, facts) or (line is not root and excluded(line, catalog, facts)):
            continue
        group = groups.setdefault(root.line_id, Group(root, [], []))
        group.members.append(line)
        group.left.append(left.get(line.line_id, 0))
    return list(groups.values())


# --- how much ---


def _off_check(offer_type: str, config: Mapping[str, Any], base: int) -> int:
    if offer_type == "fixed_check_discount":
        amount: int = config["amount"]
        return min(amount, base)
    most: int = config.get("max_amount") or base
    return min(money.percent_of(base, config["percent"]), base, most)


def _off_items(
    offer_type: str, config: Mapping[str, Any], groups: Sequence[Group], facts: Mapping[str, ItemFacts]
) -> dict[int, tuple[int, int]]:
    """Return by group how much comes off it, and off how many units."""
    if offer_type.startswith("bxgy_"):
        chosen = _bought_and_got(config, groups, facts)
    else:
        pool = _runs(_among(config.get("items") or [], groups, facts))
        highest = offer_type == "set_price_coupon" or config.get("target") == "highest"
        needed, most = config.get("required_quantity", 1), config.get("applications_per_check", 1)
        times = min(most, sum(run.count for run in pool) // needed)
        chosen = _first(sorted(pool, key=lambda run: -run.price if highest else run.price), times)
    return _amounts(config, chosen)


def _amounts(config: Mapping[str, Any], chosen: Sequence[Run]) -> dict[int, tuple[int, int]]:
    if "percent" in config:
        weights = [run.price * run.count for run in chosen]
        whole = money.percent_of(sum(weights), config["percent"])
        amounts = _share(min(whole, config.get("max_amount") or whole), weights)
    elif "set_price" in config:
        amounts = [max(0, run.price - config["set_price"]) * run.count for run in chosen]
    else:
        amounts = [min(config["amount"], run.price) * run.count for run in chosen]
    found: dict[int, tuple[int, int]] = {}
    for run, amount in zip(chosen, amounts, strict=True):
        before, units = found.get(run.group, (0, 0))
        found[run.group] = (before + amount, units + run.count)
    return found


def _bought_and_got(config: Mapping[str, Any], groups: Sequence[Group], facts: Mapping[str, ItemFacts]) -> list[Run]:
    """Return the units got: the cheapest that may be, as long as enough others remain that count as bought."""
    bought = {at for at, _ in _among(config.get("buy_items") or [], groups, facts)}
    got = {at for at, _ in _among(config.get("get_items") or [], groups, facts)}
    counts = {at: group.units for at, group in enumerate(groups)}
    only_bought = sum(counts[at] for at in bought - got)
    only_got = sum(counts[at] for at in got - bought)
    both = sum(counts[at] for at in bought & got)
    buy: int = config.get("buy_quantity", 1)
    get: int = config.get("get_quantity", 1)

    def enough(times: int) -> bool:
        return max(0, times * buy - only_bought) + max(0, times * get - only_got) <= both

    low, high = 0, min(config.get("applications_per_check", 1), (only_bought + only_got + both) // (buy + get))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if enough(middle) else (low, middle - 1)
    spare = both - max(0, low * buy - only_bought)
    chosen, wanted = [], low * get
    for run in sorted(_runs([(at, groups[at]) for at in sorted(got)]), key=lambda run: run.price):
        number = min(run.count, wanted, spare if run.group in bought else wanted)
        if number > 0:
            chosen.append(Run(run.group, run.price, number))
            wanted -= number
            spare -= number if run.group in bought else 0
    return chosen


def _among(
    wanted: Sequence[Mapping[str, Any]], groups: Sequence[Group], facts: Mapping[str, ItemFacts]
) -> list[tuple[int, Group]]:
    """Return the groups whose line is among the items named; none named means any."""
    return [
        (at, group)
        for at, group in enumerate(groups)
        if not wanted or any(matches(one, group.line, facts) for one in wanted)
    ]


def _runs(groups: Sequence[tuple[int, Group]]) -> list[Run]:
    """Return the units of groups by their price, modifiers included; a remainder of cents lies on some of them."""
    runs = []
    for at, group in groups:
        whole, dearer = divmod(group.total, group.units)
        runs += [Run(at, whole + 1, dearer), Run(at, whole, group.units - dearer)]
    return [run for run in runs if run.count]


def _first(runs: Sequence[Run], number: int) -> list[Run]:
    chosen = []
    for run in runs:
        taken = min(run.count, number)
        if taken:
            chosen.append(Run(run.group, run.price, taken))
        number -= taken
    return chosen


# --- over the lines ---


def _over_groups(groups: Sequence[Group], amount: int) -> tuple[Part, ...]:
    lines = [line for group in groups for line in group.members]
    weights = [left for group in groups for left in group.left]
    shares = _share(amount, weights)
    return tuple(Part(line.line_id, line.quantity, share) for line, share in zip(lines, shares, strict=True) if share)


def _over_group(group: Group, amount: int, units: int) -> list[Part]:
    quantity = group.line.quantity if units >= group.units else Decimal(units)
    return [
        Part(line.line_id, min(line.quantity, quantity) if line.quantity > 0 else quantity, share)
        for line, share in zip(group.members, _share(amount, group.left), strict=True)
        if share
    ]


def _share(amount: int, weights: Sequence[int]) -> list[int]:
    return money.split(amount, weights) if amount else [0] * len(weights)
