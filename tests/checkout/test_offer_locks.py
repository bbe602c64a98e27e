"""T75, T76 and their kin: parallel tills never share an offer; what a lock costs in statements."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from checkout.models import OfferLock
from offers.lib import clock
from offers.models import Retailer, UserOffer, UserOfferEvent
from tests.api.client import Answer
from tests.api.sessionm import wallets
from tests.api.sessionm.client import Till
from tests.api.sessionm.sales import sale
from tests.api.sessionm.wallets import asks, basket, in_wallet

race = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def at_once(calls: list[Callable[[], Answer]]) -> list[Answer]:
    """Run all calls from threads of their own, released together."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Answer]) -> Answer:
        try:
            start.wait()
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def ask(till: Till, verb: str, entry: UserOffer, transaction_id: str) -> Callable[[], Answer]:
    return lambda: till.pos(verb, asks(entry, basket("10", transaction_id=transaction_id)))


def codes(answers: list[Answer]) -> list[Any]:
    return sorted("OK" if answer.status == 200 else answer["errors"]["code"] for answer in answers)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_t75_of_fifty_parallel_locks_one_wins(shop_a: Retailer) -> None:
    till, entry = Till(shop_a), in_wallet(shop_a)
    answers = at_once([ask(till, "lock", entry, f"t{n}") for n in range(50)])
    assert codes(answers) == ["OK"] + ["offer_locked"] * 49
    assert OfferLock.objects.get().state == "active"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_t75_of_an_expired_lock_too_one_wins(shop_a: Retailer) -> None:
    till, entry = Till(shop_a), in_wallet(shop_a)
    ask(till, "lock", entry, "old")()
    OfferLock.objects.update(expires_at=clock.now())
    answers = at_once([ask(till, "lock", entry, f"t{n}") for n in range(20)])
    assert codes(answers) == ["OK"] + ["offer_locked"] * 19
    assert sorted(OfferLock.objects.values_list("state", flat=True)) == ["active", "expired"]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_t76_of_fifty_parallel_redeems_one_wins(shop_a: Retailer) -> None:
    till, entry = Till(shop_a), in_wallet(shop_a)
    answers = at_once([ask(till, "redeem", entry, f"t{n}") for n in range(50)])
    assert codes(answers) == ["OK"] + ["already_redeemed"] * 49
    assert UserOfferEvent.objects.filter(kind="redeemed").count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_lock_and_a_redeem_of_two_tills_race_for_one_offer(shop_a: Retailer) -> None:
    till = Till(shop_a)
    for _ in range(8):
        entry = in_wallet(shop_a)
        answers = at_once([ask(till, "lock", entry, "t1"), ask(till, "redeem", entry, "t2")])
        assert sorted(answer.status for answer in answers) == [200, 409]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_send_that_claims_is_never_undone_by_pricing_anew_or_unlocking(shop_a: Retailer) -> None:
    till = Till(shop_a)
    for n in range(8):
        entry, name = in_wallet(shop_a), f"t{n}"
        given = ask(till, "lock", entry, name)()["payload"]
        closed = sale(name, "10.00", discounts=[given])
        send, _ = at_once([lambda closed=closed: till.pos("send_transaction", closed), ask(till, "lock", entry, name)])  # type: ignore[misc]
        assert send.status == 200
        assert OfferLock.objects.get(user_offer=entry).state in {"claimed", "consumed"}


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_parallel_calls_with_one_request_id_have_one_effect(shop_a: Retailer) -> None:
    till, entry = Till(shop_a), in_wallet(shop_a)
    body = till.envelope(asks(entry, basket("10")), request_id="1")
    answers = at_once([lambda: till.call("redeem", body)] * 12)
    assert set(codes(answers)) <= {"OK", "pending_processing"}
    assert UserOfferEvent.objects.filter(kind="redeemed").count() == 1


@pytest.mark.django_db
def test_the_database_itself_allows_one_live_lock(shop_a: Retailer) -> None:
    till, entry = Till(shop_a), in_wallet(shop_a)
    ask(till, "lock", entry, "t1")()
    found = OfferLock.objects.get()
    found.pk = None
    with pytest.raises(Exception, match="offer_locked_once"):
        found.save(force_insert=True)


@pytest.mark.django_db
def test_what_a_lock_costs_in_statements(shop_a: Retailer) -> None:
    """Store and settings, request id (2), entry, locks, new lock, answer kept; savepoints aside."""
    till = Till(shop_a)
    warm, entry = in_wallet(shop_a), in_wallet(shop_a)
    ask(till, "lock", warm, "t0")()
    for most in (7, 7):  # the second prices anew
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert ask(till, "lock", entry, "t1")().status == 200
        asked = [one["sql"] for one in seen if "SAVEPOINT" not in one["sql"]]
        assert len(asked) <= most, asked


def limited(shop: Retailer, count: int, per: str = "user") -> tuple[Any, Any]:
    """Return an offer that may be used `count` times, and somebody to hold it."""
    rule = {"kind": "redemption", "per": per, "count": count, "period": "lifetime"}
    return wallets.offer(shop, use_restrictions=[rule]), wallets.member(shop)


@pytest.mark.django_db
@pytest.mark.parametrize("per", ["user", "offer"])
def test_a_lock_counts_for_a_use_limit_until_it_ends(shop_a: Retailer, per: str) -> None:
    till, (offer, whose) = Till(shop_a), limited(shop_a, 1, per)
    first, second = wallets.issue(offer, whose), wallets.issue(offer, whose)
    assert ask(till, "lock", first, "t1")().status == 200
    assert ask(till, "lock", first, "t1")().status == 200  # its own lock does not count against it
    for verb in ("lock", "redeem"):
        refused = ask(till, verb, second, "t2")()
        assert (refused.status, refused["errors"]["code"]) == (422, "frequency_exceeded")
    other = wallets.issue(offer, wallets.member(shop_a))
    assert (ask(till, "lock", other, "t3")().status == 200) == (per == "user")
    till.pos("unlock", {"user_offer_id": str(first.uuid)})
    assert ask(till, "lock", second, "t2")().status == 200
    OfferLock.objects.filter(user_offer=second).update(expires_at=clock.now())
    assert ask(till, "redeem", first, "t1")().status == 200
    assert ask(till, "lock", second, "t2")().status == 422


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_ten_entries_with_three_uses_three_are_locked_at_once(shop_a: Retailer) -> None:
    till, (offer, whose) = Till(shop_a), limited(shop_a, 3)
    held = [wallets.issue(offer, whose) for _ in range(10)]
    answers = at_once([ask(till, "lock", one, f"t{at}") for at, one in enumerate(held)])
    assert codes(answers) == ["OK"] * 3 + ["frequency_exceeded"] * 7
