"""Discarding a revision of a sale: the sale is as if it had never come, and what it had replaced counts again."""

import threading
from typing import Any

import pytest
from django.db import connection

from checkout import transaction_work, transactions
from checkout.models import OfferLock, Revision
from loyalty.models import Member
from offers.ledger import audit as proof
from offers.lib import clock
from offers.lib.actors import Actor
from offers.models import Retailer, UserOffer
from tests.api.sessionm.sales import sale
from tests.checkout.test_transaction_rewards import balance, rule
from tests.checkout.test_transactions import Shop, discount, status_of
from tests.loyalty.people import kind, person

_WAITS = """
SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted
"""
BOB = Actor(kind="USER", ident="bob")
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(shop_a: Retailer) -> Shop:
    kind(shop_a)
    found = Shop(shop_a)
    rule(found)
    return found


@pytest.fixture
def ada(shop: Shop) -> Member:
    return person(shop.retailer)


def send(shop: Shop, ada: Member, amount: str, at: str, **fields: Any) -> Revision:
    sent = shop.send(sale("t1", amount, user_id=str(ada.uuid), modified_time=f"2026-11-21 {at}", **fields))
    assert sent.revision_id is not None
    return Revision.objects.get(pk=sent.revision_id)


def poison(row: Revision) -> None:
    Revision.objects.filter(pk=row.pk).update(payload={})


def discard(shop: Shop, row: Revision) -> dict[str, Any]:
    done = transactions.discard(
        retailer_id=shop.retailer.pk, revision_id=row.pk, actor=BOB, now=clock.now(), reason="nonsense"
    )
    found: dict[str, Any] = done.result or {}
    return found


def states() -> list[str]:
    return list(Revision.objects.order_by("number").values_list("state", flat=True))


def test_the_older_one_that_was_passed_over_counts_again(shop: Shop, ada: Member) -> None:
    entry, other = shop.entry("fixed_check_discount"), shop.entry("fixed_check_discount")
    shop.lock(entry)
    shop.lock(other)
    send(shop, ada, "40.00", "10:00:00", discounts=[discount(entry)])
    newer = send(shop, ada, "90.00", "11:00:00", discounts=[discount(entry), discount(other)])
    poison(newer)
    shop.drain()
    assert (states(), balance(ada)) == (["processed", "dead"], 0)
    assert discard(shop, newer)["counts_again"] == 1
    assert shop.standing().state == "queued"
    shop.drain()
    assert (shop.standing().state, shop.standing().revision, balance(ada)) == ("processed", 1, 35)
    assert (status_of(entry), status_of(other)) == (UserOffer.Status.REDEEMED, UserOffer.Status.ISSUED)
    assert set(OfferLock.objects.values_list("state", flat=True)) == {"consumed", "released"}
    assert proof.prove().total == 0


def test_where_the_older_one_had_its_effects_they_stand_and_nothing_is_done_again(shop: Shop, ada: Member) -> None:
    send(shop, ada, "40.00", "10:00:00")
    shop.drain()
    newer = send(shop, ada, "90.00", "11:00:00")
    poison(newer)
    shop.drain()
    assert "counts_again" not in discard(shop, newer)
    assert (states(), balance(ada), shop.standing().revision) == (["processed", "processed"], 40, 1)


def test_of_three_the_one_between_is_worked_on_against_what_stands(shop: Shop, ada: Member) -> None:
    send(shop, ada, "40.00", "10:00:00")
    shop.drain()
    send(shop, ada, "30.00", "11:00:00")
    newest = send(shop, ada, "90.00", "12:00:00")
    poison(newest)
    shop.drain()
    assert balance(ada) == 40
    assert discard(shop, newest)["counts_again"] == 2
    shop.drain()
    assert balance(ada) == 30


def test_one_that_was_stale_beside_it_counts(shop: Shop, ada: Member) -> None:
    poison(send(shop, ada, "40.00", "10:00:00"))
    send(shop, ada, "41.00", "10:00:00")
    send(shop, ada, "42.00", "10:00:00")
    shop.drain()
    assert states() == ["dead", "stale", "stale"]
    assert discard(shop, Revision.objects.get(number=1))["counts_again"] == 2
    shop.drain()
    assert (states(), balance(ada)) == (["processed", "processed", "stale"], 41)


def test_a_later_send_is_not_old_beside_a_discarded_one(shop: Shop, ada: Member) -> None:
    newer = send(shop, ada, "90.00", "23:00:00")
    poison(newer)
    shop.drain()
    discard(shop, newer)
    assert send(shop, ada, "40.00", "10:00:00").state == "queued"
    shop.drain()
    assert balance(ada) == 40
    shop.send(sale("t1", "90.00", user_id=str(ada.uuid), modified_time="2026-11-21 23:00:00"))
    shop.drain()
    assert balance(ada) == 40, "what was discarded stays so when its till sends it again"


def test_a_dead_older_one_can_be_retried_once_the_newer_is_discarded(shop: Shop, ada: Member) -> None:
    old, new = send(shop, ada, "40.00", "10:00:00"), send(shop, ada, "90.00", "11:00:00")
    Revision.objects.update(state="dead", next_at=None)
    assert "counts_again" not in discard(shop, new)
    transactions.retry(retailer_id=shop.retailer.pk, revision_id=old.pk, actor=BOB, now=clock.now())
    shop.drain()
    assert balance(ada) == 40


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_worker_does_not_pass_over_one_in_favour_of_what_is_discarded_meanwhile(
    shop: Shop, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(shop, ada, "40.00", "10:00:00")
    newer = send(shop, ada, "90.00", "11:00:00")
    Revision.objects.filter(pk=newer.pk).update(state="dead", next_at=None)
    looked, prepare = threading.Event(), transaction_work.prepare

    def slow(*args: Any, **kwargs: Any) -> Any:
        found = prepare(*args, **kwargs)
        looked.set()
        waiting_for(connection)
        return found

    monkeypatch.setattr(transaction_work, "prepare", slow)

    def press() -> None:
        try:
            looked.wait(30)
            discard(shop, newer)
        finally:
            connection.close()

    staff = threading.Thread(target=press)
    staff.start()
    shop.drain()
    staff.join()
    monkeypatch.undo()
    shop.drain()
    assert (states(), balance(ada)) == (["processed", "processed"], 40)


def waiting_for(mine: Any) -> None:
    """Return when somebody waits for the sale we own, as pg_locks tells."""
    for _ in range(3000):
        with mine.cursor() as cursor:
            cursor.execute(_WAITS)
            if cursor.fetchone():
                return
            cursor.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("nobody waits")
