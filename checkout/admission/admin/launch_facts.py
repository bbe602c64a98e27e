"""How a launch is set up, in words: what its page lists below what happens."""

from collections.abc import Iterator

from checkout.admission.models import Distribution
from offers.admin import durations, show
from offers.admin.page import Facts

Mechanism = Distribution.Mechanism


def setup(row: Distribution) -> Facts:
    """Return what a launch's settings say, leaving out those that say nothing."""
    facts = [(name, value) for name, value in _facts(row) if value not in ("", show.NOTHING)]
    return Facts(title="How it is set up", facts=facts)


def _facts(row: Distribution) -> Iterator[tuple[str, str]]:
    zone, experience = row.retailer.timezone, row.sequence.experience
    yield "Waiting page", show.link(f"/shop/waiting/{row.uuid}/", f"/shop/waiting/{row.uuid}/")
    yield "Id", show.mono(str(row.uuid))
    yield "Experience id", show.mono(str(experience.uuid))
    yield "Opens", show.moment(row.open_at, zone)
    yield "Closes", show.moment(row.close_at, zone)
    yield "Serves until", show.moment(row.serve_until, zone)
    yield "Time to check out", durations.words(row.admission_ttl_seconds)
    if row.max_extensions:
        yield "Extensions", f"{row.max_extensions} × {durations.words(row.extension_seconds)}"
    yield "No extension beyond", show.moment(row.hard_end_at, zone)
    yield "Access code", show.mono(row.sequence.access_code) if row.sequence.access_code else ""
    yield "If we cannot be reached", experience.get_when_unknown_display()
    yield "Variant sold", row.sku
    yield "Retailer", row.retailer.name
    if row.mechanism == Mechanism.QUEUE:
        yield "Admitted a minute", show.count(row.admission_rate)
        yield "Checkouts at a time", show.count(row.max_active)
        yield "Admitted in all", show.count(row.total_admissions)
        yield "Places in line", show.count(row.max_capacity)
        return
    if row.mechanism == Mechanism.DRAW:
        yield "Places in the draw", show.count(row.capacity)
    yield "When a winner does not buy", _instead(row)


def _instead(row: Distribution) -> str:
    if not row.backfill:
        return "Nobody comes in instead"
    if row.mechanism == Mechanism.AUCTION:
        return "The next highest bidder above the reserve comes in"
    return (
        f"Of the next {show.count(row.alternates)} drawn one comes in" if row.alternates else "The next drawn comes in"
    )
