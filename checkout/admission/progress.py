"""How a queue runs: figures of this moment, and what happened in the last ten minutes, from rows and the line."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from checkout.admission import admissions, distributions, line, queue_pace
from checkout.admission.models import Distribution

STEP = 20  # seconds a bar stands for
STEPS = 30

_FIGURES = """
SELECT count(*) FILTER (WHERE state = 'ISSUED' AND expires_at > %(now)s),
       count(*) FILTER (WHERE state = 'CLAIMED' AND expires_at >
                              CASE WHEN payment_started_at IS NULL THEN %(now)s ELSE %(graced)s END),
       count(*) FILTER (WHERE state = 'COMPLETED'),
       count(*) FILTER (WHERE state = 'EXPIRED' OR (state IN ('ISSUED', 'CLAIMED') AND expires_at <=
                              CASE WHEN payment_started_at IS NULL THEN %(now)s ELSE %(graced)s END)),
       count(*), sum(order_amount) FILTER (WHERE state = 'COMPLETED')::bigint, currency
FROM admission_admission WHERE distribution_id = %(distribution)s GROUP BY currency ORDER BY currency
"""
_SERIES = """
SELECT slot, sum(admitted), sum(completed), sum(expired) FROM (
    SELECT floor(extract(epoch FROM issued_at - %(since)s) / %(step)s)::int AS slot, 1 AS admitted, 0 AS completed,
           0 AS expired
    FROM admission_admission WHERE distribution_id = %(distribution)s AND issued_at >= %(since)s
    UNION ALL
    SELECT floor(extract(epoch FROM completed_at - %(since)s) / %(step)s)::int, 0, 1, 0
    FROM admission_admission WHERE distribution_id = %(distribution)s AND completed_at >= %(since)s
    UNION ALL
    SELECT floor(extract(epoch FROM ended_at - %(since)s) / %(step)s)::int, 0, 0, 1
    FROM admission_admission WHERE distribution_id = %(distribution)s AND ended_at >= %(since)s AND state = 'EXPIRED'
) AS happened GROUP BY slot
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the live view shows. `waiting` is None while Redis is away; `revenue`: currency -> what orders came to."""

    state: str
    waiting: int | None
    admitted: int
    completing: int
    completed: int
    expired: int
    total: int
    per_minute: int
    estimate: int | None
    revenue: dict[str, int]
    series: list[dict[str, int]]


def of(*, distribution: Distribution, now: datetime) -> Progress:
    """Return how a distribution runs at this moment."""
    waiting: int | None = None
    per_minute, estimate = 0, None
    if distribution.mechanism == Distribution.Mechanism.QUEUE:
        try:
            shown = queue_pace.serving(distribution=distribution, now=now)
            waiting, per_minute = shown["waiting"], shown["admitted_per_minute"]
            estimate = shown["marks"][-1]["estimated_wait_seconds"] if shown["marks"] else None
        except line.LineUnavailable:
            pass
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, {"distribution": distribution.pk, "now": now, "graced": now - admissions.GRACE})
        rows = cursor.fetchall()
    issued, claimed, completed, expired, total = (sum(row[at] for row in rows) for at in range(5))
    revenue = {row[6]: int(row[5]) for row in rows if row[5] is not None}
    return Progress(
        state=distributions.state_of(distribution, now),
        waiting=waiting,
        admitted=issued,
        completing=claimed,
        completed=completed,
        expired=expired,
        total=total,
        per_minute=per_minute,
        estimate=estimate,
        revenue=revenue,
        series=_series(distribution, now),
    )


def _series(distribution: Distribution, now: datetime) -> list[dict[str, int]]:
    since = now - timedelta(seconds=STEP * STEPS)
    with connection.cursor() as cursor:
        cursor.execute(_SERIES, {"distribution": distribution.pk, "since": since, "step": STEP})
        found: dict[int, Any] = {row[0]: row[1:] for row in cursor.fetchall()}
    return [
        dict(zip(("admitted", "completed", "expired"), map(int, found.get(at, (0, 0, 0))), strict=True))
        for at in range(STEPS)
    ]
