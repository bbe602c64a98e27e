"""A queue's pace: what is the same for all who wait, and about how long it takes."""

from datetime import datetime, timedelta
from typing import Any

from checkout.admission import distributions, estimates, line, line_answers, queue_refills
from checkout.admission.models import Distribution

NOBODY = line_answers.Overview(serving=None, waiting=0, called=0, admitted_lately=0, ticked_at=None)


def serving(*, distribution: Distribution, now: datetime) -> dict[str, Any]:
    """Return what is the same for all who wait, to be kept for a second: number served, pace, people before marks.

    One whose number lies between two marks stands between their `ahead`; the rest of the document tells how long.
    """
    seen = queue_refills.with_line(
        distribution, now, lambda: line.overview(distribution.uuid.hex, now=now), over=NOBODY
    )
    over = _pace_over(distribution, now)
    return {
        "state": distributions.state_of(distribution, now),
        "serving": seen.serving,
        "waiting": seen.waiting,
        "paused": distribution.paused,
        "admitted_per_minute": seen.admitted_lately * 60 // over,
        "near_ahead": line.near(distribution.admission_rate),
        "marks": [
            {
                "number": number,
                "ahead": ahead,
                "estimated_wait_seconds": estimates.wait_seconds(
                    ahead=ahead,
                    admitted=seen.admitted_lately,
                    over_seconds=over,
                    rate=distribution.admission_rate,
                ),
            }
            for number, ahead in seen.marks
        ],
        "server_time": now,
        "ends_at": distribution.close_at,
    }


def wait_of(distribution: Distribution, place: line_answers.Place, now: datetime) -> int | None:
    """Return about how long a place in line has to wait, in seconds."""
    return estimates.wait_seconds(
        ahead=place.ahead,
        admitted=place.admitted_lately,
        over_seconds=_pace_over(distribution, now),
        rate=distribution.admission_rate,
    )


def _pace_over(distribution: Distribution, now: datetime) -> int:
    """Return over how many seconds the pace of late was taken: three minutes, or since the opening."""
    opened = distribution.open_at or distribution.created_at
    return min(line.PACE_SECONDS, max(10, (now - opened) // timedelta(seconds=1)))
