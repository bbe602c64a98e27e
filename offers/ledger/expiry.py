"""Expiry: due holds become expired. Availability never waits for it; the clock is judged at use."""

from datetime import datetime

from django.db import connection

BATCH = 500


def sweep(*, now: datetime, batches: int = 20) -> int:
    """Expire due holds in bounded batches and return how many. Rows somebody is busy with are left for the next."""
    ended = 0
    for _ in range(batches):
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_sweep(%s, %s)", [now, BATCH])
            count = int(cursor.fetchone()[0])
        ended += count
        if count < BATCH:
            break
    return ended
