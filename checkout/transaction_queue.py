"""The queue of transactions: takes waiting revisions in batches, a savepoint each, and parks what cannot be done."""

import logging
import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from checkout import transaction_plain, transaction_rows, transaction_work
from checkout.models import Revision
from checkout.transaction_rows import Row
from offers.lib import queue
from offers.lib.errors import Refusal

log = logging.getLogger(__name__)

State = Revision.State

BATCH = 100
MOST_TRIES = 8
# A claimed row is due again after this long, should its worker die. A living one holds the row's lock, so that being
# due means nothing to others.
LEASE = timedelta(seconds=10)
BUSY = timedelta(seconds=1)
SUSPECT = 3  # tries without an end after which a row is worked on alone, lest it take others down with it
LONGEST_WAIT = 300
NUDGE_EVERY = 250_000_000  # nanoseconds; a drainer takes whatever waits, and the schedule looks every 2 s besides
# What trying again does not mend: the body, or the rules, do not allow it.
HOPELESS = (Refusal, ValueError, TypeError, KeyError, LookupError, ArithmeticError, AssertionError)

_CLAIM = """
UPDATE checkout_revision SET attempts = attempts + 1, next_at = %(lease)s
WHERE id IN (
    SELECT id FROM checkout_revision WHERE state IN ('queued', 'retry') AND next_at <= %(now)s
    ORDER BY next_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) RETURNING id, attempts
"""
_nudged = 0


def nudge() -> None:
    """Wake a drainer after commit, a few times a second at most: one that is awake takes everything."""
    global _nudged
    moment = time.monotonic_ns()
    if moment - _nudged >= NUDGE_EVERY:
        _nudged = moment
        queue.enqueue("checkout.drain_transactions")


def drain(*, now: datetime, batch: int = BATCH) -> int:
    """Work on up to `batch` waiting revisions; return how many came to an end or were put off.

    Any number of drainers may run beside each other: a row is one worker's at a time, a transaction too. What was
    begun is committed first, so that a row that kills its workers is known by its tries.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "lease": now + LEASE, "limit": batch})
        claimed = cursor.fetchall()
    if not claimed:
        return 0
    ordinary = [pk for pk, attempts in claimed if attempts <= SUSPECT]
    done = _work(ordinary, now) if ordinary else 0
    for pk, attempts in claimed:
        if attempts > SUSPECT:
            done += _alone(pk, attempts, now)
    return done


def _alone(pk: int, attempts: int, now: datetime) -> int:
    """Work on one that has taken others down with it, or may have; in the end it is parked unread."""
    if attempts > MOST_TRIES:
        reason = f"given up after {MOST_TRIES} tries: none came to an end, its worker died each time"
        return transaction_rows.mark_dead(pk, reason)
    try:
        return _work([pk], now)
    except Exception:
        if connection.connection is None or connection.connection.closed:
            raise
        log.exception("transaction revision %s takes its batch down", pk)
        return 1


@transaction.atomic
def _work(keys: Sequence[int], now: datetime) -> int:
    rows = transaction_rows.take(keys)
    own = transaction_work.own(rows)
    for row in rows:
        if row.transaction_id not in own:
            row.next_at = now + BUSY  # another worker has this transaction
    jobs = transaction_work.prepare([row for row in rows if row.transaction_id in own], now=now)
    while jobs:
        together = transaction_plain.run(jobs, now=now)
        for job in jobs:
            if job.row.pk in together:
                _done(job.row, together[job.row.pk], now)
        jobs = [job for job in jobs if job.row.pk not in together]
        # What had to wait for the first of these, another sale of its member say, may go on together behind it.
        alone, jobs = (jobs[:1], jobs[1:]) if together else (jobs, [])
        for job in alone:
            _one(job, now)
    transaction_rows.keep(rows)
    return len(rows)


def _done(row: Row, result: dict[str, Any], now: datetime) -> None:
    row.state, row.processed_at, row.error, row.next_at, row.result = State.PROCESSED, now, "", None, result


def _one(job: transaction_work.Job, now: datetime) -> None:
    """Bring one revision to an end, or put it off; whatever goes wrong stays within its savepoint."""
    row = job.row
    try:
        with transaction.atomic():
            result = transaction_work.run(job, now=now)
    except HOPELESS as problem:
        log.warning("transaction revision %s is dead: %s", row.pk, problem)
        _park(row, f"{type(problem).__name__}: {problem}")
    except Exception as problem:
        if connection.connection is None or connection.connection.closed:
            raise
        log.warning("transaction revision %s is put off: %s", row.pk, problem, exc_info=True)
        _again(row, problem, now)
    else:
        _done(row, result, now)


def _again(row: Row, problem: Exception, now: datetime) -> None:
    """Put a row off: after 2, 4, 8 ... seconds and a little, five minutes at the most."""
    if row.attempts >= MOST_TRIES:
        _park(row, f"given up after {row.attempts} tries; the last: {type(problem).__name__}: {problem}")
        return
    seconds = min(2**row.attempts, LONGEST_WAIT)
    row.state, row.error = State.RETRY, f"{type(problem).__name__}: {problem}"[:2000]
    row.next_at = now + timedelta(seconds=seconds, milliseconds=random.randrange(1000))


def _park(row: Row, reason: str) -> None:
    row.state, row.error, row.next_at = State.DEAD, reason.replace("\0", "")[:2000], None


def standing(*, retailer_id: int, now: datetime) -> dict[str, int]:
    """Return how many revisions of a retailer wait or are dead, and how many seconds the oldest has waited."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE r.state <> 'dead'), count(*) FILTER (WHERE r.state = 'dead'),"
            " coalesce(extract(epoch FROM %s - min(r.received_at) FILTER (WHERE r.state <> 'dead')), 0)::int"
            " FROM checkout_revision r JOIN checkout_transaction t ON t.id = r.transaction_id"
            " WHERE t.retailer_id = %s AND r.state IN ('queued', 'retry', 'dead')",
            [now, retailer_id],
        )
        waiting, dead, oldest = cursor.fetchone()
    return {"waiting": waiting, "dead": dead, "oldest_seconds": oldest}
