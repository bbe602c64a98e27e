"""Copies what happened in a line from Redis to PostgreSQL, a thousand lines at a time, each as often as it likes."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from checkout.admission import line
from checkout.admission.models import Distribution, LineState

BATCH = 1000

# An entry that was admitted or denied is not touched; an older line never undoes a newer one.
WRITE = """
INSERT INTO admission_entry AS e
    (distribution_id, consumer_id, uuid, number, state, entered_at, ended_at, deny_reason)
SELECT %(distribution)s, c.id, gen_random_uuid(), u.number, u.state, u.entered_at, u.ended_at, ''
FROM unnest(%(consumers)s::bigint[], %(numbers)s::bigint[], %(states)s::text[], %(entered)s::timestamptz[],
            %(ended)s::timestamptz[]) AS u (consumer, number, state, entered_at, ended_at)
JOIN admission_consumer c ON c.id = u.consumer
ORDER BY c.id
ON CONFLICT (distribution_id, consumer_id) DO UPDATE
SET number = excluded.number, state = excluded.state, entered_at = excluded.entered_at, ended_at = excluded.ended_at,
    admitted_at = NULL
WHERE e.state NOT IN ('ADMITTED', 'DENIED')
  AND (e.number, e.entered_at) < (excluded.number, excluded.entered_at)
"""
_LEAVE = """
UPDATE admission_entry e SET state = 'LEFT', ended_at = u.at
FROM unnest(%(consumers)s::bigint[], %(numbers)s::bigint[], %(ended)s::timestamptz[]) AS u (consumer, number, at)
WHERE e.distribution_id = %(distribution)s AND e.consumer_id = u.consumer AND e.number = u.number
  AND e.state = 'QUEUED' AND e.entered_at <= u.at
"""

_LEFT = """
UPDATE admission_entry SET state = 'LEFT', ended_at = %(ended)s
WHERE distribution_id = %(distribution)s AND consumer_id = %(consumer)s AND number = %(number)s
  AND entered_at = %(entered)s AND state = 'QUEUED'
"""


def copy(*, distribution: Distribution, most: int = BATCH) -> int:
    """Copy the oldest lines, then drop them from Redis; returns how many. A second copier meanwhile copies nothing."""
    queue = distribution.uuid.hex
    with transaction.atomic():
        if not LineState.objects.select_for_update(skip_locked=True).filter(distribution=distribution).exists():
            return 0
        lines = line.read_log(queue, most=most)
        if lines:
            _write(distribution.pk, [line.read_event(text) for text in lines])
    line.trim_log(queue, lines=lines)
    return len(lines)


def _write(distribution_id: int, events: list[line.Event]) -> None:
    """Write the last that happened to everybody: entered (and left again), or left what was written before."""
    entered: dict[int, line.Event] = {}
    left: dict[int, line.Event] = {}
    for event in events:
        if event.kind == "E":
            entered[event.consumer] = event
            left.pop(event.consumer, None)
        else:
            left[event.consumer] = event
    write_entries(
        distribution_id,
        [
            (one.consumer, one.number, one.at, left[one.consumer].at if one.consumer in left else None)
            for one in entered.values()
        ],
    )
    if gone := [event for event in left.values() if event.consumer not in entered]:
        _execute(
            _LEAVE,
            distribution=distribution_id,
            consumers=[event.consumer for event in gone],
            numbers=[event.number for event in gone],
            ended=[event.at for event in gone],
        )


def write_entries(distribution_id: int, places: list[tuple[int, int, datetime, datetime | None]]) -> None:
    """Write places (consumer, number, entered at, left at); what is newer already stays."""
    if places:
        _execute(
            WRITE,
            distribution=distribution_id,
            consumers=[place[0] for place in places],
            numbers=[place[1] for place in places],
            states=["LEFT" if place[3] else "QUEUED" for place in places],
            entered=[place[2] for place in places],
            ended=[place[3] for place in places],
        )


def write_left(distribution_id: int, *, consumer: int, number: int, entered_at: datetime, left_at: datetime) -> None:
    """Write that somebody has left this place, whether it was copied yet or not; another place of his stays."""
    write_entries(distribution_id, [(consumer, number, entered_at, left_at)])
    _execute(_LEFT, distribution=distribution_id, consumer=consumer, number=number, entered=entered_at, ended=left_at)


def _execute(sql: str, **values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
