"""What the filters of GET /v1/campaigns look at."""

from datetime import datetime

from django.db.models import Case, Q, Value, When

from checkout.api.common import filters
from checkout.api.common.filters import Condition, Field, InvalidQuery
from checkout.api.common.lists import words
from checkout.api.voucherify import status_filters
from offers import vouchers
from offers.models import Campaign

GENERATED = "vouchers_generation_status"
# What a filter on the type of a campaign's codes looks at; a promotion has none.
VOUCHER_TYPE = Case(*[When(campaign_type=kind, then=Value(made.value)) for kind, made in vouchers.TYPE_OF.items()])
TYPES = (*Campaign.Type.values, "BULK")


def day_of_week(condition: Condition, now: datetime) -> Q:
    """Campaigns that work on one of these days (0 is Sunday): by day or by hours of that day, or on every day."""
    if condition.operator not in {"$is", "$in"}:
        raise condition.unknown()
    days = [text.strip() for value in condition.values for text in words(value)]
    if not days or not set(days) <= set("0123456"):
        raise InvalidQuery(f"Filter {condition.field} should be days from 0 (Sunday) to 6 (Saturday)")
    found = Q(validity_day_of_week__overlap=[int(day) for day in days])
    for day in days:
        found |= Q(validity_hours__contains={"daily": [{"days_of_week": [int(day)]}]})
    no_days = Q(validity_day_of_week__isnull=True) | Q(validity_day_of_week=[])
    return found | (no_days & ~_hours_name_days())


def _hours_name_days() -> Q:
    """Hours that hold on some days only, whichever these are."""
    named = Q()
    for day in range(7):
        named |= Q(validity_hours__contains={"daily": [{"days_of_week": [day]}]})
    return Q(validity_hours__isnull=False) & named


def timeframe(condition: Condition, now: datetime) -> Q:
    """Campaigns that recur: with a frame or without, or by when their frames begin to run, which is the start date."""
    if condition.operator in {"$has_value", "$is_unknown"}:
        return filters.condition_q(condition, Field("validity_timeframe"), now=now)
    if condition.operator not in {"$after", "$before", "$more_than", "$less_than"}:
        raise condition.unknown()
    return Q(validity_timeframe__isnull=False) & filters.condition_q(condition, Field("start_date", "moment"), now=now)


def campaign_type(condition: Condition, now: datetime) -> Q:
    """Campaigns by `type`; BULK means the two that have more than one code."""
    kinds = filters.chosen(condition, TYPES)
    if condition.operator in {"$not_in", "$is_not"} and "BULK" not in kinds:
        kinds = [kind for kind in kinds if kind == Campaign.Type.STANDALONE]
    elif "BULK" in kinds and condition.operator in {"$is", "$in"}:
        kinds += [Campaign.Type.AUTO_UPDATE, Campaign.Type.STATIC]
    return Q(type__in=kinds)


FILTERS: dict[str, filters.Target] = {
    "campaigns": "name",
    "campaigns_id": "public_id",
    "name": "name",
    "type": campaign_type,
    "campaign_type": "campaign_type",
    "voucher_type": "voucher_type",
    "is_referral_code": Field("is_referral_code", "boolean"),
    "validity_timeframe": timeframe,
    "validity_day_of_week": day_of_week,
    "campaign_status": GENERATED,
    "status": status_filters.status(GENERATED),
    "active": status_filters.active(GENERATED),
    "categories": "category__name",
    "category_ids": "category__public_id",
    "created_date": Field("created_at", "moment"),
    **{name: Field(name, "moment") for name in ("created_at", "updated_at", "start_date", "expiration_date")},
}
