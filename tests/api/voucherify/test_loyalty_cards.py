"""Loyalty cards on /v1: programs and their cards, paying with points, giving them back, and what is said of them."""

from typing import Any

import pytest

from offers.models import Campaign, Customer, Retailer, Voucher
from tests.api.client import Answer, ApiClient
from tests.flows import shop
from tests.flows.shop import redeem, validate, why, with_points

PROGRAM = {
    "name": "Club",
    "campaign_type": "LOYALTY_PROGRAM",
    "voucher": {"type": "LOYALTY_CARD", "loyalty_card": {"points": 300}, "code_config": {"prefix": "CLUB-"}},
}


def program(api: ApiClient, **card: Any) -> Answer:
    """A program whose cards begin with 300 points, unless told otherwise."""
    voucher = {**PROGRAM["voucher"], "loyalty_card": {"points": 300, **card}}  # type: ignore[dict-item]
    answer = api.post("/v1/campaigns", {**PROGRAM, "voucher": voucher})
    assert answer.status == 200, answer
    return answer


def card(api: ApiClient, code: str = "ADA", **more: Any) -> Answer:
    answer = api.post(f"/v1/vouchers/{code}", {"type": "LOYALTY_CARD", "campaign": "Club", **more})
    assert answer.status == 200, answer
    return answer


def left(api: ApiClient, code: str = "ADA") -> int:
    return int(api.get(f"/v1/vouchers/{code}")["loyalty_card"]["balance"])


def test_a_program_is_made_with_its_first_cards(api: ApiClient) -> None:
    answer = api.post("/v1/campaigns", {**PROGRAM, "vouchers_count": 1})
    assert answer.status == 200
    assert (answer["campaign_type"], answer["join_once"]) == ("LOYALTY_PROGRAM", True)
    assert answer["voucher"]["type"] == "LOYALTY_CARD"
    points = {"points": 300, "expiration_rules": None, "exchange_ratio": 1, "points_ratio": 1}
    assert answer["voucher"]["loyalty_card"] == points
    assert answer["voucher"]["gift"] is None
    made = api.get("/v1/vouchers?campaign=Club")["vouchers"][0]
    assert made["code"].startswith("CLUB-")
    assert made["type"] == "LOYALTY_CARD"
    assert made["loyalty_card"]["balance"] == 300


def test_the_kind_of_a_campaign_follows_from_its_cards(api: ApiClient) -> None:
    answer = api.post("/v1/campaigns", {"name": "Club", "voucher": PROGRAM["voucher"]})
    assert answer["campaign_type"] == "LOYALTY_PROGRAM"


def test_a_card_joins_its_program_with_the_programs_points_or_its_own(api: ApiClient) -> None:
    program(api)
    assert card(api)["loyalty_card"] == {
        "points": 300,
        "balance": 300,
        "next_expiration_date": None,
        "next_expiration_points": None,
        "pending_points": 0,
        "expired_points": 0,
        "subtracted_points": 0,
    }
    assert card(api, "BOB", loyalty_card={"points": 20})["loyalty_card"]["balance"] == 20
    assert api.post("/v1/campaigns/Club/vouchers/CYD", {})["loyalty_card"]["points"] == 300
    assert api.get("/v1/campaigns/Club")["vouchers_count"] == 3
    assert api.get("/v1/vouchers?type=LOYALTY_CARD")["total"] == 3


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"type": "LOYALTY_CARD", "loyalty_card": {"points": 5}}, "invalid_campaign"),
        ({"type": "GIFT_VOUCHER", "gift": {"amount": 5}, "campaign": "Club"}, "invalid_voucher"),
        ({"campaign": "Club", "loyalty_card": {"points": -1}}, "invalid_payload"),
        ({"campaign": "Club", "loyalty_card": {"points": 1.5}}, "invalid_payload"),
        ({"campaign": "Club", "loyalty_card": {"points": 10**16}}, "invalid_payload"),
        ({"campaign": "Club", "loyalty_card": 7}, "invalid_payload"),
    ],
)
def test_what_no_card_can_be(api: ApiClient, body: dict[str, Any], key: str) -> None:
    program(api)
    answer = api.post("/v1/vouchers/X", body)
    assert (answer.status, answer["key"]) == (400, key), answer
    assert not Voucher.objects.exists()
    assert api.get("/v1/campaigns/Club")["vouchers_count"] == 0


