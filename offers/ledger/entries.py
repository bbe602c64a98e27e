"""Journal entries: giving back what an earlier settlement used."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection


def reverse(*, references: Sequence[str], now: datetime, reason: str = "") -> dict[int, int]:
    """Give back everything settled under these references: counter id -> amount. A second call gives back nothing."""
    given: dict[int, int] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT counter_id, amount FROM ledger_reverse(%s, %s, %s)", [list(references), reason, now])
        for counter_id, amount in cursor.fetchall():
            given[counter_id] = given.get(counter_id, 0) + amount
    return given
