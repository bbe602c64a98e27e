"""A marketer and a reviewer do their day's work in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from checkout import roles
from checkout.models import LockSession, Redemption
from offers.models import Campaign, Retailer, Voucher
from tests import factories
from tests.admin import scene as scenes
from tests.admin.conftest import member
from tests.people import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def log_in(page: Page, live_server: LiveServer, name: str, path: str) -> None:
    page.goto(f"{live_server.url}/admin/login/?next=/admin/{path}")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**/admin/{path}")


def fits(page: Page) -> None:
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_a_marketer_makes_a_campaign_and_sees_its_codes(page: Page, live_server: LiveServer) -> None:
    factories.retailer(name="Retailer A", currency="EUR")
    member("mara", roles.MARKETER)
    log_in(page, live_server, "mara", "offers/campaign/add/")
    page.get_by_label("Name").fill("Spring")
    page.get_by_text("Amount off", exact=True).click()
    expect(page.get_by_label("Percent off", exact=True).and_(page.locator("input[type=text]"))).to_be_hidden()
    page.locator("[name=amount_off]").fill("12.50")
    page.get_by_label("Redemption limit").fill("1")
    page.get_by_label("Budget").fill("500")
    page.get_by_label("Codes begin with").fill("SPRING-")
    expect(page.get_by_text("For example SPRING-")).to_be_visible()
    page.get_by_label("How many codes now").fill("40")
    fits(page)
    page.get_by_role("button", name="Create campaign").click()
    expect(page.get_by_role("heading", name="Spring", level=1)).to_be_visible()
    expect(page.get_by_text("500.00 EUR").first).to_be_visible()
    fits(page)
    campaign = Campaign.objects.get(name="Spring")
    assert campaign.discount == {"type": "AMOUNT", "amount_off": 1250}
    assert Voucher.objects.filter(campaign=campaign, code__startswith="SPRING-").count() == 40
    page.goto(f"{live_server.url}/admin/offers/voucher/?campaign={campaign.public_id}")
    expect(page.get_by_text("SPRING-").first).to_be_visible()
    fits(page)


@pytest.fixture
def shop(transactional_db: None) -> Retailer:
    return factories.retailer(name="Retailer A", currency="EUR")


def test_a_reviewer_rolls_back_and_releases_with_a_reason(page: Page, live_server: LiveServer, shop: Retailer) -> None:
    scene = scenes.lay(shop)
    member("rita", roles.REVIEWER)
    redemption, lock = scene.redemption, scene.lock
    log_in(page, live_server, "rita", f"checkout/redemption/{redemption.pk}/change/")
    page.get_by_role("link", name="Roll back…").click()
    page.get_by_label("Reason").fill("Parcel came back")
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("has been rolled back")).to_be_visible()
    fits(page)
    assert Redemption.objects.get(pk=redemption.pk).rolled_back_at
    page.goto(f"{live_server.url}/admin/checkout/locksession/{lock.pk}/change/")
    expect(page.get_by_text(re.compile("1 h 5[0-9] min")).first).to_be_visible()
    page.get_by_role("link", name="Release…").click()
    page.get_by_label("Reason").fill("Abandoned" + "cart" * 80)
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_text("has been released")).to_be_visible()
    expect(page.get_by_text("Abandonedcart")).to_be_visible()
    assert LockSession.objects.get(pk=lock.pk).state == "released"
    page.goto(f"{live_server.url}/admin/checkout/redemption/{redemption.pk}/change/")
    expect(page.get_by_text("Parcel came back")).to_be_visible()
    for width in (390, 1280):  # a reason in one long word breaks no page
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{live_server.url}/admin/checkout/locksession/{lock.pk}/change/")
        fits(page)
        page.goto(f"{live_server.url}/admin/offers/voucher/{scene.voucher.pk}/change/")
        expect(page.get_by_text("Abandonedcart")).to_be_visible()
        fits(page)


def test_a_refused_form_leads_to_its_first_error_and_says_what_is_wrong_with_it(
    page: Page, live_server: LiveServer, shop: Retailer
) -> None:
    member("mara", roles.MARKETER)
    page = page.context.new_page()  # one that may complain of the 422
    log_in(page, live_server, "mara", "offers/campaign/add/")
    page.wait_for_load_state()
    page.get_by_label("Name").fill("Spring")
    page.get_by_label("Budget").fill("much")
    page.get_by_role("button", name="Create campaign").click()
    wrong = page.locator("[name=percent_off]")
    expect(wrong).to_be_focused()
    expect(wrong).to_have_accessible_description(re.compile("Please fill this in"))
    expect(page.get_by_label("Budget")).to_have_value("much")


def test_a_marketer_writes_a_loyalty_rule_and_reads_what_it_will_do(page: Page, live_server: LiveServer) -> None:
    scene = scenes.lay(factories.retailer(name="Retailer A", currency="EUR"))
    member("mara", roles.MARKETER)
    log_in(page, live_server, "mara", "loyalty/rule/add/")
    told = page.locator("[data-sentence]")
    expect(told).to_have_text("When a purchase is closed: 1 point per 1.00 spent into Points.")
    expect(page.get_by_text("Campaign rules are temporary").first).to_be_attached()
    page.get_by_label("Name").fill("Fifty and more")
    page.locator("[name=metric_1]").select_option("eligible_spend")
    expect(page.locator("[name=metric_3]")).to_be_hidden()
    page.locator("[name=value_1]").fill("much")
    expect(page.locator("[data-wrong]")).to_contain_text("should be a number")
    page.locator("[name=value_1]").fill("50.00")
    page.locator("[name=outcome_1]").select_option("offer")
    expect(page.locator("[name=rate_1]")).to_be_hidden()
    page.locator("[name=offer_1]").fill("five-off")
    page.locator("[name=only]").fill("category: shoes\nshirt")
    page.get_by_text("Campaign (temporary or targeted)").click()
    page.locator("[name=audience_tags]").fill("local")
    expect(told).to_have_text(
        "When a purchase is closed and what counts of the purchase is at least 50.00 for members tagged local "
        "counting only category shoes; item shirt: the offer “Five off”."
    )
    expect(page.get_by_text("2 of 49 catalog restrictions")).to_be_visible()
    expect(page.locator("[name=definition]")).to_be_hidden()
    fits(page)
    page.get_by_role("button", name="Create rule").click()
    expect(page.get_by_role("heading", name="Fifty and more", level=1)).to_be_visible()
    fits(page)
    assert scene.shop.loyalty_rules.get(name="Fifty and more").scope == "campaign"
    page.get_by_role("link", name="Edit").click()
    expect(page.locator("[name=value_1]")).to_have_value("50.00")
    page.get_by_label("Write the rule as JSON").check()
    expect(page.locator("[name=value_1]")).to_be_hidden()
    expect(page.locator("[name=definition]")).to_be_visible()
    fits(page)