@pytest.mark.parametrize(
    ("voucher", "key"),
    [
        ({"type": "LOYALTY_CARD"}, "invalid_campaign"),
        ({"type": "GIFT_VOUCHER", "gift": {"amount": 5}}, "invalid_campaign"),
        ({"loyalty_card": {"exchange_ratio": 0}}, "invalid_payload"),
        ({"loyalty_card": {"exchange_ratio": "1"}}, "invalid_payload"),
        ({"loyalty_card": {"exchange_ratio": 0.0000001}}, "invalid_payload"),
        ({"loyalty_card": {"points_ratio": 0}}, "invalid_payload"),
        ({"loyalty_card": {"points_ratio": 1.5}}, "invalid_payload"),
        ({"loyalty_card": {"points": 5, "expiration_rules": {"period_type": "MONTH"}}}, "invalid_payload"),
    ],
)
def test_what_no_program_can_be(api: ApiClient, voucher: dict[str, Any], key: str) -> None:
    answer = api.post("/v1/campaigns", {**PROGRAM, "voucher": voucher})
    assert (answer.status, answer["key"]) == (400, key), answer
    assert not Campaign.objects.exists()


def test_points_pay_at_the_rate_of_their_program(api: ApiClient) -> None:
    program(api, exchange_ratio=25, points_ratio=10)
    card(api)
    answer = validate(api, with_points("ADA", 100), amount=1000)
    assert answer["order"]["total_discount_amount"] == 250
    assert api.put("/v1/campaigns/Club", {"loyalty_card": {"exchange_ratio": 0.5, "points_ratio": 1}}).status == 200
    shown = api.get("/v1/campaigns/Club")["voucher"]["loyalty_card"]
    assert shown == {"points": 300, "expiration_rules": None, "exchange_ratio": 0.5, "points_ratio": 1}
    answer = redeem(api, with_points("ADA", 101), amount=1000)
    assert (answer["order"]["total_discount_amount"], answer["order"]["total_amount"]) == (50, 950)
    assert left(api) == 199


def test_never_more_points_than_the_order_can_use(api: ApiClient) -> None:
    program(api, exchange_ratio=10)
    card(api)
    for asked in (300, None):
        answer = validate(api, with_points("ADA", asked), amount=1005)
        assert answer["redeemables"][0]["result"]["loyalty_card"] == {"points": 101}
        assert answer["order"]["total_amount"] == 0


@pytest.mark.parametrize(
    ("reward", "key"),
    [
        (None, "missing_reward"),
        ({}, "missing_reward"),
        ({"points": 5}, "missing_reward"),
        ({"id": "rew_1", "points": 301}, "loyalty_card_points_exceeded"),
    ],
)
def test_why_points_do_not_pay(api: ApiClient, reward: object, key: str) -> None:
    program(api)
    card(api)
    asked = {"object": "voucher", "id": "ADA", "reward": reward}
    assert why(validate(api, asked, key="a")) == key
    answer = redeem(api, asked)
    assert (answer.status, answer["key"]) == (400, key)
    assert left(api) == 300


@pytest.mark.parametrize("points", [-1, 1.5, "5", True, 10**16])
def test_points_are_whole_numbers(api: ApiClient, points: object) -> None:
    program(api)
    card(api)
    asked = {"object": "voucher", "id": "ADA", "reward": {"id": "rew_1", "points": points}}
    answer = api.post("/v1/validations", shop.body(asked))
    assert (answer.status, answer["key"]) == (400, "invalid_payload")


