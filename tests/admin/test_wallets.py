"""Stores, wallets, members and transactions in the back office: what pages show and what their actions change."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from checkout.admin import transactions
from checkout.models import OfferLock, Revision
from offers import user_offers
from offers.lib import clock
from offers.models import AuditEntry, Store, UserOffer
from tests.admin.scene import SHOP, Scene


@pytest.fixture
def dead(scene: Scene) -> Revision:
    row = scene.transaction.revisions.get()
    row.state, row.error, row.attempts = Revision.State.DEAD, "ValueError: no such currency", 8
    row.save()
    return row


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def lock(scene: Scene, state: str = "active", seconds: int = 300) -> OfferLock:
    moment = clock.now()
    return OfferLock.objects.create(
        retailer=scene.shop,
        user_offer=scene.held,
        store=scene.store,
        transaction_id="T-9",
        state=state,
        amount=500,
        locked_at=moment,
        priced_at=moment,
        expires_at=moment + timedelta(seconds=seconds),
    )


def test_the_customer_page_tells_points_wallet_and_live_locks(marketer: Client, scene: Scene) -> None:
    lock(scene)
    said = page(marketer, f"/admin/offers/customer/{scene.customer.pk}/change/")
    for words in ("250", "Welcome", "+250", "4711", "Five off", "Locked now", "T-9", "High Street", "5.00 USD"):
        assert words in said, words


def test_a_lock_past_its_time_is_not_shown_as_live(marketer: Client, scene: Scene) -> None:
    lock(scene, seconds=-1)
    assert "Locked now" not in page(marketer, f"/admin/offers/customer/{scene.customer.pk}/change/")


@pytest.mark.parametrize("text", ["4711", "cust-1"])
def test_customers_are_found_by_the_ids_of_other_systems(marketer: Client, scene: Scene, text: str) -> None:
    assert "Ada Example" in page(marketer, f"/admin/offers/customer/?q={text}")


def test_an_offer_is_taken_away_with_a_reason(reviewer: Client, scene: Scene) -> None:
    path = f"/admin/offers/useroffer/{scene.held.pk}/revoke/"
    assert reviewer.post(path, {"reason": ""}).status_code == 422
    assert reviewer.post(path, {"reason": "given by mistake"}).status_code == 302
    scene.held.refresh_from_db()
    assert scene.held.status == UserOffer.Status.REVOKED
    assert "given by mistake" in page(reviewer, f"/admin/offers/useroffer/{scene.held.pk}/change/")


def test_a_locked_offer_is_not_taken_away(reviewer: Client, scene: Scene) -> None:
    lock(scene)
    answer = reviewer.post(f"/admin/offers/useroffer/{scene.held.pk}/revoke/", {"reason": "oops"})
    assert answer.status_code == 422
    assert "locked" in answer.content.decode()


def test_a_lock_is_let_go_with_a_reason(reviewer: Client, scene: Scene) -> None:
    held = lock(scene)
    path = f"/admin/offers/useroffer/{scene.held.pk}/"
    assert "Unlock…" in page(reviewer, f"{path}change/")
    assert reviewer.post(f"{path}unlock/", {"reason": "the till broke"}).status_code == 302
    held.refresh_from_db()
    assert held.state == OfferLock.State.RELEASED
    assert AuditEntry.objects.filter(action="offer.unlock", reason="the till broke").exists()


def test_a_used_offer_is_given_back(reviewer: Client, scene: Scene) -> None:
    place = f"{scene.store.uuid}:T-1"
    user_offers.redeem(user_offer_id=scene.held.pk, redeemed_in=place, amount=500, actor=SHOP, now=clock.now())
    path = f"/admin/offers/useroffer/{scene.held.pk}/"
    assert "T-1, High Street" in page(reviewer, f"{path}change/")
    assert reviewer.post(f"{path}reinstate/", {"reason": "returned"}).status_code == 302
    scene.held.refresh_from_db()
    assert scene.held.status == UserOffer.Status.ISSUED


def test_stores_are_made_and_changed_under_audit(chief: Client, scene: Scene) -> None:
    form = {"retailer": scene.shop.pk, "name": "Airport", "tags": "kiosk, travel", "timezone": "", "active": "on"}
    assert chief.post("/admin/offers/store/add/", form).status_code == 302
    made = Store.objects.get(name="Airport")
    assert made.tags == ["kiosk", "travel"]
    assert chief.post(f"/admin/offers/store/{made.pk}/edit/", {**form, "name": "Airport 2"}).status_code == 302
    assert AuditEntry.objects.filter(action="store.update", object_id=str(made.uuid)).exists()


@pytest.mark.parametrize("text", ["T-1", "R-1", "High"])
def test_transactions_are_found_by_id_receipt_and_store(marketer: Client, scene: Scene, text: str) -> None:
    assert ">T-1<" in page(marketer, f"/admin/checkout/transaction/?q={text}")
    assert ">T-1<" not in page(marketer, f"/admin/checkout/transaction/?q={text}-not")


def test_a_customer_is_led_to_the_transactions_his_offers_were_used_in(marketer: Client, scene: Scene) -> None:
    place = f"{scene.store.uuid}:T-1"
    user_offers.redeem(user_offer_id=scene.held.pk, redeemed_in=place, amount=500, actor=SHOP, now=clock.now())
    assert ">T-1<" in page(marketer, "/admin/checkout/transaction/?customer=cust-1")


def test_the_list_tells_how_long_the_queue_is(marketer: Client, scene: Scene) -> None:
    said = page(marketer, "/admin/checkout/transaction/")
    assert "Oldest waits for" in said
    assert ">T-1<" in page(marketer, "/admin/checkout/transaction/?state=waiting")
    assert ">T-1<" not in page(marketer, "/admin/checkout/transaction/?state=dead")


def test_revisions_stand_side_by_side(marketer: Client, scene: Scene) -> None:
    first = scene.transaction.revisions.get()
    Revision.objects.create(
        transaction=scene.transaction,
        number=2,
        content_hash=b"2",
        payload={**first.payload, "subtotal": "12.50"},
        modified_at=clock.now(),
        is_closed=True,
        received_at=clock.now(),
    )
    said = page(marketer, f"/admin/checkout/transaction/{scene.transaction.pk}/change/")
    assert "Revision 1" in said
    assert "Revision 2" in said
    assert "40.00" in said
    assert "12.50" in said


def test_a_dead_transaction_is_tried_again(reviewer: Client, scene: Scene, dead: Revision) -> None:
    path = f"/admin/checkout/transaction/{scene.transaction.pk}/"
    assert "no such currency" in page(reviewer, f"{path}change/")
    assert reviewer.post(f"{path}retry/", {"reason": "currency added"}).status_code == 302
    dead.refresh_from_db()
    assert (dead.state, dead.attempts) == (Revision.State.QUEUED, 0)
    assert AuditEntry.objects.filter(action="transaction.retry", reason="currency added").exists()


def test_a_dead_transaction_is_discarded_once(reviewer: Client, scene: Scene, dead: Revision) -> None:
    path = f"/admin/checkout/transaction/{scene.transaction.pk}/discard/"
    assert reviewer.post(path, {"reason": "a test sale"}).status_code == 302
    dead.refresh_from_db()
    assert dead.state == Revision.State.PROCESSED
    assert "Retry…" not in page(reviewer, path.replace("discard", "change"))


def test_the_page_of_a_sale_explains_all_that_became_of_it(marketer: Client, scene: Scene) -> None:
    used, refused = {"user_offer_id": str(scene.held.uuid)}, "00000000-0000-4000-8000-000000000000"
    scene.transaction.revisions.update(
        state=Revision.State.PROCESSED,
        result={
            "redeemed": [{**used, "amount": 500, "sent_amount": 450}],
            "rejected": [{"user_offer_id": refused, "reason": "lock_missing"}],
            "released": [],
            "reinstated": [],
            "offers_revoked": [],
            "points": "skipped_return_window",
            "users": [],
            "levels": ["club/silver"],
            "notes": ["limit_reached:Five: off:loyalty.points"],
            "warnings": ["totals_mismatch", f"lock_expired:{scene.held.uuid}"],
        },
    )
    path = f"/admin/checkout/transaction/{scene.transaction.pk}/change/"
    said = page(marketer, path)
    for words in (
        "The till took 4.50 USD off",
        refused,
        "This sale held no lock on it",
        "twelve months",
        "Nobody known to us paid",
        "club/silver",
        "Rule Five: off",
        "its budget of points is spent",
        "not the sum of its lines",
        "Its lock had expired; nobody else",
        f"/admin/offers/useroffer/{scene.held.pk}/change/",
        "Discount without its offer",
    ):
        assert words in said, words
    listed = page(marketer, "/admin/checkout/transaction/?state=refused")
    assert ">T-1<" in listed
    assert "Discounts without their offer" in listed
    scene.transaction.revisions.update(result={"discarded": True, "by": "Bob", "reason": "a test <b>sale</b>"})
    said = page(marketer, path)
    assert "Discarded" in said
    assert "a test &lt;b&gt;sale&lt;/b&gt;" in said
    assert ">T-1<" not in page(marketer, "/admin/checkout/transaction/?state=refused")


def test_sales_with_a_refused_discount_are_found_by_their_index(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = transactions.refused().filter(received_at__gt=clock.now() - timedelta(days=7)).explain()
    assert "revision_refused" in plan, plan
