"""Counters: opened on first use, granted more or less, their limit changed, and read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

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


class CounterNotOpen(LookupError):
    """The caller forgot to open the counter before granting or withdrawing."""


_STATES = """
SELECT c.owner, c.kind, c.subject, c.scope, c.period, sum(c.granted) + sum(c.withheld), sum(c.withdrawn),
       sum(ledger_settled(c.id)),
       (SELECT coalesce(sum(h.amount), 0) FROM ledger_hold h
        WHERE h.counter_id = ANY (array_agg(c.id)) AND h.state = 'live' AND (h.pinned OR h.expires_at > %(now)s)
          AND h.expires_at > '-infinity')  -- always so; opens the index hold_due
FROM ledger_counter c WHERE c.owner = ANY (%(owners)s::bigint[]) AND c.kind = ANY (%(kinds)s::text[])
  AND (%(period)s::text IS NULL OR c.period = %(period)s)
GROUP BY c.owner, c.kind, c.subject, c.scope, c.period
"""


def states(
    *, kinds: Iterable[str], owners: Iterable[int], now: datetime, period: str | None = None
) -> dict[Name, State]:
    """Return the figures of all open counters of these kinds and owners (of one period), in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_STATES, {"kinds": list(kinds), "owners": list(owners), "period": period, "now": now})
        return {
            Name(owner=row[0], kind=row[1], subject=row[2], scope=row[3], period=row[4]): State(
                granted=None if row[5] is None else int(row[5]),
                withdrawn=int(row[6]),
                settled=int(row[7]),
                held=int(row[8]),
            )
            for row in cursor.fetchall()
        }


def counted(*, kinds: Iterable[str], owners: Iterable[int]) -> dict[tuple[str, int], tuple[int | None, int]]:
    """Return (granted, taken) by kind and owner, however much is held: taken counts what is due and not yet swept."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, owner, sum(granted) + sum(withheld), sum(taken) FROM ledger_counter"
            " WHERE owner = ANY (%s::bigint[]) AND kind = ANY (%s::text[]) GROUP BY kind, owner",
            [list(owners), list(kinds)],
        )
        return {
            (kind, owner): (None if granted is None else int(granted), int(taken))
            for kind, owner, granted, taken in cursor.fetchall()
        }


def state(name: Name, *, now: datetime) -> State | None:
    """Return the figures of one counter, or None when it was never used."""
    return states(kinds=[name.kind], owners=[name.owner], now=now).get(name)


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
            "SELECT ledger_open(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
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


def open_many(
    kind: str, owners: Sequence[int], *, retailer_id: int, granted: int | None, now: datetime
) -> dict[int, int]:
    """Open a counter of one row for each of many owners, unless it is open; return their keys by owner."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ledger_open(%s, %s, o, 0, '', '', %s, false, 1, 0, %s) FROM unnest(%s::bigint[]) AS o",
            [retailer_id, kind, granted, now, list(owners)],
        )
        cursor.execute(
            "SELECT owner, id FROM ledger_counter WHERE owner = ANY (%s::bigint[]) AND kind = %s AND subject = 0"
            " AND scope = '' AND period = '' AND shard = 0",
            [list(owners), kind],
        )
        return dict(cursor.fetchall())


def grant(name: Name, amount: int, *, reference: str, now: datetime, reason: str = "") -> None:
    """Raise what is granted of an open, limited counter. A second call with the same reference does nothing.

    The counter must be open, else `CounterNotOpen`. Locks it.
    """
    _require_positive(amount)
    with transaction.atomic():
        family = _family(name)
        granted, _ = _own(family)
        if _journal(family, Entry.Kind.GRANT, amount, reference, reason, now):
            _deal(family, granted + amount)