def test_points_come_and_go_by_hand(api: ApiClient) -> None:
    program(api)
    made = card(api)
    answer = api.post("/v1/vouchers/ADA/balance", {"amount": 200, "reason": "welcome", "source_id": "s-1"})
    assert answer.json == {
        "amount": 200,
        "total": 500,
        "balance": 500,
        "type": "loyalty_card",
        "operation_type": "MANUAL",
        "object": "balance",
        "related_object": {"type": "voucher", "id": made["id"]},
    }
    assert api.post("/v1/vouchers/ADA/balance", {"amount": -50})["balance"] == 450
    assert api.post("/v1/vouchers/ADA/balance", {"amount": -451})["key"] == "invalid_add_balance_params"
    shown = api.get("/v1/vouchers/ADA")["loyalty_card"]
    assert (shown["points"], shown["balance"], shown["subtracted_points"]) == (500, 450, 50)


def test_a_rollback_gives_the_points_back(api: ApiClient) -> None:
    program(api)
    card(api)
    made = redeem(api, with_points("ADA", 120))["redemptions"][0]
    assert left(api) == 180
    answer = api.post(f"/v1/redemptions/{made['id']}/rollback?reason=sorry")
    assert answer.status == 200
    assert (answer["amount"], answer["loyalty_card"]) == (-120, {"points": -120})
    assert answer["reward"] == made["reward"]
    assert left(api) == 300
    lines = api.get("/v1/vouchers/ADA/transactions")["data"]
    assert [(line["type"], line["details"]["balance"]["amount"]) for line in lines] == [
        ("POINTS_REFUND", 120),
        ("POINTS_REDEMPTION", -120),
    ]
    assert {line["details"]["balance"]["type"] for line in lines} == {"loyalty_card"}
    found = api.get("/v1/vouchers/ADA/redemption")
    assert (found["redeemed_quantity"], found["redeemed_points"]) == (0, 0)
    assert found["redemption_entries"][0]["object"] == "redemption_rollback"


def test_points_pay_what_a_discount_leaves(api: ApiClient, shop_a: Retailer) -> None:
    program(api)
    card(api)
    shop.code(shop_a, "TEN", discount=shop.TEN_PERCENT)
    answer = redeem(api, "TEN", with_points("ADA", 200), amount=1000)
    assert answer["order"]["total_discount_amount"] == 300
    points = answer["redemptions"][1]
    assert (points["amount"], points["loyalty_card"]) == (200, {"points": 200})
    assert "loyalty_card" not in answer["redemptions"][0]
    undone = api.post(f"/v1/redemptions/{answer['parent_redemption']['id']}/rollbacks")
    assert undone.status == 200
    assert left(api) == 300


def test_what_a_program_has_brought(api: ApiClient) -> None:
    program(api)
    card(api)
    card(api, "BOB")
    made = redeem(api, with_points("ADA", 120))["redemptions"][0]
    redeem(api, with_points("BOB", 100))
    api.post(f"/v1/redemptions/{made['id']}/rollback")
    api.post("/v1/vouchers/BOB/balance", {"amount": 70})
    api.post("/v1/vouchers/ADA/balance", {"amount": -10})
    found = api.get("/v1/campaigns/Club/summary").json
    assert {name: found[name] for name in found if "points" in name and found[name]} == {
        "created_vouchers_points": 600,
        "points_added": 70,
        "points_subtracted": 10,
        "points_redeemed": 220,
        "points_rolledback": 120,
    }
    assert found["pending_points_added"] == 0
    assert "discounted_amount" not in found


def test_what_a_holder_has(api: ApiClient, shop_a: Retailer) -> None:
    program(api)
    card(api)
    ada = Customer.objects.create(retailer=shop_a, source_id="ada")
    Voucher.objects.update(holder=ada)
    redeem(api, with_points("ADA", 120), customer={"source_id": "ada"})
    found = api.get("/v1/customers/ada")
    assert found["summary"]["redemptions"]["loyalty_card"] == {"redeemed_points": 120, "points_to_go": 180}
    assert found["summary"]["redemptions"]["gift"] == {"redeemed_amount": 0, "amount_to_go": 0}
    assert found["loyalty"]["points"] == 180
