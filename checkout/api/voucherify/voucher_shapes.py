"""How vouchers, their balances and what moved on them look on the wire."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from checkout.api.voucherify.redemption_shapes import gift_card, loyalty_card
from checkout.api.voucherify.rule_shapes import assignments_json
from checkout.api.voucherify.tier_shapes import WINDOW, category_json, discount_json
from checkout.models import Order
from offers import rules, voucher_figures
from offers.balances import Movement
from offers.models import Campaign, RuleAssignment, Voucher


def vouchers_json(rows: Iterable[Voucher], *, now: datetime) -> list[dict[str, Any]]:
    """Return vouchers in full; a fixed number of statements however many there are."""
    found = list(rows)
    figures, assignments = voucher_figures.of(found, now=now), rules.of(found)
    return [voucher_json(row, figures[row.pk], row.campaign, assignments[row.pk]) for row in found]


def voucher_json(
    voucher: Voucher,
    figures: voucher_figures.Figures,
    campaign: Campaign | None,
    assignments: Iterable[RuleAssignment] = (),
) -> dict[str, Any]:
    """Return a voucher in full; the kinds it is not are null. Reads its category and holder."""
    category, holder = voucher.category, voucher.holder
    is_gift, is_loyalty = voucher.type == Voucher.Type.GIFT, voucher.type == Voucher.Type.LOYALTY
    held = (figures.amount, figures.subtracted, figures.balance)
    discount = None if is_gift or is_loyalty else voucher.discount or (campaign.discount if campaign else None)
    address = f"/v1/vouchers/{quote(voucher.code, safe='')}"
    return {
        "id": voucher.public_id,
        "code": voucher.code,
        "campaign": campaign.name if campaign else None,
        "campaign_id": campaign.public_id if campaign else None,
        "category": category.name if category else None,
        "category_id": category.public_id if category else None,
        "categories": [category_json(category)] if category else [],
        "type": voucher.type,
        "discount": discount_json(discount),
        "gift": gift_card(*held, voucher.gift_effect) if is_gift else None,
        "loyalty_card": loyalty_card(*held) if is_loyalty else None,
        **{name: getattr(voucher, name) for name in WINDOW},
        "active": voucher.active,
        "additional_info": voucher.additional_info,
        "metadata": voucher.metadata,
        "assets": None,
        "is_referral_code": voucher.is_referral_code,
        "created_at": voucher.created_at,
        "updated_at": voucher.updated_at,
        "holder_id": holder.public_id if holder else None,
        "referrer_id": None,
        "object": "voucher",
        "publish": {
            "object": "list",
            "count": voucher.publish_count,
            "url": f"{address}/publications?page=1&limit=10",
        },
        "redemption": {
            "quantity": voucher.redemption_limit,
            **({} if voucher.customer_limit is None else {"per_customer": voucher.customer_limit}),
            "redeemed_quantity": figures.redeemed,
            **({"redeemed_amount": figures.spent} if is_gift else {}),
            **({"redeemed_points": figures.spent} if is_loyalty else {}),
            "object": "list",
            "url": f"{address}/redemptions?page=1&limit=10",
        },
        "validation_rules_assignments": assignments_json(assignments),
    }


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind a movement that nobody made by hand: the order, and the roll-back that refunded it."""

    order: Order | None = None
    rollback_id: str | None = None


def balance_json(voucher: Voucher, amount: int, total: int, balance: int, operation_type: str) -> dict[str, Any]:
    """Return a change of a card: what came or went, all income, and what is left."""
    return {
        "amount": amount,
        "total": total,
        "balance": balance,
        "type": "loyalty_card" if voucher.type == Voucher.Type.LOYALTY else "gift_voucher",
        "operation_type": operation_type,
        "object": "balance",
        "related_object": {"type": "voucher", "id": voucher.public_id},
    }


def movement_json(voucher: Voucher, movement: Movement, behind: Behind) -> dict[str, Any]:
    """Return one transaction of a card."""
    by_hand = movement.redemption_id is None
    operation = "MANUAL" if by_hand else "AUTOMATIC"
    details: dict[str, Any] = {
        "balance": balance_json(voucher, movement.amount, movement.total, movement.balance, operation)
    }
    if not by_hand:
        order = behind.order
        details["order"] = {"id": order.public_id, "source_id": order.source_id} if order else None
        details["redemption"] = {"id": movement.redemption_id}
        if movement.type == "REFUND":
            details["rollback"] = {"id": behind.rollback_id}
    return {
        "id": movement.id,
        "source_id": movement.source_id,
        "voucher_id": voucher.public_id,
        "campaign_id": voucher.campaign.public_id if voucher.campaign else None,
        "source": "API" if by_hand else None,
        "reason": movement.reason,
        "type": f"{'POINTS' if voucher.type == Voucher.Type.LOYALTY else 'CREDITS'}_{movement.type}",
        "details": details,
        "related_transaction_id": movement.related_id,
        "created_at": movement.created_at,
    }
