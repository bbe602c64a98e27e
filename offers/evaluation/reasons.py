"""Every reason an evaluation gives for not applying a redeemable, with the text of the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from offers.evaluation.context import NOTHING, Redeemable
from offers.evaluation.verdicts import Reason

MESSAGES = {
    # INAPPLICABLE
    "not_found": "Resource not found",
    "code_not_authorized": "This code is not available for this visit",
    "voucher_disabled": "voucher is disabled",
    "voucher_not_active": "voucher is not active",
    "voucher_expired": "voucher expired",
    "voucher_not_active_now": "voucher not active now",
    "promotion_inactive": "Inactive Promotion",
    "promotion_not_active_now": "promotion not active now",
    "quantity_exceeded": "quantity exceeded",
    "gift_amount_exceeded": "gift amount exceeded",
    "loyalty_card_points_exceeded": "loyalty card points exceeded",
    "customer_rules_violated": "customer does not match validation rules",
    "order_rules_violated": "order does not match validation rules",
    "redemption_rules_violated": "redemption does not match validation rules",
    "referrer_not_permitted_to_redeem": "voucher cannot be redeemed by referrer",
    "missing_order": "Missing order",
    "missing_amount": "Missing amount",
    "missing_order_items": "Missing order items",
    "missing_order_items_amount": "Missing order items amount",
    "missing_customer": "Missing customer",
    "missing_reward": "Missing reward",
    "invalid_gift": "Invalid gift",
    # SKIPPED
    "preceding_validation_failed": "Redeemable cannot be applied due to preceding validation failure",
    "applicable_redeemables_limit_exceeded": "Applicable redeemables limit exceeded",
    "applicable_redeemables_per_category_limit_exceeded": "Applicable redeemables limit per category exceeded",
    "applicable_exclusive_redeemables_limit_exceeded": "Applicable exclusive redeemables limit exceeded",
    "applicable_exclusive_redeemables_per_category_limit_exceeded": (
        "Applicable exclusive redeemables limit per category exceeded"
    ),
    "exclusion_rules_not_met": "Redeemable cannot be applied due to exclusion rules",
    "no_effect": "Redeemable cannot be applied due to no effect",
}

DETAILS = {
    "missing_order": "Order is required to validate rules",
    "missing_amount": "Order amount is required to validate rules",
    "missing_order_items": "Order items are required",
    "missing_order_items_amount": "No order item in scope has an amount left",
    "missing_customer": "Customer is required to validate rules",
    "missing_reward": "Reward is required when redeeming a LOYALTY_CARD",
}


def because(
    code: str, redeemable: Redeemable, data: Mapping[str, Any] = NOTHING, *, details: str | None = None
) -> Reason:
    """The reason for this redeemable; details default to the code the client knows it by."""
    if details is None and code == "not_found":
        details = f"Cannot find {redeemable.object.replace('_', ' ')} with id {redeemable.id}"
    elif details is None:
        details = DETAILS.get(code) or redeemable.code or redeemable.id
    return Reason(code, MESSAGES[code], details, data)


def violated(code: str, redeemable: Redeemable, rule_id: str, rule_error: str | None) -> Reason:
    """A validation rule said no, with the message its author configured, if any."""
    kind = "promotion tier" if redeemable.object == "promotion_tier" else "voucher"
    details = DETAILS.get(code) or f"{kind} cannot be redeemed because of violated validation rules: {rule_id}"
    return Reason(code, MESSAGES[code], details, {"rules": [rule_id]}, rule_error)
