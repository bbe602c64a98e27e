"""/v1/promotions/tiers and /v1/promotions/{campaign}/tiers."""

from typing import Any

import pytest

from offers.models import Campaign, Category, PromotionTier, Retailer
from tests.api.client import ApiClient

TIER = {
    "name": "Ten off",
    "banner": "Get 10 % off",
    "action": {"discount": {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER"}},
    "metadata": {"team": "blue"},
}


@pytest.fixture
def campaign(shop_a: Retailer) -> Campaign:
    return Campaign.objects.create(retailer=shop_a, name="Autumn sale", campaign_type="PROMOTION")


def make(api: ApiClient, campaign: Campaign, **more: Any) -> Any:
    return api.post(f"/v1/promotions/{campaign.public_id}/tiers", {**TIER, **more}).json


def test_a_tier_comes_back_in_full(api: ApiClient, campaign: Campaign) -> None:
    found = make(api, campaign, start_date="2026-01-01", expiration_date="2026-12-31T22:00:00+02:00")
    assert found["id"].startswith("promo_")
    assert {name: found[name] for name in ("name", "banner", "metadata")} == {
        name: TIER[name] for name in ("name", "banner", "metadata")
    }
    assert found["action"]["discount"] == {
        "type": "PERCENT",
        "percent_off": 10,
        "effect": "APPLY_TO_ORDER",
        "is_dynamic": False,
    }
    assert (found["start_date"], found["expiration_date"]) == ("2026-01-01T00:00:00.000Z", "2026-12-31T20:00:00.000Z")
    assert (found["active"], found["hierarchy"], found["object"]) == (True, 1, "promotion_tier")
    assert found["campaign"]["id"] == found["campaign_id"] == found["promotion_id"] == campaign.public_id
    assert found["summary"] == {
        "redemptions": {"total_redeemed": 0},
        "orders": {"total_amount": 0, "total_discount_amount": 0},
    }
    assert found["validation_rule_assignments"]["data"] == []
    assert api.get(f"/v1/promotions/tiers/{found['id']}").json == found


def test_the_campaign_is_named_by_id_or_name(api: ApiClient, campaign: Campaign) -> None:
    made = api.post("/v1/promotions/Autumn%20sale/tiers", TIER)
    assert made.status == 200
    listed = api.get("/v1/promotions/Autumn%20sale/tiers")
    assert ([row["id"] for row in listed["tiers"]], listed["total"], listed["has_more"]) == ([made["id"]], 1, False)
    answer = api.post("/v1/promotions/nothing/tiers", TIER)
    assert (answer.status, answer["resource_type"]) == (404, "campaign")
    assert api.get("/v1/promotions/nothing/tiers").status == 404


def test_a_campaign_of_codes_takes_no_tiers(api: ApiClient, shop_a: Retailer) -> None:
    Campaign.objects.create(retailer=shop_a, name="Coupons")
    answer = api.post("/v1/promotions/Coupons/tiers", TIER)
    assert (answer.status, answer["key"]) == (400, "invalid_campaign")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"action": None}, ".action.discount"),
        ({"action": {"discount": {"type": "PERCENT", "percent_off": 101}}}, ".action.discount.percent_off"),
        ({"action": {"discount": {"type": "AMOUNT", "amount_off": -1}}}, ".action.discount.amount_off"),
        ({"action": []}, ".action"),
        ({"hierarchy": -1}, ".hierarchy"),
        ({"hierarchy": 2**31}, ".hierarchy"),
        ({"start_date": "soon"}, ".start_date"),
        ({"start_date": 5}, ".start_date"),
        ({"validity_day_of_week": ["monday"]}, ".validity_day_of_week"),
        ({"validity_hours": {"daily": [{"start_time": "25:00"}]}}, ".validity_hours.daily[0].start_time"),
        ({"validity_timeframe": 5}, ".validity_timeframe"),
        ({"name": "x" * 201}, ".name"),
        ({"validation_rules": "val_1"}, ".validation_rules"),
    ],
)
def test_a_bad_field_is_refused_by_its_path(
    api: ApiClient, campaign: Campaign, body: dict[str, Any], path: str
) -> None:
    answer = api.post(f"/v1/promotions/{campaign.public_id}/tiers", {**TIER, **body})
    assert (answer.status, answer["key"]) == (400, "invalid_payload")
    assert path in answer["details"]
    assert not PromotionTier.objects.exists()


