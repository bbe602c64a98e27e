"""Popular codes: one limit over up to 64 rows, exact and fully usable."""

import pytest

from offers.ledger import counters, holds
from offers.ledger.models import Counter, Hold
from tests.ledger.words import CODE, LATER, NOW, figures, hold, left, open_counter, sql, taken, use, want

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("limit", "hot", "shards"),
    [
        (None, True, 1),
        (5, False, 1),
        (5, True, 5),
        (0, True, 1),
        (500, True, 64),
        (10_000, False, 1),
        (10_001, False, 64),
    ],
)
def test_how_many_rows(limit: int | None, hot: bool, shards: int) -> None:
    assert holds.shards_for(limit, hot=hot) == shards


@pytest.mark.parametrize("limit", [1, 63, 64, 65, 100, 200])
def test_every_unit_can_be_taken_and_not_one_more(limit: int) -> None:
    for n in range(limit):
        hold(f"s{n}", want(granted=limit, shards=64))
    with pytest.raises(holds.Exceeded) as refusal:
        hold("more", want(granted=limit, shards=64))
    assert refusal.value.data["available"] == 0
    assert taken() == limit


@pytest.mark.parametrize("opening", [0, 3, 64, 100, 130])
def test_opens_with_what_was_taken_before(opening: int) -> None:
    open_counter(128, shards=64, opening=opening)
    assert left() == max(0, 128 - opening)
    for n in range(max(0, 128 - opening)):
        hold(f"s{n}", want())
    with pytest.raises(holds.Exceeded):
        hold("more", want())


def test_the_last_unit_is_found_wherever_it_is() -> None:
    open_counter(64, shards=64)
    for n in range(64):
        hold(f"s{n}", want())
    for n in range(0, 64, 7):
        holds.void(reference=f"s{n}", now=NOW)
        hold(f"again{n}", want())
        assert left() == 0


def test_more_than_a_row_has_is_taken_in_pieces() -> None:
    open_counter(64, shards=64)
    hold("s1", want(40))
    assert Hold.objects.count() == 40
    with pytest.raises(holds.Exceeded) as refusal:
        hold("s2", want(25))
    assert refusal.value.data["available"] == 24
    use("s1", want(40, entry="r_1"))
    assert figures() == (0, 40)


def test_the_same_size_again_keeps_its_row() -> None:
    open_counter(640, shards=64)
    hold("s1", want())
    (row,) = Hold.objects.values_list("counter_id", flat=True)
    for _ in range(10):
        hold("s1", want())
    assert set(Hold.objects.values_list("counter_id", flat=True)) == {row}


@pytest.mark.parametrize(("first", "second"), [(3, 5), (5, 3), (3, 64), (64, 3), (40, 41)])
def test_another_size_changes_by_the_difference(first: int, second: int) -> None:
    open_counter(64, shards=64)
    hold("s1", want(first))
    hold("s1", want(second))
    assert (figures(), left()) == ((second, 0), 64 - second)
    holds.void(reference="s1", now=NOW)
    assert left() == 64


def test_two_items_of_one_request_may_want_it() -> None:
    open_counter(64, shards=64)
    hold("s1", want(), want(item="b"))
    hold("s1", want(2), want(item="b"))
    assert figures() == (3, 0)


def test_holds_past_their_time_are_found_on_every_row() -> None:
    open_counter(64, shards=64)
    for n in range(64):
        hold(f"s{n}", want())
    hold("late", want(64), now=LATER)
    assert left(now=LATER) == 0


def test_the_first_to_open_decides_over_how_many_rows() -> None:
    open_counter(10)
    open_counter(10, shards=64)
    hold("s1", want(granted=10, shards=64))
    hold("s2", want(9, granted=10, shards=64))
    assert (Counter.objects.count(), left()) == (1, 0)


def test_a_want_that_does_not_know_of_the_rows_is_served_too() -> None:
    open_counter(128, shards=64)
    for n in range(128):
        hold(f"s{n}", want(granted=128))
    assert left() == 0
    assert sql("select count(*) from ledger_counter where taken <> 2") == [(0,)]


def test_a_lower_limit_is_dealt_out_by_what_is_free() -> None:
    """However unevenly the rows were used, exactly the new rest can be taken."""
    open_counter(640, shards=64)
    for n in range(100):
        hold(f"s{n}", want())
    counters.set_limit(CODE, 110, reference="l1", now=NOW)
    for n in range(10):
        hold(f"t{n}", want())
    with pytest.raises(holds.Exceeded):
        hold("more", want())
    counters.set_limit(CODE, 200, reference="l2", now=NOW)
    hold("more", want(90))
    assert left() == 0


def test_granting_and_withdrawing_reach_all_rows() -> None:
    open_counter(64, shards=64)
    hold("s1", want(60))
    counters.grant(CODE, 6, reference="g1", now=NOW)
    counters.withdraw(CODE, 5, reference="w1", now=NOW)
    with pytest.raises(counters.NotEnoughLeft):
        counters.withdraw(CODE, 6, reference="w2", now=NOW)
    counters.withdraw(CODE, 65, reference="w3", now=LATER)
    assert left(now=LATER) == 0
