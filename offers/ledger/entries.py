"""Journal entries: giving back what an earlier settlement used."""

from datetime import datetime

from django.db import connection


def reverse(*, reference: str, now: datetime, reason: str = "") -> dict[int, int]:
    """Give back everything settled under `reference`: counter id -> amount. A second call gives back nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT counter_id, amount FROM ledger_reverse(%s, %s, %s)", [reference, reason, now])
        return dict(cursor.fetchall())
