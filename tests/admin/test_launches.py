"""Staff build launches on one page, watch a queue run, and steer it; whatever they do is in the audit trail."""

import pytest
from django.test import Client

from checkout.admission import admissions, claims, line, queue_ticks, queues
from checkout.admission.models import Admission, Consumer, Distribution
from offers.lib import clock
from offers.models import AuditEntry, Retailer
from tests import factories

pytestmark = pytest.mark.usefixtures("emptied_line")

BUILD = {
    "name": "Autumn drop",
    "mechanism": "queue",
    "admission_rate": "120",
    "max_active": "50",
    "max_capacity": "unlimited",
    "pre_queue_minutes": "0",
    "winner_count": "1",
    "quantity": "1",
    "auto_extend_seconds": "60 s",
    "admission_ttl_seconds": "15 min",
    "max_extensions": "0",
    "extension_seconds": "5 min",
    "max_units": "2",
    "allow_reentry": "on",
}


def build(owner: Client, shop: Retailer, **changed: str) -> Distribution:
    answer = owner.post("/admin/admission/distribution/add/", {"retailer": shop.pk, **BUILD, **changed})
    assert answer.status_code == 302, answer.content.decode()[:3000]
    return Distribution.objects.select_related("sequence__experience").latest("pk")


def trail() -> list[str]:
    return list(AuditEntry.objects.filter(object_type="distribution").order_by("id").values_list("action", flat=True))


def test_one_page_builds_a_queue(owner: Client, shop_a: Retailer) -> None:
    made = build(owner, shop_a, open_at="2026-12-01T10:00", access_code="VIP", flagged_last="on")
    assert made.flagged_last
    assert (made.sequence.experience.name, made.sequence.access_code) == ("Autumn drop", "VIP")
    assert (made.admission_rate, made.max_active, made.max_capacity, made.max_units) == (120, 50, None, 2)
    assert trail() == ["distribution.create"]
    page = owner.get(f"/admin/admission/distribution/{made.pk}/change/").content.decode()
    assert "Autumn drop" in page and str(made.uuid) in page and "Nobody waits." in page


def test_one_page_builds_an_auction_in_money_of_the_shop(owner: Client) -> None:
    made = build(owner, factories.retailer(currency="JPY"), mechanism="auction", start_price="1200")
    assert (made.mechanism, made.start_price, made.currency, made.admission_rate) == ("auction", 1200, "JPY", None)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("close_at", {"open_at": "2026-12-02T10:00", "close_at": "2026-12-01T10:00"}),
        ("admission_ttl_seconds", {"admission_ttl_seconds": "10 s"}),
        ("max_extensions", {"max_extensions": "101"}),
        ("extension_seconds", {"extension_seconds": "0"}),
        ("hard_end_at", {"hard_end_at": "soon"}),
        ("hard_end_at", {"open_at": "2026-12-02T10:00", "hard_end_at": "2026-12-02T10:00"}),
        ("settle_at", {"mechanism": "auction", "close_at": "2026-12-02T10:00", "settle_at": "2026-12-02T09:59"}),
        ("alternates", {"mechanism": "draw", "alternates": "some"}),
        ("alternates", {"mechanism": "draw", "alternates": "1000001"}),
        ("capacity", {"mechanism": "draw", "capacity": "-1"}),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    owner: Client, shop_a: Retailer, field: str, wrong: dict[str, str]
) -> None:
    answer = owner.post("/admin/admission/distribution/add/", {"retailer": shop_a.pk, **BUILD, **wrong})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert not Distribution.objects.exists()


def test_a_draw_s_alternates_and_extensions_are_set_and_kept(owner: Client, shop_a: Retailer) -> None:
    more = {"max_extensions": "2", "extension_seconds": "2 minutes", "hard_end_at": "2026-12-02T10:00"}
    made = build(owner, shop_a, mechanism="draw", alternates="5", capacity="1,000", backfill="on", **more)
    assert (made.alternates, made.capacity, made.backfill, made.settle_at) == (5, 1000, True, None)
    assert (made.max_extensions, made.extension_seconds) == (2, 120)
    assert made.hard_end_at is not None and f"{made.hard_end_at:%F %R}" == "2026-12-02 10:00"
    page = f"/admin/admission/distribution/{made.pk}"
    shown = owner.get(f"{page}/change/").content.decode()
    assert "2 × 2 min" in shown and "Of the next 5 drawn one comes in" in shown
    form = owner.get(f"{page}/edit/").context["form"]
    assert not {"settle_at", "admission_rate", "quantity"} & form.fields.keys()
    sent = {name: "" if form[name].value() is None else form[name].value() for name in form.fields}
    ticks = ("reserve_on_admission", "require_settled_guest", "require_challenge")
    same = {name: value for name, value in sent.items() if name not in ticks}
    assert owner.post(f"{page}/edit/", same).status_code == 302
    assert AuditEntry.objects.filter(action="distribution.update").get().after == {}
    assert owner.post(f"{page}/edit/", {**same, "alternates": ""}).status_code == 302
    made.refresh_from_db()
    assert (made.alternates, made.hard_end_at is not None, made.backfill) == (0, True, True)
    assert "The next drawn comes in" in owner.get(f"{page}/change/").content.decode()


