"""V42-V59: what validations and redemptions take and answer, field by field (seed 001)."""

import re
from typing import Any

import pytest

from offers.models import Category, Customer, Retailer
from tests.api.client import ApiClient
from tests.flows import shop
from tests.flows.shop import body, redeem, redeemable, validate

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
AMOUNTS = {
    "amount": 200000,
    "discount_amount": 40000,
    "total_discount_amount": 40000,
    "total_amount": 160000,
    "applied_discount_amount": 40000,
    "total_applied_discount_amount": 40000,
}

pytestmark = pytest.mark.django_db


def test_the_seeds_own_request(api: ApiClient, shop_a: Retailer) -> None:
    """The validation sample of the seed, with codes that exist: gift credits, a code and a promotion tier at once."""
    shop.card(shop_a, "dBj56oqJ", credits=500)
    shop.code(shop_a, "39vnjyS8")
    tier = shop.tier(shop_a)
    answer = api.post(
        "/v1/validations",
        {
            "customer": {"source_id": "[email protected]"},
            "options": {"include_orders": True, "extended_redemptions": False},
            "redeemables": [
                redeemable("dBj56oqJ", 100),
                redeemable("39vnjyS8"),
                redeemable(tier.public_id, kind="promotion_tier"),
            ],
            "order": {"amount": 200000},
            "session": {"type": "LOCK"},
        },
    )
    assert answer["valid"]
    discounts = [one["order"]["applied_discount_amount"] for one in answer["redeemables"]]
    assert discounts == [100, 39980, 8000]
    assert (answer["order"]["total_discount_amount"], answer["order"]["total_amount"]) == (48080, 151920)


def test_v42_v43_vouchers_and_tiers(api: ApiClient, shop_a: Retailer) -> None:
    voucher = shop.code(shop_a)
    tier = shop.tier(shop_a)
    for one in (redeemable("CODE"), redeemable(voucher.public_id), redeemable(tier.public_id, kind="promotion_tier")):
        assert validate(api, one)["redeemables"][0]["status"] == "APPLICABLE"


def test_v44_credits_are_limited_to_the_number(api: ApiClient, shop_a: Retailer) -> None:
    shop.card(shop_a, credits=500)
    answer = validate(api, redeemable("CARD", 120))
    assert answer["order"]["total_discount_amount"] == 120


def test_v45_a_source_id_makes_the_customer_once(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None)
    validate(api, "CODE", customer={"source_id": "shopper-7"})
    assert not Customer.objects.exists()
    first = redeem(api, "CODE", customer={"source_id": "shopper-7", "name": "Ada", "metadata": {"vip": True}})
    second = redeem(api, "CODE", customer={"source_id": "shopper-7", "email": "ada@example.com"})
    assert first["redemptions"][0]["customer_id"] == second["redemptions"][0]["customer_id"]
    ada = Customer.objects.get()
    assert (ada.name, ada.email, ada.metadata) == ("Ada", "ada@example.com", {"vip": True})


@pytest.mark.parametrize("flag", [True, False])
def test_v46_options_are_taken(api: ApiClient, shop_a: Retailer, flag: bool) -> None:
    shop.code(shop_a)
    answer = validate(api, "CODE", options={"include_orders": flag, "extended_redemptions": flag})
    assert answer["redeemables"][0]["order"]["amount"] == 200000


