"""/admission/v1 auctions over HTTP and at the verbs: bids, the end that moves, settlement, and who pays what."""

import base64
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client as DjangoClient
from django.test.utils import CaptureQueriesContext

from checkout.admission import admissions, auctions, claims, distributions, entering, tokens
from checkout.admission.models import Admission, AuctionStanding, Bid, Distribution, Entry
from offers.ledger.models import Hold
from offers.lib.actors import SYSTEM
from offers.models import Retailer
from offers.outbox.models import Endpoint, Event
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


def test_it_is_settled_and_completed_when_nothing_is_left_to_offer(shop_a: Retailer) -> None:
    row = auction(shop_a, admission_ttl_seconds=30)
    for person, amount in zip(launch.consumers(shop_a, 3), (1000, 1100, 1200), strict=True):
        auctions.bid(auction=row, consumer=person, amount=amount, now=NOW)
    states = []
    for moment in (59, 60, 90, 119, 120):
        auctions.work(now=at(moment))
        admissions.expire_everywhere(now=at(moment))
        auctions.work(now=at(moment))
        row.refresh_from_db()
        states.append(distributions.state_of(row, at(moment)))
    assert states == ["OPEN", "SETTLED", "SETTLED", "SETTLED", "COMPLETED"]  # each unit is offered twice at most
    assert len(launch.admitted(row)) == 2


def test_an_auction_nobody_won_is_completed(shop_a: Retailer) -> None:
    row = auction(shop_a, reserve_price=5000)
    auctions.bid(auction=row, consumer=launch.consumer(shop_a), amount=1000, now=NOW)
    for moment in (60, 62):
        auctions.work(now=at(moment))
    row.refresh_from_db()
    assert distributions.state_of(row, at(62)) == "COMPLETED"


def test_looking_at_what_is_settled_locks_nothing(shop_a: Retailer) -> None:
    row, person = auction(shop_a), launch.consumer(shop_a)
    auctions.bid(auction=row, consumer=person, amount=1000, now=NOW)
    auctions.work(now=at(60))
    row = distributions.find(retailer_id=shop_a.pk, uuid=str(row.uuid))
    with CaptureQueriesContext(connection) as queries:
        assert auctions.stand(auction=row, consumer_id=person.pk, now=at(61)).admission
    assert not any("FOR UPDATE" in one["sql"] for one in queries.captured_queries)


# --- several units: who wins as it stands ---


def outbid(shop: Retailer) -> list[str]:
    found = Event.objects.filter(type="auction.bid.outbid").order_by("id")
    return [one.data["consumer_id"] for one in found]


def test_with_several_units_the_one_who_fell_out_is_told_and_only_the_leader_is_the_highest(
    page: ApiClient, shop_a: Retailer, set_clock: SetClock
) -> None:
    set_clock(NOW)
    Endpoint.objects.create(retailer=shop_a, url="https://a.example/", secret="s", events=["auction.bid.outbid"])
    row = auction(shop_a, quantity=2)
    one, two, three = (Bidder(page) for _ in range(3))
    one.bid(row, "10.00")
    two.bid(row, "11.00")
    assert outbid(shop_a) == []
    stands = [(who.status(row)["status"], who.status(row)["leading"]) for who in (one, two, three)]
    assert stands == [("WINNING", False), ("WINNING", True), ("NOT_BID", False)]
    three.bid(row, "12.00")
    assert outbid(shop_a) == [one.id]
    two.bid(row, "13.00")  # he was winning: nobody falls out
    two.bid(row, "14.00")
    assert outbid(shop_a) == [one.id]
    stands = [(who.status(row)["status"], who.status(row)["leading"]) for who in (one, two, three)]
    assert stands == [("OUTBID", False), ("WINNING", True), ("WINNING", False)]
    one.bid(row, "15.00")
    assert outbid(shop_a) == [one.id, three.id]
    set_clock(at(60))
    assert [who.status(row)["status"] for who in (one, two, three)] == ["WON", "WON", "LOST"]
    assert one.status(row)["own_bid"] == "15.00"


def test_a_quantity_that_changes_is_heeded_at_once(shop_a: Retailer) -> None:
    row = auction(shop_a, quantity=3)
    people = launch.consumers(shop_a, 3)
    for person, amount in zip(people, (1000, 1100, 1200), strict=True):
        auctions.bid(auction=row, consumer=person, amount=amount, now=NOW)
    entries = [Entry.objects.get(consumer=person) for person in people]

    def stands(quantity: int) -> list[str]:
        changed = distributions.update(
            retailer_id=shop_a.pk, uuid=str(row.uuid), fields={"quantity": quantity}, actor=SYSTEM, now=NOW
        )
        return [auctions.details(changed, entry)["status"] for entry in entries]

    assert stands(3) == ["WINNING"] * 3
    assert stands(1) == ["OUTBID", "OUTBID", "WINNING"]
    assert stands(2) == ["OUTBID", "WINNING", "WINNING"]


def test_a_status_is_one_look_up_however_many_have_bid(shop_a: Retailer) -> None:
    row = auction(shop_a, quantity=2)
    people = launch.consumers(shop_a, 30)
    for number, person in enumerate(people):
        auctions.bid(auction=row, consumer=person, amount=1000 + 100 * number, now=NOW)
    entry = Entry.objects.get(consumer=people[0])
    with CaptureQueriesContext(connection) as queries:
        assert auctions.details(row, entry)["status"] == "OUTBID"
    (one,) = queries.captured_queries
    assert "LIMIT 1" in one["sql"]


