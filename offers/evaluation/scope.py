"""Which lines and units a discount may touch: included and excluded products, cheapest, every n-th, quantity limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from offers.evaluation.cart import Cart, Row
from offers.evaluation.context import Line
from offers.evaluation.verdicts import Target

EFFECTS = frozenset(
    {
        "APPLY_TO_EVERY",
        "APPLY_TO_CHEAPEST",
        "APPLY_FROM_CHEAPEST",
        "APPLY_TO_MOST_EXPENSIVE",
        "APPLY_FROM_MOST_EXPENSIVE",
    }
)
OBJECTS = frozenset({"product", "sku", "products_collection"})
UNITS_SHOWN = 1000  # the wire lists no unit numbers for larger orders
# Ours can't honour these, so a rule that sets one is refused rather than applied without it.
UNSUPPORTED = (
    "price_formula",
    "product_campaign_quantity_limit",
    "product_customer_campaign_quantity_limit",
    "product_in_collection_campaign_quantity_limit",
    "product_in_collection_customer_campaign_quantity_limit",
    "product_promotion_tier_quantity_limit",
    "product_customer_promotion_tier_quantity_limit",
    "product_in_collection_promotion_tier_quantity_limit",
    "product_in_collection_customer_promotion_tier_quantity_limit",
)


TEXTS = ("id", "source_id", "product_id", "product_source_id", "object", "effect", "target")


class BadScope(ValueError):
    """An `applicable_to` that can't be understood or honoured."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The `applicable_to` of a rule. Exclusion beats inclusion; nothing included means everything."""

    included: tuple[Target, ...] = ()
    excluded: tuple[Target, ...] = ()
    included_all: bool = False


@dataclass(slots=True)
class Pick:
    """Units of one row a discount may touch, and the target that named it."""

    row: Row
    units: int
    numbers: Sequence[int]  # of the units, counted from 1
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    picks: list[Pick]
    applicable_to: tuple[Target, ...]
    inapplicable_to: tuple[Target, ...]


def compile(definition: Mapping[str, Any] | None) -> Scope | None:
    """The scope an `applicable_to` describes; None when it limits nothing."""
    if not definition:
        return None
    if not isinstance(definition, Mapping):
        raise BadScope("it must be an object")
    scope = Scope(
        _targets(definition.get("included")),
        _targets(definition.get("excluded")),
        bool(definition.get("included_all")),
    )
    return scope if scope.included or scope.excluded else None


def covers(target: Target, line: Line) -> bool:
    """A product covers its SKUs unless it is strict; a collection covers what the catalogue says is in it."""
    if target.object == "products_collection":
        return target.id is not None and target.id in line.collections
    of_product = line.source_id if line.related_object != "sku" else None
    of_sku = line.source_id if line.related_object == "sku" else None
    if target.object == "sku":
        return _same(target, line.sku_id, line.sku_source_id, of_sku)
    if target.strict and (line.sku_id or line.sku_source_id or line.related_object == "sku"):
        return False
    return _same(target, line.product_id, line.product_source_id, of_product)


def select(scopes: Sequence[Scope], cart: Cart, *, once: bool = False) -> Selection:
    """The units in scope, in the order limits are spent. Several scopes must all agree; the first names the targets.

    With `once`, products an earlier redeemable discounted are left out.
    """
    rows = [row for row in cart.rows if row.quantity > 0 and not (once and row.product in cart.touched)]
    for scope in scopes:
        rows = [row for row in rows if _allows(scope, row)]
    leading = next((scope for scope in scopes if scope.included), None)
    with_units = cart.quantity <= UNITS_SHOWN
    picks: list[Pick] = []
    applicable: list[Target] = []
    claimed: set[int] = set()
    for target in leading.included if leading else ():
        mine = _narrow(target, [row for row in rows if row.index not in claimed and covers(target, row.line)])
        claimed.update(pick.row.index for pick in mine)
        picks += mine
        applicable.append(_shown(target, mine, with_units))
    if leading is None or leading.included_all:
        rest = [_whole(row) for row in rows if row.index not in claimed]
        picks += rest
        applicable += _per_product(rest, with_units)
    inapplicable = tuple(
        _shown(target, [_whole(row) for row in cart.rows if covers(target, row.line)], with_units)
        for scope in scopes
        for target in scope.excluded
    )
    return Selection(picks, tuple(applicable), inapplicable)


def _whole(row: Row) -> Pick:
    return Pick(row, row.quantity, range(1, row.quantity + 1))


def _allows(scope: Scope, row: Row) -> bool:
    if any(covers(target, row.line) for target in scope.excluded):
        return False
    return not scope.included or scope.included_all or any(covers(target, row.line) for target in scope.included)


def _narrow(target: Target, rows: list[Row]) -> list[Pick]:
    """Apply the target's effect, every-n-th and quantity limits to the rows it covers."""
    effect = target.effect
    if effect in ("APPLY_TO_CHEAPEST", "APPLY_TO_MOST_EXPENSIVE"):
        rows = [row for row in rows if row.remaining > 0]
    if effect.endswith("MOST_EXPENSIVE"):
        rows = sorted(rows, key=lambda row: (-row.unit_price, row.index))
    elif effect.endswith("CHEAPEST"):
        rows = sorted(rows, key=lambda row: (row.unit_price, row.index))
    if effect.startswith("APPLY_TO_") and effect != "APPLY_TO_EVERY":
        rows = rows[:1]
    picks = list(_every_nth(target, rows))
    left = target.aggregated_quantity_limit
    for pick in picks:
        limits = [limit for limit in (target.quantity_limit, left) if limit is not None]
        if limits and min(limits) < pick.units:
            pick.units = max(min(limits), 0)
            pick.numbers = pick.numbers[: pick.units]
        if left is not None:
            left -= pick.units
    return [pick for pick in picks if pick.units]


