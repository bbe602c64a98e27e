"""Expiry: due holds become expired. Availability never waits for it; the clock is judged at use."""

from datetime import datetime

from django.db import connection

BATCH = 100  # few enough that a request on a counter being swept waits milliseconds


def sweep(*, now: datetime, batch: int = BATCH, batches: int = 100) -> int:
    """Expire due holds in bounded batches and return how many."""
    ended = 0
    for _ in range(batches):
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_sweep(%s, %s)", [now, batch])
            count = int(cursor.fetchone()[0])
        ended += count
        if count < batch:
            break
    return ended
