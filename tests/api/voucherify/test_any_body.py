"""Whatever a body says, the answer is JSON below 500: fields that exist, with values of any kind."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offers.models import Campaign, Retailer
from tests.api.client import ApiClient

TEXTS = st.text(max_size=6) | st.sampled_from(
    ["2026-01-01", "2026-02-30T25:00", "P1D", "9" * 300, "\u200b", "mug", "a/b"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
NAMES = st.sampled_from(
    [
        *["id", "source_id", "name", "price", "override", "metadata", "type", "percent_off", "unit_off", "unit_type"],
        *["units", "effect", "discount", "data", "rule_id", "interval", "duration", "daily", "start_time", "city"],
        *["days_of_week", "amount", "quantity", "per_customer", "length", "charset", "pattern", "prefix", "tiers"],
        *["code_config", "redemption", "gift", "action", "amount_off"],
    ]
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=8
)
PERSON = ["id", "source_id", "name", "description", "email", "phone", "birthday", "birthdate", "address", "metadata"]
WINDOW = ["start_date", "expiration_date", "validity_timeframe", "validity_day_of_week", "validity_hours"]
ITEM = ["id", "source_id", "related_object", "product_id", "sku_id", "quantity", "price", "amount", "product", "sku"]
VOUCHER = [
    *["code", "code_config", "type", "discount", "gift", "campaign", "category", "category_id", "active", "metadata"],
    *["additional_info", "validation_rules", "redemption", *WINDOW],
]
CAMPAIGN = [
    *["description", "type", "category", "timezone", "budget", "voucher", "promotion", "vouchers_count", "active"],
    *[
        "activity_duration_after_publishing",
        "metadata",
        "unset_metadata_fields",
        "validation_rules",
        "discount",
        *WINDOW,
    ],
]
FIELDS = {
    "POST /v1/vouchers": VOUCHER,
    "POST /v1/vouchers/{new}": VOUCHER,
    "PUT /v1/vouchers/KNOWN": VOUCHER,
    "POST /v1/vouchers/KNOWN/balance": ["amount", "source_id", "reason"],
    "POST /v1/campaigns": ["name", "campaign_type", *CAMPAIGN],
    "PUT /v1/campaigns/Known": CAMPAIGN,
    "POST /v1/campaigns/Codes/vouchers": VOUCHER,
    "POST /v1/campaigns/Codes/vouchers/{new}": VOUCHER,
    "POST /v1/categories": ["name", "hierarchy"],
    "POST /v1/customers": PERSON,
    "PUT /v1/customers/known": PERSON,
    "POST /v1/products": ["id", "source_id", "name", "price", "attributes", "metadata", "image_url"],
    "PUT /v1/products/known": ["name", "price", "attributes", "metadata", "image_url"],
    "POST /v1/products/known/skus": ["id", "source_id", "sku", "price", "currency", "attributes", "metadata"],
    "POST /v1/orders": [
        "id",
        "source_id",
        "status",
        "amount",
        "items",
        "metadata",
        "created_at",
        "customer",
        "referrer",
    ],
    "PUT /v1/orders/known": ["source_id", "status", "amount", "items", "customer", "referrer_id", "created_at"],
    "POST /v1/promotions/Known/tiers": [
        *["name", "banner", "action", "metadata", "hierarchy", "active", "category", "category_id"],
        *["validation_rules", "validation_rule_assignments", *WINDOW],
    ],
}

MORE = ("campaigns", "categories", "async-actions")


@pytest.fixture
def known(api: ApiClient, shop_a: Retailer) -> ApiClient:
    Campaign.objects.create(retailer=shop_a, name="Known", campaign_type="PROMOTION")
    ten = {"type": "AMOUNT", "amount_off": 10}
    assert api.post("/v1/campaigns", {"name": "Codes", "voucher": {"discount": ten}}).status == 200
    assert api.post("/v1/vouchers/KNOWN", {"type": "GIFT_VOUCHER", "gift": {"amount": 100}}).status == 200
    for resource in ("customers", "products", "orders"):
        assert api.post(f"/v1/{resource}", {"source_id": "known"}).status == 200
    return api


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("call", FIELDS)
@given(data=st.data())
def test_no_body_breaks_the_server(known: ApiClient, call: str, data: Any) -> None:
    method, path = call.replace("{new}", f"NEW{data.draw(st.integers(0, 10**6))}").split()
    body = data.draw(st.dictionaries(st.sampled_from(FIELDS[call]), VALUES, max_size=4))
    if "action" in FIELDS[call]:
        body.setdefault("action", {"discount": {"type": "AMOUNT", "amount_off": 5}})
    if "items" in FIELDS[call]:
        body["items"] = data.draw(st.lists(st.dictionaries(st.sampled_from(ITEM), VALUES, max_size=4), max_size=2))
    if call.startswith("POST /v1/vouchers") and data.draw(st.booleans()):
        body.setdefault("discount", {"type": "AMOUNT", "amount_off": 5})
    answer = known.call(method, path, body)
    assert answer.status in {200, 400, 404, 409}, (body, answer)
    assert answer.status == 200 or answer["key"], (body, answer)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ident=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_no_id_in_a_path_breaks_the_server(known: ApiClient, ident: str) -> None:
    escaped = "".join(f"%{byte:02X}" for byte in ident.encode())
    for path in ("customers", "products", "skus", "orders", "promotions/tiers", "validation-rules", "vouchers", *MORE):
        assert known.get(f"/v1/{path}/{escaped}").status in {200, 404}, (path, ident)
