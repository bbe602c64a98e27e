"""Queues, as shoppers use them: entering, waiting, leaving.

Who waits stands on Redis (`line`); who was admitted, denied or has left stands in PostgreSQL.
"""

from datetime import datetime

from checkout.admission import (
    admissions,
    claims,
    distributions,
    entering,
    line,
    line_answers,
    queue_log,
    queue_numbers,
    queue_refills,
    queue_ticks,
    standings,
    waiting_tickets,
)
from checkout.admission.models import Admission, Consumer, Distribution, Entry, Flag


def enter(
    *, distribution: Distribution, consumer: Consumer, now: datetime, ticket: str | None = None
) -> standings.Standing:
    """Give the consumer a place, the same as often as he asks; one Lua call, nothing written to PostgreSQL.

    Refuses not_open_yet, closed, queue_full, guest_too_young, line_unavailable. Who was denied, or went through and may
    not come again, gets his standing instead of a place.
    """
    found = standings.rows(distribution, consumer.pk)
    if (last := found.admission) and last.state in Admission.OPEN and claims.is_over(last, now):
        admissions.expire_due(distribution=distribution, now=now)  # nobody has written it down yet
        found = standings.rows(distribution, consumer.pk)
    if found.entry and not _may_come_again(found, now):
        return found
    _refuse_unless_enterable(distribution, consumer, now)
    # Drawn numbers are below 0: who has another was put at the end of the line, and does not draw again by leaving it.
    was_moved = found.entry is not None and found.entry.number > 0
    again = found.entry.number if found.entry and found.entry.admitted_at is not None else None
    kept = (
        None
        if again is not None
        else waiting_tickets.read(ticket, distribution_id=distribution.pk, consumer_id=consumer.pk)
    )

    def come_in() -> line_answers.Place:
        number, entered_at, capacity = None, None, distribution.max_capacity
        if kept is not None and _was_lost(distribution, consumer.pk, kept, found.entry, now):
            # He was in: a line that filled up meanwhile does not keep him out.
            number, entered_at, capacity = kept.number, kept.entered_at, None
        elif again is None and not was_moved and not _goes_last(distribution, consumer.pk):
            number = queue_numbers.early(distribution, consumer.pk, now)
        return queue_numbers.give(
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

    place = queue_refills.with_line(distribution, now, come_in, over=queue_refills.OVER)
    if place.state == "over":
        raise entering.Closed()
    if place.state == "full":
        raise entering.Full(retry_after=30)
    if place.state == "gone":  # admitted or denied since we looked
        return standings.rows(distribution, consumer.pk)
    return standings.Standing(distribution, place=place)


def stand(
    *, distribution: Distribution, consumer_id: int, now: datetime, ticket: str | None = None, may_tick: bool = True
) -> standings.Standing:
    """Return where the consumer stands, noting that he is there; runs a tick that is due, so that few need no beat.

    A signed ticket of a place that an emptied Redis has forgotten puts him back where he was.
    """
    place = queue_refills.look(distribution, consumer_id, now)
    if may_tick and place.state == "waiting" and queue_ticks.is_due(distribution, place, now):
        queue_ticks.tick(distribution=distribution, now=now, least_ms=queue_ticks.TICK_MS)
        place = queue_refills.look(distribution, consumer_id, now)
    if place.state in {"waiting", "called"}:
        return standings.Standing(distribution, place=place)
    found = standings.rows(distribution, consumer_id)
    if place.state == "none" and (
        kept := waiting_tickets.read(ticket, distribution_id=distribution.pk, consumer_id=consumer_id)
    ):
        back = _come_back(distribution, consumer_id, kept, found.entry, place.generation, now)
        if back:
            return standings.Standing(distribution, place=back)
    if found.entry is not None and found.entry.state == Entry.State.QUEUED and place.state == "none":
        found.entry.state = Entry.State.LEFT  # or was silent for too long; his row will say so with the next copy
    return found


def leave(*, distribution: Distribution, consumer_id: int, now: datetime) -> standings.Standing:
    """Give the place in line up, or the open admission; leaving twice changes nothing. The row says so at once.

    Refuses not_waiting while he is being admitted, payment_under_way, line_unavailable.
    """
    before = standings.rows(distribution, consumer_id).entry
    place = queue_refills.with_line(
        distribution,
        now,
        lambda: line.leave(distribution.uuid.hex, consumer=consumer_id, now=now),
        over=queue_refills.OVER,
    )
    if place.state == "called":
        raise entering.NotWaiting("This consumer is being admitted this moment; ask again", retry_after=1)
    number, entered_at = (place.number, place.entered_at) if place.state == "out" else (0, None)
    if (
        place.state in {"none", "over"} and before is not None and before.state == Entry.State.QUEUED
    ):  # was silent for too long
        number, entered_at = before.number, before.entered_at
    if entered_at is not None:
        queue_log.write_left(distribution, consumer=consumer_id, number=number, entered_at=entered_at, left_at=now)
    claims.give_up(distribution=distribution, consumer_id=consumer_id, now=now)
    return standings.rows(distribution, consumer_id)


def ticket_of(standing: standings.Standing, *, consumer_id: int) -> str | None:
    """Return the signed waiting ticket of a place in line."""
    place = standing.place
    if place is None or place.state != "waiting" or place.entered_at is None:
        return None
    kept = waiting_tickets.Ticket(place.number, place.entered_at, place.generation)
    return waiting_tickets.write(distribution_id=standing.distribution.pk, consumer_id=consumer_id, ticket=kept)


def _come_back(
    distribution: Distribution,
    consumer_id: int,
    kept: waiting_tickets.Ticket,
    entry: Entry | None,
    generation: int,
    now: datetime,
) -> line_answers.Place | None:
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


def _goes_last(distribution: Distribution, consumer_id: int) -> bool:
    """Whether he gets a number behind all who wait even before the opening, when the others draw one."""
    is_flagged = Flag.objects.filter(distribution=distribution, consumer=consumer_id)
    return distribution.flagged_last and is_flagged.exists()


def _may_come_again(found: standings.Standing, now: datetime) -> bool:
    """Whether a consumer with this entry may get a place: he waits or left, or went through and may come again."""
    assert found.entry is not None
    waits = found.entry.state == Entry.State.QUEUED
    if waits or (found.entry.state == Entry.State.LEFT and found.entry.admitted_at is None):
        return True
    if not found.distribution.allow_reentry:
        return False
    return found.entry.state in (Entry.State.EXPIRED, Entry.State.COMPLETED, Entry.State.LEFT)


def _refuse_unless_enterable(distribution: Distribution, consumer: Consumer, now: datetime) -> None:
    entering.check_opened(distribution, since=distributions.enterable_from(distribution), now=now)
    if distribution.close_at is not None and now >= distribution.close_at:
        place = queue_refills.look(distribution, consumer.pk, now)
        if place.state not in {"waiting", "called"}:
            raise entering.Closed()
    entering.check_settled(distribution, consumer, now)
