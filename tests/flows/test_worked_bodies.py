"""The worked bodies of the voucher dialect: a stack with a session, an invalid one, a redemption, rules."""

from datetime import UTC, datetime
from typing import Any

import pytest

from offers.models import Retailer
from tests.api.client import ApiClient
from tests.flows import shop

pytestmark = pytest.mark.django_db

ANY = object()
STACK = {
    "redeemables": [
        {"object": "voucher", "id": "GIFT-1", "gift": {"credits": 1500}},
        {"object": "voucher", "id": "TEN-OFF"},
    ],
    "order": {"amount": 10000},
    "customer": {"source_id": "shopper-7"},
    "session": {"type": "LOCK", "key": "cart-881", "ttl": 15, "ttl_unit": "MINUTES"},
}
TOTALS = {
    "amount": 10000,
    "discount_amount": 2350,
    "total_discount_amount": 2350,
    "total_amount": 7650,
    "applied_discount_amount": 2350,
    "total_applied_discount_amount": 2350,
    "object": "order",
}
NOTHING: dict[str, Any] = {"object": "list", "data_ref": "data", "data": [], "total": 0}


def holds(actual: Any, expected: Any, place: str = "") -> None:
    """The answer has everything expected, lists to the last item; ANY is anything but null."""
    if expected is ANY:
        assert actual is not None, place
    elif isinstance(expected, dict):
        assert isinstance(actual, dict), place
        for name, part in expected.items():
            assert name in actual, f"{place}.{name} is missing"
            holds(actual[name], part, f"{place}.{name}")
    elif isinstance(expected, list):
        assert isinstance(actual, list) and len(actual) == len(expected), place
        for at, part in enumerate(expected):
            holds(actual[at], part, f"{place}[{at}]")
    else:
        assert type(actual) is type(expected) and actual == expected, f"{place}: {actual!r} is not {expected!r}"


@pytest.fixture
def stocked(api: ApiClient, shop_a: Retailer) -> ApiClient:
    shop.card(shop_a, "GIFT-1", credits=5000)
    shop.code(shop_a, "TEN-OFF", discount=shop.TEN_PERCENT)
    shop.code(shop_a, "OLD", expiration_date=datetime(2020, 1, 1, tzinfo=UTC))
    return api


def test_a_valid_stack_with_a_session(stocked: ApiClient) -> None:
    gift_order = {
        "amount": 10000,
        "discount_amount": 1500,
        "total_discount_amount": 1500,
        "total_amount": 8500,
        "applied_discount_amount": 1500,
        "total_applied_discount_amount": 1500,
        "customer_id": None,
        "referrer_id": None,
        "object": "order",
    }
    ten_order = {**TOTALS, "applied_discount_amount": 850, "total_applied_discount_amount": 850}
    ten = {"type": "PERCENT", "effect": "APPLY_TO_ORDER", "percent_off": 10, "is_dynamic": False}
    more = {"metadata": {}, "categories": [], "applicable_to": NOTHING, "inapplicable_to": NOTHING}
    expected = {
        "id": ANY,
        "valid": True,
        "redeemables": [
            {
                "status": "APPLICABLE",
                "id": "GIFT-1",
                "object": "voucher",
                "order": gift_order,
                **more,
                "result": {"gift": {"balance": 5000, "credits": 1500}},
            },
            {
                "status": "APPLICABLE",
                "id": "TEN-OFF",
                "object": "voucher",
                "order": ten_order,
                **more,
                "result": {"discount": ten},
            },
        ],
        "order": TOTALS,
        "tracking_id": ANY,
        "session": STACK["session"],
        "stacking_rules": {"redeemables_limit": 30, "applicable_redeemables_limit": 5},
    }
    answer = stocked.post("/v1/validations", STACK)
    holds(answer.json, expected)
    assert answer["id"].startswith("valid_") and answer["tracking_id"].startswith("track_")


