"""Looks after draws and auctions that have closed: which are not finished, and what each still has to do.

Finished is one that was decided and has nothing left to offer. It is marked, so that the many of the past cost nothing.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from checkout.admission import admissions
from checkout.admission.models import Admission, Distribution
from offers.lib.errors import Refusal

log = logging.getLogger("offerkeep.admission")
KEEP_OFFERING = timedelta(days=2)  # after the decision, for as long as nobody can be admitted in a winner's stead


@dataclass(frozen=True, slots=True)
class Used:
    """What became of a distribution's admissions: open, used for an order, all of them."""

    open: int
    completed: int
    issued: int

    @property
    def kept(self) -> int:
        return self.open + self.completed


def unfinished(mechanism: Distribution.Mechanism, *, now: datetime) -> list[Distribution]:
    """Return the published ones of this mechanism that have closed and may have something to do: one look-up."""
    rows = Distribution.objects.select_related("sequence__experience").filter(
        mechanism=mechanism, mechanism__in=["draw", "auction"], over_at=None, close_at__lte=now, published=True
    )
    return list(rows.order_by("close_at", "id"))


def used(distributions: Iterable[Distribution], *, now: datetime) -> dict[int, Used]:
    """Return how the admissions of these have been used; distribution id -> counts. What has run out is not open."""
    wanted = [row.pk for row in distributions]
    found = dict.fromkeys(wanted, Used(0, 0, 0))
    if wanted:
        rows = Admission.objects.filter(distribution__in=wanted).values("distribution_id")
        is_open = Q(state__in=Admission.OPEN) & ~admissions.over(now)
        is_done = Q(state=Admission.State.COMPLETED)
        counted = rows.annotate(
            open=Count("id", filter=is_open), done=Count("id", filter=is_done), issued=Count("id")
        ).order_by()
        found |= {row["distribution_id"]: Used(row["open"], row["done"], row["issued"]) for row in counted}
    return found


def decide(distribution: Distribution, *, now: datetime) -> None:
    """Mark as drawn, or settled. The caller owns the run, or the standing."""
    distribution.decided_at = now
    distribution.save(update_fields=["decided_at"])


def finish(distribution: Distribution, *, now: datetime) -> None:
    """Mark as finished: nobody holds an admission any more, and nobody will get one."""
    distribution.over_at = now
    distribution.save(update_fields=["over_at"])


def is_stale(distribution: Distribution, *, now: datetime) -> bool:
    """Whether a decided one has offered long enough what it could not give away."""
    return distribution.decided_at is not None and now >= distribution.decided_at + KEEP_OFFERING


def each(rows: Iterable[Distribution], act: Callable[[Distribution], object], *, what: str) -> None:
    """Do something with every distribution; what goes wrong with one is logged, and the next one has its turn."""
    for row in rows:
        try:
            act(row)
        except Refusal as refusal:
            log.warning("%s of %s %s is not done: %s", what, row.mechanism, row.uuid, refusal.code)
        except Exception:
            log.exception("%s of %s %s failed", what, row.mechanism, row.uuid)
