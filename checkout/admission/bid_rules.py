"""The arithmetic of an auction: which bid is high enough, when a late one moves the end, and who wins. Minor units."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Offered:
    """A bid as settlement sees it; `order` grows with every bid that was taken."""

    entry: int
    amount: int
    order: int


def least(*, start_price: int, increment: int, current: int | None) -> int:
    """Return the lowest bid that is taken now."""
    return start_price if current is None else current + max(increment, 1)


def closing(*, close_at: datetime | None, extend_seconds: int, now: datetime) -> datetime | None:
    """Return when the auction closes after a bid made now: one in the last seconds gives everybody that long again."""
    if close_at is None or not extend_seconds:
        return close_at
    return max(close_at, now + timedelta(seconds=extend_seconds))


def winners(*, bids: Iterable[Offered], quantity: int, reserve: int | None) -> list[Offered]:
    """Return the highest bid of each of the first `quantity` bidders at or above the reserve, highest first.

    Of equal bids the earlier stands. Everybody pays what he bid.
    """
    return ranking(bids=bids, reserve=reserve)[:quantity]


def ranking(*, bids: Iterable[Offered], reserve: int | None) -> list[Offered]:
    """Return the highest bid of every bidder at or above the reserve, in the order in which they win."""
    best: dict[int, Offered] = {}
    for bid in sorted(bids, key=lambda one: (-one.amount, one.order)):
        if reserve is None or bid.amount >= reserve:
            best.setdefault(bid.entry, bid)
    return list(best.values())
