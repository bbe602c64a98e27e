"""Where a consumer stands in a distribution of any mechanism."""

from dataclasses import dataclass

from checkout.admission import admissions, line_answers
from checkout.admission.models import Admission, Distribution, Entry


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a consumer stands in a distribution: at most one of a place in line and rows of PostgreSQL."""

    distribution: Distribution
    place: line_answers.Place | None = None
    entry: Entry | None = None
    admission: Admission | None = None


def rows(distribution: Distribution, consumer_id: int) -> Standing:
    """Return what PostgreSQL knows of a consumer in a distribution of any mechanism."""
    entry = Entry.objects.filter(distribution=distribution, consumer_id=consumer_id).first()
    if entry is None or entry.admitted_at is None:
        return Standing(distribution, entry=entry)
    return Standing(
        distribution, entry=entry, admission=admissions.live(distribution=distribution, consumer_id=consumer_id)
    )
