"""Forgets what was only kept to look something up: answered validations, and why a redemption failed."""

from datetime import datetime, timedelta

from django.db import connection

BATCH = 500

# Rows come in the order of their age, so the lowest ids tell whether there is anything to do.
_VALIDATIONS = """
DELETE FROM checkout_validation WHERE id IN (
    SELECT id FROM (SELECT id, created_at FROM checkout_validation ORDER BY id LIMIT %s) oldest WHERE created_at < %s
)
"""
_TRACES = """
UPDATE checkout_redemption SET trace = NULL WHERE id IN (
    SELECT id FROM (SELECT id, created_at FROM checkout_redemption WHERE trace IS NOT NULL ORDER BY id LIMIT %s) oldest
    WHERE created_at < %s
)
"""


def purge_validations(*, now: datetime, days: int) -> int:
    """Delete validations older than `days`, in bounded batches; return how many."""
    return _in_batches(_VALIDATIONS, now - timedelta(days=days))


def purge_traces(*, now: datetime, days: int) -> int:
    """Empty the traces of redemptions older than `days`; the redemptions and their failure codes stay for ever."""
    return _in_batches(_TRACES, now - timedelta(days=days))


def _in_batches(statement: str, before: datetime, batches: int = 200) -> int:
    changed = 0
    for _ in range(batches):
        with connection.cursor() as cursor:
            cursor.execute(statement, [BATCH, before])
            changed += cursor.rowcount
            if cursor.rowcount < BATCH:
                break
    return changed
