"""Staff see every bid and how it stands, whether the reserve is met, settle once with a reason, and read who won."""

from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from checkout.admission import auctions, distributions
from checkout.admission.models import Admission, Consumer, Distribution
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import AuditEntry, Retailer
from tests.admin.test_draw_page import page, read
from tests.checkout.admission.launch import NOW, at


def make(shop: Retailer, *amounts: int, **fields: Any) -> Distribution:
    """An auction with one bid of each amount, each by somebody else."""
    given = {"open_at": at(-60), "start_price": 1000, "min_bid_increment": 100, "currency": "EUR", **fields}
    row = distributions.create(
        retailer_id=shop.pk, mechanism="auction", fields=given, experience={"name": "Signed"}, actor=SYSTEM, now=NOW
    )
    for number, amount in enumerate(amounts):
        bid(row, person(shop), amount, number)
    return row


def person(shop: Retailer) -> Consumer:
    return Consumer.objects.create(retailer=shop, created_at=at(-120))


def bid(row: Distribution, consumer: Consumer, amount: int, seconds: int) -> None:
    auctions.bid(auction=row, consumer=consumer, amount=amount, now=at(seconds))


def standings(shown: str) -> list[str]:
    words = ("Leading", "Highest, below the reserve", "Outbid", "Raised since", "Won", "Lost")
    found = sorted((at, word) for word in words for at in places(shown, f">{word}</span>"))
    return [word for _, word in found]


def places(text: str, part: str) -> list[int]:
    found, at = [], text.find(part)
    while at >= 0:
        found.append(at)
        at = text.find(part, at + 1)
    return found


def test_bids_stand_highest_first_in_the_auction_s_money(owner: Client, shop_a: Retailer) -> None:
    row = make(shop_a, 1000, 1100)
    loyal = person(shop_a)
    bid(row, loyal, 1200, 10)
    bid(row, loyal, 1350, 11)
    shown = read(owner, row)
    assert standings(shown) == ["Leading", "Raised since", "Outbid", "Outbid"]
    at = [shown.index(f"<td>{amount} EUR</td>") for amount in ("13.50", "12.00", "11.00", "10.00")]
    assert at == sorted(at) and str(loyal.uuid) in shown
    yen = make(shop_a, 1500, currency="JPY")
    assert "1,500 JPY" in read(owner, yen)


def test_the_reserve_is_for_staff_and_says_whether_it_is_met(owner: Client, shop_a: Retailer) -> None:
    row = make(shop_a, 1000, reserve_price=2000)
    shown = read(owner, row)
    assert "not met" in shown and "20.00 EUR, not shown to shoppers" in shown
    assert standings(shown) == ["Highest, below the reserve"]
    bid(row, person(shop_a), 2000, 5)
    shown = read(owner, row)
    assert ">met</strong>" in shown and standings(shown) == ["Leading", "Outbid"]
    assert "Reserve" not in read(owner, make(shop_a, 1000))


def test_a_late_bid_moves_the_end_and_both_are_told(owner: Client, shop_a: Retailer) -> None:
    row = make(shop_a, close_at=at(60), auto_extend_seconds=30)
    assert "Announced end" not in read(owner, row)
    bid(row, person(shop_a), 1000, 50)
    shown = read(owner, row)
    assert "Announced end" in shown and "12:01:20" in shown and "12:01:00" in shown


def test_settling_wants_a_reason_closes_it_and_happens_once(owner: Client, shop_a: Retailer) -> None:
    row = make(shop_a, 1000, 1100, 1300, quantity=2, close_at=clock.now().replace(year=2099))
    assert owner.post(f"{page(row)}/settle/", {"reason": ""}).status_code == 422
    assert owner.post(f"{page(row)}/settle/", {"reason": "seller's wish"}).status_code == 302
    entry = AuditEntry.objects.get(action="auction.settle")
    assert (entry.actor, entry.reason) == ("alice", "seller's wish")
    shown = read(owner, row)
    assert standings(shown) == ["Won", "Won", "Lost"] and "Settle now…" not in shown
    assert all(f"/admin/admission/admission/{one.pk}/change/" in shown for one in Admission.objects.all())
    assert (
        "Price won"
        in owner.get(f"/admin/admission/admission/{Admission.objects.latest('pk').pk}/change/").content.decode()
    )
    again = owner.post(f"{page(row)}/settle/", {"reason": "again"}, follow=True)
    assert "It was settled already." in again.content.decode()


def test_what_has_not_opened_is_not_settled(owner: Client, shop_a: Retailer) -> None:
    row = make(shop_a, open_at=clock.now().replace(year=2099))
    assert "Settle now…" not in read(owner, row)
    assert owner.post(f"{page(row)}/settle/", {"reason": "now"}).status_code == 422


def test_all_bids_are_paged_and_take_no_more_queries_for_more(owner: Client, shop_a: Retailer) -> None:
    row = make(shop_a, *range(1000, 3500, 100))
    assert "All bids" in read(owner, row)
    few_bids = make(shop_a, 1000)
    with CaptureQueriesContext(connection) as few:
        read(owner, few_bids, "bids")
    with CaptureQueriesContext(connection) as many:
        shown = read(owner, row, "bids")
    assert len(few) == len(many) and shown.count(">Outbid</span>") == 24
    behind = owner.get(f"{page(row)}/bids/?from=25").content.decode()
    assert "<td>10.00 EUR</td>" in behind and "Previous" in behind
