"""/admission/v1 auctions over HTTP and at the verbs: bids, the end that moves, settlement, and who pays what."""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client as DjangoClient

from checkout.admission import admissions, auctions, claims, distributions, entering, tokens
from checkout.admission.models import Admission, AuctionStanding, Bid, Distribution, Entry
from offers.ledger.models import Hold
from offers.lib.actors import SYSTEM
from offers.models import Retailer
from tests import factories
from tests.api.admission.guests import Guest
from tests.api.client import Answer, ApiClient
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at

pytestmark = pytest.mark.django_db
SetClock = Callable[[datetime], None]


def auction(shop: Retailer, **fields: Any) -> Distribution:
    given = {"open_at": at(-60), "close_at": at(60), "start_price": 1000, "min_bid_increment": 100, **fields}
    return distributions.create(retailer_id=shop.pk, mechanism="auction", fields=given, actor=SYSTEM, now=NOW)


class Bidder(Guest):
    def bid(self, row: Distribution, amount: object) -> Answer:
        return self.api.post(f"/admission/v1/auctions/{row.uuid}/bid", {"amount": amount})

    def status(self, row: Distribution) -> Any:
        return self.api.get(f"/admission/v1/auctions/{row.uuid}/status").json


def test_a3_a7_the_highest_bidder_is_admitted_at_his_bid(
    page: ApiClient, server: ApiClient, shop_a: Retailer, set_clock: SetClock
) -> None:
    set_clock(NOW)
    row = auction(shop_a)
    one, two = Bidder(page), Bidder(page)
    assert one.bid(row, "9.99")["error"]["code"] == "bid_too_low"
    first = one.bid(row, "10.00")
    assert (first.status, first["stage"], first["status"], first["own_bid"]) == (
        200,
        "participating",
        "WINNING",
        "10.00",
    )
    refused = two.bid(row, "10.99")
    assert (refused.status, refused["error"]["code"]) == (400, "bid_increment")
    assert two.bid(row, "11.00")["status"] == "WINNING"
    assert (one.status(row)["status"], one.status(row)["admission"]) == ("OUTBID", None)
    assert page.get(f"/admission/v1/auctions/{row.uuid}/highest-bid")["amount"] == "11.00"
    set_clock(at(60))
    assert one.bid(row, "50.00")["error"]["code"] == "closed"
    won, lost = two.status(row), one.status(row)
    assert (won["stage"], won["status"]) == ("admitted", "WON")
    assert (lost["stage"], lost["status"], lost["admission"]) == ("ended", "LOST", None)
    told = server.post("/admission/v1/admissions/validate", {"admission_token": won["admission"]["token"]})
    assert (told["valid"], told["amount"]) == (True, "11.00")
    payload = base64.urlsafe_b64decode(won["admission"]["token"].split(".")[2] + "===")
    assert b'"amt":"11.00"' in payload


def test_before_the_opening_it_is_locked(page: ApiClient, shop_a: Retailer, set_clock: SetClock) -> None:
    set_clock(NOW)
    refused = Bidder(page).bid(auction(shop_a, open_at=at(30)), "10.00")
    assert (refused.status, refused.headers["Retry-After"]) == (423, "30")


@pytest.mark.parametrize("amount", [None, 10, "", "-1", "1e3", "10.001", "ten", "1" * 13, ["10"], "NaN"])
def test_what_is_no_amount_is_refused(page: ApiClient, shop_a: Retailer, amount: object, set_clock: SetClock) -> None:
    set_clock(NOW)
    row = auction(shop_a)
    refused = Bidder(page).bid(row, amount)
    assert (refused.status, refused["error"]["code"]) == (400, "invalid_payload")
    assert not Bid.objects.exists()


def test_a_late_bid_moves_the_end(page: ApiClient, shop_a: Retailer, set_clock: SetClock) -> None:
    set_clock(at(50))
    row = auction(shop_a, auto_extend_seconds=30)
    Bidder(page).bid(row, "10.00")
    row.refresh_from_db()
    assert row.close_at == at(80)
    shown = page.get(f"/admission/v1/auctions/{row.uuid}")
    assert shown["close_at"].startswith(at(80).isoformat()[:19])
    assert "reserve" not in shown.text


def test_below_the_reserve_everybody_loses(page: ApiClient, shop_a: Retailer, set_clock: SetClock) -> None:
    set_clock(NOW)
    row = auction(shop_a, reserve_price=5000)
    one = Bidder(page)
    assert one.bid(row, "49.99").status == 200
    set_clock(at(61))
    assert one.status(row)["status"] == "LOST"
    assert not Admission.objects.exists()


def test_settling_by_hand_happens_once_and_needs_the_secret_key(
    page: ApiClient, server: ApiClient, shop_a: Retailer, set_clock: SetClock
) -> None:
    set_clock(NOW)
    row = auction(shop_a)
    Bidder(page).bid(row, "10.00")
    address = f"/admission/v1/auctions/{row.uuid}/settle"
    assert page.post(address, {}).status == 401
    assert [server.post(address, {}).status for _ in range(2)] == [200, 200]
    assert Admission.objects.count() == 1
    assert Bidder(page).bid(row, "99.00")["error"]["code"] == "closed"


def test_what_a_winner_lets_go_is_offered_to_the_next_once(shop_a: Retailer) -> None:
    row = auction(shop_a, admission_ttl_seconds=30)
    people = launch.consumers(shop_a, 3)
    for person, amount in zip(people, (1000, 1100, 1200), strict=True):
        auctions.bid(auction=row, consumer=person, amount=amount, now=NOW)
    auctions.work(now=at(60))
    assert launch.admitted(row) == [people[2].pk]
    auctions.work(now=at(91))
    assert launch.admitted(row) == [people[2].pk, people[1].pk]
    assert Admission.objects.order_by("-id").values_list("amount", flat=True)[0] == 1100
    auctions.work(now=at(130))
    assert len(launch.admitted(row)) == 2


