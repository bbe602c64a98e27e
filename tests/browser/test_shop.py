"""The demo shop in a real browser: an offer works in the visit that was shown it and in no other."""

import os
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from checkout import shop_accounts
from checkout.models import Order
from offers.lib import clock
from offers.models import Retailer
from tests.api.session_offers.visits import CODE, lay_out, ops
from tests.browser.conftest import DESK, PHONE
from tests.browser.looks import fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NOT_HERE = "This code is not available for this visit."


@pytest.fixture
def shop(transactional_db: None) -> Retailer:
    found, _ = lay_out()
    for sku, name, price in (
        ("mug", "Enamel mug", 1200),
        ("chair", "Camp chair", 4900),
        ("shell", "Rain shell", 12900),
    ):
        ops({"op": "create", "kind": "product", "fields": {"sku": sku, "name": name, "price": price, "on_hand": 9}})
    return found


def shoot(page: Page, name: str) -> None:
    if place := os.environ.get("SHOTS"):
        wide = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=f"{place}/{name}-{wide}.png", full_page=True)


def buy(page: Page, live_server: LiveServer, name: str) -> None:
    page.goto(f"{live_server.url}/shop/")
    page.get_by_role("listitem").filter(has_text=name).get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("heading", name="Cart", exact=True)).to_be_visible()


def enter(page: Page, code: str) -> None:
    page.get_by_role("textbox", name="Discount code").fill(code)
    page.keyboard.press("Enter")
    page.wait_for_load_state()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_an_offer_works_where_it_was_shown_and_nowhere_else(
    browser: Browser, live_server: LiveServer, shop: Retailer, size: Any
) -> None:
    complaints: list[str] = []
    contexts = [browser.new_context(viewport=size) for _ in range(2)]
    one, two = (context.new_page() for context in contexts)
    calls: list[str] = []
    for page in (one, two):
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    # User2's page gets no answer for the widget: he is not shown the offer.
    two.route("**/shop/offers", lambda route: route.fulfill(json={"data": []}))
    one.on("request", lambda asked: calls.append(asked.url) if "/authorize" in asked.url else None)
    for page in (one, two):
        buy(page, live_server, "Camp chair")
        page.get_by_role("link", name="Cart").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Cart")
    one.goto(f"{live_server.url}/shop/")
    assert CODE not in (one.request.get(f"{live_server.url}/shop/")).text()
    offer = one.get_by_role("region", name="Special offer")
    expect(offer).to_contain_text(CODE)
    assert len(calls) >= 1 and CODE in calls[0]
    expect(offer.get_by_role("button", name="Copy code").first).to_be_visible()
    fits(one)
    shoot(one, "shop")
    offer.get_by_role("button", name="Apply").first.click()
    expect(one.get_by_role("heading", name="Cart", exact=True)).to_be_visible()
    expect(one.get_by_role("button", name=f"Remove {CODE}")).to_be_visible()
    expect(one.locator("[data-total]")).to_have_text("49.00")

    enter(two, CODE)
    expect(two.get_by_role("alert")).to_have_text(NOT_HERE)
    expect(two.locator("[data-total]")).to_have_text("53.90")
    two.goto(f"{live_server.url}/session-offers/apply?code={CODE}")
    expect(two.get_by_role("alert")).to_have_text(NOT_HERE)
    shoot(two, "refused")

    for page, total in ((one, "44.10"), (two, "49.00")):
        enter(page, "WELCOME10")
        expect(page.get_by_text("Discount", exact=True)).to_be_visible()
        expect(page.locator("[data-total]")).to_have_text(total)
    fits(one)
    shoot(one, "cart")
    one.get_by_role("button", name=f"Remove {CODE}").click()
    expect(one.locator("[data-total]")).to_have_text("49.00")
    enter(one, f" {CODE.lower()}")
    expect(one.locator("[data-total]")).to_have_text("44.10")
    one.get_by_role("button", name="Place order").click()
    expect(one.get_by_role("heading", name="Thank you")).to_be_visible()
    assert Order.objects.get().total_amount == 4410
    for context in contexts:
        context.close()
    assert complaints == []


def test_signing_in_keeps_the_offer_and_signing_out_ends_it(
    page: Page, live_server: LiveServer, shop: Retailer
) -> None:
    shop_accounts.create(retailer_id=shop.pk, email="ada@example.com", password="trail-mix", now=clock.now())
    buy(page, live_server, "Enamel mug")
    page.goto(f"{live_server.url}/shop/")
    expect(page.get_by_role("region", name="Special offer")).to_contain_text(CODE)
    before = next(one["value"] for one in page.context.cookies() if one["name"] == "sessionid")
    page.get_by_role("link", name="Sign in").click()
    fits(page)
    page.get_by_label("Email").fill("Ada@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("no account")
    page.get_by_label("Password").fill("trail-mix")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert before != next(one["value"] for one in page.context.cookies() if one["name"] == "sessionid")
    page.get_by_role("link", name="Cart").click()
    enter(page, CODE)
    expect(page.get_by_role("button", name=f"Remove {CODE}")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.get_by_role("link", name="Cart").click()
    expect(page.get_by_text(f"{CODE} was removed. {NOT_HERE}")).to_be_visible()
    expect(page.locator("[data-total]")).to_have_text("16.90")
    page.goto(f"{live_server.url}/shop/products/mug/")
    expect(page.get_by_role("article", name="Enamel mug").get_by_role("button", name="Add to cart")).to_be_visible()
    fits(page)
