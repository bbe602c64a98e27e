"""Counts that rules bound ("once per customer", "at most 100 a day"): which counter each is, and its history."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum

from checkout.models import LockSession, Redemption
from offers.configuration import BUDGET_COUNT, BUDGET_RULE, CUSTOMER_LIMIT_RULE
from offers.evaluation.context import Redeemable
from offers.ledger.counters import Name

MONEY = frozenset({"campaign.orders.amount", "campaign.orders.amount_discounted"})
PERIODS = ("daily", "weekly", "monthly")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose counters a redeemable uses: `kind` is "voucher" or "tier"."""

    kind: str
    id: int
    campaign_id: int | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The calendar day, ISO week and month that `now` falls in, in the retailer's zone."""

    day: str
    week: str
    month: str
    starts: Mapping[str, datetime]

    @classmethod
    def at(cls, now: datetime, zone: str) -> "Calendar":
        """Return the calendar of a moment. No zone changes its day within a quarter of an hour of UTC."""
        return cls._at(int(now.timestamp()) // 900, zone)

    @classmethod
    @lru_cache(maxsize=256)
    def _at(cls, quarter: int, zone: str) -> "Calendar":
        now = datetime.fromtimestamp(quarter * 900, UTC)
        local = now.astimezone(ZoneInfo(zone))
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        year, week, weekday = local.isocalendar()
        day, month = f"{local:%Y-%m-%d}", f"{local:%Y-%m}"
        week_name = f"{year}-W{week:02}"
        starts = {day: midnight, week_name: midnight - timedelta(days=weekday - 1), month: midnight.replace(day=1)}
        return cls(day, week_name, month, starts)

    @property
    def periods(self) -> list[str]:
        return ["", self.day, self.week, self.month]

    def period_of(self, count: str) -> str:
        """Return the period a count name such as "redemption.count.daily" is kept for; "" is for ever."""
        suffix = count.rpartition(".")[2]
        return dict(zip(PERIODS, self.periods[1:], strict=True)).get(suffix, "")


def counter_of(
    count: str, owner: Owner, scope: str, *, customer_id: int | None, calendar: Calendar, caller: str
) -> Name | None:
    """Return the counter behind a count, or None when it needs a customer or campaign that is not there.

    `scope` names the rules that ask for the count and their edition: an edited rule counts afresh (see `history`).
    """
    of_campaign = count.startswith("campaign.")
    owner_id = owner.campaign_id if of_campaign else owner.id
    per_customer = "per_customer" in count or "customers_count" in count
    if owner_id is None or (per_customer and customer_id is None):
        return None
    subject = customer_id if per_customer and customer_id else 0
    if scope == BUDGET_RULE:
        return Name(kind="campaign.budget", owner=owner_id)
    if scope == CUSTOMER_LIMIT_RULE:
        return Name(kind=f"{owner.kind}.customer_uses", owner=owner_id, subject=subject)
    by_caller = f":{caller}" if "per_api_key" in count or "per_user" in count else ""
    return Name(
        kind="campaign.rule" if of_campaign else f"{owner.kind}.rule",
        owner=owner_id,
        subject=subject,
        scope=f"{count}:{scope}{by_caller}"[:120],
        period=calendar.period_of(count),
    )


def scopes(redeemable: Redeemable, revisions: Mapping[str, str]) -> dict[str, list[str]]:
    """Return for each count the redeemable's rules read the scopes of the counters to keep for it."""
    asked: dict[str, list[str]] = {}
    editions: dict[str, list[str]] = {}
    for rule in redeemable.rules:
        for need in rule.counts:
            if rule.id in (BUDGET_RULE, CUSTOMER_LIMIT_RULE):
                asked.setdefault(need.name, []).append(rule.id)
            else:
                editions.setdefault(need.name, []).append(f"{rule.id[4:14]}.{revisions.get(rule.id, '')}")
    for name, rules in editions.items():
        asked.setdefault(name, []).append("+".join(rules))
    return asked


def history(count: str, owner: Owner, name: Name, *, calendar: Calendar, caller: str, now: datetime) -> int:
    """Return what was redeemed and is locked for a count, for a counter about to be opened."""
    used = Redemption.objects.filter(kind=Redemption.Kind.REDEMPTION, succeeded=True, rolled_back_at__isnull=True)
    locked = LockSession.objects.filter(state=LockSession.State.LIVE, expires_at__gt=now)
    if name.kind.startswith("campaign."):
        used = used.filter(campaign_id=name.owner)
        locked = locked.filter(campaign_id=name.owner)
    else:
        used = used.filter(**{f"{owner.kind}_id": name.owner})
        locked = locked.filter(object="voucher" if owner.kind == "voucher" else "promotion_tier", object_id=name.owner)
    if name.subject:
        used, locked = used.filter(customer_id=name.subject), locked.filter(customer_id=name.subject)
    if name.period:
        since = calendar.starts[name.period]
        used, locked = used.filter(created_at__gte=since), locked.filter(created_at__gte=since)
    if "per_api_key" in count or "per_user" in count:
        used, locked = used.filter(channel_id=caller), locked.filter(actor=caller)
    return _measure(count, used, locked)


def _measure(count: str, used: QuerySet[Redemption], locked: QuerySet[LockSession]) -> int:
    if count == BUDGET_COUNT:
        return sum(rows.aggregate(sum=Sum("discount_amount"))["sum"] or 0 for rows in (used, locked))
    if count in MONEY:
        return used.filter(~Q(order=None)).aggregate(sum=Sum("order__amount"))["sum"] or 0
    return sum(rows.aggregate(n=Count("id"))["n"] for rows in (used, locked))
