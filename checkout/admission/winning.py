"""Who wins an auction as it stands: the last bids of the first `quantity` bidders, told from one number, the threshold.

Every bid is higher than all before it. So whoever bids wins for the moment, and nobody has to be ranked to know where a
bidder stands: he wins as long as his last bid is not below the least that wins.
"""

from dataclasses import dataclass

from checkout.admission.models import AuctionStanding, Bid, Distribution, Entry


@dataclass(frozen=True, slots=True)
class Position:
    """Where an auction stands, and a bidder in it."""

    highest: int | None
    own: int | None = None
    wins: bool = False
    leads: bool = False


def place(*, auction: Distribution, standing: AuctionStanding, entry: Entry, bid: Bid) -> int | None:
    """Write a bid that exceeds all others, and who wins now; return the entry that fell out of those who win.

    The caller owns the standing's row and saves it.
    """
    before = Bid.objects.filter(entry=entry, best=True).first()
    won_before = before is not None and _wins(before.amount, threshold(auction, standing))
    if before is not None:
        before.best = False
        before.save(update_fields=["best"])
    bid.save(force_insert=True)
    standing.highest, standing.leader = bid.amount, entry
    around = _around(auction)
    standing.threshold, standing.threshold_of = around[0][1] if around else None, auction.quantity
    return around[1][0] if len(around) == 2 and not won_before else None


def threshold(auction: Distribution, standing: AuctionStanding) -> int | None:
    """Return the least bid that wins now, found anew where the quantity was changed since the last one; None: any."""
    if standing.threshold_of == auction.quantity:
        return standing.threshold
    found = _around(auction)
    return found[0][1] if found else None


def position(auction: Distribution, entry: Entry | None) -> Position:
    """Return where an auction stands, and a bidder in it: one look-up, however many have bid."""
    own = None
    if entry is not None:
        own = Bid.objects.filter(entry=entry, best=True).select_related("distribution__standing").first()
    if own is None:
        standing = AuctionStanding.objects.filter(distribution=auction).first()
        return Position(standing.highest if standing else None)
    standing = own.distribution.standing
    wins = _wins(own.amount, threshold(auction, standing))
    return Position(standing.highest, own.amount, wins, standing.leader_id == own.entry_id)


def _wins(amount: int, least: int | None) -> bool:
    return least is None or amount >= least


def _around(auction: Distribution) -> list[tuple[int, int]]:
    """Return the last who wins (none while there are units left), and the first who does not: entry, amount."""
    rows = Bid.objects.filter(distribution=auction, best=True).order_by("-amount").values_list("entry_id", "amount")
    return list(rows[auction.quantity - 1 : auction.quantity + 1])
