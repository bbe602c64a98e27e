"""The end of a queue: what Redis knew of it is written down and forgotten. Everybody's status stays, from the rows."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from checkout.admission import line, queue_log, queue_ticks
from checkout.admission.models import Admission, Distribution, LineState

KEEP = timedelta(days=1)  # after the last moment at which somebody could be admitted


def finished(*, now: datetime) -> list[Distribution]:
    """Return the queues that admit nobody any more, for a day already, and are not forgotten yet."""
    rows = Distribution.objects.filter(mechanism=Distribution.Mechanism.QUEUE, line__forgotten_at=None).filter(
        Q(serve_until__lte=now - KEEP) | Q(serve_until=None, close_at__lte=now - queue_ticks.LONGEST - KEEP),
        line__isnull=False,
        close_at__lte=now - KEEP,
    )
    return list(rows.select_related("sequence__experience").order_by("id"))


def forget(*, distribution: Distribution, now: datetime) -> bool:
    """Copy what is left of the line's log, then drop all of its keys; False where something is still going on.

    A line that was dropped but not marked (we died in between) is refilled by who asks, and dropped the next time.
    """
    queue = distribution.uuid.hex
    while queue_log.copy(distribution=distribution, now=now):
        pass
    with transaction.atomic():
        state = LineState.objects.select_for_update().get(distribution=distribution)
        is_open = Admission.objects.filter(distribution=distribution, state__in=Admission.OPEN).exists()
        if is_open or line.read_log(queue, most=1):
            return False
        state.forgotten_at = now
        state.save(update_fields=["forgotten_at"])
        line.forget(queue)
    return True


def work(*, now: datetime) -> int:
    """Forget every line that is finished; returns how many."""
    return sum(forget(distribution=row, now=now) for row in finished(now=now))
