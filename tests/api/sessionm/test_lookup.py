"""Lookup: one customer by any of his ids, with the wallet as a till may use it and the points."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError

from checkout.models import OfferLock
from loyalty import accounts, points, points_standing
from loyalty.models import Member
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Retailer
from tests.api.client import Answer
from tests.api.sessionm import wallets
from tests.api.sessionm.client import Till, store
from tests.api.sessionm.wallets import asks, basket

Clock = Callable[[datetime], None]


@pytest.fixture
def till(shop_a: Retailer) -> Till:
    return Till(shop_a)


@pytest.fixture
def ada(till: Till) -> Member:
    return wallets.member(
        till.shop,
        first_name="Ada",
        last_name="L",
        email="ada@example.com",
        phone="15550000001",
        external_ids=[("crm", "14311211")],
    )


def look(till: Till, **payload: Any) -> Answer:
    return till.pos("Lookup", payload, request_id="1")


def only(answer: Answer) -> Any:
    assert (answer.status, answer["status"], answer["errors"]) == (200, "success", None), answer
    [customer] = answer["payload"]
    return customer


def test_o50_to_o58_a_customer_with_wallet_and_points(till: Till, ada: Member) -> None:
    kind = accounts.create(
        retailer_id=till.shop.pk, fields={"name": "XYZ Point Account"}, actor=SYSTEM, now=clock.now()
    )
    points.earn(member=ada, account=kind, amount=10, reference="r1", now=clock.now())
    entry = wallets.issue(wallets.offer(till.shop), ada)
    customer = only(look(till, external_customer_id="14311211"))
    [offer], [account] = customer.pop("offers"), customer.pop("accounts")
    assert customer == {
        "user_reference_id": str(ada.uuid),
        "user_account_id": str(ada.uuid),
        "partial_response": False,
        "first_name": "Ada",
        "last_name": "L",
        "phone": "15550000001",
        "email": "ada@example.com",
        "points": 10,
        "profile_fields": {},
    }
    assert offer == {
        "reference_id": str(entry.uuid),
        "user_id": str(ada.uuid),
        "reference_id_type": "userofferid",
        "pos_discount_id": None,
        "status": "INFO",
        "display_name": "$20 coupon",
        "image_url": None,
        "discounted_line_ids": [],
        "discounted_line_id_quantities": [],
        "discount_source": "sessionm",
        "amount": 0,
        "stack_order": 0,
        "applied_time": None,
    }
    assert account.pop("UserPointAccountID")
    assert account == {
        "AccountName": "XYZ Point Account",
        "PointAccountID": str(kind.uuid),
        "GroupingLabel": "",
        "AvailableBalance": 10,
        "LifeTimeValue": 10,
    }


def test_o53_by_every_key_and_in_any_case(till: Till, ada: Member) -> None:
    keys = [{"user_id": str(ada.uuid).upper()}, {"external_customer_id": "14311211"}, {"email": "ADA@example.com"}]
    for key in [*keys, {"phone": "1-555-000-0001"}]:
        assert only(look(till, **key))["first_name"] == "Ada"
    assert only(till.pos("lookup", {"email": "ada@example.com"}))["first_name"] == "Ada"


def test_o60_nobody_two_and_no_key(till: Till, ada: Member) -> None:
    for key in ({"external_customer_id": "x"}, {"user_id": "not-a-uuid"}, {"email": "x"}, {"phone": "none"}):
        answer = look(till, **key)
        assert (answer.status, answer["errors"]["code"]) == (404, "user_not_found"), key
        assert (answer["status"], answer["payload"]) == ("error", None)
    wallets.member(till.shop, email="ada@example.com")
    assert look(till, email="ada@example.com")["errors"]["code"] == "ambiguous_customer"
    assert look(till, email="ada@example.com").status == 409
    assert look(till).status == look(till, email="").status == 400


def test_another_retailers_customer_is_nobody(shop_b: Retailer, ada: Member) -> None:
    assert look(Till(shop_b), user_id=str(ada.uuid)).status == 404


def test_t43_where_the_shops_id_is_the_id_whoever_comes_exists(till: Till) -> None:
    till.shop.settings = {"identity_mode": "external_is_sor"}
    till.shop.save()
    assert only(look(till, user_id="card 77"))["user_reference_id"] == "card 77"
    assert only(look(till, external_customer_id="card 77"))["user_reference_id"] == "card 77"
    assert Member.objects.count() == 1


def test_t22_a_locked_entry_is_shown_so_until_it_is_free(till: Till, ada: Member, set_clock: Clock) -> None:
    start = clock.now()
    set_clock(start)
    entry = wallets.issue(wallets.offer(till.shop), ada)
    till.pos("lock", asks(entry, basket("10")))

    def status() -> Any:
        return only(look(till, user_id=str(ada.uuid)))["offers"][0]["status"]

    assert status() == "LOCKED"
    set_clock(start + timedelta(seconds=1800))
    assert status() == "INFO"


def test_only_what_can_be_used_is_shown(till: Till, ada: Member, set_clock: Clock) -> None:
    start = clock.now()
    set_clock(start)
    one = wallets.offer(till.shop)
    wallets.issue(one, ada, starts_at=start + timedelta(days=1))
    used = wallets.issue(one, ada)
    till.pos("redeem", asks(used, basket("10")))
    wallets.issue(one, ada)
    assert len(only(look(till, user_id=str(ada.uuid)))["offers"]) == 1
    set_clock(start + timedelta(days=10))
    assert len(only(look(till, user_id=str(ada.uuid)))["offers"]) == 1  # the one that began later
    set_clock(start + timedelta(days=12))
    assert only(look(till, user_id=str(ada.uuid)))["offers"] == []


def test_with_a_basket_only_what_applies_is_shown_with_its_amount(till: Till, ada: Member) -> None:
    wallets.product(till.shop, "i0", category="Coffee")
    tenth = wallets.issue(wallets.offer(till.shop), ada)
    tea = [{"mode": "include", "match": "category", "values": ["tea"]}]
    wallets.issue(wallets.offer(till.shop, catalog_restrictions=tea), ada)
    dear = [{"kind": "min_subtotal", "amount": "500"}]
    wallets.issue(wallets.offer(till.shop, purchase_restrictions=dear), ada)  # not looked at here
    offers = only(look(till, user_id=str(ada.uuid), transaction=basket("20")))["offers"]
    assert [one["amount"] for one in offers] == [2, 2]
    assert offers[0]["reference_id"] == str(tenth.uuid)
    assert (offers[0]["discounted_line_ids"], offers[0]["status"]) == (["0"], "INFO")
    assert not OfferLock.objects.exists()
    assert look(till, user_id=str(ada.uuid), transaction=basket("x")).status == 400


def test_offers_of_other_stores_are_left_out_where_a_store_is_named(till: Till, ada: Member) -> None:
    there = [{"mode": "include", "store_ids": [str(store(till.shop).uuid)]}]
    wallets.issue(wallets.offer(till.shop, location_restrictions=there), ada)
    assert only(look(till, user_id=str(ada.uuid)))["offers"] == []
    anywhere = till.envelope({"user_id": str(ada.uuid)})
    del anywhere["store_id"]
    assert len(only(till.call("Lookup", anywhere))["offers"]) == 1


def test_without_points_a_till_still_gets_the_offers(till: Till, ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> None:
        raise OperationalError("canceling statement due to statement timeout")

    wallets.issue(wallets.offer(till.shop), ada)
    monkeypatch.setattr(points_standing, "opened", broken)
    customer = only(look(till, user_id=str(ada.uuid)))
    assert (customer["partial_response"], len(customer["offers"]), customer["accounts"]) == (True, 1, [])
