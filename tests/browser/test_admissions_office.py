"""Staff look an admission up and take it away in a real browser, by keyboard as by mouse."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from checkout.admission import claims
from offers.lib import clock
from tests import factories
from tests.admin.test_admissions import STATES, admit, in_state, launch
from tests.browser.test_launches import shoot
from tests.browser.test_office import fits, log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_an_admission_is_found_read_and_revoked_with_a_reason(page: Page, live_server: LiveServer, alice: User) -> None:
    queue = launch(factories.retailer(name="Retailer A", currency="EUR"), "Autumn drop: trail shoes")
    for state in STATES:
        in_state(queue, state)
    row = admit(queue, email="ada@example.com")
    claims.claim(admission_id=row.pk, session="cart", now=clock.now())
    log_in(page, live_server, "alice", "admission/admission/")
    expect(page.get_by_role("heading", name="Admissions").first).to_be_visible()
    fits(page)
    shoot(page, "admissions")
    page.goto(f"{live_server.url}/admin/admission/admission/?q=ada@example.com")
    page.get_by_role("link", name=str(row.uuid)[:8]).click()
    expect(page.get_by_role("heading", name="Admission to Autumn drop: trail shoes")).to_be_visible()
    expect(page.get_by_text("bound to a checkout", exact=True)).to_be_visible()
    expect(page.get_by_text("A place in the checkout")).to_be_visible()
    fits(page)
    shoot(page, "admission")
    page.get_by_role("link", name="Extend…").press("Enter")
    page.get_by_label("More time (minutes)").fill("10")
    page.get_by_label("Reason").fill("Card reader is slow")
    fits(page)
    shoot(page, "admission-extend")
    page.get_by_role("button", name="Extend").press("Enter")
    expect(page.get_by_text("Extended by 10 minutes")).to_be_visible()
    page.get_by_role("link", name="Revoke…").press("Enter")
    page.get_by_label("Reason").fill("Bought twice by a script")
    fits(page)
    shoot(page, "admission-revoke")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Revoked: what it held is free for the next.")).to_be_visible()
    expect(page.get_by_text("Bought twice by a script")).to_be_visible()
    expect(page.get_by_role("link", name="Revoke…")).to_have_count(0)
    row.refresh_from_db()
    assert row.state == "REVOKED"
