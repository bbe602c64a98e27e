"""Every error key of the reference (2.1-2.3), provoked over HTTP: status, code, key, message, details, resource."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import pytest

from offers.lib import clock
from offers.models import Retailer, RuleAssignment, ValidationRule, Voucher
from tests.api.client import Answer, ApiClient
from tests.flows import shop
from tests.flows.shop import redeem, redeemable, with_points

pytestmark = pytest.mark.django_db
Asked = dict[str, Any]
MONDAY_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def code(shop_a: Retailer, **fields: Any) -> Asked:
    shop.code(shop_a, **fields)
    return shop.body("CODE", amount=10000)


def ruled(shop_a: Retailer, name: str, conditions: Asked, **fields: Any) -> Asked:
    """A code bound to a rule with one condition."""
    voucher = shop.code(shop_a)
    rules = {"1": {"name": name, "conditions": conditions, "rules": {}, **fields}, "logic": "1"}
    rule = ValidationRule.objects.create(retailer=shop_a, public_id="val_1", name="rule", rules=rules)
    RuleAssignment.objects.create(
        retailer=shop_a, rule=rule, target="voucher", target_id=voucher.pk, target_public_id=voucher.public_id
    )
    return shop.body("CODE", amount=10000)


def used_up(shop_a: Retailer) -> Asked:
    shop.code(shop_a)
    api = ApiClient.of(shop_a)
    assert redeem(api, "CODE").status == 200
    return shop.body("CODE", amount=10000)


def gift(shop_a: Retailer, credits: int, amount: int | None = 10000, **fields: Any) -> Asked:
    shop.card(shop_a, "CODE", credits=500)
    if fields:
        Voucher.objects.filter(code="CODE").update(**fields)
    asked: Asked = {"redeemables": [redeemable("CODE", credits)]}
    return asked if amount is None else asked | {"order": {"amount": amount}}


def points(shop_a: Retailer, **more: Any) -> Asked:
    shop.points_card(shop_a, "CODE", points=50)
    return {"redeemables": [with_points("CODE", 100) | more], "order": {"amount": 10000}}


def no_reward(shop_a: Retailer) -> Asked:
    shop.points_card(shop_a, "CODE", points=50)
    return shop.body("CODE", amount=10000)


def tier(shop_a: Retailer, **fields: Any) -> Asked:
    row = shop.tier(shop_a, **fields)
    row.public_id = "promo_1"
    row.save()
    return shop.body(redeemable("promo_1", kind="promotion_tier"), amount=10000)


PAST, FUTURE = clock.now() - timedelta(days=9), clock.now() + timedelta(days=9)
ITEMS_OFF = {"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ITEMS"}
VIOLATED = "voucher cannot be redeemed because of violated validation rules: val_1"
# key -> what is asked, status, message, details
REASONS: dict[str, tuple[Callable[[Retailer], Asked], int, str, str]] = {
    "not_found": (
        lambda _: shop.body("NONE", amount=1),
        404,
        "Resource not found",
        "Cannot find voucher with id NONE",
    ),
    "voucher_disabled": (lambda a: code(a, active=False), 400, "voucher is disabled", "CODE"),
    "voucher_not_active": (lambda a: code(a, start_date=FUTURE), 400, "voucher is not active", "CODE"),
    "voucher_expired": (lambda a: code(a, expiration_date=PAST), 400, "voucher expired", "CODE"),
    "voucher_not_active_now": (
        lambda a: code(a, validity_day_of_week=[2]),
        400,
        "voucher not active now",
        "CODE",
    ),
    "promotion_inactive": (lambda a: tier(a, active=False), 400, "Inactive Promotion", "promo_1"),
    "promotion_not_active_now": (
        lambda a: tier(a, validity_day_of_week=[2]),
        400,
        "promotion not active now",
        "promo_1",
    ),
    "quantity_exceeded": (used_up, 400, "quantity exceeded", "CODE"),
    "gift_amount_exceeded": (lambda a: gift(a, 501), 400, "gift amount exceeded", "CODE"),
    "loyalty_card_points_exceeded": (points, 400, "loyalty card points exceeded", "CODE"),
    "customer_rules_violated": (
        lambda a: (
            ruled(a, "customer.metadata", {"$is": ["gold"]}, property="level") | {"customer": {"source_id": "ann"}}
        ),
        400,
        "customer does not match validation rules",
        VIOLATED,
    ),
    "order_rules_violated": (
        lambda a: ruled(a, "order.amount", {"$more_than": [10000]}),
        400,
        "order does not match validation rules",
        VIOLATED,
    ),
    "redemption_rules_violated": (
        lambda a: ruled(a, "redemption.metadata", {"$is": ["web"]}, property="shop"),
        400,
        "redemption does not match validation rules",
        VIOLATED,
    ),
    "missing_amount": (
        lambda a: gift(a, 100, None),
        400,
        "Missing amount",
        "Amount is required when redeeming a GIFT_VOUCHER",
    ),
    "missing_order_items": (
        lambda a: code(a, discount=ITEMS_OFF),
        400,
        "Missing order items",
        "Order items are required",
    ),
    "missing_order_items_amount": (
        lambda a: (
            gift(a, 100, gift_effect="APPLY_TO_ITEMS")
            | {"order": {"items": [{"product": {"name": "free"}, "quantity": 1, "price": 0}]}}
        ),
        400,
        "Missing order items amount",
        "No order item in scope has an amount left",
    ),
    "missing_customer": (
        lambda a: ruled(a, "customer.metadata", {"$is": ["gold"]}, property="level"),
        400,
        "Missing customer",
        "Customer is required to validate rules",
    ),
    "missing_reward": (no_reward, 400, "Missing reward", "Reward is required when redeeming a LOYALTY_CARD"),
}


@pytest.fixture
def monday(set_clock: Callable[[datetime], None]) -> None:
    set_clock(MONDAY_NOON)


@pytest.mark.parametrize("key", REASONS)
def test_a_reason_reads_the_same_in_a_validation_and_as_an_error_of_a_redemption(
    api: ApiClient, shop_a: Retailer, set_clock: Callable[[datetime], None], key: str
) -> None:
    if key.endswith("_now"):
        set_clock(MONDAY_NOON)
    asked, status, message, details = REASONS[key]
    wanted = asked(shop_a)
    said = {"code": status, "key": key, "message": message, "details": details, "request_id": ANY}

    judged = api.post("/v1/validations", wanted)
    assert (judged.status, judged["valid"]) == (200, False)
    (one,) = judged["redeemables"]
    named = {"resource_id": "NONE", "resource_type": "voucher"} if key == "not_found" else {}
    assert one["status"] == "INAPPLICABLE"
    assert one["result"]["error"] == said | named
    assert one["result"]["details"] == {"key": key, "message": message}
    assert judged["inapplicable_redeemables"] == [one]

    refused = api.post("/v1/redemptions", wanted)
    assert refused.status == status
    assert refused.json == said | {"resource_id": ANY, "resource_type": "redemption"}
    assert refused["resource_id"].startswith("rf_")
    failed = api.get(f"/v1/redemptions/{refused['resource_id']}")
    assert (failed["result"], failed["status"], failed["failure_code"]) == ("FAILURE", "FAILED", key)
    assert failed["order"] is None


def test_the_message_of_a_rule_stands_beside_the_reason(api: ApiClient, shop_a: Retailer) -> None:
    wanted = ruled(shop_a, "order.amount", {"$more_than": [10000]}, error={"message": "Buy more"})
    refused = api.post("/v1/redemptions", wanted)
    assert (refused["key"], refused["error"]) == ("order_rules_violated", {"message": "Buy more"})
    judged = api.post("/v1/validations", wanted)["redeemables"][0]["result"]["error"]
    assert judged["error"] == {"message": "Buy more"}


# --- refusals of the request itself ---

OFF = {"type": "PERCENT", "percent_off": 10}
VOUCHER = {"type": "DISCOUNT_VOUCHER", "discount": OFF}


def rolled_back(api: ApiClient, shop_a: Retailer) -> Answer:
    shop.code(shop_a)
    made = redeem(api, "CODE")["redemptions"][0]["id"]
    assert api.post(f"/v1/redemptions/{made}/rollback").status == 200
    return api.post(f"/v1/redemptions/{made}/rollback")


def stacked(api: ApiClient, shop_a: Retailer, which: str) -> Answer:
    shop.code(shop_a, "A")
    shop.code(shop_a, "B")
    made = redeem(api, "A", "B")
    if which == "child":
        return api.post(f"/v1/redemptions/{made['redemptions'][0]['id']}/rollback")
    if which == "child as stack":
        return api.post(f"/v1/redemptions/{made['redemptions'][0]['id']}/rollbacks")
    return api.post(f"/v1/redemptions/{made['parent_redemption']['id']}/rollback")


def rollback_with(api: ApiClient, shop_a: Retailer, body: Asked) -> Answer:
    shop.code(shop_a)
    made = redeem(api, "CODE", customer={"source_id": "ann"})["redemptions"][0]["id"]
    api.post("/v1/customers", {"source_id": "bob"})
    api.post("/v1/orders", {"source_id": "other", "amount": 1})
    return api.post(f"/v1/redemptions/{made}/rollback", body)


def assigned_twice(api: ApiClient) -> Answer:
    api.post("/v1/vouchers/X", VOUCHER)
    rule = api.post("/v1/validation-rules", {"name": "r", "rules": {"logic": ""}})["id"]
    body = {"related_object_type": "voucher", "related_object_id": "X"}
    api.post(f"/v1/validation-rules/{rule}/assignments", body)
    return api.post(f"/v1/validation-rules/{rule}/assignments", body)


def after(api: ApiClient, path: str, body: Asked, then: str, again: Asked, method: str = "POST") -> Answer:
    assert api.post(path, body).status == 200
    return api.call(method, then, again)


Provoked = Callable[[ApiClient, Retailer], Answer]
CARD = {"type": "GIFT_VOUCHER", "gift": {"amount": 100}}
PROMO = {"name": "P", "campaign_type": "PROMOTION"}
# key, what provokes it, status, part of the details, resource type, beginning of the resource id
REFUSALS: list[tuple[str, Provoked, int, str, str | None, str]] = [
    (
        "invalid_payload",
        lambda api, a: api.post("/v1/validations", {}),
        400,
        "required property 'redeemables'",
        None,
        "",
    ),
    (
        "invalid_payload",
        lambda api, a: api.post("/v1/validations", {"redeemables": [{"id": "A"}, {"object": "voucher"}]}),
        400,
        "Property .redeemables[1] should have required property 'id'",
        None,
        "",
    ),
    ("invalid_payload", lambda api, a: api.call("POST", "/v1/validations", raw=b"{"), 400, "", None, ""),
    ("invalid_query_params", lambda api, a: api.get("/v1/vouchers?limit=101"), 400, "limit", None, ""),
    ("page_over_limit", lambda api, a: api.get("/v1/vouchers?page=1001"), 400, "1000", None, ""),
    (
        "duplicated_redeemables",
        lambda api, a: api.post("/v1/redemptions", shop.body("A", "A")),
        400,
        "duplicated",
        None,
        "",
    ),
    (
        "invalid_redeemables",
        lambda api, a: api.post("/v1/validations", shop.body(redeemable("s", kind="promotion_stack"), "A")),
        400,
        "promotion stack",
        None,
        "",
    ),
    (
        "duplicate_found",
        lambda api, a: after(api, "/v1/vouchers/X", VOUCHER, "/v1/vouchers/X", VOUCHER),
        409,
        "",
        "voucher",
        "X",
    ),
    (
        "duplicate_found",
        lambda api, a: after(api, "/v1/campaigns", PROMO, "/v1/campaigns", PROMO),
        409,
        "",
        "campaign",
        "P",
    ),
    ("duplicate_found", lambda api, a: assigned_twice(api), 409, "", "validation_rules_assignment", "asgm_"),
    ("already_rolled_back", rolled_back, 400, "", "redemption_rollback", "rrf_"),
    ("invalid_redemption_parent", lambda api, a: stacked(api, a, "child"), 400, "", None, ""),
    ("invalid_redemption_parent", lambda api, a: stacked(api, a, "child as stack"), 400, "", None, ""),
    ("invalid_redemption", lambda api, a: stacked(api, a, "parent"), 400, "", None, ""),
    (
        "invalid_customer",
        lambda api, a: rollback_with(api, a, {"customer": {"source_id": "bob"}}),
        400,
        "",
        None,
        "",
    ),
    ("invalid_order", lambda api, a: rollback_with(api, a, {"order": {"source_id": "other"}}), 400, "", None, ""),
    ("not_found", lambda api, a: api.post("/v1/redemptions/r_none/rollback"), 404, "r_none", "redemption", "r_none"),
    (
        "not_found",
        lambda api, a: api.get("/v1/vouchers/NONE"),
        404,
        "Cannot find voucher with id NONE",
        "voucher",
        "NONE",
    ),
    ("not_found", lambda api, a: api.get("/v1/campaigns/None"), 404, "campaign", "campaign", "None"),
    ("not_found", lambda api, a: api.get("/v1/validation-rules/val_0"), 404, "val_0", "validation_rules", "val_0"),
    ("not_found", lambda api, a: api.get("/v1/promotions/tiers/promo_0"), 404, "", "promotion_tier", "promo_0"),
    ("not_found", lambda api, a: api.get("/v1/customers/ann"), 404, "", "customer", "ann"),
    ("not_found", lambda api, a: api.get("/v1/orders/o-1"), 404, "", "order", "o-1"),
    ("not_found", lambda api, a: api.get("/v1/products/mug"), 404, "", "product", "mug"),
    ("not_found", lambda api, a: api.get("/v1/skus/red"), 404, "", "sku", "red"),
    ("not_found", lambda api, a: api.get("/v1/async-actions/aa_0"), 404, "", "async_action", "aa_0"),
    ("not_found", lambda api, a: api.get("/v1/nothing"), 404, "", None, ""),
    (
        "not_found",
        lambda api, a: after(api, "/v1/vouchers/X", VOUCHER, "/v1/vouchers/X/sessions/k", {}, "DELETE"),
        404,
        "k",
        "session",
        "k",
    ),
    (
        "not_found",
        lambda api, a: api.post("/v1/vouchers/X", VOUCHER | {"category_id": "cat_0"}),
        404,
        "cat_0",
        "category",
        "cat_0",
    ),
    (
        "not_found",
        lambda api, a: api.post("/v1/vouchers/X", VOUCHER | {"campaign": "none"}),
        404,
        "none",
        "campaign",
        "none",
    ),
    (
        "not_found",
        lambda api, a: api.post("/v1/validations", shop.body("A", customer={"id": "cust_0"})),
        404,
        "cust_0",
        "customer",
        "cust_0",
    ),
    ("invalid_voucher", lambda api, a: api.post("/v1/vouchers/X", {"type": "GIFT_VOUCHER"}), 400, "gift", None, ""),
    (
        "invalid_voucher",
        lambda api, a: after(
            api, "/v1/vouchers/X", VOUCHER, "/v1/vouchers/X", {"discount": {"type": "AMOUNT", "amount_off": 1}}, "PUT"
        ),
        400,
        "type",
        "voucher",
        "X",
    ),
    (
        "invalid_campaign",
        lambda api, a: api.post("/v1/campaigns", {"name": "C", "voucher": {"type": "DISCOUNT_VOUCHER"}}),
        400,
        "discount",
        None,
        "",
    ),
    (
        "invalid_campaign",
        lambda api, a: after(
            api,
            "/v1/campaigns",
            {"name": "C", "type": "STANDALONE", "voucher": VOUCHER},
            "/v1/campaigns/C/vouchers?vouchers_count=2",
            {},
        ),
        400,
        "STANDALONE",
        None,
        "",
    ),
    (
        "invalid_campaign_params",
        lambda api, a: api.post("/v1/campaigns", {"name": "C", "voucher": VOUCHER, "vouchers_count": 10**12}),
        400,
        "",
        None,
        "",
    ),
    (
        "invalid_code_config",
        lambda api, a: api.post("/v1/vouchers", VOUCHER | {"code_config": {"pattern": "no random part"}}),
        400,
        "",
        None,
        "",
    ),
    (
        "invalid_validation_rules",
        lambda api, a: api.post(
            "/v1/validation-rules",
            {"name": "r", "rules": {"1": {"name": "order.metadata", "conditions": {"$is": ["x"]}}}},
        ),
        400,
        "Rule 'order.metadata' must have a 'property'",
        None,
        "",
    ),
    (
        "invalid_add_balance_params",
        lambda api, a: after(api, "/v1/vouchers/X", CARD, "/v1/vouchers/X/balance", {"amount": -101}),
        400,
        "not that much",
        "voucher",
        "X",
    ),
    ("unauthorized", lambda api, a: ApiClient({}).get("/v1/vouchers"), 401, "", None, ""),
    ("method_not_allowed", lambda api, a: api.call("PATCH", "/v1/vouchers"), 405, "", None, ""),
    ("payload_too_large", lambda api, a: api.call("POST", "/v1/orders", raw=b" " * 2**22), 413, "", None, ""),
    (
        "unsupported_media_type",
        lambda api, a: api.call("POST", "/v1/orders", raw=b"a=1", Content_Type="application/x-www-form-urlencoded"),
        415,
        "",
        None,
        "",
    ),
    (
        "missing_required_permission",
        lambda api, a: ApiClient.of(a, scopes=["orders:read"]).get("/v1/vouchers"),
        403,
        "",
        None,
        "",
    ),
]


@pytest.mark.parametrize(
    ("key", "provoke", "status", "details", "kind", "ident"),
    REFUSALS,
    ids=[f"{number}-{one[0]}" for number, one in enumerate(REFUSALS)],
)
def test_a_refused_request_says_what_why_and_about_what(
    api: ApiClient,
    shop_a: Retailer,
    key: str,
    provoke: Provoked,
    status: int,
    details: str,
    kind: str | None,
    ident: str,
) -> None:
    answer = provoke(api, shop_a)
    body = answer.json
    assert (answer.status, body["code"], body["key"]) == (status, status, key)
    assert details in body["details"]
    assert body["message"]
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert body.get("resource_type") == kind
    assert (body.get("resource_id") or "").startswith(ident)
    assert ("resource_id" in body) == (kind is not None)
