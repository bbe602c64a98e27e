"""Staff find an admission by whatever a shopper names, read its whole life, and take it away with a reason."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from checkout.admission import admissions, claims, distributions, reservations
from checkout.admission.models import Admission, Consumer, Distribution, Entry, Flag
from offers import catalogue, stock
from offers.ledger.models import Hold
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import AuditEntry, Retailer

LIST = "/admin/admission/admission/"
STATES = ("ISSUED", "CLAIMED", "COMPLETED", "EXPIRED", "REVOKED", "RELEASED")
WORDS = {
    "ISSUED": "Issued",
    "CLAIMED": "Claimed",
    "COMPLETED": "Completed",
    "EXPIRED": "Expired",
    "REVOKED": "Revoked",
    "RELEASED": "Released",
}


def launch(shop: Retailer, name: str = "Drop", **fields: object) -> Distribution:
    fields.setdefault("max_active", 50)
    return distributions.create(
        retailer_id=shop.pk, mechanism="queue", fields=fields, experience={"name": name}, actor=SYSTEM, now=clock.now()
    )


def admit(queue: Distribution, *, ago: int = 10, **person: str) -> Admission:
    at = clock.now() - timedelta(seconds=ago)
    consumer = Consumer.objects.create(retailer=queue.retailer, created_at=at, **person)
    entry = Entry.objects.create(distribution=queue, consumer=consumer, state="QUEUED", entered_at=at)
    [made] = admissions.issue(distribution=queue, entries=[entry], now=at)
    return made


def in_state(queue: Distribution, state: str) -> Admission:
    """An admission brought into a state by the verbs themselves; the expired one was never swept."""
    made = admit(queue, ago=3000 if state == "EXPIRED" else 10)
    now = clock.now()
    if state in {"CLAIMED", "COMPLETED"}:
        claims.claim(admission_id=made.pk, session="cart", now=now)
    if state == "COMPLETED":
        claims.complete(admission_id=made.pk, order_id="O-77", amount=4200, currency="EUR", now=now)
    if state == "REVOKED":
        claims.revoke(admission_id=made.pk, actor=SYSTEM, reason="a bot", now=now)
    if state == "RELEASED":
        claims.release(admission_id=made.pk, now=now)
    made.refresh_from_db()
    return made


@pytest.fixture
def each(shop_a: Retailer) -> dict[str, Admission]:
    queue = launch(shop_a)
    return {state: in_state(queue, state) for state in STATES}


def found(owner: Client, query: str) -> set[int]:
    answer = owner.get(f"{LIST}?{query}")
    assert answer.status_code == 200
    return {row.pk for row in answer.context["cl"].result_list}


def test_a14_every_state_of_an_admission_is_read_in_the_list_and_on_its_page(
    owner: Client, each: dict[str, Admission]
) -> None:
    listed = owner.get(LIST).content.decode()
    for state, row in each.items():
        assert str(row.uuid)[:8] in listed and WORDS[state] in listed
        page = owner.get(f"{LIST}{row.pk}/change/").content.decode()
        assert f"ok-chip {'' if state in {'EXPIRED', 'RELEASED'} else 'ok-'}" in page
        assert f">{WORDS[state]}</span>" in page and str(row.uuid) in page
        assert found(owner, f"state={state}") == {row.pk}


def test_the_life_of_an_admission_is_told_in_order(owner: Client, each: dict[str, Admission]) -> None:
    page = owner.get(f"{LIST}{each['COMPLETED'].pk}/change/").content.decode()
    at = [page.index(f"<b>{text}</b>") for text in ("Completed", "Claimed", "Admitted", "Joined")]
    assert at == sorted(at)
    assert "order O-77 42.00 EUR" in page and "Revoke…" not in page
    assert "A place in the checkout" in page and "Given back" in page
    page = owner.get(f"{LIST}{each['REVOKED'].pk}/change/").content.decode()
    assert "a bot" in page and "Revoke…" not in page
    page = owner.get(f"{LIST}{each['CLAIMED'].pk}/change/").content.decode()
    assert "data-until" in page and "Revoke…" in page


def test_an_admission_is_found_by_itself_its_consumer_its_entry_and_its_order(
    owner: Client, shop_a: Retailer, each: dict[str, Admission]
) -> None:
    row = each["COMPLETED"]
    mine = admit(launch(shop_a, "Spring"), email="ada@example.com")
    for text in (row.uuid, str(row.uuid).upper(), row.consumer.uuid, row.entry.uuid, "O-77"):
        assert found(owner, f"q={text}") == {row.pk}, text
    assert found(owner, "q=ada@example.com") == {mine.pk}
    assert found(owner, "launch=spring") == found(owner, f"launch={mine.distribution.uuid}") == {mine.pk}
    for nothing in ("q=O-7", "q=%00", "launch=winter", "q=00000000-0000-0000-0000-000000000000"):
        assert mine.pk not in found(owner, nothing) or nothing == "q=%00"
    today = clock.now().date()
    assert found(owner, f"since={today - timedelta(days=1)}") >= {mine.pk}
    assert found(owner, f"until={today - timedelta(days=3)}") == set()


def test_one_whose_time_is_up_has_expired_though_nobody_swept_it_and_a_payment_has_two_minutes_more(
    owner: Client, shop_a: Retailer
) -> None:
    queue = launch(shop_a, admission_ttl_seconds=60)
    over, paying = admit(queue, ago=100), admit(queue, ago=100)
    claims.begin_payment(admission_id=paying.pk, session="cart", now=clock.now() - timedelta(seconds=60))
    assert found(owner, "state=EXPIRED") == {over.pk}
    assert found(owner, "state=CLAIMED") == {paying.pk}
    assert ">Claimed, paying</span>" in owner.get(f"{LIST}{paying.pk}/change/").content.decode()


def test_revoking_wants_a_reason_frees_the_place_and_is_audited(owner: Client, shop_a: Retailer) -> None:
    row = admit(launch(shop_a))
    page = f"{LIST}{row.pk}/revoke/"
    assert owner.get(page).status_code == 200
    assert owner.post(page, {"reason": " "}).status_code == 422
    assert owner.post(page, {"reason": "bought twice"}).status_code == 302
    row.refresh_from_db()
    assert row.state == "REVOKED" and not Hold.objects.filter(state="live").exists()
    entry = AuditEntry.objects.get(action="admission.revoke")
    assert (entry.actor, entry.reason, entry.object_id) == ("alice", "bought twice", str(row.uuid))
    assert "bought twice" in owner.get(f"{LIST}{row.pk}/change/").content.decode()
    again = owner.post(page, {"reason": "once more"})
    assert again.status_code == 422 and "revoked already" in again.content.decode()


def test_more_time_wants_a_reason_and_is_told_with_it(owner: Client, shop_a: Retailer) -> None:
    row = admit(launch(shop_a))
    page = f"{LIST}{row.pk}/extend/"
    assert owner.get(page).status_code == 200
    for wrong in ({"minutes": "5", "reason": ""}, {"minutes": "0", "reason": "x"}, {"minutes": "60", "reason": "x"}):
        assert owner.post(page, wrong).status_code == 422, wrong
    assert owner.post(page, {"minutes": "7", "reason": "on the phone"}).status_code == 302
    until = row.expires_at + timedelta(minutes=7)
    row.refresh_from_db()
    assert row.expires_at == until
    shown = owner.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "Extended by 7 minutes" in shown and "on the phone" in shown and "by alice" in shown
    claims.release(admission_id=row.pk, now=clock.now())
    assert owner.post(page, {"minutes": "7", "reason": "again"}).status_code == 422


def test_what_was_reserved_is_shown_with_what_became_of_it(owner: Client, shop_a: Retailer) -> None:
    product = catalogue.upsert_product(
        retailer_id=shop_a.pk, source_id="shoe", fields={"name": "Shoe"}, actor=SYSTEM, now=clock.now()
    )
    sku = catalogue.upsert_sku(
        product=product, source_id="shoe-42", fields={"sku": "SHOE-42"}, actor=SYSTEM, now=clock.now()
    )
    stock.set_on_hand(sku=sku, on_hand=5, now=clock.now())
    row = admit(launch(shop_a, max_units=2))
    reservations.reserve(admission_id=row.pk, sku="SHOE-42", quantity=2, now=clock.now())
    shown = owner.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "Reservations" in shown and "2 × " in shown and "Units in stock" in shown
    claims.complete(admission_id=row.pk, order_id="O-1", amount=1, currency="EUR", now=clock.now())
    assert ">Sold</span>" in owner.get(f"{LIST}{row.pk}/change/").content.decode()


def test_what_was_flagged_of_its_consumer_is_told(owner: Client, shop_a: Retailer) -> None:
    row = admit(launch(shop_a))
    assert "Challenge not" not in owner.get(f"{LIST}{row.pk}/change/").content.decode()
    Flag.objects.create(distribution=row.distribution, consumer=row.consumer, kind="unproven", created_at=clock.now())
    assert "Challenge not verified" in owner.get(f"{LIST}{row.pk}/change/").content.decode()


def test_marketers_look_and_reviewers_act(marketer: Client, reviewer: Client, shop_a: Retailer) -> None:
    row = admit(launch(shop_a))
    assert "Revoke…" not in marketer.get(f"{LIST}{row.pk}/change/").content.decode()
    assert marketer.post(f"{LIST}{row.pk}/revoke/", {"reason": "mine"}).status_code == 403
    assert "Revoke…" in reviewer.get(f"{LIST}{row.pk}/change/").content.decode()
    assert reviewer.post(f"{LIST}{row.pk}/revoke/", {"reason": "a bot"}).status_code == 302


def test_a_list_of_many_takes_no_more_queries_than_one_of_few(owner: Client, shop_a: Retailer) -> None:
    queue = launch(shop_a)
    admit(queue)
    owner.get(LIST)
    with CaptureQueriesContext(connection) as few:
        owner.get(LIST)
    for _ in range(12):
        admit(queue)
    with CaptureQueriesContext(connection) as many:
        owner.get(LIST)
    assert len(many) == len(few)
