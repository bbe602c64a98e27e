"""An emptied Redis: the line is filled again from what PostgreSQL knows, by whoever finds it empty."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.db import transaction

from checkout.admission import line
from checkout.admission.models import Distribution, Entry, LineState

T = TypeVar("T")


def with_line(distribution: Distribution, now: datetime, work: Callable[[], T]) -> T:
    """Do something with the line, refilling it first where Redis has forgotten it."""
    for _ in range(3):
        try:
            return work()
        except line.LineEmptied:
            refill(distribution=distribution, now=now)
    raise line.LineUnavailable()


def refill(*, distribution: Distribution, now: datetime) -> None:
    """Fill the line from PostgreSQL: who is QUEUED, in order; numbers go on behind all that were ever leased.

    Who entered in the last moment and was not copied yet comes back with his signed ticket.
    """
    with transaction.atomic():
        state = LineState.objects.get_or_create(distribution=distribution)[0]
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


def look(distribution: Distribution, consumer_id: int, now: datetime) -> line.Place:
    """Return the place of a consumer in the line, noting that he is there."""
    return with_line(distribution, now, lambda: line.look(distribution.uuid.hex, consumer=consumer_id, now=now))