def test_several_units_go_to_the_highest_distinct_bidders(shop_a: Retailer) -> None:
    row = auction(shop_a, quantity=2)
    people = launch.consumers(shop_a, 3)
    for person, amount in zip([*people, people[0]], (1000, 1100, 1200, 1300), strict=True):
        auctions.bid(auction=row, consumer=person, amount=amount, now=NOW)
    auctions.work(now=at(60))
    assert launch.admitted(row) == [people[0].pk, people[2].pk]
    assert launch.states(row) == {"ADMITTED": 2, "LOST": 1}


def test_another_retailer_s_auction_is_not_found(page: ApiClient, shop_b: Retailer, set_clock: SetClock) -> None:
    set_clock(NOW)
    row = auction(shop_b)
    assert Bidder(page).bid(row, "10.00").status == 404
    for ident in ("x", "%00", "0" * 36):
        assert page.get(f"/admission/v1/auctions/{ident}").status == 404


def test_the_winner_s_token_completes(shop_a: Retailer) -> None:
    row = auction(shop_a)
    person = launch.consumer(shop_a)
    auctions.bid(auction=row, consumer=person, amount=1000, now=NOW)
    auctions.settle(auction=row, now=at(60))
    admission = tokens.read(text=tokens.token_of(Admission.objects.get(), now=NOW), retailer_id=shop_a.pk, now=NOW)
    claims.complete(admission_id=admission.pk, order_id="o1", amount=1000, currency="USD", now=at(61))
    assert Entry.objects.get().state == "COMPLETED"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_bids_leave_one_highest(transactional_db: None) -> None:
    shop = factories.retailer()
    row = auction(shop)
    people = launch.consumers(shop, 20)
    start, taken = Barrier(20), list[int]()

    def call(number: int) -> None:
        try:
            start.wait()
            mine = Distribution.objects.get(pk=row.pk)
            auctions.bid(auction=mine, consumer=people[number], amount=1000 + 100 * (number // 2), now=NOW)
            taken.append(1000 + 100 * (number // 2))
        except (auctions.BidIncrement, auctions.BidTooLow):
            pass
        finally:
            connection.close()

    threads = [Thread(target=call, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    standing = AuctionStanding.objects.get()
    assert len(set(taken)) == len(taken) == standing.bids == Bid.objects.count() >= 1
    assert standing.highest == max(taken) == 1900
    auctions.settle(auction=row, now=at(60))
    assert Admission.objects.get().amount == 1900
    with pytest.raises(entering.Closed):
        auctions.bid(auction=row, consumer=people[0], amount=99999, now=at(61))


def test_the_page_takes_bids_and_says_who_leads(shop_a: Retailer, set_clock: SetClock) -> None:
    set_clock(NOW)
    row = auction(shop_a)
    one, two = DjangoClient(), DjangoClient()
    address = f"/shop/waiting/{row.uuid}/"
    assert "Your bid" in one.get(address).content.decode()
    one.post(f"{address}join", {"amount": "10.00"})
    assert "You are the highest bidder" in one.get(address).content.decode()
    two.post(f"{address}join", {"amount": "10.50"})
    assert "highest one by the increment" in two.get(address).content.decode()
    two.post(f"{address}join", {"amount": "12.00"})
    assert "outbid" in one.get(address).content.decode()
    set_clock(at(60))
    assert "did not win" in one.get(address).content.decode()
    won = two.get(address).content.decode()
    assert "It&#x27;s your turn" in won or "It's your turn" in won
    assert "12.00" in won


def test_paying_claims_and_keeps_what_is_held_to_the_last_moment(shop_a: Retailer) -> None:
    row = auction(shop_a, max_active=1)
    auctions.bid(auction=row, consumer=launch.consumer(shop_a), amount=1000, now=NOW)
    auctions.settle(auction=row, now=at(60))
    admission = Admission.objects.get()
    later = at(61) + timedelta(microseconds=1)
    claims.begin_payment(admission_id=admission.pk, session="one", now=later)
    assert Hold.objects.get().expires_at >= admission.expires_at + admissions.GRACE
    with pytest.raises(claims.BoundElsewhere):
        claims.claim(admission_id=admission.pk, session="two", now=later)


def test_a_bid_that_moved_the_end_is_not_settled_away(shop_a: Retailer) -> None:
    row = auction(shop_a, auto_extend_seconds=30)
    seen_before = Distribution.objects.get(pk=row.pk)
    auctions.bid(auction=row, consumer=launch.consumer(shop_a), amount=1000, now=at(59))
    assert auctions.is_due(seen_before, at(60))  # as a request thinks that read it a moment ago
    assert auctions.settle(auction=seen_before, now=at(60)) is False
    assert Distribution.objects.get(pk=row.pk).close_at == at(89)
    assert auctions.settle(auction=seen_before, now=at(89)) is True


def test_without_an_increment_an_equal_bid_is_too_low_all_the_same(shop_a: Retailer) -> None:
    row = auction(shop_a, min_bid_increment=0)
    one, two = launch.consumers(shop_a, 2)
    auctions.bid(auction=row, consumer=one, amount=1000, now=NOW)
    with pytest.raises(auctions.BidIncrement):
        auctions.bid(auction=row, consumer=two, amount=1000, now=NOW)
