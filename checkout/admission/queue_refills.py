"""An emptied Redis: the line is filled again from what PostgreSQL knows, by whoever finds it empty."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.db import transaction

from checkout.admission import line, line_answers
from checkout.admission.models import Distribution, Entry, LineState

T = TypeVar("T")
OVER = line_answers.Place("over")


def with_line(distribution: Distribution, now: datetime, work: Callable[[], T], *, over: T) -> T:
    """Do something with the line, refilling it first where Redis was emptied; `over` answers for a finished one."""
    for _ in range(3):
        try:
            return work()
        except line.LineEmptied:
            if not refill(distribution=distribution, now=now):
                return over
    raise line.LineUnavailable()


def refill(*, distribution: Distribution, now: datetime) -> bool:
    """Fill the line from PostgreSQL: who is QUEUED, in order; numbers go on behind all that were ever leased.

    Who entered in the last moment and was not copied yet comes back with his signed ticket. False, and nothing is done,
    for a line that was forgotten (queue_ends). Owns the line's row: of many who find it empty one fills it.
    """
    with transaction.atomic():
        LineState.objects.get_or_create(distribution=distribution)
        state = LineState.objects.select_for_update().get(distribution=distribution)
        if state.forgotten_at is not None:
            return False
        if line.is_there(distribution.uuid.hex):
            return True
        rows = Entry.objects.filter(distribution=distribution)
        waiting = (
            rows.filter(state=Entry.State.QUEUED).order_by("number").values_list("consumer_id", "number", "entered_at")
        )
        last = rows.filter(admitted_at__isnull=False).order_by("-number").values_list("number", flat=True).first()
        line.restore(
            distribution.uuid.hex,
            people=waiting.iterator(chunk_size=5000),
            last_number=state.leased,
            serving=last,
            now=now,
        )
    return True


def look(distribution: Distribution, consumer_id: int, now: datetime) -> line_answers.Place:
    """Return the place of a consumer in the line, noting that he is there; state `over` in one that was forgotten."""
    return with_line(
        distribution, now, lambda: line.look(distribution.uuid.hex, consumer=consumer_id, now=now), over=OVER
    )
