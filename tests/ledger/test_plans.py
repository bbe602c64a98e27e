"""What PostgreSQL plans for the hot look-ups when nothing was held as it took its statistics, or when it took none."""

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


def test_a_code_becomes_popular_after_statistics_were_taken() -> None:
    """A redemption ends its own lock by its key, and does not read every lock the code has had."""
    lock = "WHERE object_id = 1 AND object = 'voucher' AND key = 'k7' AND state = 'live'"
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE checkout_locksession CASCADE")
        cursor.execute(
            "INSERT INTO checkout_locksession (public_id, retailer_id, key, object, object_id, object_label, ttl,"
            " ttl_unit, state, created_at, expires_at, tracking_id, ended_by, actor, discount_amount)"
            " SELECT 'l' || n, 1, 'k' || n, 'voucher', n, 'C-' || n, 1, 'HOURS', 'live', now(), now(), '', '', '', 0"
            " FROM generate_series(1, 1500) n"
        )
        cursor.execute("ANALYZE checkout_locksession")  # every lock on a code of its own: both indexes look alike
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN UPDATE checkout_locksession SET state = 'redeemed' {lock}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute("DELETE FROM checkout_locksession")
    assert "using lock_once_per_key " in plan


def test_the_locks_of_an_object_have_an_index_for_their_list() -> None:
    listed = "object = 'voucher' AND object_id = 1 AND created_at <= now() ORDER BY id DESC LIMIT 40"
    assert "lock_of_object" in plan_of(f"SELECT FROM checkout_locksession WHERE {listed}")


def test_what_is_due_is_found_by_the_clock() -> None:
    due = "state = 'live' AND NOT pinned AND expires_at <= now()"
    assert "hold_sweep" in plan_of(f"SELECT FROM ledger_hold WHERE {due} ORDER BY expires_at LIMIT 9")
    locked = "state = 'live' AND expires_at <= now()"
    assert "lock_due" in plan_of(f"SELECT FROM checkout_locksession WHERE {locked} ORDER BY expires_at LIMIT 9")
