"""Forgets what was only kept to look something up: answered validations, why a redemption failed, and
what became of session offers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

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

_REFUSALS = """
DELETE FROM checkout_coderefusal WHERE id IN (
    SELECT id FROM (SELECT id, created_at FROM checkout_coderefusal ORDER BY id LIMIT %s) oldest WHERE created_at < %s
)
"""
# A row begins anew when its code is shown to the session again, so ids say nothing of age here.
_AUTHORIZATIONS = """
DELETE FROM checkout_authorization WHERE id IN (
    SELECT id FROM checkout_authorization WHERE expires_at < %s AND coalesce(ended_at, expires_at) < %s LIMIT %s
)
"""


def purge_validations(*, now: datetime, days: int) -> int:
    """Delete validations older than `days`, in bounded batches; return how many."""
    return _in_batches(_VALIDATIONS, now - timedelta(days=days))


def purge_traces(*, now: datetime, days: int) -> int:
    """Empty the traces of redemptions older than `days`; the redemptions and their failure codes stay for ever."""
    return _in_batches(_TRACES, now - timedelta(days=days))


def purge_refusals(*, now: datetime, days: int) -> int:
    """Delete counts of refused codes older than `days`; return how many."""
    return _in_batches(_REFUSALS, now - timedelta(days=days))


def purge_authorizations(*, now: datetime, days: int) -> int:
    """Delete authorisations that ended more than `days` ago; those that still work stay however old they are."""
    before = now - timedelta(days=days)
    return _in_batches(_AUTHORIZATIONS, before, [before, before, BATCH])


def _in_batches(statement: str, before: datetime, values: Sequence[Any] = (), batches: int = 200) -> int:
    changed = 0
    for _ in range(batches):
        with connection.cursor() as cursor:
            cursor.execute(statement, values or [BATCH, before])
            changed += cursor.rowcount
            if cursor.rowcount < BATCH:
                break
    return changed
