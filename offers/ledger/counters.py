"""Counters: opened on first use, granted more or less, their limit changed, and read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db import connection, transaction

from offers.ledger.models import Entry
from offers.lib.errors import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """What identifies a counter."""

    kind: str
    owner: int
    subject: int = 0
    scope: str = ""
    period: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """A counter's figures over all its shards. `held` counts only holds alive at the moment asked for."""

    granted: int | None
    withdrawn: int
    held: int
    settled: int

    @property
    def available(self) -> int | None:
        """What can still be taken; None is unlimited."""
        return None if self.granted is None else max(0, self.granted - self.held - self.settled)


UNTOUCHED = State(granted=None, withdrawn=0, held=0, settled=0)


class NotEnoughLeft(Refusal):
    """More would be withdrawn than is left."""

    code = "not_enough_left"


_STATES: str = """
SELECT c.owner, c.kind, c.subject, c.scope, c.period, sum(c.granted), bool_or(c.granted IS NULL), sum(c.withdrawn),
       sum(ledger_settled(c.id)),
       (SELECT coalesce(sum(h.amount), 0) FROM ledger_hold h
        WHERE h.counter_id = ANY (array_agg(c.id)) AND h.state = 'live' AND (h.pinned OR h.expires_at > %(now)s))
FROM ledger_counter c WHERE c.owner = ANY (%(owners)s) AND c.kind = ANY (%(kinds)s)
GROUP BY c.owner, c.kind, c.subject, c.scope, c.period
"""


def states(*, kinds: Iterable[str], owners: Iterable[int], now: datetime) -> dict[Name, State]:
    """Return the figures of all open counters of these kinds and owners, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_STATES, {"kinds": list(kinds), "owners": list(owners), "now": now})
        return {
            Name(owner=row[0], kind=row[1], subject=row[2], scope=row[3], period=row[4]): State(
                granted=None if row[6] else int(row[5]), withdrawn=int(row[7]), settled=int(row[8]), held=int(row[9])
            )
            for row in cursor.fetchall()
        }


def state(name: Name, *, now: datetime) -> State | None:
    """Return the figures of one counter, or None when it was never used."""
    return states(kinds=[name.kind], owners=[name.owner], now=now).get(name)


class _Sql:
    open: ClassVar[str] = "SELECT ledger_open(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


def open_counter(
    name: Name,
    *,
    retailer_id: int,
    granted: int | None,
    now: datetime,
    counted: bool = False,
    shards: int = 1,
    opening: int = 0,
) -> None:
    """Open a counter unless it is open. `opening` is what was taken before it existed."""
    with connection.cursor() as cursor:
        cursor.execute(
            _Sql.open,
            [
                retailer_id,
                name.kind,
                name.owner,
                name.subject,
                name.scope,
                name.period,
                granted,
                counted,
                shards,
                opening,
                now,
            ],
        )


def grant(name: Name, amount: int, *, reference: str, now: datetime, reason: str = "") -> None:
    """Raise what is granted of an open counter. A second call with the same reference does nothing."""
    if amount <= 0:
        raise ValueError("amount must be positive")
    with transaction.atomic():
        (counter_id, _) = _lock(name)[0]
        if _journal(counter_id, Entry.Kind.GRANT, amount, reference, reason, now):
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE ledger_counter SET granted = granted + %s,"
                    " overdrawn = least(overdrawn, greatest(0, taken - granted - %s)) WHERE id = %s",
                    [amount, amount, counter_id],
                )


def withdraw(name: Name, amount: int, *, reference: str, now: datetime, reason: str = "") -> None:
    """Lower what is granted by an amount nobody holds or used. Refuses `not_enough_left`; once per reference."""
    if amount <= 0:
        raise ValueError("amount must be positive")
    with transaction.atomic():
        (counter_id, _) = _lock(name)[0]
        if not _journal(counter_id, Entry.Kind.WITHDRAW, -amount, reference, reason, now):
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_expire_due(%s, %s, '{}')", [counter_id, now])
            freed = cursor.fetchone()[0]
            cursor.execute(
                "UPDATE ledger_counter SET taken = taken - %s, overdrawn = least(overdrawn,"
                " greatest(0, taken - %s - granted)) WHERE id = %s AND %s > 0",
                [freed, freed, counter_id, freed],
            )
            cursor.execute(
                "UPDATE ledger_counter SET granted = granted - %s, withdrawn = withdrawn + %s"
                " WHERE id = %s AND taken <= granted - %s",
                [amount, amount, counter_id, amount],
            )
            if not cursor.rowcount:
                raise NotEnoughLeft(amount=amount)


def set_limit(name: Name, limit: int | None, *, reference: str, now: datetime, reason: str = "") -> None:
    """Change the limit of a counter, if it is open; one that was never used opens with its new limit by itself.

    A limit below what is taken stands: nothing is taken back, and nothing can be taken until enough is given back.
    From unlimited to limited, what is held and settled is counted first; claims made at this moment wait.
    """
    with transaction.atomic():
        rows = _lock(name)
        if not rows:
            return
        with connection.cursor() as cursor:
            for position, (counter_id, granted) in enumerate(rows):
                part = None if limit is None else limit // len(rows) + (position < limit % len(rows))
                cursor.execute(
                    "UPDATE ledger_counter c SET granted = %(part)s,"
                    " taken = s.taken, counted = c.counted OR %(part)s IS NOT NULL,"
                    " overdrawn = greatest(0, s.taken - %(part)s)"
                    " FROM (SELECT ledger_settled(%(id)s) + coalesce(sum(amount), 0) AS taken FROM ledger_hold"
                    "       WHERE counter_id = %(id)s AND state = 'live') s WHERE c.id = %(id)s",
                    {"part": part, "id": counter_id},
                )
                change = (part or 0) - (granted or 0)
                if change:
                    kind = Entry.Kind.GRANT if change > 0 else Entry.Kind.WITHDRAW
                    _journal(counter_id, kind, change, reference, reason, now)


def _lock(name: Name) -> list[tuple[int, int | None]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, pg_advisory_xact_lock(hashtextextended('ledger_limit', id)) FROM ledger_counter"
            " WHERE owner = %s AND kind = %s AND subject = %s AND scope = %s AND period = %s ORDER BY id",
            [name.owner, name.kind, name.subject, name.scope, name.period],
        )
        cursor.fetchall()
        cursor.execute(
            "SELECT id, granted FROM ledger_counter WHERE owner = %s AND kind = %s AND subject = %s AND scope = %s"
            " AND period = %s ORDER BY id FOR UPDATE",
            [name.owner, name.kind, name.subject, name.scope, name.period],
        )
        return [(row[0], row[1]) for row in cursor.fetchall()]


def _journal(counter_id: int, kind: str, delta: int, reference: str, reason: str, now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (reference, counter_id, kind) DO NOTHING",
            [counter_id, kind, delta, reference, reason, now],
        )
        return bool(cursor.rowcount)
