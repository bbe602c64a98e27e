"""Answers a repeated write with its first answer: one effect per (client, key), kept beside the effect itself."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from offers.lib.errors import Refusal

KEEP = timedelta(days=7)  # longer than any till tries again
BATCH = 5000

_CLAIM = """
SELECT pg_try_advisory_xact_lock(%s), reply.status, reply.body, reply.body_hash
FROM (VALUES (1)) AS one LEFT JOIN checkout_reply reply ON reply.client_id = %s AND reply.key = %s
"""
_LOOK = "SELECT status, body, body_hash FROM checkout_reply WHERE client_id = %s AND key = %s"
_STORE = """
INSERT INTO checkout_reply (client_id, key, route, body_hash, status, body, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_PURGE = """
DELETE FROM checkout_reply
WHERE id IN (SELECT id FROM checkout_reply WHERE created_at < %s ORDER BY created_at LIMIT %s)
"""


class KeyReused(Refusal):
    """This Idempotency-Key came before with another request."""

    code = "idempotency_key_reused"


class KeyInUse(Refusal):
    """A request with this Idempotency-Key is still running."""

    code = "idempotency_key_in_use"


@dataclass(frozen=True, slots=True)
class Stored:
    """The first answer."""

    status: int
    body: bytes


def fingerprint(*parts: bytes) -> bytes:
    """Return what makes a request the same request again: the hash of its method, address and body."""
    mixed = hashlib.sha256()
    for part in parts:
        mixed.update(len(part).to_bytes(8))
        mixed.update(part)
    return mixed.digest()


def claim(*, client_id: int, key: str, request: bytes) -> Stored | None:
    """Return the stored answer to this key (1 query), or None with the key locked until the transaction ends (2).

    Refuses idempotency_key_reused (another fingerprint) and idempotency_key_in_use (a twin is running: waiting for it
    would keep a whole web process from working). Must run inside the transaction of the effect.
    """
    assert connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [_lock_number(client_id, key), client_id, key])
        locked, *found = cursor.fetchone()
        if locked and found[0] is None:
            # The first look may be older than the lock: a twin may have committed in between.
            cursor.execute(_LOOK, [client_id, key])
            found = cursor.fetchone() or found
    status, body, seen = found
    if status is not None:
        if bytes(seen) != request:
            raise KeyReused()
        return Stored(status, bytes(body))
    if not locked:
        raise KeyInUse(retry_after=1)
    return None


def store(*, client_id: int, key: str, route: str, request: bytes, status: int, body: bytes, now: datetime) -> None:
    """Keep the answer, in the transaction of the effect and under the lock of `claim`."""
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [client_id, key, route[:300], request, status, body, now])


def purge(*, now: datetime, keep: timedelta = KEEP, most: int = 100_000) -> int:
    """Delete answers older than `keep`, in batches, each its own transaction; return how many went."""
    gone = 0
    while gone < most:
        with connection.cursor() as cursor:
            cursor.execute(_PURGE, [now - keep, BATCH])
            gone += cursor.rowcount
            if cursor.rowcount < BATCH:
                break
    return gone


def _lock_number(client_id: int, key: str) -> int:
    return int.from_bytes(hashlib.sha256(f"reply:{client_id}:{key}".encode()).digest()[:8], signed=True)
