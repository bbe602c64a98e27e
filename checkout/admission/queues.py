"""Queues: entering, waiting, leaving, and the tick that admits whose turn it is.

Who waits stands on Redis (`line`); who was admitted, denied or has left stands in PostgreSQL. A tick is led by one
caller, owns the queue's LineState row while it works and admits an entry only out of the state QUEUED, so nobody is
admitted twice; who is called stays in Redis until his row is committed, so nobody is lost.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction

from checkout.admission import admissions, distributions, entering, estimates, line, numbers, queue_log, waiting_tickets
from checkout.admission.models import Admission, Consumer, Distribution, Entry, LineState
from offers import audit
from offers.ledger import holds
from offers.lib.actors import Actor
from offers.lib.errors import InvalidPayload, NotFound, Refusal

T = TypeVar("T")
log = logging.getLogger("offerkeep.admission")

LEASE = 20_000
TICK_MS = 1000
GRACE_SECONDS = 60
COPY_NS = 300_000_000  # how long a tick may copy before it admits
_leased: dict[int, int] = {}
_seeds: dict[int, bytes] = {}


class NoRoom(Refusal):
    """There is no place in the checkout for one more."""

    code = "no_room"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a consumer stands in a distribution: at most one of a place in line and rows of PostgreSQL."""

    distribution: Distribution
    place: line.Place | None = None
    entry: Entry | None = None
    admission: Admission | None = None


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick did."""

    copied: int
    admitted: int
    waiting: int


# --- shoppers ---------------------------------------------------------------------------------------------------------


def enter(*, distribution: Distribution, consumer: Consumer, now: datetime, ticket: str | None = None) -> Standing:
    """Give the consumer a place, the same as often as he asks; one Lua call, nothing written to PostgreSQL.

    Refuses not_open_yet, closed, queue_full, guest_too_young, line_unavailable. Who was denied, or went through and may
    not come again, gets his standing instead of a place.
    """
    found = rows(distribution, consumer.pk)
    if found.entry and not _may_come_again(found, now):
        return found
    _refuse_unless_enterable(distribution, consumer, now)
    again = (
        found.entry.number if found.entry and found.entry.state not in (Entry.State.QUEUED, Entry.State.LEFT) else None
    )
    kept = (
        None
        if again is not None
        else waiting_tickets.read(ticket, distribution_id=distribution.pk, consumer_id=consumer.pk)
    )

    def come_in() -> line.Place:
        number, entered_at, capacity = None, None, distribution.max_capacity
        if kept is not None and _was_lost(distribution, consumer.pk, kept, found.entry, now):
            # He was in: a line that filled up meanwhile does not keep him out.
            number, entered_at, capacity = kept.number, kept.entered_at, None
        elif again is None:
            number = _early_number(distribution, consumer.pk, now)
        return _numbered(
            distribution,
            lambda leased: line.enter(
                distribution.uuid.hex,
                consumer=consumer.pk,
                now=now,
                capacity=capacity,
                leased=leased,
                number=number,
                again=again,
                entered_at=entered_at,
            ),
        )

    place = _with_line(distribution, now, come_in)
    if place.state == "full":
        raise entering.Full(retry_after=30)
    if place.state == "gone":  # admitted or denied since we looked
        return rows(distribution, consumer.pk)
    return Standing(distribution, place=place)


def stand(
    *, distribution: Distribution, consumer_id: int, now: datetime, ticket: str | None = None, may_tick: bool = True
) -> Standing:
    """Return where the consumer stands, noting that he is there; runs a tick that is due, so that few need no beat.

    A signed ticket of a place that an emptied Redis has forgotten puts him back where he was.
    """
    place = _look(distribution, consumer_id, now)
    if may_tick and place.state == "waiting" and _is_due(distribution, place, now):
        tick(distribution=distribution, now=now, least_ms=TICK_MS)
        place = _look(distribution, consumer_id, now)
    if place.state in {"waiting", "called"}:
        return Standing(distribution, place=place)
    found = rows(distribution, consumer_id)
    if place.state == "none" and (
        kept := waiting_tickets.read(ticket, distribution_id=distribution.pk, consumer_id=consumer_id)
    ):
        back = _come_back(distribution, consumer_id, kept, found.entry, place.generation, now)
        if back:
            return Standing(distribution, place=back)
    if found.entry is not None and found.entry.state == Entry.State.QUEUED and place.state == "none":
        found.entry.state = Entry.State.LEFT  # or was silent for too long; his row will say so with the next copy
    return found


def leave(*, distribution: Distribution, consumer_id: int, now: datetime) -> Standing:
    """Give the place in line up; leaving twice changes nothing. An admission is released by its own verb."""
    place = _with_line(distribution, now, lambda: line.leave(distribution.uuid.hex, consumer=consumer_id, now=now))
    if place.state == "called":
        raise entering.NotWaiting("This consumer is being admitted this moment; ask again", retry_after=1)
    return rows(distribution, consumer_id)


def serving(*, distribution: Distribution, now: datetime) -> dict[str, Any]:
    """Return what is the same for all who wait, to be kept for a second: number served, pace, people before marks.

    One whose number lies between two marks stands between their `ahead`; the rest of the document tells how long.
    """
    seen = _with_line(distribution, now, lambda: line.overview(distribution.uuid.hex, now=now))
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


def wait_of(distribution: Distribution, place: line.Place, now: datetime) -> int | None:
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


def ticket_of(standing: Standing, *, consumer_id: int) -> str | None:
    """Return the signed waiting ticket of a place in line."""
    place = standing.place
    if place is None or place.state != "waiting" or place.entered_at is None:
        return None
    kept = waiting_tickets.Ticket(place.number, place.entered_at, place.generation)
    return waiting_tickets.write(distribution_id=standing.distribution.pk, consumer_id=consumer_id, ticket=kept)


# --- staff and servers ------------------------------------------------------------------------------------------------


def admit(*, distribution: Distribution, consumer_uuid: str, actor: Actor, now: datetime) -> Standing:
    """Admit one consumer out of turn, with an audit row. Who is admitted already stays so.

    Refuses not_found, not_waiting, and no_room where places or stock are short.
    """
    consumer = _consumer(distribution, consumer_uuid)
    with transaction.atomic():
        _own(distribution)
        found = rows(distribution, consumer.pk)
        if found.admission and found.admission.state in Admission.OPEN and found.admission.expires_at > now:
            return found
        called = _with_line(
            distribution, now, lambda: line.call_one(distribution.uuid.hex, consumer=consumer.pk, now=now)
        )
        if called is None:
            raise entering.NotWaiting()
        try:
            with transaction.atomic():
                entries = _entries(distribution, [called])
                made = admissions.issue(distribution=distribution, entries=entries, now=now)
        except holds.Exceeded as short:
            line.settle(distribution.uuid.hex, now=now, fence=_fence(distribution), written=[], back=[consumer.pk])
            raise NoRoom() from short
        _audit(distribution, "queue.admit", consumer, actor, now)
        fence = _fence(distribution)
    line.settle(distribution.uuid.hex, now=now, fence=fence, written=[consumer.pk])
    return Standing(distribution, entry=entries[0], admission=made[0])


def deny(*, distribution: Distribution, consumer_uuid: str, reason: str, actor: Actor, now: datetime) -> Standing:
    """Take one consumer out for good, with a reason he is told and an audit row. Refuses not_found, not_waiting."""
    if len(reason) > 200 or "\x00" in reason:
        raise InvalidPayload("reason should be a text of at most 200 characters", field="reason")
    consumer = _consumer(distribution, consumer_uuid)
    with transaction.atomic():
        _own(distribution)
        place = _with_line(distribution, now, lambda: line.remove(distribution.uuid.hex, consumer=consumer.pk, now=now))
        entry = Entry.objects.filter(distribution=distribution, consumer=consumer).first()
        if place.state not in {"out", "none"} or (entry and entry.state == Entry.State.ADMITTED):
            raise entering.NotWaiting("This consumer is admitted; revoke the admission instead")
        entry = entry or Entry(distribution=distribution, consumer=consumer, entered_at=now)
        entry.number = place.number if place.state == "out" else entry.number
        entry.state, entry.deny_reason, entry.ended_at = Entry.State.DENIED, reason or "denied", now
        entry.save()
        _audit(distribution, "queue.deny", consumer, actor, now, reason)
    return Standing(distribution, entry=entry)


# --- the tick ---------------------------------------------------------------------------------------------------------


def running(*, now: datetime) -> Iterator[Distribution]:
    """Yield the queues that a tick may have work in: open, or closed for less than a week and still serving."""
    recent = now - timedelta(days=7)
    for row in Distribution.objects.filter(mechanism=Distribution.Mechanism.QUEUE, published=True, line__isnull=False):
        if distributions.enterable_from(row) is not None and now < (distributions.enterable_from(row) or now):
            continue
        if (row.close_at or now) >= recent and (row.serve_until or now) >= recent:
            yield row


def tick(*, distribution: Distribution, now: datetime, least_ms: int = 0) -> Ticked | None:
    """Copy the log, then admit the next in line; None when another leads or the last tick was a moment ago.

    1. One leads (a lock in Redis that ends by itself). 2. The log is copied, a thousand lines per transaction.
    3. In one transaction that owns the line's row: due admissions end, the room is counted, the next are called under
    a new fence, their rows and holds are written. 4. The called leave the line. Dying between 3 and 4 repeats them,
    and the next tick sees their rows.
    """
    queue = distribution.uuid.hex
    lead = _with_line(distribution, now, lambda: line.begin(queue, now=now, least_ms=least_ms))
    if lead.state != "lead":
        return None
    try:
        copied = _copy(distribution)
        admissions.expire_due(distribution=distribution, now=now)
        admitted = _admit_next(distribution, now) if lead.waiting or lead.called or lead.kept else 0
        return Ticked(copied, admitted, lead.waiting)
    except line.LineEmptied:
        return None  # flushed this moment; the next caller refills it
    finally:
        line.finish(queue, lead=lead, now=now)


def _copy(distribution: Distribution) -> int:
    until, copied = time.monotonic_ns() + COPY_NS, 0
    while time.monotonic_ns() < until:
        found = queue_log.copy(distribution=distribution)
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
        entries = _entries(fresh, called)[:room]
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


def _entries(distribution: Distribution, called: list[line.Called]) -> list[Entry]:
    """Return the rows of those called that may be admitted, in the order of the call, owned by this transaction."""
    if not called:
        return []
    queue_log.write_entries(distribution.pk, [(one.consumer, one.number, one.entered_at, None) for one in called])
    place = {one.consumer: at for at, one in enumerate(called)}
    found = Entry.objects.select_for_update(no_key=True).filter(
        distribution=distribution, consumer_id__in=list(place), state=Entry.State.QUEUED
    )
    return sorted(found, key=lambda entry: place[entry.consumer_id])


def _through(distribution: Distribution, consumers: list[int]) -> set[int]:
    """Return who of them waits no more as PostgreSQL sees it."""
    if not consumers:
        return set()
    waiting = Entry.objects.filter(
        distribution=distribution, consumer_id__in=consumers, state=Entry.State.QUEUED
    ).values_list("consumer_id", flat=True)
    return set(consumers) - set(waiting)


# --- an emptied Redis -------------------------------------------------------------------------------------------------


def _with_line(distribution: Distribution, now: datetime, work: Callable[[], T]) -> T:
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


def _numbered(distribution: Distribution, give: Callable[[int], line.Place]) -> line.Place:
    """Give a number out of those leased, leasing more when they are used up: one write in twenty thousand."""
    for _ in range(3):
        leased = _leased.get(distribution.pk, 0)
        try:
            return give(leased)
        except line.NumbersUsedUp:
            _lease(distribution, leased)
    raise line.LineUnavailable()


def _lease(distribution: Distribution, known: int) -> None:
    with transaction.atomic():
        state = LineState.objects.select_for_update().get(distribution=distribution)
        if state.leased <= known:
            state.leased += LEASE
            state.save(update_fields=["leased"])
    _leased[distribution.pk] = state.leased


def _early_number(distribution: Distribution, consumer_id: int, now: datetime) -> int | None:
    """Return the drawn number of one who comes before the opening of a queue that shuffles."""
    if distribution.open_at is None or now >= distribution.open_at:
        return None
    if distribution.ordering != Distribution.Ordering.SHUFFLE_PREQUEUE:
        return None
    seed = _seeds.get(distribution.pk)
    if seed is None:
        seed = _seeds[distribution.pk] = bytes(LineState.objects.get_or_create(distribution=distribution)[0].seed)
    return numbers.early(seed=seed, consumer=consumer_id)


def _come_back(
    distribution: Distribution,
    consumer_id: int,
    kept: waiting_tickets.Ticket,
    entry: Entry | None,
    generation: int,
    now: datetime,
) -> line.Place | None:
    if not _is_lost(kept, entry, generation):
        return None
    place = line.enter(
        distribution.uuid.hex, consumer=consumer_id, now=now, number=kept.number, entered_at=kept.entered_at
    )
    return place if place.state == "waiting" else None


def _was_lost(
    distribution: Distribution, consumer_id: int, kept: waiting_tickets.Ticket, entry: Entry | None, now: datetime
) -> bool:
    place = line.look(distribution.uuid.hex, consumer=consumer_id, now=now)
    return place.state == "none" and _is_lost(kept, entry, place.generation)


def _is_lost(kept: waiting_tickets.Ticket, entry: Entry | None, generation: int) -> bool:
    """Whether a ticket's place went with an emptied Redis: of another generation, and nothing newer is known."""
    newer = entry is not None and (entry.state != Entry.State.QUEUED or entry.number > kept.number)
    return kept.generation != generation and not newer


