"""The arithmetic of auctions: who wins follows from the bids alone, whatever order they are looked at in."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from checkout.admission.bid_rules import Offered, closing, least, winners

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BIDS = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 50)), max_size=30).map(
    lambda pairs: [Offered(entry, amount, order) for order, (entry, amount) in enumerate(pairs)]
)


def test_the_first_bid_is_the_start_price_the_next_one_increment_more() -> None:
    assert least(start_price=1000, increment=100, current=None) == 1000
    assert least(start_price=1000, increment=100, current=1000) == 1100


def test_a_bid_in_the_last_seconds_gives_everybody_that_long_again() -> None:
    end = NOW + timedelta(seconds=10)
    assert closing(close_at=end, extend_seconds=30, now=NOW) == NOW + timedelta(seconds=30)
    assert closing(close_at=end, extend_seconds=5, now=NOW) == end
    assert closing(close_at=end, extend_seconds=0, now=NOW) == end
    assert closing(close_at=None, extend_seconds=30, now=NOW) is None


def test_of_equal_bids_the_earlier_stands() -> None:
    assert winners(bids=[Offered(1, 10, 2), Offered(2, 10, 1)], quantity=1, reserve=None) == [Offered(2, 10, 1)]


@given(BIDS, st.integers(1, 4), st.none() | st.integers(1, 60), st.randoms())
def test_winners_are_the_highest_distinct_bidders_above_the_reserve(
    bids: list[Offered], quantity: int, reserve: int | None, random: object
) -> None:
    found = winners(bids=bids, quantity=quantity, reserve=reserve)
    assert len({one.entry for one in found}) == len(found) <= quantity
    assert all(reserve is None or one.amount >= reserve for one in found)
    lowest = min((one.amount for one in found), default=0)
    for bid in bids:
        if bid.entry not in {one.entry for one in found} and (reserve is None or bid.amount >= reserve):
            assert len(found) == quantity and bid.amount <= lowest
    shuffled = list(bids)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert winners(bids=shuffled, quantity=quantity, reserve=reserve) == found
