"""The reward store over the wire: listed offers, bought with points, both or neither."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from loyalty import accounts, members, points, points_standing, rewards
from loyalty.models import Member
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Retailer, UserOffer
from tests.api.client import Answer
from tests.api.sessionm.client import Till
from tests.api.sessionm.offer_bodies import simple


@pytest.fixture
def tool(shop_a: Retailer) -> Till:
    return Till(shop_a, scopes=["offers.manage", "offers.read"])


@pytest.fixture
def dora(shop_a: Retailer) -> Member:
    """Has 300 points."""
    account = accounts.create(retailer_id=shop_a.pk, fields={"name": "main"}, actor=SYSTEM, now=clock.now())
    member = members.create(retailer_id=shop_a.pk, actor=SYSTEM, now=clock.now())
    points.earn(member=member, account=account, amount=300, reference="gift", now=clock.now())
    return member


def made(tool: Till, **common: Any) -> str:
    restrictions = common.pop("use_restrictions", [])
    body = simple(common={"reward_store": True, **common}, use_restrictions=restrictions)
    return str(tool.offer("offers/management/create", **body)["payload"]["offer_id"])


def buy(tool: Till, person: Member, offer_id: str) -> Answer:
    return tool.offer("offers/reward_store/purchase", user_id=str(person.uuid), offer_id=offer_id)


def balance(member: Member) -> int:
    return points_standing.balances(member=Member.objects.get(pk=member.pk), now=clock.now())[0].available


def test_o18_the_reward_store_lists_its_offers_only(tool: Till) -> None:
    listed, other = made(tool, points_cost=200), made(tool, reward_store=False)
    made(tool, acquisition_end_date="2020-01-01")
    payload = tool.offer("offers/reward_store", skip=0, take=10)["payload"]
    assert [(offer["id"], offer["points_cost"]) for offer in payload["offers"]] == [(listed, 200)]
    assert payload["total_records"] == 1
    for offer_id, stands in ((listed, True), (other, False)):
        assert tool.offer("offers/fetch_offer", offer_id=offer_id)["payload"]["offer"]["reward_store"] is stands


def test_buying_issues_and_spends(tool: Till, dora: Member) -> None:
    answer = buy(tool, dora, made(tool, points_cost=200))
    assert (answer.status, answer["payload"]["points_spent"], answer["payload"]["status"]) == (200, 200, 1)
    assert balance(dora) == 100
    wallet = tool.offer("offers/get_user_offers", user_id=str(dora.uuid))["payload"]
    assert [line["user_offer_id"] for line in wallet["user_offers"]] == [answer["payload"]["user_offer_id"]]
    assert (wallet["available_points"], wallet["total_points"]) == (100, 300)


def test_a_purchase_that_is_tried_again_with_its_reference_is_made_once(tool: Till, dora: Member) -> None:
    first, second = made(tool, points_cost=100), made(tool, points_cost=100)
    answers = [
        tool.offer("offers/reward_store/purchase", user_id=str(dora.uuid), offer_id=first, reference="cart-7")
        for _ in range(3)
    ]
    assert [answer.status for answer in answers] == [200] * 3
    assert len({answer["payload"]["user_offer_id"] for answer in answers}) == 1
    assert (balance(dora), UserOffer.objects.count()) == (200, 1)
    other = tool.offer("offers/reward_store/purchase", user_id=str(dora.uuid), offer_id=second, reference="cart-7")
    assert (other.status, other["errors"]["code"]) == (409, "request_id_conflict")
    assert buy(tool, dora, first)["payload"]["user_offer_id"] != answers[0]["payload"]["user_offer_id"]
    assert balance(dora) == 100


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cost", [100, None])
def test_a_purchase_that_is_sent_twice_at_once_is_made_once(shop_a: Retailer, cost: int | None) -> None:
    account = accounts.create(retailer_id=shop_a.pk, fields={"name": "main"}, actor=SYSTEM, now=clock.now())
    member = members.create(retailer_id=shop_a.pk, actor=SYSTEM, now=clock.now())
    points.earn(member=member, account=account, amount=300, reference="gift", now=clock.now())
    offer_id = UUID(made(Till(shop_a, scopes=["offers.manage"]), **({"points_cost": cost} if cost else {})))

    def one(_: int) -> UUID:
        try:
            return rewards.buy(
                retailer_id=shop_a.pk,
                member=member,
                offer_id=offer_id,
                actor=SYSTEM,
                now=clock.now(),
                reference="cart",
            ).uuid
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(one, range(6)))) == 1
    assert (balance(member), UserOffer.objects.count()) == (300 - (cost or 0), 1)


def test_a_wrong_id_is_named_where_it_stands(tool: Till) -> None:
    answer = tool.offer("offers/get_user_offers", user_id="nobody")
    assert (answer.status, answer["errors"]["details"][0]["field"]) == (400, "user_id")


def test_too_few_points_buy_nothing(tool: Till, dora: Member) -> None:
    answer = buy(tool, dora, made(tool, points_cost=301))
    assert (answer.status, answer["errors"]["code"]) == (422, "insufficient_points")
    assert (balance(dora), UserOffer.objects.count()) == (300, 0)


def test_what_is_sold_out_costs_nothing(tool: Till, dora: Member) -> None:
    offer_id = made(tool, points_cost=10, use_restrictions=[{"kind": "inventory", "count": 1}])
    assert buy(tool, dora, offer_id).status == 200
    answer = buy(tool, dora, offer_id)
    assert (answer.status, answer["errors"]["code"]) == (422, "inventory_exhausted")
    assert balance(dora) == 290


def test_what_is_not_in_the_store_is_not_for_sale(tool: Till, dora: Member, shop_b: Retailer) -> None:
    answer = buy(tool, dora, made(tool, reward_store=False))
    assert (answer.status, answer["errors"]["code"]) == (422, "offer_not_available")
    assert buy(tool, dora, made(Till(shop_b))).status == 404
    assert buy(tool, dora, made(tool)).status == 200  # without a price it is free
    assert balance(dora) == 300
