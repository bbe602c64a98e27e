"""The shop by keyboard alone, without scripts, and for eyes and readers: focus to see, contrast, names of buttons."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from checkout.models import Order
from offers import vouchers
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Retailer
from tests.api.session_offers.visits import CODE, TEN, lay_out, ops
from tests.browser.looks import fits
from tests.browser.test_checkout_pages import check_out, sale

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("emptied_line")]
CARD = "GIFT-20"
# Every text that can be seen, with the contrast of its colour to what is behind it; large text needs less.
CONTRAST = """() => {
  const shade = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (found) => {
    for (let at = found; at; at = at.parentElement) {
      const colour = shade(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !one.checkVisibility() || one.matches("script, style, :disabled")) continue;
    const style = getComputedStyle(one);
    const pair = [light(shade(style.color)), light(behind(one))].sort((a, b) => b - a);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && style.fontWeight >= 700);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < (large ? 3 : 4.5)) faint.push(`${texts.currentNode.data.trim()} ${ratio.toFixed(2)}`);
  }
  return faint;
}"""


@pytest.fixture
def shop(transactional_db: None) -> Retailer:
    found, _ = lay_out()
    for sku, name, price in (("mug", "Enamel mug", 1200), ("chair", "Camp chair", 4900), ("pin", "Pin", 100)):
        fields = {"sku": sku, "name": name, "price": price, "on_hand": 0 if sku == "pin" else 9}
        assert "error" not in ops({"op": "create", "kind": "product", "fields": fields})[0]
    gift: Any = {"type": "GIFT_VOUCHER", "gift": {"amount": 2000, "effect": "APPLY_TO_ORDER"}}
    vouchers.create(retailer_id=found.pk, code=CARD, fields=gift, actor=SYSTEM, now=clock.now())
    return found


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until this has the focus; whatever has it on the way shows that it does."""
    page.wait_for_load_state()
    for _ in range(60):
        page.keyboard.press("Tab")
        style = page.evaluate(
            "() => { const style = getComputedStyle(document.activeElement);"
            " return [style.outlineStyle, parseFloat(style.outlineWidth)]; }"
        )
        assert style[0] == "solid" and style[1] >= 2, page.evaluate("document.activeElement.outerHTML")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    pytest.fail(f"no Tab leads to {wanted}")


def faint(page: Page) -> list[str]:
    page.wait_for_load_state()
    found: list[str] = page.evaluate(CONTRAST)
    return found


def test_an_order_by_keyboard_alone(page: Page, live_server: LiveServer, shop: Retailer) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live_server.url}/shop/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("listitem").filter(has_text="Camp chair").get_by_role("button"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Cart", exact=True)).to_be_visible()
    tab_to(page, page.get_by_role("textbox", name="Discount code"))
    page.keyboard.type("WELCOME10")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove WELCOME10")).to_be_visible()
    tab_to(page, page.get_by_role("textbox", name="Gift card"))
    page.keyboard.type(CARD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=f"Remove {CARD}")).to_be_visible()
    expect(page.locator("[data-total]")).to_have_text("29.00")  # 49.00 - 4.90 - 20.00 + 4.90
    fits(page)
    tab_to(page, page.get_by_role("button", name="Place order"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    fits(page)
    assert Order.objects.get().total_amount == 4900 - 490 - 2000
    assert not [url for url in asked if not url.startswith(live_server.url)], "drawings and types are the shop's own"


def test_several_offers_are_told_apart(page: Page, live_server: LiveServer, shop: Retailer) -> None:
    for name in ("Camp chair", "Enamel mug"):
        page.goto(f"{live_server.url}/shop/")
        page.get_by_role("listitem").filter(has_text=name).get_by_role("button", name="Add to cart").click()
        expect(page.get_by_role("heading", name="Cart", exact=True)).to_be_visible()
    page.get_by_role("link", name="Products").click()
    region = page.get_by_role("region", name="Special offer")
    expect(region.get_by_role("button", name="Apply", exact=True)).to_have_count(2)
    for title, code in (("Free shipping", CODE), ("Ten", TEN)):
        one = region.get_by_role("group", name=title, exact=True)
        expect(one).to_contain_text(code)
        expect(one.get_by_role("button", name="Apply", exact=True)).to_have_accessible_description(title)
    fits(page)
    region.get_by_role("group", name="Ten", exact=True).get_by_role("button", name="Apply").click()
    expect(page.get_by_role("button", name=f"Remove {TEN}")).to_be_visible()


def test_without_scripts_everything_but_the_offers(browser: Browser, live_server: LiveServer, shop: Retailer) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/shop/")
    expect(page.get_by_role("region", name="Special offer")).to_have_count(0)
    page.get_by_role("link", name="Camp chair").click()
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("textbox", name="Gift card").fill("GIFT-NONE")
    page.get_by_role("button", name="Use gift card").click()
    expect(page.get_by_role("alert")).to_have_text("We do not know this code.")
    expect(page.get_by_role("textbox", name="Gift card")).to_have_value("GIFT-NONE")
    page.get_by_role("textbox", name="Gift card").fill(CARD)
    page.get_by_role("button", name="Use gift card").click()
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    context.close()


def test_texts_stand_out_on_every_page(page: Page, live_server: LiveServer, shop: Retailer) -> None:
    page.goto(f"{live_server.url}/shop/")
    page.get_by_role("listitem").filter(has_text="Camp chair").get_by_role("button", name="Add to cart").click()
    page.get_by_role("textbox", name="Discount code").fill("NONE")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert faint(page) == []
    for path in ("/shop/", "/shop/products/chair/", "/shop/login/", "/shop/checkout/"):
        page.goto(f"{live_server.url}{path}")
        if path == "/shop/":
            expect(page.get_by_role("region", name="Special offer")).to_contain_text(CODE)
        assert faint(page) == [], path
    check_out(page, live_server, sale(shop))
    assert faint(page) == []
