"""How campaigns and their summaries look on the wire."""

from collections.abc import Iterable
from typing import Any

from checkout.api.common import lists
from checkout.api.voucherify.rule_shapes import assignments_json
from checkout.api.voucherify.tier_shapes import WINDOW, category_json, discount_json, tiers_json
from checkout.campaign_summary import CampaignSummary
from offers import promotions, rules, vouchers
from offers.models import Campaign, RuleAssignment, Voucher

Kind = Campaign.CampaignType
# Figures of a loyalty program for what cards here do not do.
NO_SUCH_POINTS = (
    "points_rewarded",
    "points_expired",
    "points_transferred_out",
    "points_transferred_in",
    *(f"pending_points_{what}" for what in ("added", "subtracted", "activated", "canceled")),
)
CODE_CONFIG = ("length", "charset", "prefix", "postfix", "pattern")


def campaigns_json(rows: Iterable[Campaign]) -> list[dict[str, Any]]:
    """Return campaigns in full, with the tiers of promotions."""
    found = list(rows)
    assignments = rules.of(found)
    return [campaign_json(row, assignments[row.pk]) for row in found]


def campaign_json(campaign: Campaign, assignments: Iterable[RuleAssignment] = ()) -> dict[str, Any]:
    """Return a campaign in full."""
    category = campaign.category
    shown: dict[str, Any] = {
        "id": campaign.public_id,
        "name": campaign.name,
        "description": campaign.description,
        "campaign_type": campaign.campaign_type,
        "type": campaign.type,
        "voucher": None if campaign.campaign_type == Kind.PROMOTION else _voucher(campaign),
        "auto_join": campaign.auto_join,
        "join_once": campaign.join_once,
        "use_voucher_metadata_schema": campaign.use_voucher_metadata_schema,
        **{name: getattr(campaign, name) for name in WINDOW},
        "activity_duration_after_publishing": campaign.activity_duration_after_publishing,
        "timezone": campaign.timezone or None,
        "budget": campaign.budget,
        "vouchers_count": campaign.vouchers_count,
        "active": campaign.active,
        "metadata": campaign.metadata,
        "created_at": campaign.created_at,
        "updated_at": campaign.updated_at,
        "category": category.name if category else None,
        "category_id": category.public_id if category else None,
        "categories": [category_json(category)] if category else [],
        "creation_status": "DONE",
        "vouchers_generation_status": campaign.vouchers_generation_status,
        "protected": False,
        "readonly": False,
        "referral_program": None,
        "loyalty_tiers_expiration": None,
        "object": "campaign",
        "validation_rules_assignments": assignments_json(assignments),
        "access_settings_assignments": lists.envelope("data", [], 0),
    }
    if campaign.campaign_type == Kind.PROMOTION:
        tiers = tiers_json(promotions.of(campaign=campaign))
        shown["promotion"] = lists.envelope("tiers", tiers, len(tiers), has_more=False)
    return shown


def summary_json(campaign: Campaign, summary: CampaignSummary) -> dict[str, Any]:
    """Return what a campaign has brought, with the figures of its type."""
    shown: dict[str, Any] = {
        "object": "campaign_summary",
        "campaign": campaign_json(campaign),
        "redemptions": summary.redemptions_succeeded + summary.redemptions_failed,
        "redemptions_succeeded": summary.redemptions_succeeded,
        "redemptions_failed": summary.redemptions_failed,
        "rollbacks": summary.rollbacks_succeeded + summary.rollbacks_failed,
        "rollbacks_succeeded": summary.rollbacks_succeeded,
        "rollbacks_failed": summary.rollbacks_failed,
        "validations": summary.validations_succeeded + summary.validations_failed,
        "validations_succeeded": summary.validations_succeeded,
        "validations_failed": summary.validations_failed,
        "orders_amount": summary.orders_amount,
        "orders_rolledback_amount": summary.orders_rolledback_amount,
    }
    if campaign.campaign_type != Kind.PROMOTION:
        shown |= {
            "vouchers_created": summary.vouchers_created,
            "vouchers_deleted": summary.vouchers_deleted,
            "publications": 0,
            "publications_succeeded": 0,
            "publications_failed": 0,
        }
    if campaign.campaign_type == Kind.LOYALTY_PROGRAM:
        return shown | {
            "created_vouchers_points": summary.created_amount,
            "points_added": summary.added_amount,
            "points_deleted": summary.deleted_amount,
            "points_redeemed": summary.redeemed_amount,
            "points_rolledback": summary.rolledback_amount,
            "points_subtracted": summary.subtracted_amount,
            **dict.fromkeys(NO_SUCH_POINTS, 0),
        }
    if campaign.campaign_type == Kind.GIFT_VOUCHERS:
        return shown | {
            "created_vouchers_amount": summary.created_amount,
            "amount_added": summary.added_amount,
            "amount_deleted": summary.deleted_amount,
            "amount_redeemed": summary.redeemed_amount,
            "amount_rolledback": summary.rolledback_amount,
            "amount_subtracted": summary.subtracted_amount,
        }
    return shown | {
        "discounted_amount": summary.discounted_amount,
        "rolledback_discounted_amount": summary.rolledback_discounted_amount,
    }


def _voucher(campaign: Campaign) -> dict[str, Any]:
    kind = vouchers.TYPE_OF.get(campaign.campaign_type, Voucher.Type.DISCOUNT)
    gift = {"amount": campaign.gift_amount, "effect": campaign.gift_effect} if kind == Voucher.Type.GIFT else None
    per_customer = {} if campaign.customer_limit is None else {"per_customer": campaign.customer_limit}
    return {
        "type": kind.value,
        "discount": discount_json(campaign.discount),
        "gift": gift,
        "loyalty_card": _loyalty_card(campaign) if kind == Voucher.Type.LOYALTY else None,
        "redemption": {"quantity": campaign.redemption_limit, **per_customer},
        "code_config": {name: campaign.code_config.get(name) for name in CODE_CONFIG},
        "is_referral_code": False,
        **{name: getattr(campaign, name) for name in WINDOW},
    }


def _loyalty_card(campaign: Campaign) -> dict[str, Any]:
    """What a new card begins with; `points_ratio` points pay `exchange_ratio` minor units (the two are ours here)."""
    ratio = campaign.exchange_ratio
    return {
        "points": campaign.gift_amount,
        "expiration_rules": None,
        "exchange_ratio": int(ratio) if ratio == ratio.to_integral_value() else ratio.normalize(),
        "points_ratio": campaign.points_ratio,
    }
