"""The names a condition may ask about, each with how its value is read and which reason a violation gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from offers.evaluation.operators import Kind
from offers.evaluation.scene import Scene

CUSTOMER, ORDER, REDEMPTION = "customer_rules_violated", "order_rules_violated", "redemption_rules_violated"
PERIODS = ("", ".daily", ".weekly", ".monthly")


@dataclass(frozen=True, slots=True)
class Fact:
    """`late` values exist only once the discount is worked out."""

    code: str
    kind: Kind
    read: Callable[[Scene, str], Any]
    needs: Literal["customer", "order", "amount", "items"] | None = None
    with_property: bool = False
    quantifier: Literal["any", "each"] | None = None  # the value is a list; which of it must satisfy the condition
    late: bool = False
    counted: bool = False  # the caller keeps this count; a redemption adds to it
    take: Callable[[Scene], int] | None = None  # what it adds, where that isn't one


def _metadata(read: Callable[[Scene], Mapping[str, Any] | None]) -> Callable[[Scene, str], Any]:
    return lambda scene, name: (read(scene) or {}).get(name)


def _segments(scene: Scene, _: str) -> frozenset[str]:
    return scene.context.customer.segments if scene.context.customer else frozenset()


def _tiers(scene: Scene, _: str) -> frozenset[str]:
    return scene.context.customer.loyalty_tiers if scene.context.customer else frozenset()


def _cart_total(scene: Scene, _: str) -> Any:
    return scene.cart.total if scene.cart is not None else None


def _initial_amount(scene: Scene, _: str) -> Any:
    return scene.cart.initial_amount if scene.cart is not None else None


def _total_after(scene: Scene, _: str) -> Any:
    if scene.cart is None:
        return None
    plan = scene.plan
    return scene.cart.total + (plan.added - plan.total_off if plan else 0)


def discount_of(scene: Scene) -> int:
    return scene.plan.total_off if scene.plan else 0


def _order_amount(scene: Scene) -> int:
    """An order counts once in a campaign, however many of its redeemables are used on it."""
    if scene.cart is None or "campaign.orders.amount" in scene.taken:
        return 0
    return scene.cart.initial_amount


def _is_holder(scene: Scene, _: str) -> bool:
    customer, holder = scene.context.customer, scene.redeemable.holder_id
    return customer is not None and holder is not None and customer.id == holder


def _line_values(read: Callable[[Any, str], Any]) -> Callable[[Scene, str], list[Any]]:
    return lambda scene, name: [read(row, name) for row in scene.cart.rows] if scene.cart is not None else []


def _count(name: str, take: Callable[[Scene], int] | None = None) -> Callable[[Scene, str], int]:
    """The count as it will be with this redemption."""
    if take is None:
        return lambda scene, _: scene.used(name) + 1
    return lambda scene, _: scene.used(name) + take(scene)


def _counts() -> dict[str, Fact]:
    facts = {}
    for period in PERIODS:
        for name in ("redemption.count", "campaign.redemptions.count"):
            facts[name + period] = Fact(REDEMPTION, "number", _count(name + period), counted=True)
        for name in ("redemption.count.per_api_key", "redemption.count.per_user"):
            facts[name + period] = Fact(REDEMPTION, "number", _count(name + period), counted=True)
        for name in ("redemption.count.per_customer", "campaign.redemptions.customers_count"):
            facts[name + period] = Fact(REDEMPTION, "number", _count(name + period), "customer", counted=True)
    for name, take, late in (
        ("campaign.orders.amount", _order_amount, False),
        ("campaign.orders.amount_discounted", discount_of, True),
    ):
        facts[name] = Fact(REDEMPTION, "number", _count(name, take), late=late, counted=True, take=take)
    return facts


def taken_by(scene: Scene, name: str) -> int:
    """What this redemption adds to a count."""
    take = FACTS[name].take
    return 1 if take is None else take(scene)


FACTS: Mapping[str, Fact] = {
    "customer.segment": Fact(CUSTOMER, "ids", _segments, "customer"),
    "customer.loyalty.tier": Fact(CUSTOMER, "ids", _tiers, "customer"),
    "customer.metadata": Fact(
        CUSTOMER,
        "any",
        _metadata(lambda scene: scene.context.customer.metadata if scene.context.customer else None),
        "customer",
        with_property=True,
    ),
    "publication.redeemable_by_linked_customer": Fact(CUSTOMER, "flag", _is_holder, "customer"),
    "order.amount": Fact(ORDER, "number", _cart_total, "amount"),
    "order.initial_amount": Fact(ORDER, "number", _initial_amount, "amount"),
    "order.total_amount": Fact(ORDER, "number", _total_after, "amount", late=True),
    "order.metadata": Fact(
        ORDER,
        "any",
        _metadata(lambda scene: scene.context.order.metadata if scene.context.order else None),
        "order",
        with_property=True,
    ),
    "order.items.count": Fact(ORDER, "number", lambda scene, _: scene.cart.quantity if scene.cart else None, "items"),
    "order.items.price_any": Fact(
        ORDER, "number", _line_values(lambda row, _: row.unit_price), "items", quantifier="any"
    ),
    "order.items.price_each": Fact(
        ORDER, "number", _line_values(lambda row, _: row.unit_price), "items", quantifier="each"
    ),
    "order.items.metadata_any": Fact(
        ORDER,
        "any",
        _line_values(lambda row, name: row.line.metadata.get(name)),
        "items",
        with_property=True,
        quantifier="any",
    ),
    "order.items.metadata_each": Fact(
        ORDER,
        "any",
        _line_values(lambda row, name: row.line.metadata.get(name)),
        "items",
        with_property=True,
        quantifier="each",
    ),
    "redemption.metadata": Fact(REDEMPTION, "any", _metadata(lambda scene: scene.context.metadata), with_property=True),
    "redemption.gift.amount": Fact(
        REDEMPTION, "number", lambda scene, _: scene.plan.credits if scene.plan else None, late=True
    ),
    "redemption.reward.pay_with_points.points_used": Fact(
        REDEMPTION, "number", lambda scene, _: scene.plan.points if scene.plan else None, late=True
    ),
    "redemption.api_key": Fact(REDEMPTION, "text", lambda scene, _: scene.context.api_key_id),
    "redemption.user.login": Fact(REDEMPTION, "text", lambda scene, _: scene.context.user_login),
    # Belongs to earning rules and distributions; no redemption carries an event, so here it never holds.
    "custom_event.metadata": Fact(REDEMPTION, "any", lambda scene, _: None, with_property=True),
    **_counts(),
}

CAMPAIGN_COUNTS = tuple(name for name, fact in FACTS.items() if fact.counted and name.startswith("campaign."))
