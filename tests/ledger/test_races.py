"""Real threads, real commits: what may happen at the same moment, and what holds whatever the order was."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import transaction

from offers.ledger import audit, counters, entries, expiry, holds
from offers.ledger.counters import Name
from offers.ledger.models import Counter, Hold
from offers.lib.errors import Refusal
from tests.ledger.words import (
    CODE,
    LATER,
    NOW,
    RETAILER,
    at_once,
    figures,
    hold,
    left,
    open_counter,
    refused,
    sql,
    taken,
    use,
    want,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

A, B, C = CODE, Name(kind="voucher.uses", owner=8), Name(kind="voucher.uses", owner=9)
BUDGET = Name(kind="campaign.budget", owner=3)
EXPIRES = NOW + timedelta(seconds=60)
SHARDS = pytest.mark.parametrize("shards", [1, 8, 64])


@pytest.fixture(autouse=True)
def no_second_chances(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A deadlock is a failure here, not something to try again."""
    monkeypatch.setattr(holds, "retrying", lambda write, **_: write())
    yield


def together(*jobs: Callable[[], Any]) -> list[Any]:
    """Run jobs that all start at the same moment."""
    barrier = Barrier(len(jobs))

    def waiting(job: Callable[[], Any]) -> Any:
        sql("select 1")  # connected before the start
        barrier.wait(20)
        return job()

    return at_once(*[partial(waiting, job) for job in jobs], threads=len(jobs))


@SHARDS
def test_a_limit_under_64_clients_is_never_exceeded_and_fully_usable(shards: int) -> None:
    def client(n: int) -> int:
        got = 0
        for attempt in range(4):
            with suppress(holds.Exceeded):
                if attempt % 2:
                    use("", want(granted=150, shards=shards, entry=f"r{n}-{attempt}"))
                else:
                    hold(f"s{n}-{attempt}", want(granted=150, shards=shards))
                got += 1
        return got

    assert sum(together(*[partial(client, n) for n in range(64)])) == 150
    assert (left(), taken()) == (0, 150)


@SHARDS
def test_the_last_unit_is_won_exactly_once(shards: int) -> None:
    open_counter(100, shards=shards)
    use("", want(99, entry="r_0"))
    for n in range(5):
        results = together(*[partial(hold, f"s{n}-{client}", want(shards=shards)) for client in range(16)])
        assert len(refused(results)) == 15
        winner = results.index(None)
        holds.void(reference=f"s{n}-{winner}", now=NOW)


@SHARDS
def test_nobody_is_refused_while_room_is_certain(shards: int) -> None:
    """As many units as clients, who give back before they take again, each in another way."""
    clients, rounds = 12, 12
    open_counter(clients, shards=min(shards, clients))

    def client(n: int) -> None:
        for turn in range(rounds):
            now = NOW + timedelta(seconds=turn * 100)
            ttl = 50 if turn % 4 == 3 else 10_000
            hold(f"s{n}", want(shards=shards), now=now, ttl_seconds=ttl)
            if turn % 4 == 0:
                holds.void(reference=f"s{n}", now=now)
            elif turn % 4 == 1:
                holds.settle(reference=f"s{n}", entry=f"r{n}-{turn}", now=now)
                entries.reverse(references=[f"r{n}-{turn}"], now=now)
            elif turn % 4 == 2:
                use(f"s{n}", want(shards=shards, entry=f"r{n}-{turn}"), now=now)
                entries.reverse(references=[f"r{n}-{turn}"], now=now)
            else:
                expiry.sweep(now=now + timedelta(seconds=50))

    assert refused(together(*[partial(client, n) for n in range(clients)])) == []


@SHARDS
def test_what_is_due_is_had_by_all_who_want_it_while_it_is_swept(shards: int) -> None:
    open_counter(24, shards=min(shards, 24))
    for n in range(24):
        hold(f"old{n}", want())
    waiters = [partial(hold, f"new{n}", want(shards=shards), now=LATER) for n in range(24)]
    sweepers = [partial(expiry.sweep, now=LATER, batch=3) for _ in range(4)]
    assert refused(together(*waiters, *sweepers)) == []
    assert left(now=LATER) == 0