def test_v47_v48_v49_v50_v51_v52_the_validation_answer(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    answer = validate(api, "CODE")
    assert answer["valid"] is True
    (one,) = answer["redeemables"]
    assert {name: one[name] for name in ("status", "id", "object")} == {
        "status": "APPLICABLE",
        "id": "CODE",
        "object": "voucher",
    }
    order = {**AMOUNTS, "customer_id": None, "referrer_id": None, "object": "order"}
    assert one["order"] == answer["order"] == order
    empty = {"data": [], "total": 0, "data_ref": "data", "object": "list"}
    assert one["applicable_to"] == one["inapplicable_to"] == empty
    discount = one["result"]["discount"]
    assert (discount["type"], discount["effect"], discount["percent_off"]) == ("PERCENT", "APPLY_TO_ORDER", 20)


def test_v53_the_tracking_id_follows_the_customer(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None)
    seen = validate(api, "CODE", customer={"source_id": "x"})["tracking_id"]
    assert seen.startswith("track_")
    assert redeem(api, "CODE", customer={"source_id": "x"})["redemptions"][0]["tracking_id"] == seen
    assert validate(api, "CODE", customer={"source_id": "y"})["tracking_id"] != seen


def test_v54_v55_v56_v57_v59_the_redemption_answer(api: ApiClient, shop_a: Retailer) -> None:
    campaign = shop.campaign(shop_a)
    voucher = shop.code(shop_a, campaign=campaign)
    answer = redeem(api, "CODE", customer={"source_id": "shopper"})
    (made,) = answer["redemptions"]
    customer = Customer.objects.get()
    assert made["id"].startswith("r_") and MOMENT.match(made["date"])
    assert (made["result"], made["customer_id"]) == ("SUCCESS", customer.public_id)
    assert made["customer"] == {
        "id": customer.public_id,
        "name": None,
        "email": None,
        "source_id": "shopper",
        "metadata": {},
        "object": "customer",
    }
    order = answer["order"]
    assert order["id"].startswith("ord_")
    for shown in (made["order"], order):
        assert {name: shown[name] for name in AMOUNTS} == AMOUNTS
        assert (shown["status"], shown["source_id"], shown["id"]) == ("PAID", None, order["id"])
        assert (shown["customer_id"], shown["referrer_id"]) == (customer.public_id, None)
    expected: dict[str, Any] = {
        "id": voucher.public_id,
        "code": "CODE",
        "discount": {"type": "PERCENT", "percent_off": 20, "effect": "APPLY_TO_ORDER", "is_dynamic": False},
        "type": "DISCOUNT_VOUCHER",
        "campaign": "20% off",
        "campaign_id": campaign.public_id,
        "is_referral_code": False,
        "holder_id": None,
    }
    assert {name: made["voucher"][name] for name in expected} == expected
    assert made["voucher"]["redemption"]["redeemed_quantity"] == 1
    assert MOMENT.match(order["created_at"]) and order["updated_at"] is None
    assert order["customer"] == {"id": customer.public_id, "object": "customer"}
    assert order["redemptions"] == {
        made["id"]: {
            "date": made["date"],
            "related_object_type": "voucher",
            "related_object_id": voucher.public_id,
            "related_object_parent_id": campaign.public_id,
        }
    }


def test_a_stack_has_a_parent(api: ApiClient, shop_a: Retailer) -> None:
    shop.card(shop_a, "GIFT-1", credits=5000)
    shop.code(shop_a, "TEN-OFF", discount=shop.TEN_PERCENT)
    answer = redeem(api, redeemable("GIFT-1", 1500), "TEN-OFF", amount=10000)
    parent = answer["parent_redemption"]
    gift, ten = answer["redemptions"]
    assert gift["redemption"] == ten["redemption"] == parent["id"]
    assert (gift["amount"], gift["gift"], gift["voucher"]["gift"]["balance"]) == (1500, {"amount": 1500}, 3500)
    assert (answer["order"]["total_discount_amount"], answer["order"]["total_amount"]) == (2350, 7650)
    entry = answer["order"]["redemptions"][parent["id"]]
    assert entry["stacked"] == [gift["id"], ten["id"]]
    assert answer["inapplicable_redeemables"] == answer["skipped_redeemables"] == []


def test_an_unknown_code_is_a_verdict_in_validation_and_404_in_redemption(api: ApiClient, shop_a: Retailer) -> None:
    answer = validate(api, "NOPE")
    assert (answer.status, answer["valid"]) == (200, False)
    error = answer["redeemables"][0]["result"]["error"]
    assert (error["code"], error["key"]) == (404, "not_found")
    assert answer["inapplicable_redeemables"] == answer["redeemables"]
    refused = redeem(api, "NOPE")
    assert (refused.status, refused["key"], refused["resource_type"]) == (404, "not_found", "redemption")
    assert refused["resource_id"].startswith("rf_")
    failed = api.get(f"/v1/redemptions/{refused['resource_id']}")
    assert (failed["result"], failed["status"], failed["failure_code"]) == ("FAILURE", "FAILED", "not_found")


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"redeemables": []}, "invalid_redeemables"),
        ({"redeemables": [{"id": f"C{n}"} for n in range(31)]}, "invalid_redeemables"),
        ({"redeemables": [{"id": "A"}, {"id": "A"}]}, "duplicated_redeemables"),
        ({"redeemables": [{"id": "A"}, {"id": "s", "object": "promotion_stack"}]}, "invalid_redeemables"),
        ({"redeemables": [{"object": "voucher"}]}, "invalid_payload"),
        ({"redeemables": [{"id": "A", "object": "coupon"}]}, "invalid_payload"),
        ({"redeemables": [{"id": "A", "gift": {"credits": -1}}]}, "invalid_payload"),
        ({"redeemables": [{"id": "A"}], "order": {"amount": -1}}, "invalid_payload"),
        ({"redeemables": [{"id": "A"}], "order": {"amount": 1.5}}, "invalid_payload"),
        ({"redeemables": [{"id": "A"}], "order": {"amount": "100"}}, "invalid_payload"),
        ({"redeemables": [{"id": "A"}], "order": {"amount": True}}, "invalid_payload"),
        ({"redeemables": [{"id": "A"}], "order": {"amount": 2**63}}, "invalid_payload"),
        ({"redeemables": [{"id": "A"}], "order": {"items": [{"quantity": -2}]}}, "invalid_payload"),
        ({"redeemables": "A"}, "invalid_payload"),
        ({}, "invalid_payload"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/validations", "/v1/redemptions"])
def test_a_request_that_makes_no_sense_is_400(api: ApiClient, path: str, wrong: Any, key: str) -> None:
    answer = api.post(path, wrong)
    assert (answer.status, answer["key"]) == (400, key)


def test_an_unknown_customer_id_is_404(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    answer = api.post("/v1/redemptions", body("CODE", customer={"id": "cust_nobody"}))
    assert (answer.status, answer["key"], answer["resource_type"]) == (404, "not_found", "customer")


def test_explain_tells_every_check(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, active=False)
    assert "explain" not in validate(api, "CODE").json
    (trace,) = validate(api, "CODE", options={"explain": True})["explain"]
    assert trace["blocker"]["key"] == "voucher_disabled"
    assert len(trace["checks"]) == 3
    assert {check["name"]: check["ok"] for check in trace["checks"]}["active"] is False


WINDOW = {"start_date", "expiration_date", "validity_timeframe", "validity_day_of_week", "validity_hours"}


def test_a_redemption_shows_the_whole_voucher(api: ApiClient, shop_a: Retailer) -> None:
    """All that GET /v1/vouchers/{code} says of it, but for its rules."""
    category = Category.objects.create(retailer=shop_a, name="Summer", hierarchy=3)
    shop.code(shop_a, "a/b", limit=5, category=category, validity_day_of_week=list(range(7)))
    made = redeem(api, "a/b")["redemptions"][0]
    whole = api.get("/v1/vouchers/a%2Fb").json
    del whole["validation_rules_assignments"]
    for shown in (made, api.get(f"/v1/redemptions/{made['id']}").json):
        assert shown["voucher"] == whole


def test_a_redemption_shows_the_whole_tier(api: ApiClient, shop_a: Retailer) -> None:
    """All that GET /v1/promotions/tiers/{id} says of it, but for its rules and figures."""
    category = Category.objects.create(retailer=shop_a, name="Summer", hierarchy=3)
    tier = shop.tier(shop_a, category=category)
    made = redeem(api, redeemable(tier.public_id, kind="promotion_tier"))["redemptions"][0]
    whole = api.get(f"/v1/promotions/tiers/{tier.public_id}").json
    for name in ("summary", "validation_rule_assignments"):
        del whole[name]
    assert whole.keys() > WINDOW
    for shown in (made, api.get(f"/v1/redemptions/{made['id']}").json):
        assert shown["promotion_tier"] == whole


def test_the_stacking_rules_tell_what_a_rollback_does_to_the_order(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    assert validate(api, "CODE")["stacking_rules"]["redeemables_rollback_order_mode"] == "WITH_ORDER"
    shop_a.stacking = {"redeemables_rollback_order_mode": "WITHOUT_ORDER"}
    shop_a.save()
    assert validate(api, "CODE")["stacking_rules"]["redeemables_rollback_order_mode"] == "WITHOUT_ORDER"


@pytest.mark.parametrize(
    ("name", "operator", "results"),
    [
        ("failure_code", "$has_value", ["FAILURE"]),
        ("failure_code", "$is_unknown", ["SUCCESS", "SUCCESS", "SUCCESS"]),
        ("voucher_code", "$is_unknown", ["SUCCESS"]),  # the parent of the stack
    ],
)
def test_history_is_filtered_by_what_is_there(
    api: ApiClient, shop_a: Retailer, name: str, operator: str, results: list[str]
) -> None:
    shop.code(shop_a, "A", limit=1)
    shop.code(shop_a, "B")
    redeem(api, "A", "B")
    redeem(api, "A")
    found = api.get(f"/v1/redemptions?filters[{name}][conditions][{operator}]=").json
    assert [row["result"] for row in found["redemptions"]] == results


def test_v53_a_known_customer_is_tracked_alike_by_either_id(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None)
    first = validate(api, "CODE", customer={"source_id": "ada"})["tracking_id"]
    ada = redeem(api, "CODE", customer={"source_id": "ada"})["redemptions"][0]["customer_id"]
    assert validate(api, "CODE", customer={"id": ada})["tracking_id"] == first
    assert redeem(api, "CODE", customer={"id": ada})["redemptions"][0]["tracking_id"] == first


def test_options_may_be_null(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    assert validate(api, "CODE", options={"expand": None, "explain": None})["valid"]


@pytest.mark.parametrize("address", [{"city": 5}, {"city": ["Oslo"]}])
def test_an_address_holds_texts(api: ApiClient, shop_a: Retailer, address: dict[str, Any]) -> None:
    shop.code(shop_a)
    answer = redeem(api, "CODE", customer={"source_id": "ada", "address": address})
    assert (answer.status, answer["key"]) == (400, "invalid_payload")
    assert redeem(api, "CODE", customer={"source_id": "ada", "address": {"city": "Oslo", "state": None}}).status == 200
