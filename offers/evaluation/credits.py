"""Paying with what a card holds: gift credits and loyalty points."""

from __future__ import annotations

from collections.abc import Sequence

from offers.evaluation import discounts
from offers.evaluation.cart import Cart, Plan
from offers.evaluation.context import Gift, Points
from offers.evaluation.scope import Scope, select


def plan_gift(gift: Gift, scopes: Sequence[Scope], cart: Cart, *, once: bool) -> Plan | None:
    """Credits spent: those asked for, or the whole balance, but never more than there is to pay.

    None when the card pays for items and none in scope has anything left to pay.
    """
    wanted = gift.balance if gift.credits is None else gift.credits
    if gift.effect == discounts.ORDER:
        credits = max(min(wanted, cart.total), 0)
        return Plan(effect=gift.effect, order_off=credits, credits=credits)
    selection = select(scopes, cart, once=once)
    if not any(pick.row.remaining > 0 for pick in selection.picks):
        return None
    offs = discounts.spread(wanted, selection.picks, cart)
    return Plan(
        effect=gift.effect,
        offs=offs,
        applicable_to=selection.applicable_to,
        inapplicable_to=selection.inapplicable_to,
        credits=sum(off.amount for off in offs),
    )


def plan_points(points: Points, cart: Cart) -> Plan:
    """Points spent: those asked for, or all there are, but never more than the order can use at their rate."""
    value, of_value = points.exchange_ratio.as_integer_ratio()
    per, worth = points.points_ratio * of_value, value  # `per` points buy `worth` minor units
    asked = points.balance if points.points is None else points.points
    wanted = min(asked, -(-cart.total * per // worth)) if worth > 0 else 0
    off = min(wanted * worth // per, cart.total)
    return Plan(effect=discounts.ORDER, order_off=max(off, 0), points=max(wanted, 0))
