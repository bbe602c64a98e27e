"""The last word: what raw SQL cannot do to the ledger."""

import pytest
from django.db import IntegrityError, transaction

from offers.ledger import holds
from tests.ledger.words import NOW, hold, sql, use, want

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("update ledger_counter set taken = granted + 1", "counter_never_exceeded"),
        ("update ledger_counter set granted = taken - 1", "counter_never_exceeded"),
        ("update ledger_counter set taken = -1", "counter_taken_not_negative"),
        ("update ledger_counter set granted = -1, taken = 0", "counter_granted_not_negative"),
        ("update ledger_counter set overdrawn = -1", "counter_overdrawn_not_negative"),
        ("update ledger_counter set withheld = -1", "counter_withheld_not_negative"),
        ("update ledger_counter set counted = false", "counter_limited_counts"),
        (
            "insert into ledger_counter (family, retailer_id, kind, owner, subject, scope, period, shard, withdrawn,"
            " taken, overdrawn, counted, tallied, tallied_xact)"
            " select 0, 1, kind, owner, subject, scope, period, shard, 0, 0, 0, true, 0, 0 from ledger_counter",
            "counter_identity",
        ),
        ("update ledger_hold set amount = -1 where state = 'live'", "hold_amount_not_negative"),
        ("update ledger_hold set ended_at = now() where state = 'live'", "hold_live_has_no_end"),
        (
            "update ledger_hold set state = 'settled', settled_amount = amount + 1 where state = 'live'",
            "hold_settles_at_most_itself",
        ),
        ("update ledger_hold set state = 'voided' where state = 'settled'", "is settled"),
        ("update ledger_hold set state = 'live', ended_at = null where state = 'settled'", "is settled"),
        ("delete from ledger_hold where state = 'live'", "is live"),
        ("update ledger_entry set delta = 0", "append-only"),
        ("delete from ledger_entry", "append-only"),
        (
            "insert into ledger_entry (counter_id, kind, delta, reference, reason, created_at)"
            " select counter_id, kind, delta, reference, reason, created_at from ledger_entry",
            "entry_once_per_reference",
        ),
    ],
)
def test_raw_sql_is_refused(statement: str, constraint: str) -> None:
    hold("s1", want(2, granted=5))
    hold("s2", want(1, granted=5))
    holds.settle(reference="s2", entry="r_1", now=NOW)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        sql(statement)


def test_an_entry_reference_settles_a_counter_once() -> None:
    use("", want(granted=5, entry="r_1"))
    with pytest.raises(IntegrityError, match="entry_once_per_reference"), transaction.atomic():
        use("", want(granted=5, entry="r_1"))


def test_ended_holds_may_be_purged() -> None:
    hold("s1", want(granted=5))
    holds.void(reference="s1", now=NOW)
    sql("delete from ledger_hold")
