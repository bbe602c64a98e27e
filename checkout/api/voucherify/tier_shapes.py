"""How promotion tiers look on the wire."""

from collections.abc import Iterable, Mapping
from typing import Any

from checkout import tier_summary
from checkout.api.voucherify.rule_shapes import assignments_json
from checkout.tier_summary import TierSummary
from offers import rules
from offers.models import Campaign, Category, PromotionTier, RuleAssignment

WINDOW = ("start_date", "expiration_date", "validity_timeframe", "validity_day_of_week", "validity_hours")


def tiers_json(tiers: Iterable[PromotionTier]) -> list[dict[str, Any]]:
    """Return tiers in full; a fixed number of statements however many there are."""
    rows = list(tiers)
    summaries, assignments = tier_summary.of(rows), rules.of(rows)
    return [tier_json(row, summaries[row.pk], assignments[row.pk]) for row in rows]


def tier_json(tier: PromotionTier, summary: TierSummary, assignments: Iterable[RuleAssignment]) -> dict[str, Any]:
    """Return a tier in full."""
    return {
        **tier_head(tier),
        "summary": {
            "redemptions": {"total_redeemed": summary.total_redeemed},
            "orders": {
                "total_amount": summary.orders_amount,
                "total_discount_amount": summary.discount_amount,
            },
        },
        "validation_rule_assignments": assignments_json(assignments),
    }


def tier_head(tier: PromotionTier) -> dict[str, Any]:
    """Return what a tier says of itself, without what it was used for. Reads its category and campaign."""
    return {
        "id": tier.public_id,
        "created_at": tier.created_at,
        "updated_at": tier.updated_at,
        "name": tier.name,
        "banner": tier.banner,
        "action": {"discount": discount_json(tier.discount)},
        "metadata": tier.metadata,
        "hierarchy": tier.hierarchy,
        "promotion_id": tier.campaign.public_id,
        "campaign": _campaign(tier.campaign),
        "campaign_id": tier.campaign.public_id,
        "active": tier.active,
        **{name: getattr(tier, name) for name in WINDOW},
        "object": "promotion_tier",
        "category_id": tier.category.public_id if tier.category else None,
        "categories": [category_json(tier.category)] if tier.category else [],
    }


def discount_json(stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a discount as answers have it, if there is one; none here depends on a formula."""
    return {**stored, "is_dynamic": False} if stored else None


def category_json(category: Category) -> dict[str, Any]:
    """Return a category."""
    return {
        "id": category.public_id,
        "name": category.name,
        "hierarchy": category.hierarchy,
        "object": "category",
        "created_at": category.created_at,
        "updated_at": category.updated_at,
    }


def _campaign(campaign: Campaign) -> dict[str, Any]:
    return {
        "id": campaign.public_id,
        "name": campaign.name,
        **{name: getattr(campaign, name) for name in WINDOW},
        "active": campaign.active,
        "category_id": campaign.category.public_id if campaign.category else None,
        "object": "campaign",
    }
