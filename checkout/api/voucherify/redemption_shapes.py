"""Redemptions, rollbacks and their orders as the wire shows them, freshly made or read from history."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import quote

from checkout.api.voucherify.tier_shapes import category_json, discount_json, tier_head
from checkout.models import Order, Redemption
from checkout.redemption_plan import NewOrder, NewRedemption
from checkout.redemption_write import Figures
from offers.models import Category, PromotionTier

GIFT, LOYALTY = "GIFT_VOUCHER", "LOYALTY_CARD"
NO_FIGURES: Mapping[str, Figures] = MappingProxyType({})


class AnyVoucher(Protocol):
    """A voucher as a model row or as the hot read brings it."""

    @property
    def id(self) -> int: ...
    @property
    def public_id(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def active(self) -> bool: ...
    @property
    def discount(self) -> Any: ...
    @property
    def gift_amount(self) -> int | None: ...
    @property
    def gift_effect(self) -> str: ...
    @property
    def redemption_limit(self) -> int | None: ...
    @property
    def metadata(self) -> Any: ...
    @property
    def is_referral_code(self) -> bool: ...
    @property
    def additional_info(self) -> str | None: ...
    @property
    def start_date(self) -> Any: ...
    @property
    def expiration_date(self) -> Any: ...
    @property
    def created_at(self) -> Any: ...
    @property
    def updated_at(self) -> Any: ...
    @property
    def validity_timeframe(self) -> Any: ...
    @property
    def validity_day_of_week(self) -> Any: ...
    @property
    def validity_hours(self) -> Any: ...
    @property
    def publish_count(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Campaign:
    """What a redemption shows of the campaign."""

    public_id: str
    name: str
    discount: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Customer:
    """What a redemption shows of the customer."""

    public_id: str
    source_id: str | None
    name: str | None
    email: str | None
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The objects around one redemption row."""

    customer: Customer | None = None
    voucher: AnyVoucher | None = None
    campaign: Campaign | None = None
    category: Category | None = None
    tier: PromotionTier | None = None
    order: Order | NewOrder | None = None
    order_owner: Customer | None = None
    holder_id: str | None = None
    figures: Mapping[str, Figures] = field(default_factory=lambda: NO_FIGURES)
    parent_id: str | None = None
    rolls_back_id: str | None = None
    rollbacks: tuple[Redemption, ...] = ()


def redemption(row: Redemption | NewRedemption, parts: Parts) -> dict[str, Any]:
    """Return a redemption or, for a row of that kind, a rollback."""
    shown: dict[str, Any] = {
        "id": row.public_id,
        "object": row.kind,
        "date": row.created_at,
        "customer_id": parts.customer.public_id if parts.customer else None,
        "tracking_id": row.tracking_id,
        "metadata": row.metadata,
    }
    if row.amount is not None:
        shown["amount"] = row.amount
    shown |= _outcome(row, parts)
    shown["order"] = _order_of(row, parts)
    shown["channel"] = {"channel_id": row.channel_id, "channel_type": row.channel_type}
    shown["customer"] = customer(parts.customer)
    shown |= _related(row, parts)
    return shown | _of_card(row, parts)


def _of_card(row: Redemption | NewRedemption, parts: Parts) -> dict[str, Any]:
    if row.amount is None:
        return {}
    if parts.voucher is None or parts.voucher.type != LOYALTY:
        return {"gift": {"amount": row.amount}}
    reward = row.detail.get("reward")
    bought = {"reward": {"id": reward, "object": "reward", "type": "COIN"}} if reward else {}
    return {**bought, "loyalty_card": {"points": row.amount}}


def _outcome(row: Redemption | NewRedemption, parts: Parts) -> dict[str, Any]:
    result = "SUCCESS" if row.succeeded else "FAILURE"
    if row.kind == Redemption.Kind.ROLLBACK:
        status = "SUCCEEDED" if row.succeeded else "FAILED"
        shown: dict[str, Any] = {
            "redemption": parts.rolls_back_id,
            "reason": row.reason or None,
            "result": result,
            "status": status,
        }
    else:
        status = "ROLLED_BACK" if row.rolled_back_at else "SUCCEEDED" if row.succeeded else "FAILED"
        shown = {"redemption": parts.parent_id, "result": result, "status": status}
        if row.session_key:
            shown["session"] = {"key": row.session_key, "type": "LOCK"}
        undone = [{"id": one.public_id, "date": one.created_at} for one in parts.rollbacks if one.succeeded]
        if undone:
            shown["related_redemptions"] = {"rollbacks": undone}
    if row.failure_code:
        shown |= {"failure_code": row.failure_code, "failure_message": row.failure_message}
    return shown


def _order_of(row: Redemption | NewRedemption, parts: Parts) -> dict[str, Any] | None:
    if parts.order is None:
        return None
    identity = order_identity(parts.order, parts.order_owner)
    if row.kind == Redemption.Kind.ROLLBACK:
        return {**identity, **order_amounts(parts.order)}
    calculated = row.detail.get("order") or order_amounts(parts.order)
    return {**identity, **calculated}