def test_stacks_in_any_order_meet_everything_else_without_deadlock() -> None:
    """Several items each, in every order, mixed rows, while others void, settle, sweep, reverse and change limits."""
    names = [A, B, C, BUDGET]
    open_counter(40, B, shards=16)
    open_counter(30, A)
    open_counter(None, C)
    open_counter(500, BUDGET)

    def client(n: int) -> None:
        dice = random.Random(n)
        for turn in range(25):
            now = NOW + timedelta(seconds=turn * 7)
            reference = f"s{dice.randrange(6)}"
            wants = [
                want(dice.randrange(4), name=name, item=item, entry=f"r{n}-{turn}")
                for name in dice.sample(names, dice.randrange(2, 5))
                for item in dice.sample("abc", dice.randrange(1, 3))
            ]
            deeds: list[Callable[[], Any]] = [
                partial(hold, reference, *wants, ttl_seconds=dice.choice([5, 600]), now=now),
                partial(hold, reference, *wants, ttl_seconds=dice.choice([5, 600]), now=now),
                partial(use, reference, *wants, now=now),
                partial(holds.void, reference=reference, now=now),
                partial(holds.settle, reference=reference, entry=f"e{n}-{turn}", now=now),
                partial(holds.pin, reference=reference, now=now, item="a"),
                partial(expiry.sweep, now=now, batch=3),
                partial(
                    entries.reverse,
                    references=dice.sample([f"r{c}-{t}" for c in range(12) for t in range(turn)], min(5, turn)),
                    now=now,
                ),
                partial(
                    counters.set_limits,
                    {A: dice.randrange(10, 40), B: dice.randrange(10, 60), BUDGET: dice.randrange(300, 600)},
                    reference=f"l{n}-{turn}",
                    now=now,
                ),
            ]
            with suppress(Refusal):
                deeds[dice.choice([0, 0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 7, 8])]()

    together(*[partial(client, n) for n in range(12)])


def test_two_codes_in_opposite_order_are_both_had() -> None:
    for name in (A, B):
        open_counter(400, name)

    def client(n: int) -> None:
        for turn in range(20):
            first, second = (A, B) if n % 2 else (B, A)
            hold(f"s{n}-{turn}", want(name=first, item="1"), want(name=second, item="2"))

    together(*[partial(client, n) for n in range(20)])
    assert (left(A), left(B)) == (0, 0)


def test_the_scarcer_of_two_decides_and_leaves_no_trace_on_the_other() -> None:
    open_counter(100, A)
    open_counter(7, B)
    orders = [(want(name=A), want(name=B, item="b")), (want(name=B, item="b"), want(name=A))]
    results = together(*[partial(hold, f"s{n}", *orders[n % 2]) for n in range(24)])
    assert len(refused(results)) == 17
    assert (taken(A), taken(B)) == (7, 7)


@SHARDS
def test_the_same_reference_at_once_holds_once(shards: int) -> None:
    open_counter(64, shards=shards)
    for n in range(6):
        together(*[partial(hold, f"s{n}", want(shards=shards)) for _ in range(8)])
        assert Hold.objects.filter(reference=f"s{n}", state="live").count() == 1
    assert taken() == 6


def test_a_hold_at_once_settled_and_voided_ends_one_way() -> None:
    for n in range(15):
        hold(f"s{n}", want(granted=100))
        results = together(
            partial(holds.settle, reference=f"s{n}", entry=f"a{n}", now=NOW),
            partial(holds.void, reference=f"s{n}", now=NOW),
            partial(holds.settle, reference=f"s{n}", entry=f"b{n}", now=NOW),
            partial(use, f"s{n}", want(0, entry=f"c{n}")),
        )
        assert len(refused(results)) >= 2
        assert Hold.objects.get(reference=f"s{n}").state != "live"