def withdraw(name: Name, amount: int, *, reference: str, now: datetime, reason: str = "") -> None:
    """Lower what is granted by an amount nobody holds or used; once per reference.

    Refuses `not_enough_left`. The counter must be open, else `CounterNotOpen`. Locks it.
    """
    _require_positive(amount)
    with transaction.atomic():
        family = _family(name)
        granted, taken = _own(family)
        if not _journal(family, Entry.Kind.WITHDRAW, -amount, reference, reason, now):
            return
        if taken > granted - amount:
            taken -= _expire_due(family, now)
        if taken > granted - amount:
            raise NotEnoughLeft(available=max(0, granted - taken))
        _deal(family, granted - amount)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE ledger_counter SET withdrawn = withdrawn + %s WHERE id = %s", [amount, family])


def set_limit(
    name: Name,
    limit: int | None,
    *,
    reference: str,
    now: datetime,
    reason: str = "",
    retailer_id: int | None = None,
    shards: int = 1,
    opening: int = 0,
) -> None:
    """Change the limit of a counter. A limit below what is taken stands: nothing is taken back, and nothing can be
    taken until enough is given back. From unlimited to limited, what is held and settled is counted first; claims made
    at this moment wait.

    A counter that was never used is opened with the new limit when `retailer_id` is given: a request that read the
    old limit a moment ago would otherwise open it with that.
    """
    set_limits(
        {name: limit},
        reference=reference,
        now=now,
        reason=reason,
        retailer_id=retailer_id,
        shards=shards,
        opening=opening,
    )


def set_limits(
    limits: Mapping[Name, int | None],
    *,
    reference: str,
    now: datetime,
    reason: str = "",
    retailer_id: int | None = None,
    shards: int = 1,
    opening: int = 0,
) -> None:
    """Change several limits, in the order in which requests take them. Use this for more than one in a transaction."""
    with transaction.atomic():
        if retailer_id is not None:
            for name in sorted(limits, key=lambda n: (n.kind, n.owner, n.subject, n.scope, n.period)):
                open_counter(
                    name, retailer_id=retailer_id, granted=limits[name], now=now, shards=shards, opening=opening
                )
        families = {name: _find(name) for name in limits}
        for name, family in sorted(families.items(), key=lambda pair: pair[1] or 0):
            if family is not None:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT ledger_limit(%s, %s, %s, %s, %s)", [family, limits[name], reference, reason, now]
                    )


def move_limit(*, counter_id: int, limit: int, reference: str, now: datetime, reason: str = "") -> None:
    """Change the limit of a counter of one row by its key, in one statement, for callers that own it already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_limit(%s, %s, %s, %s, %s)", [counter_id, limit, reference, reason, now])


def _require_positive(amount: int) -> None:
    if amount <= 0:
        raise ValueError("amount must be positive")


def _find(name: Name) -> int | None:
    """The family of a counter: the id of its first shard."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM ledger_counter WHERE owner = %s AND kind = %s AND subject = %s AND scope = %s"
            " AND period = %s AND shard = 0",
            [name.owner, name.kind, name.subject, name.scope, name.period],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _family(name: Name) -> int:
    family = _find(name)
    if family is None:
        raise CounterNotOpen(name)
    return family


def _own(family: int) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT granted, taken FROM ledger_own(%s, false)", [family])
        granted, taken = cursor.fetchone()
    if granted is None:
        raise ValueError("the counter is unlimited")
    return granted, taken


def _deal(family: int, limit: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_deal(%s, %s)", [family, limit])


def _expire_due(family: int, now: datetime) -> int:
    """Give back all due holds of a counter whose shards we own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(e.freed), 0)::bigint FROM ledger_counter f"
            " JOIN ledger_counter c USING (owner, kind, subject, scope, period),"
            " LATERAL ledger_expire_due(c.id, %s, NULL) e WHERE f.id = %s",
            [now, family],
        )
        return int(cursor.fetchone()[0])


def _journal(counter_id: int, kind: str, delta: int, reference: str, reason: str, now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (reference, counter_id, kind) DO NOTHING",
            [counter_id, kind, delta, reference, reason, now],
        )
        return bool(cursor.rowcount)
