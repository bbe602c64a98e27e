"""Waiting revisions as the queue works on them: no more of each than the work needs, read for a whole batch at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from checkout.models import Revision
from offers import retailer_settings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Moments as microseconds: the driver takes ten times as long to read them as texts.
_TAKE = """
SELECT r.id, r.number, r.payload::text, (extract(epoch FROM r.modified_at) * 1000000)::bigint, r.attempts, r.state,
       r.error, t.id, t.retailer_id, t.store_id, t.transaction_id,
       (extract(epoch FROM t.first_closed_at) * 1000000)::bigint
FROM checkout_revision r JOIN checkout_transaction t ON t.id = r.transaction_id
WHERE r.id = ANY (%s::bigint[]) AND r.state IN ('queued', 'retry')
ORDER BY r.id FOR UPDATE OF r
"""
_STORES = """
SELECT s.id, s.uuid, s.timezone, s.prices_include_tax FROM offers_store s WHERE s.id = ANY (%s::bigint[])
"""
_RETAILERS = """
SELECT r.id, r.timezone, r.currency, r.settings::text FROM offers_retailer r WHERE r.id = ANY (%s::bigint[])
"""
_KEEP = """
UPDATE checkout_revision r
SET state = x.state, next_at = x.next_at, error = x.error, result = x.result, processed_at = x.processed_at
FROM jsonb_to_recordset(%s::jsonb) AS x(id bigint, state text, next_at timestamptz, error text, result jsonb,
                                        processed_at timestamptz)
WHERE r.id = x.id
"""


@dataclass(frozen=True, slots=True)
class Place:
    """The store of a sale."""

    pk: int
    uuid: UUID
    timezone: str
    prices_include_tax: bool


@dataclass(frozen=True, slots=True)
class Shop:
    """The retailer of a sale."""

    pk: int
    timezone: str
    currency: str
    settings: retailer_settings.Settings


@dataclass(frozen=True, slots=True)
class Head:
    """What all revisions of a sale have in common."""

    pk: int
    transaction_id: str
    first_closed_at: datetime | None
    retailer: Shop
    store: Place

    @property
    def retailer_id(self) -> int:
        return self.retailer.pk

    @property
    def store_id(self) -> int:
        return self.store.pk


@dataclass(slots=True)
class Row:
    """One revision in the queue; from `state` on what `keep` writes."""

    pk: int
    number: int
    payload: Any
    modified_at: datetime
    attempts: int
    transaction: Head
    state: str
    next_at: datetime | None = None
    error: str = ""
    result: dict[str, Any] | None = None
    processed_at: datetime | None = None

    @property
    def transaction_id(self) -> int:
        return self.transaction.pk


def take(keys: Sequence[int]) -> list[Row]:
    """Lock those of these revisions that still wait, and return them in their order.

    They are the caller's by their lease. A claimer who came too late for them may own their rows for a moment all the
    same, until it has seen that: it is waited for, in the order of ids, or they would lie until the lease is over.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [list(keys)])
        found = cursor.fetchall()
        cursor.execute(_STORES, [list({row[9] for row in found})])
        stores = {row[0]: Place(*row) for row in cursor.fetchall()}
        cursor.execute(_RETAILERS, [list({row[8] for row in found})])
        shops = {
            pk: Shop(pk, timezone, currency, retailer_settings.of(orjson.loads(settings)))
            for pk, timezone, currency, settings in cursor.fetchall()
        }
    return [
        Row(
            pk=pk,
            number=number,
            payload=_payload(payload),
            modified_at=EPOCH + timedelta(microseconds=modified),
            attempts=attempts,
            transaction=Head(
                pk=head,
                transaction_id=name,
                first_closed_at=None if closed is None else EPOCH + timedelta(microseconds=closed),
                retailer=shops[retailer],
                store=stores[store],
            ),
            state=state,
            error=error,
        )
        for pk, number, payload, modified, attempts, state, error, head, retailer, store, name, closed in found
    ]


def keep(rows: Sequence[Row]) -> None:
    """Write where the revisions stand now, in one statement."""
    written = [
        {
            "id": row.pk,
            "state": row.state,
            "next_at": row.next_at,
            "error": row.error,
            "result": row.result,
            "processed_at": row.processed_at,
        }
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [orjson.dumps(written, default=str).decode()])


def mark_dead(pk: int, reason: str) -> int:
    """Give up a revision unread; return 0 where it waits no more."""
    waiting = Revision.objects.filter(pk=pk, state__in=(Revision.State.QUEUED, Revision.State.RETRY))
    return waiting.update(state=Revision.State.DEAD, error=reason, next_at=None)


def _payload(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # a number beyond what it reads
        return json.loads(text)
