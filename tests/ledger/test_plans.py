"""What PostgreSQL plans for the hot look-ups when its statistics were taken in a quiet hour, with nothing held."""

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


def plan_of(statement: str) -> str:
    with connection.cursor() as cursor:
        # Whatever tests before this one left behind them would be seen in the statistics; undone with the test.
        cursor.execute("TRUNCATE ledger_hold, checkout_locksession CASCADE")
        cursor.execute("ANALYZE ledger_hold, checkout_locksession")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {statement}")
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (
            "SELECT FROM ledger_hold WHERE reference = 's1:a' AND state = 'live' AND (pinned OR expires_at > now())",
            "hold_reference",
        ),
        (
            "SELECT FROM ledger_hold WHERE counter_id = 1 AND state = 'live' AND expires_at > '-infinity'",
            "hold_due",
        ),
        (
            "SELECT FROM checkout_locksession WHERE object_id = 1 AND object = 'voucher' AND key = 'a'"
            " AND state = 'live'",
            "lock_once_per_key",
        ),
    ],
)
def test_a_lookup_uses_its_own_index_and_not_one_that_looks_empty(statement: str, index: str) -> None:
    assert f"using {index} " in plan_of(statement)


def test_what_is_due_is_found_by_the_clock() -> None:
    due = "state = 'live' AND NOT pinned AND expires_at <= now()"
    assert "hold_sweep" in plan_of(f"SELECT FROM ledger_hold WHERE {due} ORDER BY expires_at LIMIT 9")
    locked = "state = 'live' AND expires_at <= now()"
    assert "lock_due" in plan_of(f"SELECT FROM checkout_locksession WHERE {locked} ORDER BY expires_at LIMIT 9")
