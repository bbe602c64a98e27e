"""Staff run a draw and settle an auction in a real browser, and read the results."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from offers.lib import clock
from tests import factories
from tests.admin import test_auction_page, test_draw_page
from tests.browser.test_launches import shoot
from tests.browser.test_office import fits, log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_draw_is_run_and_its_result_read(page: Page, live_server: LiveServer, alice: User) -> None:
    row = test_draw_page.make(factories.retailer(name="Retailer A", currency="EUR"), entries=24, winner_count=3)
    log_in(page, live_server, "alice", f"admission/distribution/{row.pk}/change/")
    expect(page.get_by_text("Commitment", exact=True)).to_be_visible()
    expect(page.get_by_text("Frozen list")).to_have_count(0)
    fits(page)
    shoot(page, "draw-before")
    page.get_by_role("link", name="Run now…").press("Enter")
    page.get_by_label("Reason").fill("The show begins")
    fits(page)
    page.get_by_role("button", name="Run the draw").press("Enter")
    expect(page.get_by_text("Drawn: 3 of 24 entries have won.")).to_be_visible()
    expect(page.get_by_text("Winner", exact=True)).to_have_count(3)
    expect(page.get_by_text("manage.py verify_draw draw.json")).to_be_visible()
    fits(page)
    shoot(page, "draw-after")
    page.get_by_role("link", name="The whole order drawn").press("Enter")
    expect(page.get_by_role("heading", name="Order drawn: Shoes")).to_be_visible()
    fits(page)


def test_an_auction_is_read_and_settled(page: Page, live_server: LiveServer, alice: User) -> None:
    shop = factories.retailer(name="Retailer A", currency="EUR")
    row = test_auction_page.make(
        shop, 1000, 1100, 1500, 12500, quantity=2, reserve_price=1200, close_at=clock.now().replace(year=2099)
    )
    log_in(page, live_server, "alice", f"admission/distribution/{row.pk}/change/")
    expect(page.get_by_text("Leading")).to_have_count(2)
    expect(page.get_by_text("12.00 EUR, not shown to shoppers")).to_be_visible()
    fits(page)
    shoot(page, "auction-open")
    page.get_by_role("link", name="Settle now…").press("Enter")
    page.get_by_label("Reason").fill("The seller asked for it")
    fits(page)
    page.get_by_role("button", name="Settle").press("Enter")
    expect(page.get_by_text("Settled: 2 bidders have won.")).to_be_visible()
    expect(page.get_by_text("Won", exact=True)).to_have_count(2)
    fits(page)
    shoot(page, "auction-settled")
