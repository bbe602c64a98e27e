"""A live view of a running queue in a real browser: figures and the chart follow by themselves."""

import os
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from checkout.admission import distributions, line, queue_ticks, queues, signals
from checkout.admission.models import Admission, Consumer, Flag
from offers.lib import clock
from offers.lib.actors import SYSTEM
from tests import factories
from tests.browser.looks import SLOW
from tests.browser.test_office import fits, log_in
from tests.checkout.admission import launch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("emptied_line")]


def test_the_live_view_follows_a_running_queue(page: Page, live_server: LiveServer, alice: User) -> None:
    shop = factories.retailer(name="Retailer A", currency="EUR")
    now = clock.now()
    fields = {"open_at": now - timedelta(minutes=9), "admission_rate": 600, "max_active": 500}
    made = distributions.create(
        retailer_id=shop.pk,
        mechanism="queue",
        fields=fields,
        experience={"name": "Autumn drop: trail shoes"},
        actor=SYSTEM,
        now=now,
    )
    people = Consumer.objects.bulk_create([Consumer(retailer=shop, created_at=now) for _ in range(180)])
    for one in people:
        queues.enter(distribution=made, consumer=one, now=now - timedelta(seconds=40))
    for at in range(8):
        queue_ticks.tick(distribution=made, now=now - timedelta(seconds=36 - at))
    went = list(Admission.objects.order_by("id"))
    for at, admission in enumerate(went):
        admission.issued_at = now - timedelta(seconds=(at * 37) % 560)
        if at % 3 == 0:
            admission.state, admission.completed_at = "COMPLETED", admission.issued_at + timedelta(seconds=30)
        elif at % 7 == 0:
            admission.state, admission.ended_at = "EXPIRED", admission.issued_at + timedelta(seconds=60)
        admission.save()
    log_in(page, live_server, "alice", f"admission/distribution/{made.pk}/change/")
    expect(page.get_by_role("heading", name="Autumn drop: trail shoes")).to_be_visible()
    waiting = page.locator('[data-figure="waiting"]')
    before = waiting.inner_text()
    assert int(before) > 0
    queues.leave(distribution=made, consumer_id=people[-1].pk, now=clock.now())
    expect(waiting).to_have_text(str(int(before) - 1), timeout=SLOW)
    expect(page.locator("rect.ok-bar-admitted")).to_have_count(30)
    fits(page)
    shoot(page, "live")
    page.goto(f"{live_server.url}/admin/admission/distribution/add/")
    expect(page.get_by_label("Admitted a minute")).to_be_visible()
    expect(page.get_by_label("Least step")).to_be_hidden()
    fits(page)
    shoot(page, "build")
    page.get_by_text("Auction", exact=True).click()
    expect(page.get_by_label("Least step")).to_be_visible()
    expect(page.get_by_label("Admitted a minute")).to_be_hidden()


def test_the_form_of_a_draw_and_of_an_auction_asks_what_each_has(
    page: Page, live_server: LiveServer, alice: User
) -> None:
    factories.retailer(name="Retailer A", currency="EUR")
    log_in(page, live_server, "alice", "admission/distribution/add/")
    expect(page.get_by_label("Admitted a minute")).to_be_visible()
    alternates, settled = page.get_by_label("Alternates"), page.get_by_label("Settled")
    expect(alternates).to_be_hidden()
    page.get_by_text("Draw", exact=True).click()
    expect(alternates).to_be_visible()
    expect(settled).to_be_hidden()
    fits(page)
    shoot(page, "build-draw")
    page.get_by_text("Auction", exact=True).click()
    expect(settled).to_be_visible()
    expect(alternates).to_be_hidden()
    page.get_by_label("Name", exact=False).first.fill("Signed print")
    page.get_by_label("Extensions a checkout may ask for").fill("2")
    page.get_by_label("Closes").fill("2026-12-02T10:00")
    fits(page)
    shoot(page, "build-auction")
    settled.fill("2026-12-02T11:00")
    page.get_by_role("button", name="Build launch").click()
    expect(page.get_by_text("2 × 5 min")).to_be_visible()
    fits(page)
    shoot(page, "built-auction")


def test_a_flagged_one_is_put_at_the_end_of_the_line(page: Page, live_server: LiveServer, alice: User) -> None:
    shop = factories.retailer(name="Retailer A", currency="EUR")
    now = clock.now()
    made = launch.queue(shop, now=now)
    one, two = Consumer.objects.bulk_create([Consumer(retailer=shop, created_at=now) for _ in range(2)])
    launch.enter_now(made, one)
    distributions.update(retailer_id=shop.pk, uuid=str(made.uuid), fields={"paused": True}, actor=SYSTEM, now=now)
    for who in (two, Consumer.objects.create(retailer=shop, created_at=now)):
        queues.enter(distribution=made, consumer=who, now=now)
    signals.flag(made, [two.pk], Flag.Kind.DEVICE, mark="0123456789abcdef", accounts=4, now=now)
    log_in(page, live_server, "alice", f"admission/flag/{Flag.objects.get().pk}/change/")
    shoot(page, "flag")
    fits(page)
    page.get_by_role("link", name="Move to the end…").press("Enter")
    expect(page.get_by_role("heading", name="Put at the end of the line")).to_be_visible()
    page.get_by_label("Reason").fill("Four accounts on one phone")
    fits(page)
    shoot(page, "move")
    page.get_by_role("button", name="Move to the end").press("Enter")
    expect(page.get_by_text("Moved to the end of the line.")).to_be_visible()
    assert line.head(made.uuid.hex)[-1][0] == two.pk
    page.goto(f"{live_server.url}/admin/admission/distribution/{made.pk}/change/")
    expect(page.get_by_role("link", name="Deny…")).to_be_visible()
    fits(page)
    shoot(page, "launch-buttons")
    page.get_by_role("link", name="Admit…").press("Enter")
    page.get_by_label("Consumer id").fill(str(two.uuid))
    page.get_by_label("Reason").fill("Our mistake")
    fits(page)
    shoot(page, "admit")


def shoot(page: Page, name: str) -> None:
    if place := os.environ.get("SHOTS"):
        wide = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=f"{place}/{name}-{wide}.png", full_page=True)
