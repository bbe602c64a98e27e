"""Nasty values at every place of every body: the answer is JSON below 500, and a refusal has its key."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from offers.models import Retailer
from tests.api.client import Answer, ApiClient
from tests.flows import shop

pytestmark = pytest.mark.django_db

PER_PLACE = 3
NASTY: list[Any] = [
    *[None, True, False, 0, -1, 1, 1.5, -0.5, 1e308, 2**53, 2**63 - 1, 2**63, -(2**63), 10**30, float("nan")],
    *["", "x", "a" * 65, "a" * 129, "a" * 256, "a" * 20_000, "\u200b", "\u202eabc", "a\nb", "a\x00b", "\ud800"],
    *["2026-13-45", "2026-02-30T25:61:00Z", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00+14:00"],
    *["P1D", "P999999999Y", "PT", "1e400", "NaN", "' OR 1=1 --", "%s", "../..", "LOCK", "promotion_stack"],
    *[[], {}, [None], [[]], [{}], {"": ""}, {"a": {"b": 1}}, ["a"] * 50],
]
PERCENT = {"type": "PERCENT", "percent_off": 10, "amount_limit": 5, "effect": "APPLY_TO_ORDER"}
PERSON = {
    "source_id": "ann",
    "name": "N",
    "description": "d",
    "email": "e",
    "phone": "1",
    "birthdate": "1990-01-01",
    "address": {"city": "c", "country": "x"},
    "metadata": {"a": 1},
}
LINE = {
    "id": "i",
    "source_id": "mug",
    "related_object": "product",
    "product_id": "p",
    "sku_id": "k",
    "quantity": 1,
    "price": 10,
    "amount": 10,
    "metadata": {"a": 1},
    "product": {"source_id": "mug", "name": "n", "price": 1, "metadata": {}, "override": True},
    "sku": {"id": "k"},
}
WINDOW = {
    "start_date": "2020-01-01",
    "expiration_date": "2999-01-01",
    "validity_day_of_week": [1],
    "metadata": {"a": 1},
    "validity_timeframe": {"interval": "P2D", "duration": "P1D"},
    "category_id": "c",
}
HOURS = {"daily": [{"start_time": "10:00", "expiration_time": "12:00", "days_of_week": [1]}]}
CODES = {"length": 8, "charset": "ab", "prefix": "p", "postfix": "q", "pattern": "####"}
CART = {
    "redeemables": [{"object": "voucher", "id": "CODE", "gift": {"credits": 1}, "reward": {"id": "r", "points": 1}}],
    "order": {"source_id": "o", "amount": 10, "items": [LINE], "metadata": {"a": 1}, "referrer": {"id": "cust_x"}},
    "customer": PERSON,
    "session": {"type": "LOCK", "key": "k", "ttl": 1, "ttl_unit": "SECONDS"},
    "tracking_id": "t",
    "metadata": {"a": 1},
    "options": {"expand": ["order"], "explain": True},
}
CONDITION = {"name": "order.amount", "property": "p", "conditions": {"$more_than": [1]}, "error": {"message": "m"}}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/validations": CART,
    "/v1/redemptions": CART,
    "/v1/vouchers": {
        "type": "DISCOUNT_VOUCHER",
        "code": "NEW",
        "code_config": CODES,
        "discount": PERCENT,
        "redemption": {"quantity": 1, "per_customer": 1},
        "active": True,
        "additional_info": "x",
        **WINDOW,
        "campaign": "Known",
        "category": "c",
        "validation_rules": ["val_x"],
        "validity_hours": HOURS,
    },
    "/v1/vouchers/": {"type": "GIFT_VOUCHER", "gift": {"amount": 5, "effect": "APPLY_TO_ORDER"}},
    "/v1/vouchers/CARD/balance": {"amount": 1, "source_id": "s", "reason": "r"},
    "/v1/campaigns": {
        "name": "New",
        "campaign_type": "DISCOUNT_COUPONS",
        "type": "STATIC",
        "vouchers_count": 1,
        **WINDOW,
        "voucher": {"type": "DISCOUNT_VOUCHER", "discount": PERCENT, "code_config": CODES, "redemption": {}},
        "join_once": True,
        "activity_duration_after_publishing": "P1D",
        "validation_rules": ["v"],
        "description": "d",
        "budget": 5,
        "timezone": "UTC",
        "promotion": {"tiers": [{"name": "t"}]},
    },
    "/v1/campaigns/Known/vouchers": {"code_config": CODES, "redemption": {"quantity": 1}, "additional_info": "x"},
    "/v1/promotions/Known/tiers": {
        "name": "t",
        "banner": "b",
        "action": {"discount": PERCENT},
        "hierarchy": 1,
        "active": True,
        **WINDOW,
        "validation_rule_assignments": {"data": [{"rule_id": "x"}]},
    },
    "/v1/customers": {"id": "x", **PERSON},
    "/v1/orders": {
        "id": "x",
        "source_id": "o",
        "status": "PAID",
        "amount": 5,
        "items": [LINE],
        "customer": PERSON,
        "referrer": PERSON,
        "referrer_id": "r",
        "metadata": {"a": 1},
        "created_at": "2020-01-01",
    },
    "/v1/products": {"source_id": "p", "name": "n", "price": 1, "attributes": ["a"], "image_url": "x", "metadata": {}},
    "/v1/validation-rules": {
        "name": "n",
        "type": "expression",
        "context_type": "global",
        "error": {"message": "m"},
        "rules": {"1": {**CONDITION, "rules": {"1": CONDITION, "logic": "1"}}, "logic": "1"},
        "applicable_to": {
            "included": [{"object": "product", "id": "p", "effect": "APPLY_TO_EVERY", "quantity_limit": 1, "price": 1}],
            "excluded": [],
            "included_all": False,
        },
    },
    "/v1/redemptions/r_x/rollback": {"reason": "r", "tracking_id": "t", "customer": PERSON, "order": {"id": "o"}},
}
# What a call cannot do without, kept when the rest is left out to let the nasty value get further.
NEEDED = {"redeemables", "type", "discount", "gift", "name", "rules", "campaign_type", "voucher", "action", "amount"}


def places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if before:
        yield before
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from places(part, (*before, name))


def put(body: Any, place: tuple[Any, ...], nasty: Any) -> Any:
    changed = part = json.loads(json.dumps(body))
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = nasty
    return changed


def check(answer: Answer, sent: object) -> None:
    assert answer.status < 500, (sent, answer)
    if answer.status >= 400:
        assert answer.headers["Content-Type"] == "application/json"
        body = answer.json
        assert body["code"] == answer.status and body["key"] and body["request_id"], (sent, answer)


@pytest.fixture
def stocked(api: ApiClient, shop_a: Retailer) -> ApiClient:
    shop.code(shop_a, limit=100_000)
    shop.card(shop_a, credits=1_000_000)
    shop.campaign(shop_a, name="Known")
    return api


@pytest.mark.parametrize("path", BODIES)
def test_a_nasty_value_is_refused_or_taken_but_breaks_nothing(stocked: ApiClient, path: str) -> None:
    dice, whole = Random(path), BODIES[path]
    for place in places(whole):
        least = {name: part for name, part in whole.items() if name in NEEDED or name == place[0]}
        for nasty in dice.sample(NASTY, PER_PLACE):
            body = put(dice.choice([whole, least]), place, nasty)
            check(stocked.post(path, raw=json.dumps(body).encode()), (place, nasty))


@pytest.mark.parametrize("path", ["/v1/validations", "/v1/redemptions", "/v1/customers", "/v1/vouchers"])
def test_large_metadata_is_kept_and_too_large_a_body_refused(stocked: ApiClient, path: str) -> None:
    least = {"redeemables": [{"id": "CODE"}], "type": "GIFT_VOUCHER", "gift": {"amount": 5}}
    assert stocked.post(path, {**least, "metadata": {"a": "x" * 900_000}}).status == 200
    answer = stocked.post(path, {**least, "metadata": {"a": "x" * 2**20}})
    assert (answer.status, answer["key"]) == (413, "payload_too_large")