def test_the_page_says_highest_only_to_the_highest(shop_a: Retailer, set_clock: SetClock) -> None:
    set_clock(NOW)
    row = auction(shop_a, quantity=2)
    one, two = DjangoClient(), DjangoClient()
    address = f"/shop/waiting/{row.uuid}/"
    one.post(f"{address}join", {"amount": "10.00"})
    two.post(f"{address}join", {"amount": "12.00"})
    shown = one.get(address).content.decode()
    assert "You are the highest bidder" not in shown
    assert "You are among the 2 who win as it stands, with 10.00 USD. The highest bid is 12.00." in shown
    assert "You are the highest bidder with 12.00 USD" in two.get(address).content.decode()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_parallel_bids_for_three_units_leave_three_winners_and_tell_each_that_fell_out(transactional_db: None) -> None:
    shop = factories.retailer()
    Endpoint.objects.create(retailer=shop, url="https://a.example/", secret="s")
    row = auction(shop, quantity=3)
    people = launch.consumers(shop, 20)

    def call(number: int) -> None:
        mine = Distribution.objects.get(pk=row.pk)
        for step in (number, 20 + (number * 7) % 20):
            with suppress(auctions.BidIncrement, auctions.BidTooLow):
                auctions.bid(auction=mine, consumer=people[number], amount=1000 + 100 * step, now=NOW)

    at_once(20, call)
    bids = list(Bid.objects.order_by("order").values_list("entry_id", "amount", "best"))
    assert [amount for _, amount, _ in bids] == sorted({amount for _, amount, _ in bids})
    last = {entry: amount for entry, amount, _ in bids}
    assert {entry: amount for entry, amount, best in bids if best} == last
    expected = sorted(last, key=lambda entry: -last[entry])[:3]
    stands = {entry: auctions.details(row, Entry.objects.get(pk=entry))["status"] for entry in last}
    assert {entry for entry, status in stands.items() if status == "WINNING"} == set(expected)
    fell = Counter(Event.objects.filter(type="auction.bid.outbid").values_list("data__entry_id", flat=True))
    assert fell == fallen_out(bids, 3)
    auctions.settle(auction=row, now=at(60))
    assert list(Admission.objects.order_by("id").values_list("entry_id", flat=True)) == expected


def fallen_out(bids: list[tuple[int, int, bool]], quantity: int) -> Counter[str]:
    """Who fell out of those who win, bid by bid, told the slow way."""
    names = {pk: str(uuid) for pk, uuid in Entry.objects.values_list("pk", "uuid")}
    found: Counter[str] = Counter()
    order: list[int] = []
    for entry, _, _ in bids:
        before = order[:quantity]
        order = [entry, *(one for one in order if one != entry)]
        found.update(names[one] for one in before if one not in order[:quantity])
    return found


def at_once(number: int, call: Callable[[int], None]) -> None:
    start, failed = Barrier(number), list[Exception]()

    def run(mine: int) -> None:
        try:
            start.wait()
            call(mine)
        except Exception as problem:
            failed.append(problem)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(mine,)) for mine in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


# --- paused, and who may bid at all ---


def test_a_paused_auction_takes_no_bid_and_does_not_end_by_itself(
    page: ApiClient, server: ApiClient, shop_a: Retailer, set_clock: SetClock
) -> None:
    set_clock(NOW)
    row = auction(shop_a)
    one = Bidder(page)
    one.bid(row, "10.00")

    def pause(paused: bool) -> None:
        distributions.update(
            retailer_id=shop_a.pk, uuid=str(row.uuid), fields={"paused": paused}, actor=SYSTEM, now=NOW
        )

    pause(True)
    refused = one.bid(row, "20.00")
    assert (refused.status, refused["error"]["code"], refused.headers["Retry-After"]) == (423, "paused", "15")
    assert one.status(row) | {"paused": True, "own_bid": "10.00", "status": "WINNING"} == one.status(row)
    browser = DjangoClient()
    shown = browser.get(f"/shop/waiting/{row.uuid}/").content.decode()
    assert "Bidding is paused" in shown and "Place bid" not in shown
    browser.post(f"/shop/waiting/{row.uuid}/join", {"amount": "30.00"})
    assert (
        "Bidding is paused for a moment; what was bid stands."
        in browser.get(f"/shop/waiting/{row.uuid}/").content.decode()
    )
    set_clock(at(61))
    auctions.work(now=at(61))
    assert one.status(row)["admission"] is None and not Admission.objects.exists()
    pause(False)
    auctions.work(now=at(61))
    assert one.status(row)["status"] == "WON"


def test_the_first_bid_brings_the_access_code(page: ApiClient, shop_a: Retailer, set_clock: SetClock) -> None:
    set_clock(NOW)
    row = auction(shop_a)
    row.sequence.access_code = "VIP"
    row.sequence.save()
    one = Bidder(page)
    address = f"/admission/v1/auctions/{row.uuid}/bid"
    for code in ({}, {"access_code": ""}, {"access_code": "vip"}):
        refused = one.api.post(address, {"amount": "10.00", **code})
        assert (refused.status, refused["error"]["code"]) == (403, "needs_access_code")
    assert one.api.post(address, {"amount": "10.00", "access_code": 7}).status == 400
    assert not Bid.objects.exists()
    assert one.api.post(address, {"amount": "10.00", "access_code": " VIP "}).status == 200
    assert one.bid(row, "12.00").status == 200
    row.sequence.access_code, row.sequence.audience = "", "signed_in"
    row.sequence.save()
    refused = Bidder(page).bid(row, "20.00")
    assert (refused.status, refused["error"]["code"]) == (403, "needs_auth")
    browser = DjangoClient()
    browser.post(f"/shop/waiting/{row.uuid}/join", {"amount": "30.00"})
    assert "customers who have signed in" in browser.get(f"/shop/waiting/{row.uuid}/").content.decode()
