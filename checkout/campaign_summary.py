"""What a campaign has brought: redemptions, roll-backs, validations, orders and money, in all or between two days."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, Q, Sum

from checkout.models import Redemption, Validation
from offers import vouchers
from offers.models import Campaign, Voucher

ALWAYS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSummary:
    """Counts, and amounts in cents; those of loyalty cards, but not of their orders, in points.

    Redeemed and discounted amounts are not reduced by what was rolled back.
    """

    redemptions_succeeded: int = 0
    redemptions_failed: int = 0
    rollbacks_succeeded: int = 0
    rollbacks_failed: int = 0
    validations_succeeded: int = 0
    validations_failed: int = 0
    orders_amount: int = 0
    orders_rolledback_amount: int = 0
    discounted_amount: int = 0
    rolledback_discounted_amount: int = 0
    redeemed_amount: int = 0
    rolledback_amount: int = 0
    vouchers_created: int = 0
    vouchers_deleted: int = 0
    created_amount: int = 0
    deleted_amount: int = 0
    added_amount: int = 0
    subtracted_amount: int = 0


class _Sql:
    by_hand: ClassVar[str] = """
SELECT coalesce(sum(e.delta) FILTER (WHERE e.kind = 'grant'), 0),
       coalesce(-sum(e.delta) FILTER (WHERE e.kind = 'withdraw'), 0)
FROM offers_voucher v
JOIN ledger_counter c ON c.owner = v.id AND c.kind = 'voucher.credits'
JOIN ledger_entry e ON e.counter_id = c.id AND e.reference <> 'open'
WHERE v.campaign_id = %s AND e.created_at >= %s AND e.created_at < %s
"""
    deleted: ClassVar[str] = """
SELECT coalesce(sum(coalesce(c.granted - ledger_settled(c.id), v.gift_amount)), 0)
FROM offers_voucher v LEFT JOIN ledger_counter c ON c.owner = v.id AND c.kind = 'voucher.credits'
WHERE v.campaign_id = %s AND v.deleted_at >= %s AND v.deleted_at < %s
"""


def of(campaign: Campaign, *, first: date | None = None, last: date | None = None) -> CampaignSummary:
    """Return the summary of the days from `first` to `last`, both counted in, in the campaign's time zone."""
    since, until = _moments(campaign, first, last)
    found = _redemptions(campaign, since, until) | _validations(campaign, since, until)
    found |= _vouchers(campaign, since, until)
    if campaign.campaign_type in vouchers.CARD_CAMPAIGNS:
        found |= _credits(campaign, since, until)
    return CampaignSummary(**{name: int(value or 0) for name, value in found.items()})


def _moments(campaign: Campaign, first: date | None, last: date | None) -> tuple[datetime, datetime]:
    zone = ZoneInfo(campaign.timezone or campaign.retailer.timezone)
    since = datetime.combine(first, time(), zone) if first else ALWAYS[0]
    until = datetime.combine(last + timedelta(days=1), time(), zone) if last else ALWAYS[1]
    return since, until


def _redemptions(campaign: Campaign, since: datetime, until: datetime) -> dict[str, Any]:
    rows = Redemption.objects.filter(campaign=campaign, created_at__gte=since, created_at__lt=until)
    used = Q(kind=Redemption.Kind.REDEMPTION, succeeded=True)
    back = Q(kind=Redemption.Kind.ROLLBACK, succeeded=True)
    return rows.aggregate(
        redemptions_succeeded=Count("pk", filter=used),
        redemptions_failed=Count("pk", filter=Q(kind=Redemption.Kind.REDEMPTION, succeeded=False)),
        rollbacks_succeeded=Count("pk", filter=back),
        rollbacks_failed=Count("pk", filter=Q(kind=Redemption.Kind.ROLLBACK, succeeded=False)),
        orders_amount=Sum("order__amount", filter=used),
        orders_rolledback_amount=Sum("rolls_back__order__amount", filter=back),
        discounted_amount=Sum("discount_amount", filter=used),
        rolledback_discounted_amount=Sum("rolls_back__discount_amount", filter=back),
        redeemed_amount=Sum("amount", filter=used),
        rolledback_amount=Sum("rolls_back__amount", filter=back),
    )


def _validations(campaign: Campaign, since: datetime, until: datetime) -> dict[str, Any]:
    rows = Validation.objects.filter(
        retailer_id=campaign.retailer_id,
        campaign_ids__contains=[campaign.pk],
        created_at__gte=since,
        created_at__lt=until,
    )
    return rows.aggregate(
        validations_succeeded=Count("pk", filter=Q(valid=True)),
        validations_failed=Count("pk", filter=Q(valid=False)),
    )


def _vouchers(campaign: Campaign, since: datetime, until: datetime) -> dict[str, Any]:
    made = Q(created_at__gte=since, created_at__lt=until)
    return Voucher.objects.filter(campaign=campaign).aggregate(
        vouchers_created=Count("pk", filter=made),
        vouchers_deleted=Count("pk", filter=Q(deleted_at__gte=since, deleted_at__lt=until)),
        created_amount=Sum("gift_amount", filter=made),
    )


def _credits(campaign: Campaign, since: datetime, until: datetime) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(_Sql.by_hand, [campaign.pk, since, until])
        added, subtracted = cursor.fetchone()
        cursor.execute(_Sql.deleted, [campaign.pk, since, until])
        (deleted,) = cursor.fetchone()
    return {"added_amount": added, "subtracted_amount": subtracted, "deleted_amount": deleted}
