"""Rolling back: uses, credits and budget come back, the order loses its discounts, once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command

from checkout.models import Order
from offers.models import AuditEntry, Retailer
from tests.api.client import Answer, ApiClient
from tests.flows import shop
from tests.flows.shop import lock, redeem, redeemable, validate

pytestmark = pytest.mark.django_db


def roll_back(api: ApiClient, made: str, plural: bool = False, **more: object) -> Answer:
    return api.post(f"/v1/redemptions/{made}/rollback{'s' if plural else ''}", more or None)


def test_it_gives_back_the_use_and_the_credits(api: ApiClient, shop_a: Retailer) -> None:
    shop.card(shop_a, credits=500, limit=1)
    made = redeem(api, redeemable("CARD", 200))["redemptions"][0]["id"]
    assert not validate(api, redeemable("CARD", 1))["valid"]
    answer = roll_back(api, made, reason="goods returned")
    assert (answer.status, answer["object"], answer["redemption"]) == (200, "redemption_rollback", made)
    assert answer["id"].startswith("rr_")
    assert (answer["result"], answer["status"], answer["reason"]) == ("SUCCESS", "SUCCEEDED", "goods returned")
    assert (answer["amount"], answer["voucher"]["gift"]["balance"]) == (-200, 500)
    assert validate(api, redeemable("CARD", 500))["valid"]
    assert api.get(f"/v1/redemptions/{made}")["status"] == "ROLLED_BACK"
    assert api.get("/v1/vouchers/CARD/redemption")["redeemed_quantity"] == 0
    call_command("prove_ledger")


def test_a_code_for_one_use_that_came_back_counts_one_again(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=1)
    for _ in range(2):
        made = redeem(api, "CODE")["redemptions"][0]
        assert made["voucher"]["redemption"]["redeemed_quantity"] == 1
        assert api.get("/v1/vouchers/CODE/redemption")["redeemed_quantity"] == 1
        roll_back(api, made["id"])
        assert api.get("/v1/vouchers/CODE/redemption")["redeemed_quantity"] == 0


def test_the_order_loses_its_discounts(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    made = redeem(api, "CODE")["redemptions"][0]["id"]
    order = roll_back(api, made)["order"]
    assert (order["status"], order["amount"], order["total_amount"]) == ("CANCELED", 200000, 200000)
    assert not [name for name in order if "discount" in name]


def test_an_order_keeps_what_other_redemptions_took_off(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, "A", discount={"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ORDER"})
    shop.code(shop_a, "B", discount={"type": "AMOUNT", "amount_off": 30, "effect": "APPLY_TO_ORDER"})
    first = api.post("/v1/redemptions", {"redeemables": [redeemable("A")], "order": {"source_id": "o", "amount": 1000}})
    second = api.post("/v1/redemptions", {"redeemables": [redeemable("B")], "order": {"id": first["order"]["id"]}})
    assert second["order"]["total_discount_amount"] == 130
    assert second["order"]["total_applied_discount_amount"] == 30
    roll_back(api, first["redemptions"][0]["id"])
    assert Order.objects.get().total_discount_amount == 30


def test_a_second_rollback_is_refused_and_recorded(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    made = redeem(api, "CODE")["redemptions"][0]["id"]
    roll_back(api, made)
    again = roll_back(api, made)
    assert (again.status, again["key"], again["resource_type"]) == (400, "already_rolled_back", "redemption_rollback")
    assert again["resource_id"].startswith("rrf_")
    assert api.get(f"/v1/redemptions/{again['resource_id']}")["status"] == "FAILED"


def test_a_stack_is_rolled_back_as_a_whole(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, "A")
    shop.card(shop_a, credits=500)
    answer = redeem(api, "A", redeemable("CARD", 500))
    parent = answer["parent_redemption"]["id"]
    child = answer["redemptions"][0]["id"]
    assert roll_back(api, child)["key"] == "invalid_redemption_parent"
    assert roll_back(api, child, plural=True)["key"] == "invalid_redemption_parent"
    assert roll_back(api, parent)["key"] == "invalid_redemption"
    done = roll_back(api, parent, plural=True)
    assert [one["redemption"] for one in done["rollbacks"]] == [one["id"] for one in answer["redemptions"]]
    assert done["parent_rollback"]["redemption"] == parent
    assert done["order"]["redemptions"][parent]["rollback_id"] == done["parent_rollback"]["id"]
    assert roll_back(api, parent, plural=True)["key"] == "already_rolled_back"
    assert validate(api, "A", redeemable("CARD", 500))["valid"]
    call_command("prove_ledger")


def test_a_single_one_may_be_rolled_back_as_a_stack(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    done = roll_back(api, redeem(api, "CODE")["redemptions"][0]["id"], plural=True)
    assert len(done["rollbacks"]) == 1 and "parent_rollback" not in done.json


def test_what_can_not_be_rolled_back(api: ApiClient, api_b: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    made = redeem(api, "CODE", customer={"source_id": "ada"})["redemptions"][0]["id"]
    failed = redeem(api, "CODE")["resource_id"]
    assert roll_back(api, failed)["key"] == "invalid_redemption"
    assert roll_back(api, "r_nothing").status == 404
    assert roll_back(api_b, made).status == 404
    assert roll_back(api, made, customer={"source_id": "bob"})["key"] == "invalid_customer"
    assert roll_back(api, made, order={"id": "ord_other"})["key"] == "invalid_order"
    undone = roll_back(api, made, customer={"source_id": "ada"})
    assert undone.status == 200
    assert roll_back(api, undone["id"])["key"] == "invalid_redemption"


def test_three_months_are_the_limit(api: ApiClient, shop_a: Retailer, set_clock: Callable[[datetime], None]) -> None:
    shop.code(shop_a)
    day = datetime(2026, 1, 10, tzinfo=UTC)
    set_clock(day)
    made = redeem(api, "CODE")["redemptions"][0]["id"]
    set_clock(day + timedelta(days=93))
    assert roll_back(api, made)["key"] == "invalid_redemption"
    set_clock(day + timedelta(days=92))
    assert roll_back(api, made).status == 200


def test_a_rollback_does_not_bring_the_session_back(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    lock(api, "CODE", key="k")
    roll_back(api, redeem(api, "CODE", key="k")["redemptions"][0]["id"])
    assert lock(api, "CODE", key="other")["valid"]


def test_it_leaves_an_audit_row(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    made = redeem(api, "CODE")["redemptions"][0]["id"]
    roll_back(api, made, reason="mistake")
    entry = AuditEntry.objects.get(action="redemption.rollback")
    assert (entry.object_id, entry.reason) == (made, "mistake")


def test_budget_comes_back(api: ApiClient, shop_a: Retailer) -> None:
    owner = shop.campaign(shop_a, budget=40000)
    shop.code(shop_a, limit=None, campaign=owner)
    made = redeem(api, "CODE")["redemptions"][0]["id"]
    assert redeem(api, "CODE")["key"] == "redemption_rules_violated"
    roll_back(api, made)
    assert redeem(api, "CODE").status == 200


def test_a_customer_nobody_knows_is_not_found(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    made = redeem(api, "CODE", customer={"source_id": "ada"})["redemptions"][0]["id"]
    answer = roll_back(api, made, customer={"id": "cust_unknown"})
    assert (answer.status, answer["key"], answer["resource_type"]) == (404, "not_found", "customer")
    assert roll_back(api, made, customer={"source_id": "bob"})["key"] == "invalid_customer"
    assert roll_back(api, made, customer={"source_id": "ada"}).status == 200
