"""V60, V61 and the failure catalogue: parallel shoppers on real connections never get more than there is."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

from checkout.models import Order, Redemption
from offers.ledger.models import Counter
from offers.models import Product, Retailer
from tests.api.client import Answer, ApiClient
from tests.flows import shop
from tests.flows.shop import lock, redeem, redeemable, validate, with_points

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def at_once(*calls: Callable[[], Answer], repeat: int = 1) -> list[Answer]:
    """Run all calls from threads of their own, released together."""
    every = list(calls) * repeat
    start = Barrier(len(every))

    def run(call: Callable[[], Answer]) -> Answer:
        try:
            start.wait()
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(every)) as pool:
        return list(pool.map(run, every))


@pytest.fixture(autouse=True)
def _proof() -> Any:
    yield
    call_command("prove_ledger")


def test_v60_parallel_locks_never_exceed_the_limit(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=4)
    answers = at_once(*[lambda n=n: lock(api, "CODE", key=f"k{n}") for n in range(40)])
    assert {answer.status for answer in answers} == {200}
    assert sum(answer["valid"] for answer in answers) == 4
    late = next(answer for answer in answers if not answer["valid"])
    assert shop.why(late) == "quantity_exceeded"


def test_v61_a_lock_and_a_redemption_race_for_the_last_use(api: ApiClient, shop_a: Retailer) -> None:
    for n in range(8):
        shop.code(shop_a, f"C{n}")
        locked, redeemed = at_once(
            lambda n=n: lock(api, f"C{n}", key="k"),  # type: ignore[misc]
            lambda n=n: redeem(api, f"C{n}"),  # type: ignore[misc]
        )
        assert [locked["valid"], redeemed.status == 200].count(True) == 1


def test_the_last_use_is_redeemed_once(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    answers = at_once(lambda: redeem(api, "CODE", customer={"source_id": "same"}), repeat=24)
    assert sorted(answer.status for answer in answers) == [200] + [400] * 23
    assert {answer["key"] for answer in answers if answer.status == 400} == {"quantity_exceeded"}
    assert Redemption.objects.filter(succeeded=True).count() == Order.objects.count() == 1


def test_a_hot_code_gives_out_exactly_its_limit(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=20, hot=True)
    answers = at_once(lambda: redeem(api, "CODE"), repeat=30)
    assert sum(answer.status == 200 for answer in answers) == 20
    assert Counter.objects.filter(kind="voucher.uses").count() == 20


def test_gift_credits_are_conserved(api: ApiClient, shop_a: Retailer) -> None:
    shop.card(shop_a, credits=1000)
    answers = at_once(lambda: redeem(api, redeemable("CARD", 300)), repeat=10)
    assert sum(answer.status == 200 for answer in answers) == 3
    assert api.get("/v1/vouchers/CARD/redemption")["redeemed_amount"] == 900


def test_v32_points_are_conserved(api: ApiClient, shop_a: Retailer) -> None:
    shop.points_card(shop_a, points=1000)
    locks = [lambda n=n: lock(api, with_points("POINTS", 300), key=f"k{n}") for n in range(5)]
    sales = [lambda: redeem(api, with_points("POINTS", 300)) for _ in range(5)]
    answers = at_once(*locks, *sales)
    held = sum(answer.json.get("valid", False) for answer in answers[:5])
    used = sum(answer.status == 200 for answer in answers[5:])
    assert held + used == 3
    assert api.get("/v1/vouchers/POINTS/redemption")["redeemed_points"] == 300 * used


def test_stacks_in_opposite_order_do_not_deadlock(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, "A", limit=12)
    shop.code(shop_a, "B", limit=12)
    answers = at_once(lambda: redeem(api, "A", "B"), lambda: redeem(api, "B", "A"), repeat=12)
    assert sum(answer.status == 200 for answer in answers) == 12
    assert {answer.status for answer in answers} == {200, 400}


def test_the_same_key_at_once_holds_once(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=2)
    answers = at_once(lambda: lock(api, "CODE", key="same"), repeat=12)
    assert all(answer["valid"] for answer in answers)
    assert lock(api, "CODE", key="other")["valid"]
    assert not lock(api, "CODE", key="third")["valid"]


def test_a_budget_is_never_overspent(api: ApiClient, shop_a: Retailer) -> None:
    owner = shop.campaign(shop_a, budget=100_000)
    shop.code(shop_a, limit=None, campaign=owner)
    answers = at_once(lambda: redeem(api, "CODE", amount=150_000), repeat=12)  # 30,000 off each
    assert sum(answer.status == 200 for answer in answers) == 3
    assert {answer["key"] for answer in answers if answer.status != 200} == {"redemption_rules_violated"}


def test_a_customer_limit_holds_for_a_new_customer(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None, customer_limit=1)
    answers = at_once(lambda: redeem(api, "CODE", customer={"source_id": "new"}), repeat=10)
    assert sum(answer.status == 200 for answer in answers) == 1
    assert redeem(api, "CODE", customer={"source_id": "other"}).status == 200


def test_one_order_redeemed_twice_at_once_keeps_both_discounts(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None, discount={"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ORDER"})
    order = {"source_id": "o-1", "amount": 10_000}
    answers = at_once(
        lambda: api.post("/v1/redemptions", {"redeemables": [redeemable("CODE")], "order": order}), repeat=4
    )
    won = sum(answer.status == 200 for answer in answers)
    assert {answer.status for answer in answers} <= {200, 400}
    stored = Order.objects.get()
    assert stored.total_discount_amount == 100 * won
    assert len(stored.redemptions) == won


def test_rolled_back_once_when_tried_by_many(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    made = redeem(api, "CODE")["redemptions"][0]["id"]
    answers = at_once(lambda: api.post(f"/v1/redemptions/{made}/rollback"), repeat=10)
    assert sorted(answer.status for answer in answers) == [200] + [400] * 9
    assert validate(api, "CODE")["valid"]
    assert not lock(api, "CODE", "CODE").json.get("valid")


def test_carts_that_bring_the_same_products_wait_for_one_another(api: ApiClient, shop_a: Retailer) -> None:
    """In whatever order their lines name them: nobody ends in a deadlock."""
    shop.code(shop_a, limit=None)
    items = [{"product": {"source_id": f"p{n}", "price": n, "override": True}} for n in range(12)]

    def buy(lines: list[dict[str, Any]], call: str) -> Answer:
        body = (
            {"items": lines} if call == "orders" else {"redeemables": [redeemable("CODE")], "order": {"items": lines}}
        )
        return api.post(f"/v1/{call}", body)

    for _ in range(3):
        answers = at_once(
            lambda: buy(items, "redemptions"),
            lambda: buy(items[::-1], "redemptions"),
            lambda: buy(items[::-1], "orders"),
            repeat=3,
        )
        assert {answer.status for answer in answers} == {200}
    assert Product.objects.count() == 12


def test_a_customer_made_by_many_at_once_keeps_what_each_knew(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None)

    def buyer(n: int, at: int) -> dict[str, Any]:
        return {"source_id": f"ada{n}", "metadata": {f"k{at}": at}, **({"name": "Ada"} if at == 3 else {})}

    for n in range(4):
        at_once(*[lambda n=n, at=at: redeem(api, "CODE", customer=buyer(n, at)) for at in range(8)])
    for n in range(4):
        ada = api.get(f"/v1/customers/ada{n}").json
        assert (ada["name"], ada["metadata"]) == ("Ada", {f"k{at}": at for at in range(8)})
        assert ada["summary"]["redemptions"]["total_succeeded"] == 8