def test_an_invalid_one_in_all_mode(stocked: ApiClient) -> None:
    wanted = {
        "redeemables": [{"object": "voucher", "id": "OLD"}, {"object": "voucher", "id": "TEN-OFF"}],
        "order": {"amount": 10000},
    }
    reason = {"key": "voucher_expired", "message": "voucher expired"}
    error = {"code": 400, **reason, "details": "OLD", "request_id": ANY}
    inapplicable = {
        "status": "INAPPLICABLE",
        "id": "OLD",
        "object": "voucher",
        "metadata": {},
        "result": {"error": error, "details": reason},
    }
    skipped = {
        "status": "SKIPPED",
        "id": "TEN-OFF",
        "object": "voucher",
        "result": {"details": {"key": "preceding_validation_failed", "message": ANY}},
    }
    answer = stocked.post("/v1/validations", wanted)
    expected = {
        "id": ANY,
        "valid": False,
        "redeemables": [inapplicable, skipped],
        "tracking_id": ANY,
        "inapplicable_redeemables": [inapplicable],
        "skipped_redeemables": [skipped],
        "stacking_rules": {"redeemables_application_mode": "ALL"},
    }
    holds(answer.json, expected)
    assert "order" not in answer.json
    refused = stocked.post("/v1/redemptions", wanted)
    assert refused.status == 400
    holds(refused.json, {**error, "resource_id": ANY, "resource_type": "redemption"})
    assert refused["resource_id"].startswith("rf_")


def test_a_stacked_redemption(stocked: ApiClient) -> None:
    answer = stocked.post("/v1/redemptions", STACK).json
    parent, (gift, ten) = answer["parent_redemption"], answer["redemptions"]
    order, customer = answer["order"], gift["customer"]
    made = {
        "object": "redemption",
        "date": ANY,
        "customer_id": customer["id"],
        "tracking_id": ANY,
        "metadata": None,
        "redemption": parent["id"],
        "result": "SUCCESS",
        "status": "SUCCEEDED",
        "related_object_type": "voucher",
        "channel": {"channel_id": stocked.headers["X-App-Id"], "channel_type": "API"},
    }
    gift_order = {"id": order["id"], "amount": 10000, "discount_amount": 1500, "total_amount": 8500, "object": "order"}
    expected = {
        "redemptions": [
            {
                **made,
                "id": ANY,
                "amount": 1500,
                "gift": {"amount": 1500},
                "order": gift_order,
                "customer": {
                    "id": ANY,
                    "name": None,
                    "email": None,
                    "source_id": "shopper-7",
                    "metadata": {},
                    "object": "customer",
                },
                "related_object_id": gift["voucher"]["id"],
                "voucher": {
                    "id": ANY,
                    "code": "GIFT-1",
                    "type": "GIFT_VOUCHER",
                    "gift": {"amount": 5000, "balance": 3500, "effect": "APPLY_TO_ORDER"},
                },
            },
            {**made, "id": ANY, "voucher": {"code": "TEN-OFF", "type": "DISCOUNT_VOUCHER"}},
        ],
        "parent_redemption": {
            "id": ANY,
            "object": "redemption",
            "result": "SUCCESS",
            "status": "SUCCEEDED",
            "related_object_type": "redemption",
            "related_object_id": parent["id"],
        },
        "order": {
            **TOTALS,
            "id": ANY,
            "source_id": None,
            "status": "PAID",
            "referrer_id": None,
            "customer": {"id": customer["id"], "object": "customer"},
            "customer_id": customer["id"],
            "redemptions": {
                parent["id"]: {
                    "date": parent["date"],
                    "related_object_type": "redemption",
                    "related_object_id": parent["id"],
                    "stacked": [gift["id"], ten["id"]],
                }
            },
        },
        "inapplicable_redeemables": [],
        "skipped_redeemables": [],
    }
    holds(answer, expected)


AMOUNT = {"name": "order.amount", "conditions": {"$more_than": [10000]}, "rules": {}}
ONCE = {"name": "redemption.count.per_customer", "conditions": {"$less_than_or_equal": [1]}, "rules": {}}
FOUR = {"name": "order.items.aggregated_quantity", "conditions": {"$more_than_or_equal": [4]}, "rules": {}}
LEVEL = {"name": "customer.metadata", "property": "level", "conditions": {"$is": ["gold"]}, "rules": {}}
SEGMENT = {"name": "customer.segment", "conditions": {"$is": ["seg_1"]}, "rules": {}}
ANN = {"source_id": "ann"}


