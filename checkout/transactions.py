"""Purchase transactions: accept what a till sends at once, tell where it stands, and what staff do with a dead one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction

from checkout import offer_locks, till_fields, transaction_shape
from checkout.models import Revision
from offers import audit
from offers.lib import money
from offers.lib.actors import Actor
from offers.lib.errors import Duplicate, NotFound, Refusal
from offers.lib.retry import retrying
from offers.models import Retailer

State = Revision.State

_ACCEPT = "SELECT outcome, version, revision FROM checkout_accept(%s::jsonb)"
# The newest revision that nobody discarded; where all were, the newest.
_STATUS = """
SELECT t.transaction_id, s.uuid, r.state, r.number, r.attempts, r.error, r.result, r.received_at, r.processed_at
FROM checkout_transaction t
JOIN offers_store s ON s.id = t.store_id
JOIN checkout_revision r ON r.transaction_id = t.id
WHERE t.retailer_id = %s AND t.transaction_id = %s AND s.uuid = %s
ORDER BY r.result -> 'discarded' IS NOT NULL, r.number DESC LIMIT 1
"""
# As a worker owns it.
_OWN = "SELECT pg_advisory_xact_lock(hashtextextended('transaction:' || %s, 0))"
# What would be in force, had the discarded ones never come: of stale ones of one time the first counts.
_NEXT = """
SELECT r.id FROM checkout_revision r
WHERE r.transaction_id = %s AND r.is_closed AND r.result -> 'discarded' IS NULL
ORDER BY r.modified_at DESC, r.state = 'stale', CASE r.state WHEN 'stale' THEN r.number ELSE -r.number END LIMIT 1
"""


class UnknownStore(Refusal):
    """This credential has no such store."""

    code = "access_denied"


class RequestIdConflict(Refusal):
    """This request_id came before for this transaction, with another body."""

    code = "request_id_conflict"


class TransactionNotFound(Refusal):
    """This store never sent such a transaction."""

    code = "transaction_not_found"


class InvalidTransition(Refusal):
    """Only a transaction that was given up can be retried or discarded."""

    code = "invalid_transition"


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a send: `outcome` is version, replay, duplicate, open, stale or queued."""

    outcome: str
    version: int
    revision_id: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a transaction stands: its newest revision."""

    transaction_id: str
    store_id: UUID
    state: str
    revision: int
    attempts: int
    error: str
    result: Mapping[str, Any] | None
    received_at: datetime
    processed_at: datetime | None


def accept(
    *,
    retailer_id: int,
    version: int,
    store_id: UUID,
    request_id: str,
    payload: Mapping[str, Any],
    actor: Actor,
    now: datetime,
) -> Accepted:
    """Store one version of a sale, claim the locks it names and queue it: one statement, one transaction.

    The row in the queue is the revision itself, so what was answered OK is never lost. `version` is what the caller's
    credential was checked against; when the configuration is newer nothing is done and the outcome is "version".
    Safe to repeat: the same content has no second effect, whatever its request id.
    Refuses what `transaction_shape.read` does, access_denied (store), request_id_conflict, duplicate_found (a receipt
    code another sale has). Locks the transaction's head, then the locks it names.
    """
    sale = _read(retailer_id, payload)
    modified = sale.modified_at
    content = transaction_shape.content_hash(payload)
    written = {
        "retailer": retailer_id,
        "version": version,
        "store": store_id,
        "transaction_id": sale.transaction_id,
        "request": f"{actor.credential_id}:{request_id}",
        "request_hash": transaction_shape.request_hash(payload, content),
        "content_hash": content.hex(),
        "payload": payload,
        "is_closed": sale.is_closed,
        "is_voided": sale.is_voided,
        "modified": modified,
        "local": modified is not None and modified.tzinfo is None,
        "receipt_code": sale.receipt_code,
        "references": [one.reference for one in sale.discounts if one.reference is not None],
        "client": actor.ident[:64],
        "now": now,
    }
    text = orjson.dumps(written, default=str).decode()

    def write() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(_ACCEPT, [text])
            return cursor.fetchone()

    outcome, found_version, revision_id = retrying(write, again_after_loss=True)
    if outcome == "no_store":
        raise UnknownStore()
    if outcome == "conflict":
        raise RequestIdConflict()
    if outcome == "receipt_taken":
        raise Duplicate("Another transaction has this receipt_code")
    return Accepted(outcome, found_version, revision_id)


def _read(retailer_id: int, payload: Mapping[str, Any]) -> transaction_shape.Sale:
    """Return what is to be accepted. What has too many decimals is read again where the currency has three places:
    only then does it cost a read to know the currency."""
    try:
        return transaction_shape.read(payload)
    except till_fields.ArgumentError:
        currency = Retailer.objects.values_list("currency", flat=True).get(pk=retailer_id)
        if money.exponent(currency) <= money.DEFAULT_EXPONENT:
            raise
        return transaction_shape.read(payload, currency=currency)


def status(*, retailer_id: int, store_id: UUID, transaction_id: str) -> Standing:
    """Return where a transaction stands; refuses transaction_not_found, also for another retailer's."""
    with connection.cursor() as cursor:
        cursor.execute(_STATUS, [retailer_id, transaction_id, store_id])
        row = cursor.fetchone()
    if row is None:
        raise TransactionNotFound()
    found = Standing(*row)
    return replace(found, result=orjson.loads(found.result)) if isinstance(found.result, str) else found