def test_put_changes_only_what_it_sends_and_null_clears(api: ApiClient, campaign: Campaign) -> None:
    ident = make(api, campaign, expiration_date="2030-01-01", validity_day_of_week=[1, 2])["id"]
    changed = api.put(f"/v1/promotions/tiers/{ident}", {"expiration_date": None, "banner": "New", "active": None})
    assert (changed["expiration_date"], changed["banner"], changed["name"]) == (None, "New", "Ten off")
    assert (changed["validity_day_of_week"], changed["active"]) == ([1, 2], True)
    assert changed["updated_at"] is not None
    assert api.put("/v1/promotions/tiers/promo_none", {"name": "x"})["resource_type"] == "promotion_tier"


def test_rules_and_category_come_with_the_tier(api: ApiClient, shop_a: Retailer, campaign: Campaign) -> None:
    category = Category.objects.create(retailer=shop_a, name="Seasonal", hierarchy=2)
    rule = api.post("/v1/validation-rules", {"name": "Any", "rules": {}})["id"]
    found = make(api, campaign, validation_rules=[rule], category="Seasonal")
    assert [row["rule_id"] for row in found["validation_rule_assignments"]["data"]] == [rule]
    assert (found["category_id"], found["categories"][0]["name"]) == (category.public_id, "Seasonal")
    answer = api.post(f"/v1/promotions/{campaign.public_id}/tiers", {**TIER, "validation_rules": ["val_none"]})
    assert (answer.status, answer["resource_type"]) == (404, "validation_rules")
    assert PromotionTier.objects.count() == 1  # the refused tier was undone with its rule


def test_enable_and_disable_take_no_body(api: ApiClient, campaign: Campaign) -> None:
    ident = make(api, campaign)["id"]
    assert api.call("POST", f"/v1/promotions/tiers/{ident}/disable", raw=b"", Content_Type="")["active"] is False
    assert api.get("/v1/promotions/tiers?is_available=true")["tiers"] == []
    assert api.post(f"/v1/promotions/tiers/{ident}/enable", {})["active"] is True
    assert api.get("/v1/promotions/tiers?is_available=true")["total"] == 1
    assert api.post("/v1/promotions/tiers/promo_none/enable").status == 404


def test_delete(api: ApiClient, campaign: Campaign) -> None:
    ident = make(api, campaign)["id"]
    assert api.delete(f"/v1/promotions/tiers/{ident}").status == 204
    assert api.get(f"/v1/promotions/tiers/{ident}").status == 404
    assert api.delete(f"/v1/promotions/tiers/{ident}").status == 404
    assert api.get(f"/v1/promotions/{campaign.public_id}/tiers")["tiers"] == []


def test_the_list_of_all_tiers(api: ApiClient, campaign: Campaign) -> None:
    made = [make(api, campaign)["id"] for _ in range(3)]
    found = api.get("/v1/promotions/tiers?limit=2&order=created_at")
    assert ([row["id"] for row in found["tiers"]], found["total"], found["has_more"]) == (made[:2], 3, True)


def test_another_retailer_sees_nothing(api: ApiClient, api_b: ApiClient, campaign: Campaign) -> None:
    ident = make(api, campaign)["id"]
    path = f"/v1/promotions/tiers/{ident}"
    assert [api_b.get(path).status, api_b.put(path, {}).status, api_b.delete(path).status] == [404, 404, 404]
    assert [api_b.post(f"{path}/enable").status, api_b.post(f"{path}/disable").status] == [404, 404]
    assert api_b.get(f"/v1/promotions/{campaign.public_id}/tiers").status == 404
    assert api_b.post(f"/v1/promotions/{campaign.public_id}/tiers", TIER).status == 404
    assert api_b.get("/v1/promotions/tiers")["total"] == 0


def test_a_page_of_tiers_takes_a_fixed_number_of_statements(
    api: ApiClient, campaign: Campaign, django_assert_max_num_queries: Any
) -> None:
    for _ in range(10):
        make(api, campaign)
    with django_assert_max_num_queries(6):
        assert len(api.get("/v1/promotions/tiers")["tiers"]) == 10
