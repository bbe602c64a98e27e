"""Loyalty cards in the back office: programs, points added to a card, and what was done with them."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from checkout.models import LockSession, Redemption
from offers import campaigns
from offers.ledger.models import Counter
from offers.models import AuditEntry, Campaign, Retailer, Voucher
from tests.admin import scene
from tests.admin.test_campaigns import ADD, change, form, made

CLUB: dict[str, Any] = {
    "name": "Club",
    "campaign_type": "LOYALTY_PROGRAM",
    "points": "300",
    "points_ratio": "10",
    "points_pay": "0.25",
}


@pytest.fixture
def club(shop_a: Retailer) -> Campaign:
    card = {"points": 300, "exchange_ratio": 25, "points_ratio": 10}
    return campaigns.create(
        name="Club", campaign_type="LOYALTY_PROGRAM", fields={"loyalty_card": card}, **scene.who(shop_a)
    )


@pytest.fixture
def card(club: Campaign, shop_a: Retailer) -> Voucher:
    return campaigns.add_voucher(ident=club.public_id, code="ADA", fields={}, **scene.who(shop_a))


def page(client: Client, row: Any) -> str:
    answer = client.get(f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def spend(shop: Retailer, points: int, **more: Any) -> None:
    asked = [{"object": "voucher", "id": "ADA", "reward": {"id": "rew_pay", "points": points}}]
    scene.redeem(shop, redeemables=asked, order={"amount": 5000}, **more)


def test_a_program_is_made_in_the_one_form(marketer: Client, shop_a: Retailer) -> None:
    assert marketer.post(ADD, form(**CLUB)).status_code == 302
    program = made()
    assert (program.campaign_type, program.gift_amount) == ("LOYALTY_PROGRAM", 300)
    assert (program.exchange_ratio, program.points_ratio) == (Decimal(25), 10)
    said = page(marketer, program)
    assert "300 points to begin with, 10 points pay 0.25 USD" in said


@pytest.mark.parametrize(
    ("sent", "complaint"),
    [
        ({"points_pay": ""}, "Please fill this in."),
        ({"points_pay": "0"}, "Please fill this in."),
        ({"points_ratio": ""}, "Please fill this in."),
        ({"points_ratio": "0"}, "greater than or equal to 1"),
        ({"points_pay": "0.001"}, "USD has 2 decimals."),
        ({"points": "-1"}, "greater than or equal to 0"),
    ],
)
def test_what_a_program_cannot_be(marketer: Client, shop_a: Retailer, sent: dict[str, str], complaint: str) -> None:
    answer = marketer.post(ADD, form(**{**CLUB, **sent}))
    assert answer.status_code == 422
    assert complaint in answer.content.decode()
    assert not Campaign.objects.exists()


def test_what_points_pay_is_changed_with_a_reason(marketer: Client, club: Campaign) -> None:
    assert change(marketer, club, points_pay="0.50", reason="More generous").status_code == 302
    club.refresh_from_db()
    assert (club.exchange_ratio, club.points_ratio, club.gift_amount) == (Decimal(50), 10, 300)
    audited = AuditEntry.objects.get(action="campaign.update")
    assert (audited.before, audited.after) == ({"exchange_ratio": "25"}, {"exchange_ratio": "50"})
    assert audited.reason == "More generous"


def test_a_rate_finer_than_money_is_left_alone(marketer: Client, club: Campaign) -> None:
    Campaign.objects.update(exchange_ratio=Decimal("0.5"))
    assert change(marketer, club, description="For regulars").status_code == 302
    club.refresh_from_db()
    assert (club.exchange_ratio, club.description) == (Decimal("0.5"), "For regulars")
    assert "10 points pay 0.5 minor units of USD" in page(marketer, club)


def test_cards_are_made_in_their_program(marketer: Client, shop_a: Retailer) -> None:
    said = marketer.get("/admin/offers/voucher/add/").content.decode()
    assert "LOYALTY_CARD" not in said
    sent = {"code": "ADA", "kind": "LOYALTY_CARD", "redemption_limit": "", "customer_limit": ""}
    assert marketer.post("/admin/offers/voucher/add/", sent).status_code == 422


def test_points_are_added_by_hand_with_a_reason(marketer: Client, card: Voucher) -> None:
    assert "Add or take points…" in page(marketer, card)
    path = f"/admin/offers/voucher/{card.pk}/credits/"
    answer = marketer.post(path, {"change": "add", "amount": "50", "reason": "Sorry"}, follow=True)
    assert "ADA now holds 350 points." in answer.content.decode()
    assert marketer.post(path, {"change": "take", "amount": "351", "reason": "Oops"}).status_code == 422
    assert marketer.post(path, {"change": "take", "amount": "1.5", "reason": "Oops"}).status_code == 422
    assert "Points added: 50 points" in page(marketer, card)


def test_staff_see_points_held_used_and_given_back(reviewer: Client, card: Voucher, shop_a: Retailer) -> None:
    asked = [{"object": "voucher", "id": "ADA", "reward": {"id": "rew_pay", "points": 100}}]
    scene.lock(shop_a, "ADA", "cart-1", redeemables=asked, order={"amount": 5000})
    spend(shop_a, 40)
    assert "100 points" in page(reviewer, LockSession.objects.get())
    redemption = Redemption.objects.get()
    assert "40 points for rew_pay" in page(reviewer, redemption)
    said = page(reviewer, card)
    assert "Loyalty card, 10 points pay 0.25 USD" in said
    assert "for 2 hours, 100 points" in said
    answer = reviewer.post(f"/admin/checkout/redemption/{redemption.pk}/roll-back/", {"reason": "Returned"})
    assert answer.status_code == 302
    audited = AuditEntry.objects.get(action="redemption.rollback")
    assert (audited.after or {})["points"] == -40


def test_why_points_did_not_pay_is_in_words(reviewer: Client, card: Voucher, shop_a: Retailer) -> None:
    spend(shop_a, 301)
    said = page(reviewer, Redemption.objects.get())
    assert "Not enough points" in said
    assert "Enough points are left" in said


def test_the_ledger_page_counts_points(owner: Client, card: Voucher, shop_a: Retailer) -> None:
    spend(shop_a, 40)
    said = page(owner, Counter.objects.get(kind="voucher.credits"))
    assert "40 points" in said
    assert "USD" not in said


def test_a_list_of_cards_asks_as_much_for_many_as_for_one(marketer: Client, club: Campaign, shop_a: Retailer) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert "10 points pay 0.25 USD" in marketer.get("/admin/offers/voucher/").content.decode()
        return len(queries)

    campaigns.add_voucher(ident=club.public_id, code="ADA", fields={}, **scene.who(shop_a))
    few = asked()
    for code in ("BOB", "CYD", "DAN"):
        campaigns.add_voucher(ident=club.public_id, code=code, fields={}, **scene.who(shop_a))
    assert asked() == few