@SHARDS
class TestExpiryMeetsItsHolder:
    """The unit goes to the holder or to who waits for it: never to both, never to none."""

    def rounds(self, shards: int) -> Iterator[int]:
        open_counter(shards, shards=shards)
        if shards > 1:
            use("", want(shards - 1, entry="rest"))
        for n in range(12):
            hold(f"holder{n}", want(), ttl_seconds=60)
            yield n
            with suppress(Refusal):
                holds.void(reference=f"waiter{n}", now=EXPIRES)
            entries.reverse(references=[f"r{n}"], now=EXPIRES)

    def test_who_settles_in_time(self, shards: int) -> None:
        for n in self.rounds(shards):
            results = together(
                partial(holds.settle, reference=f"holder{n}", entry=f"r{n}", now=EXPIRES - timedelta(milliseconds=1)),
                partial(hold, f"waiter{n}", want(shards=shards), now=EXPIRES),
            )
            assert len(refused(results)) == 1
            assert figures(now=EXPIRES)[0] + figures(now=EXPIRES)[1] == shards

    def test_who_uses_in_time(self, shards: int) -> None:
        for n in self.rounds(shards):
            before = EXPIRES - timedelta(milliseconds=1)
            results = together(
                partial(use, f"holder{n}", want(shards=shards, entry=f"r{n}"), now=before),
                partial(hold, f"waiter{n}", want(shards=shards), now=EXPIRES),
            )
            assert len(refused(results)) == 1

    def test_who_settles_too_late(self, shards: int) -> None:
        for n in self.rounds(shards):
            settled, waited, _ = together(
                partial(holds.settle, reference=f"holder{n}", entry=f"r{n}", now=EXPIRES),
                partial(hold, f"waiter{n}", want(shards=shards), now=EXPIRES),
                partial(expiry.sweep, now=EXPIRES),
            )
            assert isinstance(settled, holds.HoldExpired)
            assert waited is None

    def test_who_gives_back_just_then(self, shards: int) -> None:
        for n in self.rounds(shards):
            _, waited = together(
                partial(holds.void, reference=f"holder{n}", now=EXPIRES - timedelta(milliseconds=1)),
                partial(hold, f"waiter{n}", want(shards=shards), now=EXPIRES),
            )
            assert waited is None


class TestWaitingInLine:
    """Orders of events that chance seldom brings about, made on purpose: we own a row while others queue for it."""

    def test_a_waiter_is_served_though_the_holder_gives_back_behind_it(self) -> None:
        """Who gives back queues for the counter before touching the hold, or the waiter would find it locked."""
        open_counter(1)
        hold("holder", want(), ttl_seconds=60)
        with ThreadPoolExecutor(2) as pool:
            with transaction.atomic():
                sql("select from ledger_counter for update")
                waiter = pool.submit(at_once, partial(hold, "waiter", want(), now=EXPIRES))
                until_waiting(1)
                early = EXPIRES - timedelta(seconds=1)
                giving = pool.submit(at_once, partial(holds.void, reference="holder", now=early))
                until_waiting(2)
            assert waiter.result(20) == [None]
            assert isinstance(giving.result(20)[0], holds.HoldExpired)

    @pytest.mark.parametrize("shards", [1, 8])
    def test_who_is_short_waits_for_what_is_being_swept(self, shards: int) -> None:
        open_counter(8, shards=shards)
        for n in range(8):
            hold(f"old{n}", want())
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                assert expiry.sweep(now=EXPIRES + timedelta(hours=1)) == 8
                waiter = pool.submit(at_once, partial(hold, "new", want(8, shards=shards), now=LATER))
                until_waiting(1)
            assert waiter.result(20) == [None]


def until_waiting(number: int) -> None:
    """Wait until so many statements wait for a lock."""
    for _ in range(5000):
        if sql("select count(*) from pg_locks where not granted")[0][0] >= number:
            return
    raise AssertionError("nobody waits")


class TestALimitIsSetMeanwhile:
    def test_on_what_was_unlimited(self) -> None:
        """Claims made, used in part, given back and reversed at that moment: counted exactly, whoever came first."""
        for turn in range(8):
            name = Name(kind="voucher.uses", owner=100 + turn)
            open_counter(None, name)
            for n in range(6):
                hold(f"v{turn}-{n}", want(5, name=name))
                use("", want(3, name=name, entry=f"r{turn}-{n}"))

            results = together(
                *[partial(holds.void, reference=f"v{turn}-{n}", now=NOW) for n in range(3)],
                *[
                    partial(holds.settle, reference=f"v{turn}-{n}", entry=f"e{turn}-{n}", amount=2, now=NOW)
                    for n in range(3, 6)
                ],
                *[partial(entries.reverse, references=[f"r{turn}-{n}"], now=NOW) for n in range(3)],
                *[partial(hold, f"n{turn}-{n}", want(name=name)) for n in range(6)],
                partial(expiry.sweep, now=NOW),
                partial(counters.set_limit, name, 20, reference=f"l{turn}", now=NOW),
            )
            # 3 used, 3 times 2 settled and 3 times 3 not reversed: 15; up to 6 new ones, refused where 20 was reached.
            assert taken(name) == sum(figures(name)) == 15 + 6 - len(refused(results))

    def test_while_it_is_first_used(self) -> None:
        """Requests that read the old limit, by which the counter opens, and the new limit set at the same moment."""
        for turn in range(10):
            name = Name(kind="voucher.uses", owner=100 + turn)
            together(
                *[partial(hold, f"s{turn}-{n}", want(granted=50, name=name)) for n in range(4)],
                partial(counters.set_limit, name, 5, reference=f"l{turn}", now=NOW, retailer_id=RETAILER),
            )
            assert left(name) == 1

    def test_and_lowered_under_load(self) -> None:
        open_counter(64, shards=64)

        def client(n: int) -> None:
            for turn in range(10):
                with suppress(Refusal):
                    hold(f"s{n}", want(1 + turn % 3))
                    holds.void(reference=f"s{n}", now=NOW)

        lower = [partial(counters.set_limit, CODE, 5 * n, reference=f"l{n}", now=NOW) for n in range(4)]
        together(*[partial(client, n) for n in range(12)], *lower)
        counters.set_limit(CODE, 9, reference="last", now=NOW)
        hold("all", want(9))
        assert left() == 0


