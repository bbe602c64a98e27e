"""Payments under way: each keeps its admission as it is, and only its own end lets go.

A checkout may name a payment, to have several at once. All that it announces without a name are one, so that it may ask
again when no answer came. `payment_started_at` of the admission is the latest of those under way.
"""

from datetime import datetime
from typing import Any

from django.db import connection

from checkout.admission.models import Admission

_BEGIN = """
WITH begun AS (
    INSERT INTO admission_payment AS p (admission_id, reference, under_way, begun_at)
    VALUES (%(admission)s, %(name)s, 1, %(now)s)
    ON CONFLICT (admission_id, reference) DO UPDATE SET under_way = 1, begun_at = excluded.begun_at, ended_at = NULL
)
UPDATE admission_admission SET payment_started_at = %(now)s WHERE id = %(admission)s
RETURNING payment_started_at
"""
# The decline of a payment nobody announced is written down as well, so that telling it twice counts once.
_END = """
WITH freed AS (
    INSERT INTO admission_payment AS p (admission_id, reference, under_way, ended_at)
    VALUES (%(admission)s, %(name)s, 0, %(now)s)
    ON CONFLICT (admission_id, reference) DO UPDATE SET under_way = 0, ended_at = excluded.ended_at
    WHERE p.under_way > 0
    RETURNING p.id
), left_over AS (
    SELECT begun_at FROM admission_payment
    WHERE admission_id = %(admission)s AND under_way > 0 AND id NOT IN (SELECT id FROM freed)
)
UPDATE admission_admission SET payment_started_at = (SELECT max(begun_at) FROM left_over) WHERE id = %(admission)s
RETURNING payment_started_at, EXISTS (SELECT FROM freed)
"""


def is_under_way(row: Admission, *, name: str) -> bool:
    """Return whether this payment was announced and has not failed since. The caller owns the admission's row."""
    return row.payment_started_at is not None and row.payments.filter(reference=name, under_way__gt=0).exists()


def begin(row: Admission, *, name: str, now: datetime) -> None:
    """Note that a payment is under way. The caller owns the admission's row."""
    [row.payment_started_at] = _run(_BEGIN, row, name, now)


def end(row: Admission, *, name: str, now: datetime) -> bool:
    """Note that this payment failed; return whether that is news: of a named one once, of others each time it is told.

    The caller owns the admission's row.
    """
    row.payment_started_at, is_new = _run(_END, row, name, now)
    return is_new or not name


def _run(statement: str, row: Admission, name: str, now: datetime) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"admission": row.pk, "name": name, "now": now})
        return cursor.fetchone()
