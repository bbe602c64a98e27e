"""Writes down what happened, in the transaction of the change itself, for delivery afterwards."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from offers.lib import ids, queue
from offers.lib.actors import Actor
from offers.outbox.models import Endpoint

NUDGE_SECONDS = 1
_nudged_at: list[float] = []

# Every active endpoint wants the type or has named no types; nobody there means no row.
_RECORD = """
INSERT INTO outbox_event (public_id, retailer_id, type, data, source, created_at)
SELECT %(public_id)s::text, %(retailer)s::bigint, %(type)s::text, %(data)s::jsonb, %(source)s::jsonb,
    %(now)s::timestamptz
WHERE EXISTS (
    SELECT FROM outbox_endpoint
    WHERE retailer_id = %(retailer)s::bigint AND active AND (events = '{}' OR %(type)s::text = ANY (events))
)
"""
_RECORD_ALL = """
INSERT INTO outbox_event (public_id, retailer_id, type, data, source, created_at)
SELECT given.public_id, %(retailer)s::bigint, given.type, given.data::jsonb, '{}', %(now)s::timestamptz
FROM unnest(%(public_ids)s::text[], %(types)s::text[], %(data)s::text[])
    WITH ORDINALITY AS given (public_id, type, data, place)
WHERE EXISTS (
    SELECT FROM outbox_endpoint
    WHERE retailer_id = %(retailer)s::bigint AND active AND (events = '{}' OR given.type = ANY (events))
)
ORDER BY given.place
"""


def listened(retailer_id: int) -> bool:
    """Whether any active endpoint exists. May be kept as long as the retailer's version number stays the same."""
    return Endpoint.objects.filter(retailer_id=retailer_id, active=True).exists()


def record(*, retailer_id: int, type: str, data: dict[str, Any], now: datetime, actor: Actor | None = None) -> bool:
    """Write an event in the caller's transaction, in one statement; no row when no active endpoint wants its type.

    `data` is what the renderer of the type works from (offers/outbox/payloads.py): ids are enough where the rest can
    be read later. Returns whether there is a row.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {
                "public_id": ids.new_id("whs_"),
                "retailer": retailer_id,
                "type": type,
                "data": orjson.dumps(data).decode(),
                "source": orjson.dumps(source_of(actor)).decode(),
                "now": now,
            },
        )
        written = bool(cursor.rowcount)
    if written:
        nudge()
    return written


def record_all(*, retailer_id: int, happened: Sequence[tuple[str, dict[str, Any]]], now: datetime) -> int:
    """Write any number of events (type, data) in the caller's transaction, in one statement and in this order.

    As with `record` there is no row for what no active endpoint wants. Returns how many rows there are.
    """
    if not happened:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD_ALL,
            {
                "public_ids": [ids.new_id("whs_") for _ in happened],
                "types": [type for type, _ in happened],
                "data": [orjson.dumps(data).decode() for _, data in happened],
                "retailer": retailer_id,
                "now": now,
            },
        )
        written = int(cursor.rowcount)
    if written:
        nudge()
    return written


def source_of(actor: Actor | None) -> dict[str, Any]:
    """Return who caused an event, in the words of the wire."""
    return {"channel": {"channel_type": actor.kind, "channel_id": actor.ident}} if actor else {}


def nudge() -> None:
    """Wake a relay after commit, at most once a second per process: a relay at work finds what comes meanwhile."""
    now = time.monotonic()
    if _nudged_at and now - _nudged_at[0] < NUDGE_SECONDS:
        return
    _nudged_at[:] = [now]
    queue.enqueue("outbox.relay")
