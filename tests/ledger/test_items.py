"""Several items of one reference in one call: used, given back, kept; and never two counters in another order."""

from collections.abc import Callable
from functools import partial
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connections, transaction

from offers.ledger import audit, counters, expiry, holds
from offers.ledger.counters import Name
from offers.ledger.models import Entry, Hold
from tests.ledger.words import CODE, LATER, NOW, at_once, figures, hold, left, open_counter, refused, sql, use, want

PLACE, STOCK = Name(kind="admission.active", owner=1), Name(kind="stock.units", owner=2)


def three(reference: str = "r", **rest: Any) -> None:
    hold(
        reference,
        want(1, 10, PLACE, item="a1"),
        want(1, 10, CODE, item="t1"),
        want(3, 10, STOCK, item="s1"),
        want(1, 10, PLACE, item="a2"),
        **rest,
    )


@pytest.mark.django_db
def test_some_are_used_and_others_given_back_in_one_call() -> None:
    three()
    assert holds.finish(reference="r", used=["t1", "s1", "none"], given=["a1"], entry="e1", now=NOW) == 3
    assert [figures(name) for name in (PLACE, CODE, STOCK)] == [(1, 0), (0, 1), (0, 3)]
    assert set(Entry.objects.filter(kind="settle").values_list("reference", "delta")) == {("e1", 1), ("e1", 3)}
    assert holds.finish(reference="r", used=["t1", "s1"], given=["a1"], entry="e1", now=NOW) == 0
    assert holds.finish(reference="nobody", used=["t1"], given=["a1"], entry="e2", now=NOW) == 0
    assert audit.prove().differences == []


@pytest.mark.django_db
@pytest.mark.parametrize("swept", [False, True])
def test_of_what_has_expired_nothing_is_used_and_nothing_else_ends(swept: bool) -> None:
    hold("r", want(1, 10, CODE, item="t1"), want(1, 10, PLACE, item="a1"), ttl_seconds=10_000)
    hold("r", want(2, 10, STOCK, item="s1"))
    if swept:
        expiry.sweep(now=LATER)
    with pytest.raises(holds.HoldExpired):
        holds.finish(reference="r", used=["t1", "s1"], given=["a1"], entry="e1", now=LATER)
    assert [figures(name, LATER) for name in (PLACE, CODE, STOCK)] == [(1, 0), (1, 0), (0, 0)]
    assert holds.finish(reference="r", used=["t1"], given=["a1", "s1"], entry="e1", now=LATER) == (2 if swept else 3)
    assert left(STOCK, LATER) == 10
    assert audit.prove().differences == []


@pytest.mark.django_db
def test_what_expired_is_given_back_as_expired() -> None:
    three()
    holds.finish(reference="r", used=[], given=["a1", "t1", "s1"], now=LATER)
    assert set(Hold.objects.exclude(item="a2").values_list("state", flat=True)) == {"expired"}
    assert [counters.state(name, now=NOW).held for name in (PLACE, CODE, STOCK)] == [1, 0, 0]  # type: ignore[union-attr]


@pytest.mark.django_db
def test_all_are_kept_longer_or_none() -> None:
    three()
    assert holds.keep(reference="r", items=["a1", "t1", "none"], until=LATER, now=NOW) == 2
    assert set(Hold.objects.filter(expires_at=LATER).values_list("item", flat=True)) == {"a1", "t1"}
    assert holds.keep(reference="r", items=["none"], until=LATER, now=NOW) == 0
    between = NOW.replace(minute=30)
    with pytest.raises(holds.HoldExpired):
        holds.keep(reference="r", items=["a1", "s1"], until=LATER.replace(minute=30), now=between)
    assert Hold.objects.get(item="a1").expires_at == LATER


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", [STOCK, PLACE])
def test_giving_back_meets_counters_in_their_order(first: Name) -> None:
    """Somebody owns the counter that was opened first: who gives back waits for it, and owns no other meanwhile."""
    second = PLACE if first is STOCK else STOCK
    open_counter(10, first)
    open_counter(10, second)
    hold("r", want(1, 10, PLACE, item="a1"), want(1, 10, STOCK, item="s1"))
    go = Event()
    pids: list[int] = []

    def give_back() -> None:
        try:
            pids.append(sql("SELECT pg_backend_pid()")[0][0])
            go.wait(20)
            holds.finish(reference="r", used=[], given=["a1", "s1"], now=NOW)
        finally:
            connections.close_all()

    other = Thread(target=give_back)
    other.start()
    with transaction.atomic():
        sql("SELECT FROM ledger_counter WHERE kind = %s FOR UPDATE", first.kind)
        go.set()
        until(lambda: bool(pids) and bool(sql("SELECT cardinality(pg_blocking_pids(%s))", pids[0])[0][0]), other)
        sql("SELECT FROM ledger_counter WHERE kind = %s FOR UPDATE NOWAIT", second.kind)
    other.join(20)
    assert (left(PLACE), left(STOCK)) == (10, 10)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_what_is_used_is_never_somebody_elses_as_well() -> None:
    """One uses by an earlier clock what another, by a later one, finds expired: exactly one of them gets it."""
    open_counter(1, STOCK)
    for turn in range(30):
        hold(f"r{turn}", want(1, 1, STOCK, item="s1"))
        taker = partial(use, f"other{turn}", want(1, 1, STOCK, entry=f"o{turn}"), now=LATER)
        user = partial(holds.finish, reference=f"r{turn}", used=["s1"], entry=f"e{turn}", now=NOW)
        assert len(refused(at_once(taker, user, threads=2))) == 1
        counters.set_limit(STOCK, turn + 2, reference=f"more{turn}", now=NOW)
    assert audit.prove().differences == []


def until(met: Callable[[], bool], other: Thread) -> None:
    while not met():
        assert other.is_alive(), "it did not wait"
