"""What an evaluation answers: one verdict per redeemable, the reason where it does not apply, the order after each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from offers.evaluation.context import NOTHING, Discount, Line, Redeemable

Status = Literal["APPLICABLE", "INAPPLICABLE", "SKIPPED"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a redeemable does not apply: the stable key of the wire and its text; no HTTP codes here."""

    code: str
    message: str
    details: str = ""  # voucher code, or the sentence naming the violated rules
    data: Mapping[str, Any] = NOTHING  # e.g. {"rules": ["val_1"]}, {"limit": 1, "available": 0}
    rule_error: str | None = None  # text configured in the rule


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the trace. `needed` and `actual` are plain JSON values."""

    name: str  # "active", "expiration", "quantity", or a rule's condition such as "order.amount"
    ok: bool
    needed: Any = None
    actual: Any = None
    rule: str | None = None  # val_ id
    path: str | None = None  # the condition's key inside the rule: "1", "1.2"
    code: str | None = None  # reason key when not ok
    hint: Mapping[str, Any] | None = None  # smallest change that would do: {"order.amount": {"missing": 800}}


@dataclass(frozen=True, slots=True)
class CountLimit:
    """A count this redeemable takes from, for the caller to hold.

    `limit` is the most the count may reach *including* this redemption; None when the rule reads the count but does
    not bound it (a lower bound, an OR branch): then it is to be counted, not limited.
    """

    name: str  # "redemption.count.per_customer", "campaign.orders.amount_discounted", ...
    limit: int | None
    take: int  # 1, or the money this redemption adds


@dataclass(frozen=True, slots=True)
class LineTotals:
    """An order line after a redeemable. Added lines come after the sent ones."""

    line: Line
    index: int  # position in the answer's items
    added: bool
    quantity: int
    initial_quantity: int
    amount: int
    initial_amount: int
    price: int | None
    discount_amount: int  # cumulated, earlier redemptions included
    discount_quantity: int
    applied_discount_amount: int  # of this redeemable alone (in Outcome.order: of this request)
    applied_quantity: int
    applied_discount_quantity: int

    @property
    def subtotal_amount(self) -> int:
        return self.amount - self.discount_amount


@dataclass(frozen=True, slots=True)
class OrderTotals:
    """The order after a redeemable: cumulated totals; `applied_*` of this redeemable alone."""

    amount: int
    initial_amount: int
    discount_amount: int
    items_discount_amount: int
    applied_discount_amount: int
    items_applied_discount_amount: int
    items: tuple[LineTotals, ...] = ()

    @property
    def total_discount_amount(self) -> int:
        return self.discount_amount + self.items_discount_amount

    @property
    def total_amount(self) -> int:
        return self.amount - self.discount_amount - self.items_discount_amount

    @property
    def total_applied_discount_amount(self) -> int:
        return self.applied_discount_amount + self.items_applied_discount_amount


@dataclass(frozen=True, slots=True)
class Target:
    """A row of applicable_to / inapplicable_to: what the discount may touch and which lines that is here."""

    object: str  # product | sku | products_collection
    id: str | None
    source_id: str | None = None
    product_id: str | None = None
    product_source_id: str | None = None
    effect: str = "APPLY_TO_EVERY"
    strict: bool | None = None
    price: int | None = None
    quantity_limit: int | None = None
    aggregated_quantity_limit: int | None = None
    amount_limit: int | None = None
    aggregated_amount_limit: int | None = None
    skip_initially: int | None = None
    repeat: int | None = None
    target: str | None = None  # ITEM | UNIT
    order_item_indices: tuple[int, ...] = ()
    order_item_units: tuple[tuple[int, tuple[int, ...]], ...] = ()  # (line index, unit numbers from 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one redeemable, in applied order."""

    status: Status
    redeemable: Redeemable
    reason: Reason | None = None
    order: OrderTotals | None = None  # only when APPLICABLE
    applicable_to: tuple[Target, ...] = ()
    inapplicable_to: tuple[Target, ...] = ()
    discount: Discount | None = None  # with the effect it really had
    credits: int = 0  # gift credits taken
    gift_balance: int | None = None  # available when this redeemable was applied
    points: int = 0  # loyalty points taken
    discount_amount: int = 0  # money this redeemable takes off, free units included
    limits: tuple[CountLimit, ...] = ()
    trace: tuple[Check, ...] = ()  # complete when Context.explain, else only what failed

    @property
    def applicable(self) -> bool:
        return self.status == "APPLICABLE"

    @property
    def from_card(self) -> int | None:
        """What it takes off a card, credits or points; None where there is no card."""
        if self.redeemable.gift is not None:
            return self.credits
        return None if self.redeemable.points is None else self.points

    @property
    def blocker(self) -> Check | None:
        """The first check that failed, the one the reason speaks of."""
        return next((check for check in self.trace if not check.ok and check.code), None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`order` carries the request's totals (its `applied_*` are the request's); None when there is no order amount,
    or when the outcome is invalid in ALL mode."""

    valid: bool
    verdicts: tuple[Verdict, ...]
    order: OrderTotals | None = None

    @property
    def applicable(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if verdict.status == "APPLICABLE")

    @property
    def inapplicable(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if verdict.status == "INAPPLICABLE")

    @property
    def skipped(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if verdict.status == "SKIPPED")
