"""Validating and redeeming one redeemable that the address names: what official clients still call."""

from typing import Any
from urllib.parse import urlencode

import pytest

from checkout.models import LockSession, Redemption, Validation
from offers.models import Customer, Retailer
from tests.api.client import ApiClient
from tests.flows import shop
from tests.flows.shop import redeem, redeemable

pytestmark = pytest.mark.django_db
ORDER = {"order": {"amount": 10000}}
LOCK = {"session": {"type": "LOCK", "key": "cart-1", "ttl": 5, "ttl_unit": "MINUTES"}}
HUNDRED = {"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ORDER"}


@pytest.fixture
def page(shop_a: Retailer) -> ApiClient:
    return ApiClient.of(shop_a, "browser")


def test_a_valid_voucher(api: ApiClient, shop_a: Retailer) -> None:
    coupons = shop.campaign(shop_a)
    shop.code(shop_a, "a/b", campaign=coupons, metadata={"x": 1})
    answer = api.post("/v1/vouchers/a%2Fb/validate", ORDER | LOCK | {"customer": {"source_id": "ada"}})
    assert answer.status == 200
    found = answer.json
    twin = api.post("/v1/validations", {"redeemables": [redeemable("a/b")], **ORDER, **LOCK}).json
    same = twin["redeemables"][0]
    assert (found["valid"], found["code"], found["metadata"]) == (True, "a/b", {"x": 1})
    assert (found["campaign"], found["campaign_id"]) == (coupons.name, coupons.public_id)
    assert found["discount"] == same["result"]["discount"]
    assert found["order"] == same["order"]
    assert (found["applicable_to"], found["inapplicable_to"]) == (same["applicable_to"], same["inapplicable_to"])
    assert found["session"] == LOCK["session"]
    assert found["tracking_id"].startswith("track_")
    assert (found["start_date"], found["expiration_date"]) == (None, None)
    assert LockSession.objects.filter(key="cart-1", state="live").count() == 1
    assert Validation.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "key", "status"),
    [({"active": False}, "voucher_disabled", 400), (None, "not_found", 404)],
)
def test_what_does_not_apply_is_answered_with_its_reason(
    api: ApiClient, shop_a: Retailer, fields: dict[str, Any] | None, key: str, status: int
) -> None:
    if fields is not None:
        shop.code(shop_a, **fields)
    answer = api.post("/v1/vouchers/CODE/validate", ORDER | LOCK)
    assert (answer.status, answer["valid"], answer["code"]) == (200, False, "CODE")
    assert (answer["error"]["key"], answer["error"]["code"]) == (key, status)
    assert answer["reason"] == answer["error"]["message"]
    assert "session" not in answer.json and not LockSession.objects.exists()
    refused = api.post("/v1/vouchers/CODE/redemption", ORDER)
    assert (refused.status, refused["key"], refused["resource_type"]) == (status, key, "redemption")
    assert api.get(f"/v1/redemptions/{refused['resource_id']}")["result"] == "FAILURE"


def test_a_gift_card_tells_income_balance_and_credits(api: ApiClient, shop_a: Retailer) -> None:
    shop.card(shop_a, credits=500)
    api.post("/v1/vouchers/CARD/balance", {"amount": 300})
    answer = api.post("/v1/vouchers/CARD/validate", ORDER | {"gift": {"credits": 200}})
    assert answer["gift"] == {"amount": 800, "balance": 800, "credits": 200}
    done = api.post("/v1/vouchers/CARD/redemption", ORDER | {"gift": {"credits": 200}}).json
    assert (done["amount"], done["voucher"]["gift"]["balance"]) == (200, 600)
    assert api.post("/v1/vouchers/CARD/validate", ORDER)["gift"] == {"amount": 800, "balance": 600, "credits": 600}


def test_a_request_without_what_the_card_pays_for_is_an_error(api: ApiClient, shop_a: Retailer) -> None:
    card = shop.card(shop_a, credits=500)
    card.gift_effect = "APPLY_TO_ITEMS"
    card.save()
    answer = api.post("/v1/vouchers/CARD/validate", {"order": {"items": [{"quantity": 1}]}})
    assert (answer.status, answer["key"]) == (400, "missing_order_items_amount")


