"""Copies what happened in a line from Redis to PostgreSQL, a thousand lines at a time, each as often as it likes."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from checkout.admission import line, line_answers, told
from checkout.admission.models import Distribution, LineState

BATCH = 1000

# An entry that was admitted or denied is not touched; an older line never undoes a newer one.
WRITE = """
INSERT INTO admission_entry AS e (distribution_id, consumer_id, uuid, number, state, entered_at, deny_reason)
SELECT %(distribution)s, c.id, gen_random_uuid(), u.number, 'QUEUED', u.entered_at, ''
FROM unnest(%(consumers)s::bigint[], %(numbers)s::bigint[], %(entered)s::timestamptz[])
    AS u (consumer, number, entered_at)
JOIN admission_consumer c ON c.id = u.consumer
ORDER BY c.id
ON CONFLICT (distribution_id, consumer_id) DO UPDATE
SET number = excluded.number, state = 'QUEUED', entered_at = excluded.entered_at, ended_at = NULL, admitted_at = NULL
WHERE e.state NOT IN ('ADMITTED', 'DENIED')
  AND (e.number, e.entered_at) < (excluded.number, excluded.entered_at)
RETURNING id, number, entered_at
"""
_LEAVE = """
UPDATE admission_entry e SET state = 'LEFT', ended_at = u.at
FROM unnest(%(consumers)s::bigint[], %(numbers)s::bigint[], %(ended)s::timestamptz[]) AS u (consumer, number, at)
WHERE e.distribution_id = %(distribution)s AND e.consumer_id = u.consumer AND e.number = u.number
  AND e.state = 'QUEUED' AND e.entered_at <= u.at
RETURNING e.id
"""

_LEFT = """
UPDATE admission_entry SET state = 'LEFT', ended_at = %(ended)s
WHERE distribution_id = %(distribution)s AND consumer_id = %(consumer)s AND number = %(number)s
  AND entered_at = %(entered)s AND state = 'QUEUED'
RETURNING id
"""


def copy(*, distribution: Distribution, now: datetime, most: int = BATCH) -> int:
    """Copy the oldest lines, then drop them from Redis; returns how many. A second copier meanwhile copies nothing.

    Webhooks are told here who entered and who left: the line itself knows no database.
    """
    queue = distribution.uuid.hex
    with transaction.atomic():
        if not LineState.objects.select_for_update(skip_locked=True).filter(distribution=distribution).exists():
            return 0
        lines = line.read_log(queue, most=most)
        if lines:
            _write(distribution, [line.read_event(text) for text in lines], now)
    line.trim_log(queue, lines=lines)
    return len(lines)


def _write(distribution: Distribution, events: list[line_answers.Event], now: datetime) -> None:
    """Write the last that happened to everybody: entered, and perhaps left again."""
    entered: dict[int, line_answers.Event] = {}
    left: dict[int, line_answers.Event] = {}
    for event in events:
        if event.kind == "E":
            entered[event.consumer] = event
            left.pop(event.consumer, None)
        else:
            left[event.consumer] = event
    write_entries(distribution, [(one.consumer, one.number, one.at) for one in entered.values()], now=now)
    if left:
        rows = _execute(
            _LEAVE,
            distribution=distribution.pk,
            consumers=[event.consumer for event in left.values()],
            numbers=[event.number for event in left.values()],
            ended=[event.at for event in left.values()],
        )
        told.of_entries(distribution, "consumer.left", {row[0]: {} for row in rows}, now=now)


def write_entries(distribution: Distribution, places: list[tuple[int, int, datetime]], *, now: datetime) -> None:
    """Write places (consumer, number, entered at), and that these entered; what is newer already stays."""
    if places:
        rows = _execute(
            WRITE,
            distribution=distribution.pk,
            consumers=[place[0] for place in places],
            numbers=[place[1] for place in places],
            entered=[place[2] for place in places],
        )
        came = {pk: {"number": number, "entered_at": at.isoformat()} for pk, number, at in rows}
        told.of_entries(distribution, "consumer.entered", came, now=now)


def write_left(
    distribution: Distribution, *, consumer: int, number: int, entered_at: datetime, left_at: datetime
) -> None:
    """Write that somebody has left this place, whether it was copied yet or not; another place of his stays."""
    with transaction.atomic():
        write_entries(distribution, [(consumer, number, entered_at)], now=left_at)
        left = {"consumer": consumer, "number": number, "entered": entered_at, "ended": left_at}
        rows = _execute(_LEFT, distribution=distribution.pk, **left)
        told.of_entries(distribution, "consumer.left", {row[0]: {} for row in rows}, now=left_at)


def _execute(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