def _related(row: Redemption | NewRedemption, parts: Parts) -> dict[str, Any]:
    if parts.voucher is not None:
        return {
            "related_object_type": "voucher",
            "related_object_id": parts.voucher.public_id,
            "related_object_parent_id": parts.campaign.public_id if parts.campaign else None,
            "voucher": voucher(parts),
        }
    if parts.tier is not None:
        return {
            "related_object_type": "promotion_tier",
            "related_object_id": parts.tier.public_id,
            "related_object_parent_id": parts.campaign.public_id if parts.campaign else None,
            "promotion_tier": tier_head(parts.tier),
        }
    if row.code:
        return {"related_object_type": "voucher", "related_object_id": row.code}
    return {"related_object_type": "redemption", "related_object_id": parts.rolls_back_id or row.public_id}


def voucher(parts: Parts) -> dict[str, Any]:
    """Return the voucher as it stands after the redemption."""
    row, campaign, category, figures = parts.voucher, parts.campaign, parts.category, parts.figures
    assert row is not None, "asked only of a redemption of a voucher"
    address = f"/v1/vouchers/{quote(row.code, safe='')}"
    uses = figures.get("voucher.uses")
    redeemed = uses.settled if uses else 0
    shown: dict[str, Any] = {
        "id": row.public_id,
        "code": row.code,
        "object": "voucher",
        "discount": discount_json(row.discount or (campaign.discount if campaign else None)),
        "gift": None,
        "loyalty_card": None,
        "type": row.type,
        "campaign": campaign.name if campaign else None,
        "campaign_id": campaign.public_id if campaign else None,
        "category": category.name if category else None,
        "category_id": category.public_id if category else None,
        "categories": [category_json(category)] if category else [],
        "is_referral_code": row.is_referral_code,
        "holder_id": parts.holder_id,
        "referrer_id": None,
        "start_date": row.start_date,
        "expiration_date": row.expiration_date,
        "validity_timeframe": row.validity_timeframe,
        "validity_day_of_week": row.validity_day_of_week,
        "validity_hours": row.validity_hours,
        "active": row.active,
        "additional_info": row.additional_info,
        "metadata": row.metadata,
        "assets": None,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "publish": {"object": "list", "count": row.publish_count, "url": f"{address}/publications?page=1&limit=10"},
        "redemption": {
            "quantity": row.redemption_limit,
            "redeemed_quantity": redeemed,
            "object": "list",
            "url": f"{address}/redemptions?page=1&limit=10",
        },
    }
    if row.type in (GIFT, LOYALTY):
        shown["discount"] = None
        card = figures.get("voucher.credits")
        granted = (card.granted if card else row.gift_amount) or 0
        withdrawn, used = (card.withdrawn, card.settled) if card else (0, 0)
        if row.type == GIFT:
            shown["gift"] = gift_card(granted + withdrawn, withdrawn, granted - used, row.gift_effect)
            shown["redemption"]["redeemed_amount"] = used
        else:
            shown["loyalty_card"] = loyalty_card(granted + withdrawn, withdrawn, granted - used)
            shown["redemption"]["redeemed_points"] = used
    return shown


def gift_card(amount: int, subtracted: int, balance: int, effect: str) -> dict[str, Any]:
    """Return a gift card: cents it ever got, those taken off by hand, those left, and what they are spent on."""
    return {"amount": amount, "subtracted_amount": subtracted, "balance": balance, "effect": effect}


def loyalty_card(points: int, subtracted: int, balance: int) -> dict[str, Any]:
    """Return a loyalty card: points it ever got, those taken off by hand, those left. None of them expire or wait."""
    return {
        "points": points,
        "balance": balance,
        "next_expiration_date": None,
        "next_expiration_points": None,
        "pending_points": 0,
        "expired_points": 0,
        "subtracted_points": subtracted,
    }


def customer(value: Customer | None) -> dict[str, Any] | None:
    """Return the customer as a redemption shows it."""
    if value is None:
        return None
    return {
        "id": value.public_id,
        "name": value.name,
        "email": value.email,
        "source_id": value.source_id,
        "metadata": dict(value.metadata),
        "object": "customer",
    }


def order_identity(order: Order | NewOrder, owner: Customer | None) -> dict[str, Any]:
    """Return what an order is, without its amounts."""
    return {
        "id": order.public_id,
        "source_id": order.source_id,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "status": order.status,
        "customer": {"id": owner.public_id, "object": "customer"} if owner else None,
        "customer_id": owner.public_id if owner else None,
        "referrer": {"id": order.referrer_id, "object": "customer"} if order.referrer_id else None,
        "referrer_id": order.referrer_id,
        "metadata": order.metadata,
        "object": "order",
    }


def order_amounts(order: Order | NewOrder) -> dict[str, Any]:
    """Return the amounts an order has now; discounts it does not have are left out."""
    shown: dict[str, Any] = {"amount": order.amount}
    if order.items and order.initial_amount is not None:
        shown["initial_amount"] = order.initial_amount
    if order.discount_amount:
        shown["discount_amount"] = order.discount_amount
    if order.items_discount_amount:
        shown["items_discount_amount"] = order.items_discount_amount
    if order.total_discount_amount:
        shown["total_discount_amount"] = order.total_discount_amount
    shown["total_amount"] = order.total_amount
    if order.items:
        shown["items"] = order.items
    return shown
