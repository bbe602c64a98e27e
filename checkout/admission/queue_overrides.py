"""What staff and servers decide in a queue: one is admitted out of turn, put at the end of the line, or taken out for
good; all audited.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from checkout.admission import (
    admissions,
    distributions,
    entering,
    line,
    line_answers,
    queue_log,
    queue_numbers,
    queue_refills,
    queue_ticks,
    standings,
    told,
)
from checkout.admission.models import Admission, Consumer, Distribution, Entry, LineState
from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import InvalidPayload, NotFound

MOST_TOLD = 200  # characters of a reason that the person is told
MOST_KEPT = 500


def admit(
    *, distribution: Distribution, consumer_uuid: str, actor: Actor, now: datetime, reason: str = ""
) -> standings.Standing:
    """Admit one consumer out of turn, with an audit row. Who is admitted already stays so.

    Refuses not_found, not_waiting, invalid_payload, and no_room where places or stock are short.
    """
    _check(reason, MOST_KEPT)
    consumer = _consumer(distribution, consumer_uuid)
    with transaction.atomic():
        _own(distribution)
        found = standings.rows(distribution, consumer.pk)
        if found.admission and found.admission.state in Admission.OPEN and found.admission.expires_at > now:
            return found
        called = queue_refills.with_line(
            distribution, now, lambda: line.call_one(distribution.uuid.hex, consumer=consumer.pk, now=now), over=None
        )
        if called is None:
            raise entering.NotWaiting()
        try:
            with transaction.atomic():
                entries = queue_ticks.entries_of(distribution, [called], now=now)
                made = admissions.issue(distribution=distribution, entries=entries, now=now)
        except admissions.NoRoom:
            line.settle(distribution.uuid.hex, now=now, fence=_fence(distribution), written=[], back=[consumer.pk])
            raise
        _audit(distribution, "queue.admit", consumer, actor, now, reason)
        fence = _fence(distribution)
    line.settle(distribution.uuid.hex, now=now, fence=fence, written=[consumer.pk])
    return standings.Standing(distribution, entry=entries[0], admission=made[0])


def move_last(
    *, distribution: Distribution, consumer_uuid: str, actor: Actor, now: datetime, reason: str = ""
) -> standings.Standing:
    """Put one who waits behind everybody who waits now, with an audit row: he keeps a place, and loses his turn.

    Leaving and coming again, an older waiting ticket or a loss of Redis do not bring the place before back.
    Refuses not_found, not_waiting (who is admitted, or being admitted this moment), invalid_payload. Not to be called
    inside a transaction.
    """
    _check(reason, MOST_KEPT)
    consumer = _consumer(distribution, consumer_uuid)

    def move(leased: int) -> line_answers.Place:
        with transaction.atomic():
            _own(distribution)
            place = queue_refills.with_line(
                distribution,
                now,
                lambda: line.move_last(distribution.uuid.hex, consumer=consumer.pk, now=now, leased=leased),
                over=queue_refills.OVER,
            )
            if place.state != "waiting" or place.entered_at is None:
                raise entering.NotWaiting()
            copied = Entry.objects.filter(
                distribution=distribution, consumer=consumer, state=Entry.State.QUEUED, number__lt=place.number
            ).update(number=place.number)
            if not copied:
                queue_log.write_entries(distribution, [(consumer.pk, place.number, place.entered_at)], now=now)
            _audit(distribution, "queue.move_last", consumer, actor, now, reason)
        return place

    return standings.Standing(distribution, place=queue_numbers.give(distribution, move))


def deny(
    *, distribution: Distribution, consumer_uuid: str, reason: str, actor: Actor, now: datetime
) -> standings.Standing:
    """Take one consumer out for good, with a reason he is told and an audit row.

    Refuses not_found, not_waiting, invalid_payload.
    """
    _check(reason, MOST_TOLD)
    consumer = _consumer(distribution, consumer_uuid)
    with transaction.atomic():
        _own(distribution)
        place = queue_refills.with_line(
            distribution,
            now,
            lambda: line.remove(distribution.uuid.hex, consumer=consumer.pk, now=now),
            over=queue_refills.OVER,
        )
        if place.state == "out" and place.entered_at is not None:
            queue_log.write_entries(distribution, [(consumer.pk, place.number, place.entered_at)], now=now)
        entry = Entry.objects.filter(distribution=distribution, consumer=consumer).first()
        if place.state not in {"out", "none"} or (entry and entry.state == Entry.State.ADMITTED):
            raise entering.NotWaiting("This consumer is admitted; revoke the admission instead")
        entry = entry or Entry(distribution=distribution, consumer=consumer, entered_at=now)
        entry.number = place.number if place.state == "out" else entry.number
        entry.state, entry.deny_reason, entry.ended_at = Entry.State.DENIED, reason or "denied", now
        entry.save()
        told.of_entries(distribution, "consumer.denied", {entry.pk: {"reason": entry.deny_reason}}, now=now)
        _audit(distribution, "queue.deny", consumer, actor, now, reason)
    return standings.Standing(distribution, entry=entry)


def _check(reason: str, most: int) -> None:
    if len(reason) > most or "\x00" in reason:
        raise InvalidPayload(f"reason should be a text of at most {most} characters", field="reason")


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
