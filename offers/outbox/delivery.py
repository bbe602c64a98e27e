"""Turns events into deliveries, hands due ones to a relay, and writes down what became of them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from offers import audit
from offers.lib.actors import Actor
from offers.outbox.models import Delivery, Endpoint, Event
from offers.outbox.sender import Answer

BATCH = 500
RETRIES = 12  # after 1, 2, 4, ... minutes, the last after a day: two days and ten hours in all
LONGEST_WAIT = timedelta(days=1)
TRIES_OF_OURS = 5  # of an event that we ourselves cannot put into words
# A claimed delivery is due again after this long, should its relay die. Sending never begins later than 10 s after
# the claim and takes 10 s at most, so a living relay is never overtaken.
LEASE = timedelta(seconds=60)
LOG_LENGTH = 40

# One statement: a crash leaves either a waiting event or all of its deliveries.
_FAN_OUT = """
WITH batch AS (
    SELECT id, retailer_id, type FROM outbox_event
    WHERE fanned_out_at IS NULL ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), made AS (
    INSERT INTO outbox_delivery (event_id, endpoint_id, state, attempts, next_at, last_error, log)
    SELECT batch.id, endpoint.id, 'waiting', 0, %(now)s, '', '[]'
    FROM batch JOIN outbox_endpoint endpoint ON endpoint.retailer_id = batch.retailer_id
        AND endpoint.active AND (endpoint.events = '{}' OR batch.type = ANY (endpoint.events))
    ON CONFLICT DO NOTHING
)
UPDATE outbox_event SET fanned_out_at = %(now)s FROM batch WHERE outbox_event.id = batch.id
"""

# At most `share` per endpoint (one where `slow`), the longest due first: a slow endpoint cannot take every place.
_CLAIM = """
WITH due AS (
    SELECT waiting.id FROM outbox_endpoint endpoint CROSS JOIN LATERAL (
        SELECT id, next_at FROM outbox_delivery
        WHERE endpoint_id = endpoint.id AND state = 'waiting' AND next_at <= %(now)s
        ORDER BY next_at, id LIMIT CASE WHEN endpoint.id = ANY (%(slow)s::bigint[]) THEN 1 ELSE %(share)s END
        FOR UPDATE SKIP LOCKED
    ) waiting
    WHERE endpoint.active AND endpoint.id <> ALL (%(busy)s::bigint[])
    ORDER BY waiting.next_at, waiting.id LIMIT %(limit)s
)
UPDATE outbox_delivery SET attempts = attempts + 1, next_at = %(lease)s
WHERE id IN (SELECT id FROM due) RETURNING id
"""


def fan_out(*, now: datetime, limit: int = BATCH) -> int:
    """Make a delivery per event and active endpoint that wants its type; return how many events were dealt with.

    Safe beside others: events somebody else is busy with are skipped.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FAN_OUT, {"now": now, "limit": limit})
        return int(cursor.rowcount)


def pause_idle() -> int:
    """Set aside what waits for endpoints that were switched off, so that it is not taken for a backlog of ours."""
    idle = Endpoint.objects.filter(active=False)
    return Delivery.objects.filter(state=Delivery.State.WAITING, endpoint__in=idle).update(state=Delivery.State.PAUSED)


def claim(
    *, now: datetime, limit: int, share: int, busy: Iterable[int] = (), slow: Iterable[int] = ()
) -> list[Delivery]:
    """Take due deliveries for one attempt each: up to `share` per endpoint, of `slow` ones one, of `busy` ones none.

    Commits at once (no row stays locked while we talk to strangers): a claimed row is due again only after LEASE,
    which is how a relay that died is made good. Therefore at least once, and a receiver tells repeats by the id.
    """
    wanted: dict[str, Any] = {"now": now, "lease": now + LEASE, "limit": limit, "share": share}
    wanted |= {"busy": list(busy), "slow": list(slow)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, wanted)
        claimed = [row[0] for row in cursor.fetchall()]
    found = Delivery.objects.select_related("endpoint", "event__retailer").filter(pk__in=claimed).order_by("id")
    return list(found) if claimed else []


def exhausted(delivery: Delivery) -> bool:
    """Whether a claimed delivery has been begun so often, without an end, that it must be what kills its relays."""
    return delivery.attempts > RETRIES + 1


