"""What webhooks tell: the objects of /v1 in the same shapes, from the calls that changed them, to the end."""

from typing import Any

import orjson
import pytest

from offers import balances, campaigns, customers, promotions, rules, vouchers
from offers.lib import clock
from offers.lib.actors import Actor
from offers.models import Retailer
from offers.outbox import payloads
from offers.outbox.models import Endpoint, Event
from tests.api.client import ApiClient

ACTOR = Actor("USER", "bob", "bob")
TEN = {"type": "AMOUNT", "amount_off": 1000}


@pytest.fixture(autouse=True)
def endpoint(shop_a: Retailer) -> Endpoint:
    return Endpoint.objects.create(retailer=shop_a, url="https://shop.example/", secret="s")


def told() -> list[dict[str, Any]]:
    """The bodies of all events so far, oldest first."""
    return [orjson.loads(payloads.body(event)) for event in Event.objects.select_related("retailer").order_by("id")]


def types() -> list[str]:
    return list(Event.objects.order_by("id").values_list("type", flat=True))


def by(shop: Retailer) -> dict[str, Any]:
    return {"retailer_id": shop.pk, "actor": ACTOR, "now": clock.now()}


def test_the_life_of_a_voucher_is_told(shop_a: Retailer) -> None:
    voucher = vouchers.create(**by(shop_a), code="TEN", fields={"discount": TEN})
    vouchers.update(**by(shop_a), ident="TEN", fields={"metadata": {"a": 1}})
    for active in (False, False, True):
        vouchers.switch(**by(shop_a), ident="TEN", active=active)
    vouchers.delete(**by(shop_a), ident="TEN")
    kinds = ["created", "updated", "disabled", "enabled", "deleted"]
    assert types() == [f"voucher.{kind}" for kind in kinds]
    assert all(body["data"]["id"] == voucher.public_id for body in told())
    assert told()[0]["source"] == {"channel": {"channel_type": "USER", "channel_id": "bob"}}


def test_a_voucher_and_a_campaign_are_told_as_the_api_shows_them(shop_a: Retailer, api: ApiClient) -> None:
    vouchers.create(**by(shop_a), code="TEN", fields={"discount": TEN})
    campaigns.create(**by(shop_a), name="Spring", fields={"discount": TEN})
    voucher, campaign = told()
    assert voucher["data"] == api.get("/v1/vouchers/TEN").json
    assert campaign["data"] == api.get("/v1/campaigns/Spring").json


def test_a_top_up_is_told_once_though_it_came_twice(shop_a: Retailer) -> None:
    vouchers.create(**by(shop_a), code="CARD", fields={"type": "GIFT_VOUCHER", "gift": {"amount": 1000}})
    for _ in range(2):
        balances.adjust(**by(shop_a), ident="CARD", amount=500, source_id="top-up-1")
    assert types() == ["voucher.created", "voucher.gift.balance_added"]
    assert told()[1]["data"] | {"amount": 500, "balance": 1500} == told()[1]["data"]


def test_campaigns_their_tiers_and_codes_are_told(shop_a: Retailer) -> None:
    campaign = campaigns.create(**by(shop_a), name="Spring", fields={}, campaign_type="PROMOTION")
    terms: promotions.Fields = {"name": "Ten off", "discount": TEN}
    tier = promotions.create(campaign=campaign, fields=terms, actor=ACTOR, now=clock.now())
    promotions.disable(**by(shop_a), ident=tier.public_id)
    campaigns.switch(**by(shop_a), ident="Spring", active=False)
    assert types() == [
        "campaign.created",
        "campaign.promotion_tier.created",
        "campaign.promotion_tier.disabled",
        "campaign.disabled",
    ]
    shown = told()[1]["data"]
    assert (shown["id"], shown["object"], shown["action"]["discount"]["amount_off"]) == (
        tier.public_id,
        "promotion_tier",
        1000,
    )


@pytest.mark.django_db(transaction=True)
def test_making_codes_is_told_from_start_to_end(shop_a: Retailer) -> None:
    campaigns.create(**by(shop_a), name="Spring", fields={"discount": TEN}, vouchers_count=20)
    generation = [f"campaign.vouchers.generation.{what}" for what in ("started", "completed")]
    assert types() == ["campaign.created", *generation]
    assert told()[-1]["data"]["vouchers_count"] == 20


def test_rules_and_their_assignments_are_told(shop_a: Retailer) -> None:
    big = {"1": {"name": "order.amount", "property": None, "conditions": {"$more_than": [1000]}}}
    rule = rules.create(**by(shop_a), fields={"name": "Big orders", "rules": big})
    vouchers.create(**by(shop_a), code="TEN", fields={"discount": TEN, "rules": [rule.public_id]})
    assert types() == [
        "business_validation_rule.created",
        "business_validation_rule.assignment.created",
        "voucher.created",
    ]
    assert told()[0]["data"]["name"] == "Big orders"


def test_a_customer_that_was_erased_is_told_by_id_alone(shop_a: Retailer) -> None:
    fields = customers.Fields(name="Charlie", email="charlie@example.com")
    customer = customers.upsert(**by(shop_a), source_id="c-1", fields=fields)
    assert told()[0]["data"]["email"] == "charlie@example.com"
    customers.erase(**by(shop_a), ident=customer.public_id)
    assert types() == ["customer.created", "customer.deleted"]
    assert b"harlie" not in b"".join(payloads.body(event) for event in Event.objects.all())
    assert told()[0]["data"] == {"id": customer.public_id, "object": "customer"}


def test_a_redemption_and_its_rollback_are_told_as_the_api_shows_them(shop_a: Retailer, api: ApiClient) -> None:
    vouchers.create(**by(shop_a), code="TEN", fields={"discount": TEN})
    ask = {"redeemables": [{"object": "voucher", "id": "TEN"}], "order": {"amount": 5000}}
    redeemed = api.post("/v1/redemptions", ask).json["redemptions"][0]
    undone = api.post(f"/v1/redemptions/{redeemed['id']}/rollback", {}).json
    assert types() == ["voucher.created", "redemption.succeeded", "redemption.rollback.succeeded"]
    _, success, rollback = told()
    assert success["data"] == api.get(f"/v1/redemptions/{redeemed['id']}").json
    assert rollback["data"] == api.get(f"/v1/redemptions/{undone['id']}").json
    assert success["created_at"].endswith("Z")


def test_a_failed_redemption_is_told(shop_a: Retailer, api: ApiClient) -> None:
    vouchers.create(**by(shop_a), code="TEN", fields={"discount": TEN, "active": False})
    ask = {"redeemables": [{"object": "voucher", "id": "TEN"}], "order": {"amount": 5000}}
    assert api.post("/v1/redemptions", ask).status == 400
    failed = told()[-1]
    assert (failed["type"], failed["data"]["result"]) == ("redemption.failed", "FAILURE")
