"""The tick of a queue: admits whose turn it is, as fast and as many as its terms and the stock allow.

A tick is led by one caller, owns the queue's LineState row while it works and admits an entry only out of the state
QUEUED, so nobody is admitted twice; who is called stays in Redis until his row is committed, so nobody is lost.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from checkout.admission import admissions, distributions, line, line_answers, queue_log, queue_refills
from checkout.admission.models import Distribution, Entry, LineState

TICK_MS = 1000
LONGEST = timedelta(days=7)  # how long a queue that has closed is served by the beat
GRACE_SECONDS = 60
COPY_NS = 300_000_000  # how long a tick may copy before it admits


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick did."""

    copied: int
    admitted: int
    waiting: int


def running(*, now: datetime) -> Iterator[Distribution]:
    """Yield the queues that a tick may have work in: open, or closed for less than a week and still serving."""
    recent = now - LONGEST
    rows = Distribution.objects.select_related("sequence__experience").filter(
        Q(close_at=None) | Q(close_at__gte=recent),
        Q(serve_until=None) | Q(serve_until__gte=recent),
        mechanism=Distribution.Mechanism.QUEUE,
        published=True,
        line__isnull=False,
        line__forgotten_at=None,
    )
    for row in rows.order_by("id"):
        since = distributions.enterable_from(row)
        if since is None or now >= since:
            yield row


def tick(*, distribution: Distribution, now: datetime, least_ms: int = 0) -> Ticked | None:
    """Copy the log, then admit the next in line; None when another leads or the last tick was a moment ago.

    1. One leads (a lock in Redis that ends by itself). 2. The log is copied, a thousand lines per transaction.
    3. In one transaction that owns the line's row: due admissions end, the room is counted, the next are called under
    a new fence, their rows and holds are written. 4. The called leave the line. Dying between 3 and 4 repeats them,
    and the next tick sees their rows.
    """
    queue = distribution.uuid.hex
    lead = queue_refills.with_line(distribution, now, lambda: line.begin(queue, now=now, least_ms=least_ms), over=None)
    if lead is None or lead.state != "lead":
        return None
    try:
        copied = _copy(distribution, now)
        admissions.expire_due(distribution=distribution, now=now)
        try:
            admitted = _admit_next(distribution, now) if lead.waiting or lead.called or lead.kept else 0
        except admissions.NoRoom:
            admitted = 0  # somebody took of the stock since it was counted; the called are the next tick's first
        return Ticked(copied, admitted, lead.waiting)
    except line.LineEmptied:
        return None  # flushed this moment; the next caller refills it
    finally:
        line.finish(queue, lead=lead, now=now)


def is_due(distribution: Distribution, place: line_answers.Place, now: datetime) -> bool:
    late = place.ticked_at is None or now - place.ticked_at >= timedelta(milliseconds=TICK_MS)
    return late and place.ahead < line.near(distribution.admission_rate) and distributions.serves(distribution, now)


def entries_of(distribution: Distribution, called: list[line_answers.Called], *, now: datetime) -> list[Entry]:
    """Return the rows of those called that may be admitted, in the order of the call, owned by this transaction."""
    if not called:
        return []
    places = [(one.consumer, one.number, one.entered_at) for one in called]
    queue_log.write_entries(distribution, places, now=now)
    place = {one.consumer: at for at, one in enumerate(called)}
    found = Entry.objects.select_for_update(no_key=True).filter(
        distribution=distribution, consumer_id__in=list(place), state=Entry.State.QUEUED
    )
    return sorted(found, key=lambda entry: place[entry.consumer_id])


def _copy(distribution: Distribution, now: datetime) -> int:
    until, copied = time.monotonic_ns() + COPY_NS, 0
    while time.monotonic_ns() < until:
        found = queue_log.copy(distribution=distribution, now=now)
        copied += found
        if found < queue_log.BATCH:
            break
    return copied


def _admit_next(distribution: Distribution, now: datetime) -> int:
    queue = distribution.uuid.hex
    with transaction.atomic():
        state = LineState.objects.select_for_update(skip_locked=True).filter(distribution=distribution).first()
        if state is None:
            return 0
        fresh = Distribution.objects.get(pk=distribution.pk)
        state.fence += 1
        state.save(update_fields=["fence"])
        room = admissions.room(distribution=fresh)
        room = line.CALL_AT_MOST if room is None else room
        if fresh.paused or not distributions.serves(fresh, now):
            room = 0
        called = line.call(
            queue, now=now, fence=state.fence, room=room, rate=fresh.admission_rate, grace_seconds=_grace(fresh, now)
        )
        entries = entries_of(fresh, called, now=now)[:room]
        admissions.issue(distribution=fresh, entries=entries, now=now)
    chosen = {entry.consumer_id for entry in entries}
    through = _through(fresh, [one.consumer for one in called])
    line.settle(
        queue,
        now=now,
        fence=state.fence,
        written=[one.consumer for one in called if one.consumer in chosen or one.consumer in through],
        back=[one.consumer for one in called if one.consumer not in chosen and one.consumer not in through],
    )
    return len(entries)


def _grace(distribution: Distribution, now: datetime) -> int:
    """Return how long one may be silent near the front. Before the opening nobody has to show himself."""
    opened = distribution.open_at
    fresh = opened is not None and now - opened <= timedelta(seconds=GRACE_SECONDS)
    return 10 * 365 * 86_400 if fresh else GRACE_SECONDS


def _through(distribution: Distribution, consumers: list[int]) -> set[int]:
    """Return who of them waits no more as PostgreSQL sees it."""
    if not consumers:
        return set()
    waiting = Entry.objects.filter(
        distribution=distribution, consumer_id__in=consumers, state=Entry.State.QUEUED
    ).values_list("consumer_id", flat=True)
    return set(consumers) - set(waiting)
