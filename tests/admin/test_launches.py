"""Staff build launches on one page, watch a queue run, and steer it; whatever they do is in the audit trail."""

from collections.abc import Iterator

import pytest
import redis
from django.test import Client

from checkout.admission import admissions, claims, line, queue_numbers, queue_ticks, queues
from checkout.admission.models import Admission, Consumer, Distribution
from offers.lib import clock
from offers.models import AuditEntry, Retailer
from tests import factories

BUILD = {
    "name": "Autumn drop",
    "mechanism": "queue",
    "admission_rate": "120",
    "max_active": "50",
    "max_capacity": "unlimited",
    "pre_queue_minutes": "0",
    "winner_count": "1",
    "quantity": "1",
    "auto_extend_seconds": "60",
    "admission_ttl_seconds": "900",
    "max_units": "2",
    "allow_reentry": "on",
}


@pytest.fixture(autouse=True)
def emptied(redis_client: "redis.Redis") -> Iterator[None]:
    line.reset()
    queue_numbers.reset()
    yield
    line.reset()


def build(owner: Client, shop: Retailer, **changed: str) -> Distribution:
    answer = owner.post("/admin/admission/distribution/add/", {"retailer": shop.pk, **BUILD, **changed})
    assert answer.status_code == 302, answer.content.decode()[:3000]
    return Distribution.objects.select_related("sequence__experience").latest("pk")


def trail() -> list[str]:
    return list(AuditEntry.objects.filter(object_type="distribution").order_by("id").values_list("action", flat=True))


def test_one_page_builds_a_queue(owner: Client, shop_a: Retailer) -> None:
    made = build(owner, shop_a, open_at="2026-12-01T10:00", access_code="VIP")
    assert (made.sequence.experience.name, made.sequence.access_code) == ("Autumn drop", "VIP")
    assert (made.admission_rate, made.max_active, made.max_capacity, made.max_units) == (120, 50, None, 2)
    assert trail() == ["distribution.create"]
    page = owner.get(f"/admin/admission/distribution/{made.pk}/change/").content.decode()
    assert "Autumn drop" in page and str(made.uuid) in page and "Nobody waits." in page


def test_one_page_builds_an_auction_in_money_of_the_shop(owner: Client) -> None:
    made = build(owner, factories.retailer(currency="JPY"), mechanism="auction", start_price="1200")
    assert (made.mechanism, made.start_price, made.currency, made.admission_rate) == ("auction", 1200, "JPY", None)


def test_what_cannot_be_is_said_at_its_field(owner: Client, shop_a: Retailer) -> None:
    for wrong in ({"open_at": "2026-12-02T10:00", "close_at": "2026-12-01T10:00"}, {"admission_ttl_seconds": "10"}):
        answer = owner.post("/admin/admission/distribution/add/", {"retailer": shop_a.pk, **BUILD, **wrong})
        assert answer.status_code == 422
    assert not Distribution.objects.exists()


def test_a_change_is_in_force_and_keeps_the_rest(owner: Client, shop_a: Retailer) -> None:
    made = build(owner, shop_a)
    form = {"admission_rate": "60", "max_active": "50", "pre_queue_minutes": "0", "admission_ttl_seconds": "600"}
    answer = owner.post(f"/admin/admission/distribution/{made.pk}/edit/", {**form, "max_units": "2"})
    assert answer.status_code == 302, answer.content.decode()[:3000]
    made.refresh_from_db()
    assert (made.admission_rate, made.max_active, made.admission_ttl_seconds, made.allow_reentry) == (
        60,
        50,
        600,
        False,
    )


def test_the_live_view_counts_and_staff_pause_admit_and_deny(owner: Client, shop_a: Retailer) -> None:
    made = build(owner, shop_a)
    page = f"/admin/admission/distribution/{made.pk}"
    now = clock.now()
    people = [Consumer.objects.create(retailer=shop_a, created_at=now) for _ in range(3)]
    assert owner.post(f"{page}/pause/", {"reason": "stock count"}).status_code == 302
    made.refresh_from_db()
    for one in people:
        queues.enter(distribution=made, consumer=one, now=now)
    queue_ticks.tick(distribution=made, now=now)
    shown = owner.get(f"{page}/live/").json()
    assert (shown["figures"]["waiting"], shown["figures"]["admitted"], len(shown["series"])) == ("3", "0", 30)
    assert shown["status"].startswith("Paused")
    assert str(people[0].uuid) in owner.get(f"{page}/change/").content.decode()
    assert owner.post(f"{page}/admit/", {"consumer": str(people[2].uuid)}).status_code == 302
    assert Admission.objects.get().consumer_id == people[2].pk
    assert owner.post(f"{page}/deny/", {"consumer": str(people[1].uuid), "reason": "bot"}).status_code == 302
    assert owner.post(f"{page}/deny/", {"consumer": "nobody", "reason": "bot"}).status_code == 422
    assert owner.post(f"{page}/resume/", {"reason": "counted"}).status_code == 302
    shown = owner.get(f"{page}/live/").json()
    assert (shown["figures"]["waiting"], shown["figures"]["admitted"]) == ("1", "1")
    assert sum(one["admitted"] for one in shown["series"]) == 1
    assert trail()[1:] == ["distribution.update", "queue.admit", "queue.deny", "distribution.update"]
    assert AuditEntry.objects.filter(reason="stock count", actor="alice").exists()


def test_a_launch_tells_what_its_orders_came_to(owner: Client, shop_a: Retailer) -> None:
    made = build(owner, shop_a)
    page = f"/admin/admission/distribution/{made.pk}"
    assert owner.get(f"{page}/live/").json()["figures"]["revenue"] == "–"
    now = clock.now()
    for number, (amount, currency) in enumerate([(1250, "EUR"), (750, "EUR"), (900, "JPY")]):
        person = Consumer.objects.create(retailer=shop_a, created_at=now)
        entry = made.entries.create(consumer=person, state="QUEUED", entered_at=now)
        [held] = admissions.issue(distribution=made, entries=[entry], now=now)
        claims.complete(admission_id=held.pk, order_id=f"O-{number}", amount=amount, currency=currency, now=now)
    figures = owner.get(f"{page}/live/").json()["figures"]
    assert (figures["completed"], figures["revenue"]) == ("3", "20.00 EUR + 900 JPY")
    assert "20.00 EUR + 900 JPY" in owner.get(f"{page}/change/").content.decode()
