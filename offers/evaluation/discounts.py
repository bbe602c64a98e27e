"""How much an AMOUNT, PERCENT or FIXED discount takes off what is left of the order or of its lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from offers.evaluation.cart import Cart, Off, Plan
from offers.evaluation.context import Discount
from offers.evaluation.scope import Pick, Scope, select
from offers.lib import money

ORDER = "APPLY_TO_ORDER"
ITEMS = "APPLY_TO_ITEMS"
BY_QUANTITY = "APPLY_TO_ITEMS_BY_QUANTITY"
PROPORTIONALLY = "APPLY_TO_ITEMS_PROPORTIONALLY"
PROPORTIONALLY_BY_QUANTITY = "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY"
DEFAULT_UNITS = "ADD_NEW_ITEMS"


def effect_of(discount: Discount, scopes: Sequence[Scope]) -> str:
    """The effect a discount has when it names none: on items when a rule names products, else on the order."""
    if discount.effect:
        return discount.effect
    if discount.type == "UNIT":
        return "ADD_MANY_ITEMS" if len(discount.units) > 1 else DEFAULT_UNITS
    return ITEMS if scopes else ORDER


def plan(discount: Discount, effect: str, scopes: Sequence[Scope], cart: Cart, *, initial: bool, once: bool) -> Plan:
    """What the discount would take off. `initial`: percentages count from the undiscounted amount."""
    if effect == ORDER:
        result = Plan(effect=effect, order_off=_off_order(discount, cart, initial=initial))
        if scopes:
            selection = select(scopes, cart)
            result.applicable_to, result.inapplicable_to = selection.applicable_to, selection.inapplicable_to
        return result
    selection = select(scopes, cart, once=once)
    if effect in (PROPORTIONALLY, PROPORTIONALLY_BY_QUANTITY):
        limit = _smallest(discount.amount_off or 0, discount.aggregated_amount_limit)
        offs = spread(limit, selection.picks, cart, by_units=effect == PROPORTIONALLY_BY_QUANTITY)
    else:
        offs = _off_lines(discount, effect, selection.picks, cart, initial=initial)
    return Plan(
        effect=effect, offs=offs, applicable_to=selection.applicable_to, inapplicable_to=selection.inapplicable_to
    )


def spread(amount: int, picks: Sequence[Pick], cart: Cart, *, by_units: bool = False) -> list[Off]:
    """Divide an amount over the picked lines, in proportion to what is left of each or to its units.

    The parts sum to the amount, or to all the lines can bear if that is less: what a full line can't take goes to
    the others.
    """
    caps = [_smallest(pick.row.worth(pick.units), pick.target.amount_limit if pick.target else None) for pick in picks]
    weights = [pick.units for pick in picks] if by_units else caps
    parts = [0] * len(picks)
    left = min(amount, sum(caps), cart.total)
    while left > 0:
        shares = [weight if part < cap else 0 for weight, part, cap in zip(weights, parts, caps, strict=True)]
        surplus = 0
        for index, share in enumerate(money.split(left, shares)):
            taken = min(share, caps[index] - parts[index])
            parts[index] += taken
            surplus += share - taken
        left = surplus
    return _within_targets([_off(pick, part) for pick, part in zip(picks, parts, strict=True) if part], picks)


def _off_order(discount: Discount, cart: Cart, *, initial: bool) -> int:
    remaining = cart.total
    if discount.type == "FIXED":
        wanted = max(remaining - (discount.fixed_amount or 0), 0)
    elif discount.type == "PERCENT":
        basis = cart.initial_amount if initial else remaining
        wanted = money.percent_of(basis, discount.percent_off or 0)
        wanted = _smallest(wanted, discount.amount_limit, discount.aggregated_amount_limit)
    else:
        wanted = _smallest(discount.amount_off or 0, discount.aggregated_amount_limit)
    return max(min(wanted, remaining), 0)


def _off_lines(discount: Discount, effect: str, picks: list[Pick], cart: Cart, *, initial: bool) -> list[Off]:
    wanted = _per_line(discount, effect, initial=initial)
    of_request = _smallest(cart.total, discount.aggregated_amount_limit)
    of_target: dict[int, int] = {}
    offs = []
    for pick in picks:
        amount = min(wanted(pick), pick.row.worth(pick.units), of_request)
        if discount.type == "PERCENT":
            amount = _smallest(amount, discount.amount_limit)
        target = pick.target
        if target is not None:
            amount = _smallest(amount, target.amount_limit)
            if target.aggregated_amount_limit is not None:
                amount = min(amount, of_target.get(id(target), target.aggregated_amount_limit))
                of_target[id(target)] = of_target.get(id(target), target.aggregated_amount_limit) - amount
        if amount > 0:
            offs.append(_off(pick, amount))
            of_request -= amount
    return offs


def _per_line(discount: Discount, effect: str, *, initial: bool) -> Callable[[Pick], int]:
    """What is wanted off one picked line, before any limit."""
    if discount.type == "AMOUNT":
        off = discount.amount_off or 0
        return (lambda pick: off * pick.units) if effect == BY_QUANTITY else (lambda pick: off)
    if discount.type == "FIXED":
        general = discount.fixed_amount

        def to_fixed(pick: Pick) -> int:
            own = pick.target.price if pick.target is not None else None
            price = general if own is None else own
            return 0 if price is None else pick.row.worth(pick.units) - price * pick.units

        return to_fixed
    percent = discount.percent_off or 0

    def part(pick: Pick) -> int:
        row = pick.row
        basis = row.initial_amount if initial else row.remaining
        quantity = max(row.initial_quantity if initial else row.quantity, 1)
        return money.percent_of(basis, percent, (min(pick.units, quantity), quantity))

    return part


def _off(pick: Pick, amount: int) -> Off:
    """A line counts discounted units only where not all of them are."""
    return Off(pick.row, amount, pick.units if pick.units < pick.row.quantity else 0)


def _within_targets(offs: list[Off], picks: Sequence[Pick]) -> list[Off]:
    """Cut what exceeds a target's aggregated limit, from its later lines."""
    if not any(pick.target is not None and pick.target.aggregated_amount_limit is not None for pick in picks):
        return offs
    targets = {pick.row.index: pick.target for pick in picks}
    left: dict[int, int] = {}
    for off in offs:
        target = targets[off.row.index]
        if target is not None and target.aggregated_amount_limit is not None:
            room = left.get(id(target), target.aggregated_amount_limit)
            off.amount = min(off.amount, room)
            left[id(target)] = room - off.amount
    return [off for off in offs if off.amount]


def _smallest(amount: int, *limits: int | None) -> int:
    for limit in limits:
        if limit is not None and limit < amount:
            amount = limit
    return amount
