"""What the filters of GET /v1/redemptions look at.

Those on a code, a voucher, a campaign or a customer look that up first (`$is`, `$in`): its redemptions then are found
along an index, however many others there are.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from checkout.api.common import filters
from checkout.api.common.filters import Condition, Field, Judge, Target
from checkout.models import Redemption
from offers.models import Campaign, Customer, PromotionTier, Voucher

EXACT = frozenset({"$is", "$in"})
NAMES = (
    "voucher_code",
    "related_object_id",
    "related_object_parent_id",
    "parent_redemption_id",
    "failure_code",
    "result",
    "object",
    "customer_id",
    "campaign_name",
    "user_login",
)
RESULTS = {"SUCCESS": True, "FAILURE": False}
_NO_TARGET = Q(voucher__isnull=True, tier__isnull=True)


def of(retailer_id: int) -> Mapping[str, Target]:
    """Return what each filter of a retailer's history means."""
    vouchers = Voucher.objects.filter(retailer_id=retailer_id)
    campaigns = Campaign.objects.filter(retailer_id=retailer_id)
    customers = Customer.objects.filter(retailer_id=retailer_id)
    stacks = Redemption.objects.filter(retailer_id=retailer_id)
    return {
        "voucher_code": _code(vouchers),
        "related_object_id": _related(vouchers, stacks),
        "related_object_parent_id": _along("campaign", campaigns, "public_id"),
        "parent_redemption_id": _along("parent", stacks, "public_id"),
        "failure_code": Field("failure_code", blank=True),
        "result": _result,
        "object": "kind",
        "customer_id": _along("customer", customers, "public_id"),
        "campaign_name": _along("campaign", campaigns, "name"),
        "user_login": Field("channel_id", blank=True),
    }


def results(texts: tuple[str, ...]) -> bool | None:
    """Return which of the two results the query parameter `result` asks for, None for both."""
    if not set(texts) <= set(RESULTS):
        raise filters.InvalidQuery("Query parameter result should be SUCCESS or FAILURE")
    wanted = {RESULTS[text] for text in texts}
    return None if len(wanted) > 1 else wanted.pop()


def _result(condition: Condition, now: datetime) -> Q:
    return Q(succeeded__in=[RESULTS[name] for name in filters.chosen(condition, tuple(RESULTS))])


def _keys(rows: QuerySet[Any], name: str, condition: Condition) -> list[int]:
    return list(rows.filter(**{f"{name}__in": condition.values}).values_list("pk", flat=True))


def _along(path: str, rows: QuerySet[Any], name: str) -> Judge:
    """A field of what a row points at: the few meant exactly are looked up first."""

    def judge(condition: Condition, now: datetime) -> Q:
        if condition.operator in EXACT:
            return Q(**{f"{path}_id__in": _keys(rows, name, condition)})
        return filters.condition_q(condition, Field(f"{path}__{name}"), now=now)

    return judge


def _code(vouchers: QuerySet[Voucher]) -> Judge:
    """The code as it was asked for, also one that nobody has; a promotion tier has none."""

    def judge(condition: Condition, now: datetime) -> Q:
        if condition.operator in EXACT:
            unknown = _NO_TARGET & Q(code__in=[value for value in condition.values if value])
            return Q(voucher_id__in=_keys(vouchers, "code", condition)) | unknown
        code = filters.condition_q(condition, Field("code", blank=True), now=now)
        if condition.operator in {"$is_unknown", "$is_not", "$not_in", "$not_contain"}:
            return code | Q(tier__isnull=False)
        return code & Q(tier__isnull=True)

    return judge


def _related(vouchers: QuerySet[Voucher], stacks: QuerySet[Redemption]) -> Judge:
    """What was redeemed: a voucher or a tier; of a stack the redemption itself, of an unknown code that code."""

    def judge(condition: Condition, now: datetime) -> Q:
        if condition.operator in {"$has_value", "$is_unknown"}:
            return Q() if condition.operator == "$has_value" else Q(pk__in=[])
        if condition.operator in EXACT:
            of_stack = _keys(stacks.filter(_NO_TARGET, code=""), "public_id", condition)
            return (
                Q(voucher_id__in=_keys(vouchers, "public_id", condition))
                | Q(tier_id__in=_keys(PromotionTier.objects.all(), "public_id", condition))
                | _NO_TARGET & Q(code__in=[value for value in condition.values if value])
                | Q(pk__in=of_stack, rolls_back__isnull=True)
                | Q(rolls_back_id__in=of_stack)
            )
        denied = condition.operator in {"$is_not", "$not_in", "$not_contain"}
        asked = Condition(condition.field, _AFFIRMED.get(condition.operator, condition.operator), condition.values)
        code, undone = Q(code=""), Q(rolls_back__isnull=False)
        found = (
            _matches(asked, "voucher__public_id", now)
            | _matches(asked, "tier__public_id", now)
            | _NO_TARGET & ~code & _matches(asked, "code", now)
            | _NO_TARGET & code & ~undone & _matches(asked, "public_id", now)
            | _NO_TARGET & code & undone & _matches(asked, "rolls_back__public_id", now)
        )
        return ~found if denied else found

    return judge


_AFFIRMED = {"$is_not": "$is", "$not_in": "$in", "$not_contain": "$contains"}


def _matches(condition: Condition, path: str, now: datetime) -> Q:
    return filters.condition_q(condition, Field(path), now=now)
