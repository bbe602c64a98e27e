"""What staff read of a draw: before the run only how many are in it, afterwards the order drawn, a page at a time."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from checkout.admission import drawing
from checkout.admission.models import Admission, Distribution, DrawRun, Entry

# A draw's order may name 100,000 entries: only the page that is shown leaves the database.
_SLICE = """
SELECT jsonb_path_query(ranking, '$[$a to $b]', jsonb_build_object('a', %(first)s::int, 'b', %(last)s::int)) #>> '{}'
FROM admission_drawrun WHERE distribution_id = %(distribution)s AND ran_at IS NOT NULL
"""
_COUNTS = """
SELECT seed, frozen_hash, ran_at, jsonb_array_length(ranking), jsonb_array_length(winners),
       jsonb_array_length(alternates)
FROM admission_drawrun WHERE distribution_id = %(distribution)s
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a draw stands. `entries` are those drawn from, before the run those who are in now.

    `later` of the entries behind the winners were admitted in a winner's stead.
    """

    commit: str
    entries: int
    frozen_hash: str
    winners: int
    later: int
    ran_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ranked:
    """A place in the order drawn, from 1, and the admission it led to."""

    place: int
    entry: Entry
    won: bool
    later: bool
    admission: Admission | None


def of(*, draw: Distribution) -> Standing:
    """Return where a draw stands; the seed never leaves here."""
    DrawRun.objects.get_or_create(distribution=draw)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"distribution": draw.pk})
        seed, frozen_hash, ran_at, drawn, winners, later = cursor.fetchone()
    if ran_at is None:
        drawn = Entry.objects.filter(distribution=draw, state=Entry.State.ENTERED).count()
    return Standing(drawing.commitment(bytes(seed)), drawn, frozen_hash, winners, later, ran_at)


def ranked(*, draw: Distribution, first: int, most: int) -> list[Ranked]:
    """Return `most` of the entries in the order drawn, from place `first` on; none before the run. Four statements."""
    standing = of(draw=draw)
    with connection.cursor() as cursor:
        cursor.execute(_SLICE, {"distribution": draw.pk, "first": first - 1, "last": first + most - 2})
        listed = [ident for (ident,) in cursor.fetchall()]
    rows = {
        str(row.uuid): row
        for row in Entry.objects.filter(distribution=draw, uuid__in=listed).select_related("consumer")
    }
    given = Admission.objects.filter(distribution=draw, entry__in=rows.values()).select_related("retailer")
    admissions = {row.entry_id: row for row in given.order_by("id")}
    won, last = standing.winners, standing.winners + standing.later
    return [
        Ranked(place, rows[ident], place <= won, won < place <= last, admissions.get(rows[ident].pk))
        for place, ident in enumerate(listed, start=first)
        if ident in rows
    ]