@transaction.atomic
def retry(*, retailer_id: int, revision_id: int, actor: Actor, now: datetime, reason: str = "") -> Revision:
    """Put a dead revision into the queue again with its tries forgotten; refuses not_found, invalid_transition."""
    row = _dead(retailer_id, revision_id)
    row.state, row.attempts, row.next_at = State.QUEUED, 0, now
    row.save(update_fields=["state", "attempts", "next_at"])
    _audit(row, "transaction.retry", actor, now, reason)
    return row


@transaction.atomic
def discard(*, retailer_id: int, revision_id: int, actor: Actor, now: datetime, reason: str) -> Revision:
    """Close a dead revision without effects, with the reason; refuses not_found, invalid_transition.

    The sale is as if it had never come: an older revision that was not worked on for its sake, or one that was stale
    beside it, goes into the queue again. The offers it claimed are their owners' again, unless another revision of the
    sale waits. Waits for the worker who has the sale, and owns it.
    """
    _own(retailer_id, revision_id)
    row = _dead(retailer_id, revision_id)
    head = row.transaction
    row.state, row.processed_at = State.PROCESSED, now
    row.result = {"discarded": True, "reason": reason, "by": actor.name, "error": row.error}
    row.save(update_fields=["state", "processed_at", "result"])
    if (again := _count_again(head.pk, now)) is not None:
        row.result["counts_again"] = again
    released: list[UUID] = []
    waiting = Revision.objects.filter(transaction=head, state__in=(State.QUEUED, State.RETRY, State.DEAD))
    if not waiting.exists():
        released = offer_locks.give_up_claims(store_id=head.store_id, transaction_id=head.transaction_id, now=now)
    row.result["released"] = [{"user_offer_id": str(one)} for one in released]
    row.save(update_fields=["result"])
    _audit(row, "transaction.discard", actor, now, reason)
    return row


def _own(retailer_id: int, revision_id: int) -> None:
    """Own the sale of a revision, so that no worker is about to pass over another one in its favour."""
    head = Revision.objects.filter(pk=revision_id, transaction__retailer_id=retailer_id)
    if (pk := head.values_list("transaction_id", flat=True).first()) is not None:
        with connection.cursor() as cursor:
            cursor.execute(_OWN, [pk])


def _count_again(head: int, now: datetime) -> int | None:
    """Put what is in force now into the queue if it was never worked on; return its number."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [head])
        found = cursor.fetchone()
    row = Revision.objects.select_for_update().get(pk=found[0]) if found else None
    passed_over = row is not None and row.state == State.PROCESSED and "superseded_by" in (row.result or {})
    if row is None or not (passed_over or row.state == State.STALE):
        return None
    row.state, row.attempts, row.next_at, row.result, row.processed_at = State.QUEUED, 0, now, None, None
    row.save(update_fields=["state", "attempts", "next_at", "result", "processed_at"])
    return row.number


def _dead(retailer_id: int, revision_id: int) -> Revision:
    # The head too: no till sends a further revision, which would rely on the same claims, meanwhile.
    rows = Revision.objects.select_for_update(of=("self", "transaction")).select_related("transaction__store")
    row = rows.filter(pk=revision_id, transaction__retailer_id=retailer_id).first()
    if row is None:
        raise NotFound("transaction", revision_id)
    if row.state != State.DEAD:
        raise InvalidTransition(state=row.state)
    return row


def _audit(row: Revision, action: str, actor: Actor, now: datetime, reason: str) -> None:
    audit.record(
        retailer_id=row.transaction.retailer_id,
        actor=actor,
        action=action,
        object_type="transaction",
        object_id=f"{row.transaction.store.uuid}:{row.transaction.transaction_id}",
        before={"state": State.DEAD.value, "error": row.error[:500]},
        after={"state": str(row.state), "revision": row.number},
        reason=reason,
        now=now,
    )