def ruled(api: ApiClient, rules: dict[str, Any], **fields: Any) -> None:
    rule = api.post("/v1/validation-rules", {"name": "rule", "rules": rules, **fields})
    assert rule.status == 200, rule
    assignment = {"related_object_type": "voucher", "related_object_id": "TEN-OFF"}
    assert api.post(f"/v1/validation-rules/{rule['id']}/assignments", assignment).status == 200


def valid(api: ApiClient, **wanted: Any) -> bool:
    return bool(api.post("/v1/validations", {"redeemables": [{"id": "TEN-OFF"}], **wanted})["valid"])


def test_a_minimum_order(stocked: ApiClient) -> None:
    ruled(stocked, {"1": AMOUNT, "logic": "1"})
    assert not valid(stocked, order={"amount": 10000})
    assert valid(stocked, order={"amount": 10001})


def test_once_per_customer(stocked: ApiClient, shop_a: Retailer) -> None:

    shop.code(shop_a, "MANY", limit=None)
    rule = stocked.post("/v1/validation-rules", {"name": "once", "rules": {"1": ONCE, "logic": "1"}})
    assignment = {"related_object_type": "voucher", "related_object_id": "MANY"}
    assert stocked.post(f"/v1/validation-rules/{rule['id']}/assignments", assignment).status == 200
    wanted = {"redeemables": [{"id": "MANY"}], "order": {"amount": 100}}
    assert stocked.post("/v1/redemptions", {**wanted, "customer": ANN}).status == 200
    assert stocked.post("/v1/redemptions", {**wanted, "customer": ANN})["key"] == "redemption_rules_violated"
    assert stocked.post("/v1/redemptions", {**wanted, "customer": {"source_id": "bob"}}).status == 200
    assert stocked.post("/v1/redemptions", wanted)["key"] == "missing_customer"


def test_four_of_a_product(stocked: ApiClient) -> None:
    product = stocked.post("/v1/products", {"source_id": "mug", "name": "Mug", "price": 1000})["id"]
    wanted = {"name": "order.items.any", "conditions": {"$is": [{"id": product, "object": "product"}]}}
    ruled(stocked, {"1": {**wanted, "rules": {"1": FOUR, "logic": "1"}}, "logic": "1"})
    for quantity, applies in ((3, False), (4, True)):
        assert valid(stocked, order={"items": [{"product_id": product, "quantity": quantity}]}) is applies


def test_a_segment_or_metadata(stocked: ApiClient) -> None:
    ruled(stocked, {"1": SEGMENT, "2": LEVEL, "logic": "1 or 2"})
    for level, applies in (("silver", False), ("gold", True)):
        customer = {**ANN, "metadata": {"level": level}}
        assert valid(stocked, order={"amount": 100}, customer=customer) is applies


def test_a_scope_only(stocked: ApiClient) -> None:
    product = stocked.post("/v1/products", {"source_id": "mug", "name": "Mug", "price": 1000})["id"]
    included = [{"object": "product", "id": product, "effect": "APPLY_TO_EVERY"}]
    ruled(stocked, {"logic": ""}, applicable_to={"included": included, "excluded": [], "included_all": False})
    stocked.put("/v1/vouchers/TEN-OFF", {"discount": {**shop.TEN_PERCENT, "effect": "APPLY_TO_ITEMS"}})
    items = [{"product_id": product, "quantity": 1}, {"source_id": "pin", "quantity": 1, "price": 500}]
    answer = stocked.post("/v1/validations", {"redeemables": [{"id": "TEN-OFF"}], "order": {"items": items}})
    assert answer["order"]["total_discount_amount"] == 100
    assert [one["id"] for one in answer["redeemables"][0]["applicable_to"]["data"]] == [product]
