"""Says how far the codes of a channel have travelled: authorised, used, and tried where they were not shown."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate

from checkout.code_refusals import LEAK_SESSIONS, LEAK_WITHIN
from checkout.models import Authorization, CodeRefusal
from offers.models import Channel

DAYS = 7
ROWS = 100


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one code on one day."""

    day: date
    code: str
    authorized: int
    used: int
    refused: int
    sessions: int


def report(*, channel: Channel, now: datetime) -> list[Line]:
    """Return a line per day and code of the last days, newest first, bounded; three figures in two statements."""
    since = now - timedelta(days=DAYS)
    shown = Authorization.objects.filter(channel=channel, granted_at__gt=since)
    grants = _by_day(shown, "granted_at").annotate(n=Count("id"), used=Count("id", filter=Q(state="used")))
    tried = _by_day(_refusals(channel, since), "created_at").annotate(
        n=Count("id"), sessions=Count("session_hash", distinct=True, filter=~Q(session_hash=""))
    )
    given: dict[tuple[date, str], Any] = {(row["day"], row["code"]): row for row in grants[:ROWS]}
    refused: dict[tuple[date, str], Any] = {(row["day"], row["code"]): row for row in tried[:ROWS]}
    lines = []
    for key in sorted(given.keys() | refused.keys(), key=lambda one: (-one[0].toordinal(), one[1]))[:ROWS]:
        one, other = given.get(key, {}), refused.get(key, {})
        lines.append(Line(*key, one.get("n", 0), one.get("used", 0), other.get("n", 0), other.get("sessions", 0)))
    return lines


def refused_today(*, channel: Channel, now: datetime) -> int:
    """Return how often a code of the channel was refused in the last 24 hours."""
    return _refusals(channel, now - timedelta(days=1)).count()


def leaked(*, channel: Channel, now: datetime) -> set[str]:
    """Return the codes that more sessions tried within the hour than a handful of friends would."""
    named = _refusals(channel, now - LEAK_WITHIN).exclude(session_hash="")
    rows = named.values("code").annotate(n=Count("session_hash", distinct=True))
    return set(rows.filter(n__gt=LEAK_SESSIONS).values_list("code", flat=True))


def _refusals(channel: Channel, since: datetime) -> QuerySet[CodeRefusal]:
    rows = CodeRefusal.objects.filter(retailer_id=channel.retailer_id, created_at__gt=since)
    return rows.filter(code__startswith=channel.prefix)


def _by_day(rows: QuerySet[Any], field: str) -> QuerySet[Any, dict[str, Any]]:
    days = rows.annotate(day=TruncDate(field, tzinfo=UTC))
    found: QuerySet[Any, dict[str, Any]] = days.values("day", "code").order_by("-day", "code")
    return found
