"""What staff read of an auction: its bids, highest first, who leads or has won, and how far late bids moved its end."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.dateparse import parse_datetime

from checkout.admission.models import Admission, AuctionStanding, Bid, Distribution
from offers.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an auction stands. `announced`: the end staff set, before late bids or a settlement by hand moved it."""

    highest: int | None
    bids: int
    bidders: int
    settled_at: datetime | None
    announced: datetime | None
    reserve_met: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A bid and what has come of it: leading, short (below the reserve), outbid, raised (by himself), won or lost."""

    bid: Bid
    standing: str
    admission: Admission | None


def of(*, auction: Distribution) -> Standing:
    """Return where an auction stands."""
    row = AuctionStanding.objects.filter(distribution=auction).first()
    highest = row.highest if row else None
    return Standing(
        highest=highest,
        bids=row.bids if row else 0,
        bidders=Bid.objects.filter(distribution=auction, best=True).count(),
        settled_at=row.settled_at if row else None,
        announced=_announced(auction),
        reserve_met=highest is not None and highest >= (auction.reserve_price or 0),
    )


def bids(*, auction: Distribution, skip: int, most: int) -> list[Offer]:
    """Return `most` bids behind the first `skip`, highest first. As many statements for a thousand bids as for one."""
    row = AuctionStanding.objects.filter(distribution=auction).first()
    settled, newest = (row.settled_at is not None, row.bids) if row else (False, 0)
    # Bids are numbered without a gap, each higher than the one before: no need to walk over those skipped.
    rows = Bid.objects.filter(distribution=auction, order__lte=newest - skip).select_related("entry__consumer")
    page = list(rows.order_by("-order")[:most])
    people = {bid.entry_id for bid in page}
    given = Admission.objects.filter(distribution=auction, entry__in=people).select_related("retailer")
    admissions = {row.entry_id: row for row in given.order_by("id")}
    leaders = set() if settled else _leaders(auction)
    found = []
    for bid in page:
        admission = admissions.get(bid.entry_id)
        if not bid.best:
            found.append(Offer(bid, "raised", None))
        elif settled:
            found.append(Offer(bid, "won" if admission else "lost", admission))
        elif bid.entry_id not in leaders:
            found.append(Offer(bid, "outbid", None))
        else:
            found.append(Offer(bid, "short" if bid.amount < (auction.reserve_price or 0) else "leading", None))
    return found


def _leaders(auction: Distribution) -> set[int]:
    """Return the bidders who would win now if there were no reserve; no two bids of an auction are equal."""
    best = Bid.objects.filter(distribution=auction, best=True).order_by("-amount")
    return set(best.values_list("entry_id", flat=True)[: auction.quantity])


def _announced(auction: Distribution) -> datetime | None:
    changes = AuditEntry.objects.filter(object_type="distribution", object_id=str(auction.uuid))
    set_last = changes.filter(after__has_key="close_at").order_by("-id").values_list("after__close_at", flat=True)
    found = set_last.first()
    return parse_datetime(found) if found else None