def test_a_refusal_calls_the_fields_what_the_page_calls_them(owner: Client, shop_a: Retailer) -> None:
    wrong = {"mechanism": "auction", "close_at": "2026-12-02T10:00", "settle_at": "2026-12-02T09:59"}
    answer = owner.post("/admin/admission/distribution/add/", {"retailer": shop_a.pk, **BUILD, **wrong})
    assert answer.context["form"].errors["settle_at"] == ["“Settled” should not be before “Closes”"]


def test_an_auction_is_settled_later_than_it_closes(owner: Client, shop_a: Retailer) -> None:
    moments = {"close_at": "2026-12-02T10:00", "settle_at": "2026-12-03T10:00"}
    made = build(owner, shop_a, mechanism="auction", alternates="5", **moments)
    assert made.settle_at is not None and f"{made.settle_at:%F}" == "2026-12-03"
    assert (made.alternates, made.backfill) == (0, False)
    shown = owner.get(f"/admin/admission/distribution/{made.pk}/change/").content.decode()
    assert "Settles by itself" in shown and "Nobody comes in instead" in shown


def test_a_change_is_in_force_and_keeps_the_rest(owner: Client, shop_a: Retailer) -> None:
    made = build(owner, shop_a)
    form = {"admission_rate": "60", "max_active": "50", "pre_queue_minutes": "0", "admission_ttl_seconds": "10 min"}
    form |= {"max_units": "2", "max_extensions": "0", "extension_seconds": "5 min"}
    answer = owner.post(f"/admin/admission/distribution/{made.pk}/edit/", form)
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
    assert owner.post(f"{page}/admit/", {"consumer": str(people[2].uuid)}).status_code == 422
    assert not Admission.objects.exists()
    assert owner.post(f"{page}/admit/", {"consumer": str(people[2].uuid), "reason": "our mistake"}).status_code == 302
    assert Admission.objects.get().consumer_id == people[2].pk
    assert AuditEntry.objects.get(action="queue.admit").reason == "our mistake"
    assert owner.post(f"{page}/move/", {"consumer": str(people[2].uuid), "reason": "late"}).status_code == 422
    assert owner.post(f"{page}/move/", {"consumer": str(people[0].uuid), "reason": "four accounts"}).status_code == 302
    assert line.head(made.uuid.hex)[-1][0] == people[0].pk
    assert owner.post(f"{page}/deny/", {"consumer": str(people[1].uuid), "reason": "bot"}).status_code == 302
    assert owner.post(f"{page}/deny/", {"consumer": "nobody", "reason": "bot"}).status_code == 422
    assert owner.post(f"{page}/deny/", {"consumer": str(people[0].uuid), "reason": "b" * 201}).status_code == 422
    assert owner.post(f"{page}/resume/", {"reason": "counted"}).status_code == 302
    shown = owner.get(f"{page}/live/").json()
    assert (shown["figures"]["waiting"], shown["figures"]["admitted"]) == ("1", "1")
    assert sum(one["admitted"] for one in shown["series"]) == 1
    assert trail()[1:] == [
        "distribution.update",
        "queue.admit",
        "queue.move_last",
        "queue.deny",
        "distribution.update",
    ]
    assert AuditEntry.objects.filter(reason="stock count", actor="alice").exists()


def test_only_a_queue_is_overridden(owner: Client, shop_a: Retailer) -> None:
    page = f"/admin/admission/distribution/{build(owner, shop_a, mechanism='draw').pk}"
    for name in ("admit", "move", "deny"):
        assert owner.get(f"{page}/{name}/").status_code == 404
        assert f"{page}/{name}/" not in owner.get(f"{page}/change/").content.decode()


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
