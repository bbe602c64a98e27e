"""A marketer makes a tier system and changes it in a real browser."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from checkout import roles
from loyalty.models import TierLevel
from tests import factories
from tests.admin.conftest import member
from tests.browser.test_launches import shoot
from tests.browser.test_office import fits, log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_tier_system_is_made_and_changed(page: Page, live_server: LiveServer) -> None:
    factories.retailer(name="Retailer A", currency="EUR")
    member("mara", roles.MARKETER)
    log_in(page, live_server, "mara", "loyalty/tiersystem/add/")
    page.locator("[name=name]").fill("Shoe club")
    page.locator("[name=level_1]").fill("Base")
    page.locator("[name=level_2]").fill("Gold")
    expect(page.locator("[name=entry_value_2]")).to_be_hidden()
    page.locator("[name=entry_metric_2]").select_option("spend")
    page.locator("[name=entry_value_2]").fill("250")
    page.locator("[name=entry_months_2]").fill("12")
    fits(page)
    shoot(page, "tiers-new")
    page.get_by_role("button", name="Create").press("Enter")
    expect(page.get_by_role("heading", name="Shoe club", level=1)).to_be_visible()
    expect(page.get_by_text("at least 250 money spent in 12 months")).to_be_visible()
    fits(page)
    shoot(page, "tiers")
    page.get_by_role("link", name="Edit").press("Enter")
    page.locator("[name=entry_value_2]").fill("300")
    page.get_by_label("Reason").fill("Prices rose")
    fits(page)
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("at least 300 money spent in 12 months")).to_be_visible()
    assert (TierLevel.objects.get(key="gold").entry or {})["value"] == 300