def test_a_redemption_uses_the_lock_and_shows_the_order(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=1)
    api.post("/v1/vouchers/CODE/validate", ORDER | LOCK)
    assert api.post("/v1/vouchers/CODE/redemption", ORDER)["key"] == "quantity_exceeded"
    body = ORDER | {
        "session": {"type": "LOCK", "key": "cart-1"},
        "customer": {"source_id": "ada"},
        "metadata": {"a": 1},
    }
    done = api.post("/v1/vouchers/CODE/redemption", body).json
    assert (done["result"], done["object"], done["metadata"]) == ("SUCCESS", "redemption", {"a": 1})
    assert done["voucher"]["redemption"]["redeemed_quantity"] == 1
    assert (done["order"]["status"], done["order"]["total_amount"]) == ("PAID", 8000)
    assert list(done["order"]["redemptions"]) == [done["id"]]
    assert done["customer"]["source_id"] == "ada"
    assert not LockSession.objects.filter(state="live").exists()
    assert api.get("/v1/vouchers/CODE/redemption")["redemption_entries"][0]["id"] == done["id"]


def test_a_use_without_an_order(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    done = api.post("/v1/vouchers/CODE/redemption")
    assert (done.status, done["order"]) == (200, None)


def test_a_tier_is_redeemed(api: ApiClient, shop_a: Retailer) -> None:
    tier = shop.tier(shop_a)
    done = api.post(f"/v1/promotions/tiers/{tier.public_id}/redemption", ORDER).json
    assert (done["promotion_tier"]["id"], done["order"]["total_amount"]) == (tier.public_id, 2000)
    api.post(f"/v1/promotions/tiers/{tier.public_id}/disable")
    refused = api.post(f"/v1/promotions/tiers/{tier.public_id}/redemption", ORDER)
    assert (refused.status, refused["key"]) == (400, "promotion_inactive")
    assert api.post("/v1/promotions/tiers/promo_no/redemption", ORDER).status == 404


def test_promotions_that_apply(api: ApiClient, page: ApiClient, shop_a: Retailer) -> None:
    first = shop.tier(shop_a, discount=HUNDRED, banner="Save", hierarchy=2)
    rule = {"1": {"name": "order.amount", "conditions": {"$more_than": [5000]}, "rules": {}}, "logic": "1"}
    big = api.post("/v1/validation-rules", {"name": "big", "rules": rule})["id"]
    body = {"name": "Big", "action": {"discount": HUNDRED}, "hierarchy": 1, "validation_rules": [big]}
    second = api.post(f"/v1/promotions/{first.campaign.public_id}/tiers", body)["id"]
    api.post(f"/v1/promotions/{first.campaign.public_id}/tiers", body | {"active": False})
    found = api.post("/v1/promotions/validation", ORDER | {"customer": {"source_id": "ada"}}).json
    assert (found["valid"], [one["id"] for one in found["promotions"]]) == (True, [second, first.public_id])
    one = found["promotions"][1]
    assert (one["object"], one["name"], one["banner"], one["hierarchy"]) == ("promotion_tier", "Tier", "Save", 2)
    assert one["discount"]["amount_off"] == one["discount_amount"] == 100
    assert [each["order"]["total_amount"] for each in found["promotions"]] == [9900, 9900]
    assert found["tracking_id"] == one["tracking_id"]
    small = page.get("/client/v1/promotions/validation?amount=5000&customer[source_id]=ada").json
    assert [one["id"] for one in small["promotions"]] == [first.public_id]
    api.post(f"/v1/promotions/tiers/{first.public_id}/disable")
    nothing = {"valid": False, "promotions": [], "tracking_id": found["tracking_id"]}
    assert page.get("/client/v1/promotions/validation?amount=5000&customer[source_id]=ada").json == nothing


def test_a_page_asks_by_its_query(api: ApiClient, page: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, "DEZ %")
    query = {
        "code": "DEZ %",
        "item[0][price]": "1000",
        "item[0][quantity]": "2",
        "item[1][amount]": "500",
        "item[10][amount]": "50",
        "order[metadata][shop]": "web",
        "customer[source_id]": "ada",
        "customer[metadata][level]": "gold",
        "session_type": "LOCK",
        "session_key": "cart-1",
        "session_ttl": "0.5",
        "session_ttl_unit": "HOURS",
        "tracking_id": "t-1",
    }
    found = page.get(f"/client/v1/validate?{urlencode(query)}").json
    assert (found["valid"], found["code"]) == (True, "DEZ %")
    assert (found["order"]["amount"], found["order"]["total_discount_amount"]) == (2550, 510)
    assert [item["amount"] for item in found["order"]["items"]] == [2000, 500, 50]
    assert found["order"]["metadata"] == {"shop": "web"}
    assert found["session"] == {"key": "cart-1", "type": "LOCK", "ttl": 0.5, "ttl_unit": "HOURS"}
    assert page.get("/client/v1/validate?code=NOPE&amount=5")["error"]["key"] == "not_found"
    done = page.post("/client/v1/redeem?code=DEZ%20%25", ORDER | {"session": {"type": "LOCK", "key": "cart-1"}}).json
    assert (done["result"], done["order"]["total_amount"]) == ("SUCCESS", 8000)
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "", "code=", "code=X&amount=1.5", "code=X&amount=-1", "code=X&amount=a", "code=X&session_key=k",
        "code=X&session_type=FOO", "code=X&customer=ada", "code=X&customer[a]=1&customer[a][b]=2",
        "code=X&a[b][c][d][e][f]=1", "code=X&item[0]=5", "code=X&metadata=5", "code=%E2%80%8B",
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_read_is_refused(page: ApiClient, query: str) -> None:
    answer = page.get(f"/client/v1/validate?{query}")
    assert (answer.status, answer["key"]) == (400, "invalid_payload"), answer
    assert not Validation.objects.exists()


def test_a_page_without_a_code_redeems_nothing(page: ApiClient) -> None:
    answer = page.post("/client/v1/redeem", ORDER)
    assert (answer.status, answer["key"]) == (400, "invalid_payload")
    assert not Redemption.objects.exists()


@pytest.mark.parametrize("path", ["validate?code=X", "promotions/validation?amount=5", "validate"])
def test_nobody_keeps_what_a_page_was_told(page: ApiClient, path: str) -> None:
    assert page.get(f"/client/v1/{path}").headers["Cache-Control"] == "no-store"


@pytest.fixture
def worn(api: ApiClient, shop_a: Retailer) -> list[str]:
    """A code that was used 1004 times, oldest first; one of these uses failed."""
    shop.code(shop_a, "WORN/1", limit=None)
    first = redeem(api, "WORN/1")["redemptions"][0]["id"]
    row = Redemption.objects.get(public_id=first)
    copies = [
        Redemption(**{field.attname: getattr(row, field.attname) for field in Redemption._meta.fields})
        for _ in range(1003)
    ]
    for number, copy in enumerate(copies):
        copy.pk, copy.public_id, copy.succeeded = None, f"r_{number:04}", number != 7
    Redemption.objects.bulk_create(copies)
    return [first, *(copy.public_id for copy in copies)]


def test_the_redemptions_of_a_voucher_are_all_there_with_an_exact_total(
    api: ApiClient, worn: list[str], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(8):
        found = api.get("/v1/vouchers/WORN%2F1/redemption")
    assert [row["id"] for row in found["redemption_entries"]] == worn[:3:-1]
    assert (found["total"], found["quantity"]) == (1004, None)
    assert found["redemption_entries"][-6]["status"] == "SUCCEEDED"


@pytest.mark.parametrize("path", ["redemption", "redemptions"])
def test_the_redemptions_of_a_voucher_come_by_page_when_asked(api: ApiClient, worn: list[str], path: str) -> None:
    def ids(query: str) -> list[str]:
        found = api.get(f"/v1/vouchers/WORN%2F1/{path}?{query}")
        assert found["total"] == 1004
        return [row["id"] for row in found["redemption_entries"]]

    assert ids("limit=3") == worn[:-4:-1]
    assert ids("page=2") == worn[-11:-21:-1]
    assert ids("limit=100&page=11") == worn[3::-1]
    assert ids("limit=2&order=created_at") == worn[:2]
    assert ids("limit=3&page=1000") == []
    for query in ("limit=101", "page=0", "order=amount", "page=1001"):
        assert api.get(f"/v1/vouchers/WORN%2F1/{path}?{query}").status == 400


def test_the_url_of_a_vouchers_redemptions_leads_to_them(api: ApiClient, worn: list[str]) -> None:
    for found in (api.get("/v1/vouchers/WORN%2F1/redemption"), api.get("/v1/vouchers/WORN%2F1")["redemption"]):
        assert [row["id"] for row in api.get(found["url"])["redemption_entries"]] == worn[:-11:-1]
