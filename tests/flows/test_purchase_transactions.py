"""Finalize and send over HTTP: with and without offers, by lock or at once, under economy and campaign rules."""

from typing import Any

import pytest

from tests.flows.counter import PER_DOLLAR, Counter

pytestmark = pytest.mark.django_db

CAMPAIGN = {
    "name": "Locals",
    "scope": "campaign",
    "in_force_from": "2015-01-01T00:00:00Z",
    "audience": {"tags": ["local"]},
    "outcomes": [{"type": "points_fixed", "account": "main", "points": 7}],
}


def basket(price: str, number: str = "t1") -> dict[str, Any]:
    line = {"line_id": "1", "item_id": "1", "quantity": "1", "unit_price": price, "subtotal": price}
    return {"transaction_id": number, "items": [line]}


def test_t71_economy_and_campaign_rules_both_reward_a_sale_and_t70_the_campaign_only_its_audience() -> None:
    counter = Counter(PER_DOLLAR, CAMPAIGN)
    counter.send("t1", "10.00")
    counter.send("t2", "10.00", "ben")
    counter.work()
    assert (counter.points("ada"), counter.points("ben")) == (17, 10)


def test_t14_the_answer_comes_before_the_effects() -> None:
    counter = Counter(PER_DOLLAR)
    assert counter.send("t1", "10.00")["status"] == "OK"
    assert counter.points() == 0
    counter.work()
    assert counter.points() == 10


def test_t20_unlocking_frees_the_offer_for_another_transaction() -> None:
    counter = Counter()
    entry = counter.issue(counter.make())
    assert counter.lock(entry, basket("10.00")).status == 200
    assert counter.lock(entry, basket("10.00", "t2")).status == 409
    assert counter.pos("unlock", {"user_offer_id": entry, "employee_id": "1"}).status == 200
    assert counter.lock(entry, basket("10.00", "t2")).status == 200


def test_t26_the_discount_follows_the_basket_and_t25_the_lock_may_be_called_again() -> None:
    counter = Counter()
    entry = counter.issue(counter.make("percent_check_discount", {"percent": 10}))
    assert counter.lock(entry, basket("100.00"))["payload"]["amount"] == 10
    assert counter.lock(entry, basket("50.00"))["payload"]["amount"] == 5


def test_t28_lock_and_send_alone_redeem_and_t32_a_reinstated_offer_can_be_used_again() -> None:
    counter = Counter()
    entry = counter.issue(counter.make())
    discount = counter.lock(entry, basket("10.00"))["payload"]
    counter.send("t1", "10.00", discounts=[discount])
    counter.work()
    assert counter.status(entry) == 2
    assert counter.lock(entry, basket("10.00", "t2"), path="redeem").status == 409
    assert counter.pos("reinstate", {"user_offer_id": entry, "employee_id": "1"}).status == 200
    assert counter.lock(entry, basket("10.00", "t2"), path="redeem")["payload"]["status"] == "REDEEMED"


def test_t73_any_http_client_with_the_credential_will_do() -> None:
    counter = Counter(PER_DOLLAR)
    counter.django.cookies.clear()
    assert counter.send("t1", "10.00").status == 200
    assert not counter.django.cookies
