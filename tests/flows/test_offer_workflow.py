"""The whole workflow of offers over HTTP: a rule issues what a marketer made, a till finds, locks and redeems it."""

import pytest

from tests.flows.counter import PER_DOLLAR, Counter

pytestmark = pytest.mark.django_db

FIVE_AT_200 = {
    "name": "Five dollars at 200 points",
    "scope": "economy",
    "in_force_from": "2015-01-01T00:00:00Z",
    "trigger": "points_changed",
    "conditions": [{"metric": "earned_points", "account": "main", "op": "crosses", "value": 200}],
    "limits": {"per_user": {"count": 1, "period": "lifetime"}},
    "outcomes": [{"type": "offer", "offer": "five"}],
}


def test_o47_the_offer_comes_at_200_earned_points_and_o48_only_once() -> None:
    counter = Counter(PER_DOLLAR, FIVE_AT_200)
    counter.make(key="five")
    counter.send("t1", "199.00")
    counter.work()
    assert (counter.points(), counter.wallet()) == (199, [])
    counter.send("t2", "1.00")
    counter.work()
    assert (counter.points(), len(counter.wallet())) == (200, 1)
    counter.send("t3", "300.00")
    counter.work()
    assert (counter.points(), len(counter.wallet())) == (500, 1)


def test_o2_what_is_issued_is_found_locked_sent_and_redeemed_with_the_words_of_each_call() -> None:
    counter = Counter(PER_DOLLAR)
    entry = counter.issue(counter.make())
    shown = counter.pos("lookup", {"external_customer_id": "X-ada"}, request_id="1")
    assert (shown["status"], shown["errors"], len(shown["payload"])) == ("success", None, 1)
    offer = shown["payload"][0]["offers"][0]
    assert (offer["reference_id"], offer["reference_id_type"], offer["status"]) == (entry, "userofferid", "INFO")
    assert (offer["discount_source"], offer["amount"], offer["applied_time"]) == ("sessionm", 0, None)
    basket = {
        "transaction_id": "t1",
        "items": [{"line_id": "0", "item_id": "1", "quantity": "1", "unit_price": "10", "subtotal": "10"}],
    }
    locked = counter.lock(entry, basket, request_id="1")
    assert (locked["status"], locked["errors"]) == ("OK", None)
    discount = locked["payload"]
    assert (discount["reference_id"], discount["status"], discount["amount"]) == (entry, "LOCKED", 5)
    assert discount["discounted_line_ids"] == ["0"]
    sent = counter.send("t1", "10.00", discounts=[discount])
    assert sent.json == {"status": "OK", "payload": None, "errors": None}
    counter.work()
    assert counter.status(entry) == 2
    assert counter.wallet() == []


def test_o96_a_sale_without_offers_earns() -> None:
    counter = Counter(PER_DOLLAR)
    assert counter.send("t1", "10.00")["status"] == "OK"
    counter.work()
    assert counter.points() == 10