# --- small ones -------------------------------------------------------------------------------------------------------


def reset() -> None:
    """Forget what this process knows of leases and seeds (tests)."""
    _leased.clear()
    _seeds.clear()


def _look(distribution: Distribution, consumer_id: int, now: datetime) -> line.Place:
    return _with_line(distribution, now, lambda: line.look(distribution.uuid.hex, consumer=consumer_id, now=now))


def _is_due(distribution: Distribution, place: line.Place, now: datetime) -> bool:
    late = place.ticked_at is None or now - place.ticked_at >= timedelta(milliseconds=TICK_MS)
    return late and place.ahead < line.near(distribution.admission_rate) and distributions.serves(distribution, now)


def rows(distribution: Distribution, consumer_id: int) -> Standing:
    """Return what PostgreSQL knows of a consumer in a distribution of any mechanism."""
    entry = Entry.objects.filter(distribution=distribution, consumer_id=consumer_id).first()
    if entry is None or entry.admitted_at is None:
        return Standing(distribution, entry=entry)
    return Standing(
        distribution, entry=entry, admission=admissions.live(distribution=distribution, consumer_id=consumer_id)
    )


def _may_come_again(found: Standing, now: datetime) -> bool:
    """Whether a consumer with this entry may get a place: he waits or left, or went through and may come again."""
    assert found.entry is not None
    if found.entry.state in (Entry.State.QUEUED, Entry.State.LEFT):
        return True
    if found.entry.state == Entry.State.DENIED or not found.distribution.allow_reentry:
        return False
    return found.entry.state in (Entry.State.EXPIRED, Entry.State.COMPLETED)


