"""Conditions, credentials, products, staff and the rest: what their forms keep, refuse and show once."""

import json
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from offers import clients
from offers.models import Client as Credential
from offers.models import Product, ProductCollection, PromotionTier, Retailer, SessionCampaign, ValidationRule
from tests.admin.scene import Scene

RULE = {"name": "Big orders", "mode": "simple", "scope": "everything"}


def test_common_conditions_become_a_rule_and_come_back_as_they_were(marketer: Client, scene: Scene) -> None:
    sent = {
        **RULE,
        "min_amount": "50",
        "per_customer": "1",
        "customer_field": "vip",
        "customer_compare": "$is",
        "customer_value": "true",
        "scope": "included",
        "products": "shirt",
        "must_contain": "on",
        "message": "From 50.",
    }
    assert marketer.post("/admin/offers/validationrule/add/", sent).status_code == 302
    rule = ValidationRule.objects.latest("pk")
    assert rule.rules["1"] == {"name": "order.amount", "conditions": {"$more_than_or_equal": [5000]}}
    assert rule.rules["2"]["conditions"] == {"$less_than_or_equal": [1]}
    assert rule.rules["3"] == {"name": "customer.metadata", "property": "vip", "conditions": {"$is": [True]}}
    assert rule.rules["logic"] == "1 and 2 and 3 and 4"
    assert rule.applicable_to is not None
    assert rule.applicable_to["included"][0]["source_id"] == "shirt"
    shown = marketer.get(f"/admin/offers/validationrule/{rule.pk}/edit/").context["form"].initial
    assert {name: str(shown[name]) for name in ("mode", "min_amount", "customer_value", "products")} == {
        "mode": "simple",
        "min_amount": "50.00",
        "customer_value": "true",
        "products": "shirt",
    }


def test_advanced_rules_are_checked_before_they_are_kept(marketer: Client, scene: Scene) -> None:
    path = "/admin/offers/validationrule/add/"
    good = {"1": {"name": "order.amount", "conditions": {"$more_than": [1]}}, "logic": "not 1"}
    for text in ("{", "[]", '{"1": {"name": "no.such.thing", "conditions": {"$is": [1]}}, "logic": "1"}'):
        answer = marketer.post(path, {**RULE, "mode": "json", "json_rules": text})
        assert answer.status_code == 422, text
    assert marketer.post(path, {**RULE, "mode": "json", "json_rules": json.dumps(good)}).status_code == 302
    rule = ValidationRule.objects.latest("pk")
    assert rule.rules == good
    form: Any = marketer.get(f"/admin/offers/validationrule/{rule.pk}/edit/").context["form"]
    assert form.initial["mode"] == "json"  # more than the common conditions can say


def test_a_secret_is_shown_once_and_only_then(chief: Client, shop_a: Retailer) -> None:
    sent = {"name": "Till", "kind": "server", "retailer": shop_a.pk, "everything": "on", "rate_limited": "on"}
    page = chief.post("/admin/offers/client/add/", sent)
    row = Credential.objects.get(name="Till")
    said = page.content.decode()
    secret = said.split("data-secret>")[1].split("<")[0]
    assert clients.hash_secret(secret) == bytes(row.secret_hash)
    assert "no-store" in page.headers["Cache-Control"]
    assert secret not in chief.get(f"/admin/offers/client/{row.pk}/change/").content.decode()
    assert chief.post(f"/admin/offers/client/{row.pk}/revoke/", {"reason": "Lost"}).status_code == 302
    row.refresh_from_db()
    assert row.revoked_at is not None
    bad = {**sent, "kind": "browser", "origins": ""}
    assert chief.post("/admin/offers/client/add/", bad).status_code == 422


def test_products_collections_and_tiers_are_kept(marketer: Client, scene: Scene) -> None:
    sent = {"retailer": scene.shop.pk, "name": "Cap", "source_id": "cap", "price": "12.50"}
    assert marketer.post("/admin/offers/product/add/", sent).status_code == 302
    assert Product.objects.get(source_id="cap").price == 1250
    sent = {"retailer": scene.shop.pk, "name": "Hats", "products": "cap\nnothing"}
    assert marketer.post("/admin/offers/productcollection/add/", sent).status_code == 422
    assert marketer.post("/admin/offers/productcollection/add/", {**sent, "products": "cap"}).status_code == 302
    assert len(ProductCollection.objects.get(name="Hats").products) == 1
    tier = {"campaign": scene.tier.campaign.public_id, "name": "Ten", "discount_kind": "AMOUNT", "amount_off": "10"}
    assert marketer.post("/admin/offers/promotiontier/add/", tier).status_code == 302
    assert PromotionTier.objects.get(name="Ten").discount == {"type": "AMOUNT", "amount_off": 1000}


def test_an_admin_gives_staff_their_role(chief: Client) -> None:
    sent = {"username": "nora", "role": "reviewer", "active": "on", "password": "short"}
    assert chief.post("/admin/auth/user/add/", sent).status_code == 422
    assert chief.post("/admin/auth/user/add/", {**sent, "password": "a long enough one 7"}).status_code == 302
    nora = User.objects.get(username="nora")
    assert nora.is_staff
    assert not nora.is_superuser
    assert [group.name for group in nora.groups.all()] == ["reviewer"]


def test_a_condition_that_asks_for_nothing_and_a_customer_without_a_name_are_refused(
    marketer: Client, scene: Scene
) -> None:
    sent = {"retailer": scene.shop.pk, "name": "Nothing", "mode": "simple", "scope": "everything"}
    answer = marketer.post("/admin/offers/validationrule/add/", sent)
    assert "asks for nothing" in answer.content.decode()
    answer = marketer.post("/admin/offers/customer/add/", {"retailer": scene.shop.pk, "description": "?"})
    assert "Say who it is" in answer.content.decode()


def test_a_session_offer_whose_code_nobody_made_says_so(marketer: Client, scene: Scene) -> None:
    campaign = SessionCampaign.objects.get(code=scene.shown.code)
    path = f"/admin/offers/sessioncampaign/{campaign.pk}/change/"
    assert "There is no code" not in marketer.get(path).content.decode()
    SessionCampaign.objects.filter(pk=campaign.pk).update(code="FP_NOBODY")
    assert "There is no code FP_NOBODY yet" in marketer.get(path).content.decode()