def _every_nth(target: Target, rows: list[Row]) -> Iterable[Pick]:
    """`skip_initially` 1 with `repeat` 3 takes the 2nd, 5th, 8th, ... unit or line."""
    skip, repeat = target.skip_initially or 0, target.repeat or 1
    if not skip and repeat == 1:
        for row in rows:
            yield Pick(row, row.quantity, range(1, row.quantity + 1), target)
        return
    if target.target != "UNIT":
        for row in rows[skip::repeat]:
            yield Pick(row, row.quantity, range(1, row.quantity + 1), target)
        return
    before = 0  # units of the rows already passed
    for row in rows:
        first = skip + 1 - before
        if first < 1:
            first = (first - 1) % repeat + 1
        numbers = range(first, row.quantity + 1, repeat)
        before += row.quantity
        if numbers:
            yield Pick(row, len(numbers), numbers, target)


def _shown(target: Target, picks: list[Pick], with_units: bool) -> Target:
    """The target as the answer lists it: with the lines and units it came to."""
    return Target(
        target.object,
        target.id,
        target.source_id,
        target.product_id,
        target.product_source_id,
        target.effect,
        target.strict,
        target.price,
        target.quantity_limit,
        target.aggregated_quantity_limit,
        target.amount_limit,
        target.aggregated_amount_limit,
        target.skip_initially,
        target.repeat,
        target.target,
        tuple(pick.row.index for pick in picks),
        tuple((pick.row.index, tuple(pick.numbers)) for pick in picks) if with_units else (),
    )


def _per_product(picks: list[Pick], with_units: bool) -> list[Target]:
    """Without included targets every product of the order is listed on its own."""
    groups: dict[object, list[Pick]] = {}
    for pick in picks:
        groups.setdefault((pick.row.line.sku_id or pick.row.line.sku_source_id, pick.row.product), []).append(pick)
    return [_shown(of_line(group[0].row.line), group, with_units) for group in groups.values()]


def of_line(line: Line) -> Target:
    """The product or SKU a line is about, as a target."""
    if line.sku_id or line.sku_source_id or line.related_object == "sku":
        source = line.sku_source_id or (line.source_id if line.related_object == "sku" else None)
        return Target("sku", line.sku_id, source, line.product_id, line.product_source_id)
    return Target("product", line.product_id, line.product_source_id or line.source_id)


def _same(target: Target, *ids: str | None) -> bool:
    """Clients give either kind of id in either field."""
    return any(key is not None and (key in (target.id, target.source_id)) for key in ids)


def _targets(entries: Any) -> tuple[Target, ...]:
    if isinstance(entries, Mapping):  # the list envelope of an answer, sent back
        entries = entries.get("data")
    if not isinstance(entries or (), list | tuple):
        raise BadScope("items come in a list")
    return tuple(target(entry) for entry in entries or ())


def target(entry: Any) -> Target:
    """One entry of included, excluded or a rule's `$is`; refuses with BadScope what it can't read or honour."""
    if isinstance(entry, str):
        kind = "sku" if entry.startswith("sku_") else "products_collection" if entry.startswith("pc_") else "product"
        return Target(kind, entry)
    if not isinstance(entry, Mapping) or not (entry.get("id") or entry.get("source_id")):
        raise BadScope("an item needs an id or a source_id")
    for name in TEXTS:
        if not isinstance(entry.get(name), str | None):
            raise BadScope(f"'{name}' is text")
    if not isinstance(entry.get("strict"), bool | None):
        raise BadScope("'strict' is true or false")
    kind = entry.get("object") or "product"
    effect = entry.get("effect") or "APPLY_TO_EVERY"
    if kind not in OBJECTS:
        raise BadScope(f"'{kind}' is not product, sku or products_collection")
    if effect not in EFFECTS:
        raise BadScope(f"'{effect}' is not an effect")
    for name in UNSUPPORTED:
        if entry.get(name) is not None or entry.get(f"{name}_formula") is not None:
            raise BadScope(f"'{name}' is not supported")
    if entry.get("target") not in (None, "ITEM", "UNIT"):
        raise BadScope("'target' is ITEM or UNIT")
    return Target(
        object=kind,
        id=entry.get("id"),
        source_id=entry.get("source_id"),
        product_id=entry.get("product_id"),
        product_source_id=entry.get("product_source_id"),
        effect=effect,
        strict=entry.get("strict"),
        target=entry.get("target"),
        price=_whole_number(entry, "price"),
        quantity_limit=_whole_number(entry, "quantity_limit"),
        aggregated_quantity_limit=_whole_number(entry, "aggregated_quantity_limit"),
        amount_limit=_whole_number(entry, "amount_limit"),
        aggregated_amount_limit=_whole_number(entry, "aggregated_amount_limit"),
        skip_initially=_whole_number(entry, "skip_initially"),
        repeat=_whole_number(entry, "repeat"),
    )


def _whole_number(entry: Mapping[str, Any], name: str) -> int | None:
    value = entry.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value < 0 or value != int(value):
        raise BadScope(f"'{name}' is a whole number of zero or more")
    return int(value)
