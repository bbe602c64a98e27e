"""Expiry is judged by the clock at use; sweeping only tidies."""

from datetime import timedelta

import pytest

from offers.ledger import expiry, holds
from offers.ledger.counters import Name
from offers.ledger.models import Hold
from tests.ledger.words import LATER, NOW, figures, hold, left, sql, taken, want

pytestmark = pytest.mark.django_db


def test_a_hold_ends_at_its_moment_and_not_before() -> None:
    hold("s1", want(granted=1), ttl_seconds=60)
    with pytest.raises(holds.Exceeded):
        hold("s2", want(granted=1), now=NOW + timedelta(seconds=60, microseconds=-1))
    hold("s2", want(granted=1), now=NOW + timedelta(seconds=60))
    assert list(Hold.objects.order_by("id").values_list("state", flat=True)) == ["expired", "live"]


def test_a_hold_can_be_settled_until_its_moment() -> None:
    hold("s1", want(granted=1), ttl_seconds=60)
    holds.settle(reference="s1", entry="r_1", now=NOW + timedelta(seconds=60, microseconds=-1))


def test_only_as_much_is_expired_as_helps() -> None:
    for n in range(3):
        hold(f"s{n}", want(granted=3), ttl_seconds=10)
    hold("late", want(3), now=LATER)
    assert left(now=LATER) == 0


def test_what_expired_is_refused_by_name_when_another_item_lives() -> None:
    hold("s1", want(granted=5), ttl_seconds=10)
    hold("s1", want(granted=5, item="b", name=Name(kind="voucher.uses", owner=8)), ttl_seconds=7200)
    ended = holds.void(reference="s1", now=LATER)
    assert sorted(one.state for one in ended) == ["expired", "voided"]
    assert left(now=LATER) == 5


@pytest.mark.parametrize("shards", [1, 8])
def test_sweeping_gives_back_what_is_due_and_nothing_else(shards: int) -> None:
    for n in range(6):
        hold(f"s{n}", want(granted=8, shards=shards), ttl_seconds=60)
    hold("stays", want(granted=8), ttl_seconds=7200)
    hold("pinned", want(granted=8), ttl_seconds=60)
    holds.pin(reference="pinned", now=NOW)
    assert expiry.sweep(now=LATER) == 6
    assert (taken(), figures(now=LATER)) == (2, (2, 0))
    assert expiry.sweep(now=LATER) == 0


def test_sweeping_what_is_unlimited_ends_its_holds() -> None:
    hold("s1", want())
    assert expiry.sweep(now=LATER) == 1
    assert Hold.objects.get().state == "expired"


def test_sweeping_goes_on_in_batches() -> None:
    for owner in range(30):
        hold(f"s{owner}", want(granted=5, name=Name(kind="voucher.uses", owner=owner)))
    assert expiry.sweep(now=LATER, batch=7) == 30
    assert sql("select sum(taken) from ledger_counter") == [(0,)]
