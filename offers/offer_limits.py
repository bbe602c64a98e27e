"""How many of an offer may be issued and used: its use restrictions as claims on ledger counters.

All revisions of an offer count together, on counters owned by the first revision.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from offers.ledger import counters
from offers.ledger.holds import Want
from offers.models import Offer

INVENTORY = "offer.inventory"
ISSUED = "offer.issued"
USED = "offer.used"
KINDS = {"issuance": ISSUED, "redemption": USED}
_FORMATS = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m", "year": "%Y", "lifetime": ""}
PERIODS = tuple(_FORMATS)


@dataclass(frozen=True, slots=True)
class Limit:
    """One counter that an offer's terms speak of, and how much it allows."""

    name: counters.Name
    count: int


def inventory_of(offer: Offer) -> int | None:
    """Return how many may be issued altogether, None for any number; the smallest of several counts."""
    return min((line["count"] for line in offer.use_restrictions if line["kind"] == "inventory"), default=None)


def inventory_name(root_pk: int) -> counters.Name:
    return counters.Name(kind=INVENTORY, owner=root_pk)


def limits(offer: Offer, kind: str, *, root_pk: int, customer_id: int, now: datetime, zone: str) -> list[Limit]:
    """Return the limits of one kind (issuance or redemption) that bind this customer now."""
    found: dict[counters.Name, int] = {}
    for line in offer.use_restrictions:
        if line["kind"] != kind:
            continue
        name = counters.Name(
            kind=KINDS[kind],
            owner=root_pk,
            subject=customer_id if line["per"] == "user" else 0,
            period=period_key(line["period"], now, zone),
        )
        found[name] = min(line["count"], found.get(name, line["count"]))
    return [Limit(name, count) for name, count in found.items()]


def period_key(period: str, now: datetime, zone: str) -> str:
    """Return the calendar day, week, month or year in the retailer's zone; "" for a lifetime."""
    return now.astimezone(ZoneInfo(zone)).strftime(_FORMATS[period])


def wants(found: Iterable[Limit], entries: Sequence[str]) -> list[Want]:
    """Return one claim per limit and journal entry; an open counter takes over the limit as it stands in the terms."""
    return [
        Want(
            kind=limit.name.kind,
            owner=limit.name.owner,
            subject=limit.name.subject,
            period=limit.name.period,
            amount=1,
            granted=limit.count,
            fixed=True,
            item=entry,
            entry=entry,
        )
        for limit in found
        for entry in entries
    ]


def inventory_wants(offer: Offer, root_pk: int, entries: Sequence[str]) -> list[Want]:
    """Return the claims on the inventory, none when it has no end."""
    count = inventory_of(offer)
    if count is None:
        return []
    return [Want(kind=INVENTORY, owner=root_pk, amount=1, granted=count, item=entry, entry=entry) for entry in entries]
