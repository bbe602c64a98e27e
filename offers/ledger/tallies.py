"""Tallies: adds up a counter's older journal lines once, so that reading what is settled stays quick."""

from django.db import connection

TAIL = 200
RECENT = 50_000
MOST = 1000

_LONG_TAILS = """
SELECT e.counter_id FROM ledger_entry e JOIN ledger_counter c ON c.id = e.counter_id
WHERE e.id > %s AND e.xact >= c.tallied_xact GROUP BY e.counter_id HAVING count(*) > %s LIMIT %s
"""


def tally(*, recent: int | None = RECENT, tail: int = TAIL) -> int:
    """Tally counters with more than `tail` lines since their last tally; return how many.

    Looks at the `recent` newest lines of the journal, or at all of it (None), which takes as long as a proof.
    Counters somebody is busy with are left for the next time.
    """
    with connection.cursor() as cursor:
        start = 0
        if recent is not None:
            cursor.execute("SELECT coalesce(max(id), 0) FROM ledger_entry")
            start = cursor.fetchone()[0] - recent
        cursor.execute(_LONG_TAILS, [start, tail, MOST])
        counters = [row[0] for row in cursor.fetchall()]
        for counter in counters:
            cursor.execute("SELECT ledger_tally(%s)", [counter])
    return len(counters)