@transaction.atomic
def answered(delivery: Delivery, answer: Answer, *, now: datetime) -> None:
    """Write down an attempt: delivered, or due again later, or given up.

    Giving up switches the endpoint off, unless it took something else since the event happened: then it is this one
    event that it cannot take, and the others go on.
    """
    entry = _entry(now, answer.status, answer.error, answer.milliseconds)
    if answer.accepted:
        # Whoever claimed it meanwhile: it has arrived.
        _write(
            Delivery.objects.all(),
            delivery,
            entry,
            state=Delivery.State.DELIVERED,
            delivered_at=now,
            last_status=answer.status,
        )
        return
    if delivery.attempts <= RETRIES:
        _write_own(delivery, entry, next_at=now + wait_after(delivery.attempts), last_status=answer.status)
        return
    reason = f"given up after {delivery.attempts} attempts; the last: {answer.error}"
    if _write_own(delivery, entry, state=Delivery.State.GIVEN_UP, last_status=answer.status, last_error=reason):
        _switch_off_if_dead(delivery, reason)


def failed_here(delivery: Delivery, problem: str, *, now: datetime) -> None:
    """Write down an attempt that did not get as far as the endpoint, by a fault of ours; parked after a few."""
    entry = _entry(now, None, problem, 0)
    if delivery.attempts < TRIES_OF_OURS:
        _write_own(delivery, entry, next_at=now + wait_after(delivery.attempts))
        return
    reason = f"parked after {delivery.attempts} attempts; the last: {problem}"
    _write_own(delivery, entry, state=Delivery.State.GIVEN_UP, last_error=reason)


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: 1, 2, 4, ... minutes, a day at the most."""
    return min(timedelta(minutes=2 ** min(attempts - 1, 20)), LONGEST_WAIT)


def _entry(now: datetime, status: int | None, error: str, milliseconds: int) -> dict[str, Any]:
    return {"at": now.isoformat(timespec="milliseconds"), "status": status, "error": error, "ms": milliseconds}


def _write(rows: QuerySet[Delivery], delivery: Delivery, entry: dict[str, Any], **values: Any) -> int:
    values.setdefault("last_error", entry["error"])
    return rows.filter(pk=delivery.pk).update(log=[*delivery.log, entry][-LOG_LENGTH:], **values)


def _write_own(delivery: Delivery, entry: dict[str, Any], **values: Any) -> int:
    """Write a failure, unless the claim ran out and somebody else has the delivery now."""
    mine = Delivery.objects.filter(state=Delivery.State.WAITING, attempts=delivery.attempts)
    return _write(mine, delivery, entry, **values)


def _switch_off_if_dead(delivery: Delivery, reason: str) -> None:
    since = delivery.event.created_at
    lives = Delivery.objects.filter(endpoint=delivery.endpoint_id, delivered_at__gte=since).exists()
    if not lives:
        endpoint = Endpoint.objects.filter(pk=delivery.endpoint_id, active=True)
        endpoint.update(active=False, disabled_reason=f"{delivery.event.public_id} {reason}"[:200])


@transaction.atomic
def resend(delivery: Delivery, *, actor: Actor, now: datetime) -> None:
    """Make a delivery due at once with all its retries before it; its log stays. Delivered ones are sent again."""
    Delivery.objects.filter(pk=delivery.pk).update(
        state=Delivery.State.WAITING, attempts=0, next_at=now, delivered_at=None, last_error=""
    )
    audit.record(
        retailer_id=delivery.event.retailer_id,
        actor=actor,
        action="webhook.resend",
        object_type="webhook_event",
        object_id=delivery.event.public_id,
        now=now,
        after={"endpoint": delivery.endpoint.public_id},
    )


def lag(*, now: datetime) -> timedelta:
    """Return how long the oldest event has been waiting for us (not for an endpoint that failed: that has its turn)."""
    event = Event.objects.filter(fanned_out_at=None).order_by("id").values_list("created_at", flat=True).first()
    due = Delivery.objects.filter(state=Delivery.State.WAITING, endpoint__active=True)
    first = due.order_by("next_at").values_list("next_at", flat=True).first()
    return max((now - moment for moment in (event, first) if moment), default=timedelta(0))


def purge(*, now: datetime, days: int, batches: int = 20) -> int:
    """Delete events older than `days` with their deliveries, in bounded batches; what still waits is kept."""
    gone = 0
    for _ in range(batches):
        with connection.cursor() as cursor:
            cursor.execute(_PURGE, {"before": now - timedelta(days=days), "limit": BATCH})
            count = cursor.rowcount
        gone += count
        if count < BATCH:
            break
    return gone


# One statement sees one snapshot: deliveries first, and the constraint is looked at after both.
_PURGE = """
WITH old AS (
    SELECT id FROM outbox_event event
    WHERE created_at < %(before)s AND fanned_out_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM outbox_delivery WHERE event_id = event.id AND state = 'waiting'
    ) LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), deliveries AS (
    DELETE FROM outbox_delivery WHERE event_id IN (SELECT id FROM old)
)
DELETE FROM outbox_event WHERE id IN (SELECT id FROM old)
"""
