"""Proves the ledger: every figure of every counter again from journal and live holds, set against what stands."""

from dataclasses import dataclass

from django.db import connection, transaction

# One statement, so one snapshot: what commits meanwhile is seen whole or not at all.
_PROOF = """
WITH journal AS (
    SELECT e.counter_id,
           sum(e.delta) FILTER (WHERE e.kind IN ('open', 'settle', 'reverse')) AS settled,
           sum(e.delta) FILTER (WHERE e.kind IN ('open', 'settle', 'reverse') AND e.xact < c.tallied_xact) AS tallied,
           sum(e.delta) FILTER (WHERE e.kind IN ('grant', 'withdraw')) AS granted,
           sum(e.delta) FILTER (WHERE e.kind = 'settle') AS used
    FROM ledger_entry e LEFT JOIN ledger_counter c ON c.id = e.counter_id GROUP BY e.counter_id
), held AS (
    SELECT h.counter_id, sum(h.amount) FILTER (WHERE h.state = 'live') AS live,
           sum(h.settled_amount) AS settled
    FROM ledger_hold h GROUP BY h.counter_id
), figures AS (
    SELECT c.*, coalesce(j.settled, 0) AS j_settled, coalesce(j.tallied, 0) AS j_tallied,
           coalesce(j.granted, 0) AS j_granted, coalesce(j.used, 0) AS j_used, coalesce(h.live, 0) AS h_live,
           coalesce(h.settled, 0) AS h_settled
    FROM ledger_counter c LEFT JOIN journal j ON j.counter_id = c.id LEFT JOIN held h ON h.counter_id = c.id
), differences AS (
    SELECT id, kind, owner, 'taken' AS figure, taken AS stored, j_settled + h_live AS derived
    FROM figures WHERE counted AND taken <> j_settled + h_live
    UNION ALL
    SELECT id, kind, owner, 'tallied', tallied, j_tallied FROM figures WHERE tallied <> j_tallied
    UNION ALL
    SELECT id, kind, owner, 'overdrawn', overdrawn, greatest(0, taken - granted)
    FROM figures WHERE overdrawn <> greatest(0, taken - granted)
    UNION ALL
    SELECT id, kind, owner, 'settled holds', h_settled, j_used FROM figures WHERE h_settled > j_used
    UNION ALL
    SELECT min(id), min(kind), min(owner), 'granted', coalesce(sum(granted), 0) + sum(withheld), sum(j_granted)
    FROM figures GROUP BY family HAVING coalesce(sum(granted), 0) + sum(withheld) <> sum(j_granted)
    UNION ALL
    SELECT family, min(kind), min(owner), 'shards', count(*), max(shards)
    FROM figures GROUP BY family HAVING count(*) <> max(shards) OR min(id) <> family OR min(shards) <> max(shards)
    UNION ALL
    SELECT counter_id, '', 0, 'entries without a counter', settled, 0 FROM journal j
    WHERE NOT EXISTS (SELECT FROM ledger_counter c WHERE c.id = j.counter_id)
    UNION ALL
    SELECT counter_id, '', 0, 'holds without a counter', live, 0 FROM held h
    WHERE NOT EXISTS (SELECT FROM ledger_counter c WHERE c.id = h.counter_id)
)
SELECT (SELECT count(*) FROM ledger_counter), (SELECT count(*) FROM differences), d.id, d.kind, d.owner, d.figure,
       d.stored, d.derived
FROM (VALUES (1)) one LEFT JOIN (SELECT * FROM differences ORDER BY id, figure LIMIT %s) d ON true
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of a counter that is not what journal and holds say."""

    counter_id: int
    kind: str
    owner: int
    figure: str
    stored: int
    derived: int

    def __str__(self) -> str:
        return (
            f"counter {self.counter_id} ({self.kind} of {self.owner}): {self.figure} is {self.stored}, "
            f"journal and holds say {self.derived}"
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """How many counters were proved, how many figures differ, and the first of those."""

    counters: int
    total: int
    differences: list[Difference]


def prove(*, show: int = 100) -> Proof:
    """Re-derive all counters in one statement; locks nothing. `show` bounds the differences listed, not the number.

    It reads the whole ledger and takes as long as that takes: the statement limit of requests is not for it.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_PROOF, [show])
        rows = cursor.fetchall()
    found = [
        Difference(row[2], row[3], row[4], row[5], int(row[6] or 0), int(row[7] or 0))
        for row in rows
        if row[2] is not None
    ]
    return Proof(counters=rows[0][0], total=rows[0][1], differences=found)


def forget_tallies() -> int:
    """Let every settled amount be added up from the whole journal again.

    Needed once after a logical restore (pg_dump): transaction ids start anew there, so a tally's horizon means nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_counter SET tallied = 0, tallied_xact = 0 WHERE tallied_xact > 0")
        return int(cursor.rowcount)