def test_a_counter_opened_by_many_at_once_opens_once() -> None:
    for turn in range(6):
        name = Name(kind="voucher.uses", owner=100 + turn)
        results = together(
            *[partial(hold, f"s{turn}-{n}", want(granted=6, name=name, shards=1 + 5 * (n % 2))) for n in range(10)]
        )
        assert len(refused(results)) == 4
        assert Counter.objects.filter(owner=name.owner).count() in (1, 6)


def test_a_limit_brought_by_a_rule_is_kept_by_all() -> None:
    results = together(
        *[partial(hold, f"s{n}", want(granted=5, fixed=True, counted=True, item=f"i{n}")) for n in range(16)]
    )
    assert len(refused(results)) == 11


def test_a_redemption_reversed_twice_at_once_is_given_back_once() -> None:
    for n in range(8):
        use("", want(2, granted=5, entry=f"a{n}"), want(30, granted=100, name=BUDGET, entry=f"a{n}"))
        use("", want(1, granted=5, entry=f"b{n}"))
        references = [f"a{n}", f"b{n}"]
        results = together(
            partial(entries.reverse, references=references, now=NOW),
            partial(entries.reverse, references=references[::-1], now=NOW),
            partial(entries.reverse, references=[f"b{n}"], now=NOW),
            partial(entries.reverse, references=[f"a{n}"], now=NOW),
        )
        assert sum(sum(given.values()) for given in results) == 33
        assert (taken(), taken(BUDGET)) == (0, 0)


def test_gift_credits_are_conserved_to_the_cent() -> None:
    open_counter(1000, BUDGET)
    spent: list[int] = []
    added: list[int] = []

    def client(n: int) -> None:
        for turn in range(12):
            with suppress(Refusal):
                amount = 1 + (n * 7 + turn * 13) % 90
                if turn % 4 == 3:
                    counters.grant(BUDGET, amount, reference=f"g{n}-{turn}", now=NOW)
                    added.append(amount)
                elif turn % 4 == 2:
                    counters.withdraw(BUDGET, amount, reference=f"w{n}-{turn}", now=NOW)
                    added.append(-amount)
                else:
                    hold(f"s{n}", want(100, name=BUDGET))
                    ended = holds.settle(reference=f"s{n}", entry=f"e{n}-{turn}", amount=amount, now=NOW)
                    spent.append(sum(one.amount for one in ended))

    together(*[partial(client, n) for n in range(10)])
    assert left(BUDGET) == 1000 + sum(added) - sum(spent)
    assert spent


def test_a_tally_stays_exact_under_writers() -> None:
    open_counter(10_000)
    (counter,) = Counter.objects.all()

    def writer(n: int) -> None:
        for turn in range(25):
            use("", want(entry=f"r{n}-{turn}"))
            if turn % 3 == 0:
                entries.reverse(references=[f"r{n}-{turn}"], now=NOW)

    def tallier() -> list[int]:
        seen = []
        for _ in range(40):
            sql("select ledger_tally(%s)", counter.pk)
            seen.append(audit.prove().total)
        return seen

    results = together(*[partial(writer, n) for n in range(6)], tallier, tallier)
    assert set(results[-1] + results[-2]) == {0}
    sql("select ledger_tally(%s)", counter.pk)
    counter.refresh_from_db()
    assert figures() == (0, 6 * 16)
    assert counter.tallied == 6 * 16
