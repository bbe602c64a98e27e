"""One redeemable at its turn: what its rules are tested against."""

from __future__ import annotations

from collections.abc import Mapping

from offers.evaluation.cart import Cart, Plan
from offers.evaluation.context import NOTHING, Context, Redeemable


class Scene:
    """`plan` is None until the discount is worked out; `taken` is what earlier redeemables of the request took from
    the counts this one shares with them."""

    __slots__ = ("cart", "context", "plan", "redeemable", "taken")

    def __init__(
        self, context: Context, redeemable: Redeemable, cart: Cart | None, taken: Mapping[str, int] = NOTHING
    ) -> None:
        self.context = context
        self.redeemable = redeemable
        self.cart = cart
        self.taken = taken
        self.plan: Plan | None = None

    def used(self, name: str) -> int:
        """How far the count has come, without this redeemable."""
        return self.redeemable.usage.get(name, 0) + self.taken.get(name, 0)

    def lacks(self, needs: str | None) -> str | None:
        """The reason key when the request has nothing of the kind a condition reads."""
        if needs is None:
            return None
        if needs == "customer":
            return "missing_customer" if self.context.customer is None else None
        if self.context.order is None:
            return "missing_order"
        if needs == "amount":
            return "missing_amount" if self.cart is None else None
        if needs == "items":
            return "missing_order_items" if self.cart is None or not self.cart.rows else None
        return None