def _refuse_unless_enterable(distribution: Distribution, consumer: Consumer, now: datetime) -> None:
    entering.check_opened(distribution, since=distributions.enterable_from(distribution), now=now)
    if distribution.close_at is not None and now >= distribution.close_at:
        place = _look(distribution, consumer.pk, now)
        if place.state not in {"waiting", "called"}:
            raise entering.Closed()
    entering.check_settled(distribution, consumer, now)


def _own(distribution: Distribution) -> None:
    LineState.objects.get_or_create(distribution=distribution)
    LineState.objects.select_for_update().get(distribution=distribution)


def _fence(distribution: Distribution) -> int:
    return LineState.objects.values_list("fence", flat=True).get(distribution=distribution)


def _consumer(distribution: Distribution, uuid: str) -> Consumer:
    found = Consumer.objects.filter(retailer_id=distribution.retailer_id, uuid=distributions.as_uuid(uuid)).first()
    if found is None:
        raise NotFound("consumer", uuid)
    return found


def _audit(
    distribution: Distribution, action: str, consumer: Consumer, actor: Actor, now: datetime, reason: str = ""
) -> None:
    facts: dict[str, Any] = {"consumer": str(consumer.uuid)}
    audit.record(
        retailer_id=distribution.retailer_id,
        actor=actor,
        action=action,
        object_type="distribution",
        object_id=str(distribution.uuid),
        after=facts,
        reason=reason,
        now=now,
    )
