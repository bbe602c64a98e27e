"""From the waiting page over the checkout to an order, in a real browser on the shop's own pages."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from checkout.admission import claims, distributions, tokens
from checkout.admission.models import Admission, Distribution
from checkout.api.pages.checkout import DECLINED, PAYS
from checkout.models import Order
from offers import stock
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Product, Retailer, Sku
from tests import factories
from tests.browser.looks import SLOW, counts_down_to, fits, seconds_left
from tests.checkout.admission import launch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("emptied_line")]


@pytest.fixture
def shop(transactional_db: None) -> Retailer:
    return factories.retailer(name="Retailer A", currency="EUR")


def sale(shop: Retailer, **fields: Any) -> Distribution:
    product = Product.objects.create(retailer=shop, name="First pressing")
    Sku.objects.create(retailer=shop, product=product, sku="LP-1", price=4900, currency="EUR")
    fields = {"sku": "LP-1", "currency": "EUR", "admission_ttl_seconds": 600, **fields}
    return launch.queue(shop, now=clock.now(), **fields)


def join(page: Page, live_server: LiveServer, sold: Distribution, pattern: str = "") -> None:
    page.goto(f"{live_server.url}/shop/waiting/{sold.uuid}/" + (f"?handoff={pattern}" if pattern else ""))
    expect(page.get_by_role("heading", name=sold.sequence.experience.name)).to_be_visible()
    page.get_by_role("button", name="Join the line").click()


def be_admitted(page: Page, live_server: LiveServer, sold: Distribution, pattern: str = "") -> None:
    join(page, live_server, sold, pattern)
    expect(page.get_by_role("heading", name="It's your turn")).to_be_visible(timeout=SLOW)


def pause(sold: Distribution, paused: bool) -> None:
    distributions.update(
        retailer_id=sold.retailer_id, uuid=str(sold.uuid), fields={"paused": paused}, actor=SYSTEM, now=clock.now()
    )


def check_out(page: Page, live_server: LiveServer, sold: Distribution, pattern: str = "") -> None:
    be_admitted(page, live_server, sold, pattern)
    page.get_by_role("link", name="Checkout", exact=True).click()
    expect(page.get_by_role("heading", name="Checkout")).to_be_visible()
    page.wait_for_load_state()  # what the page's script keeps and watches, it does from here on


def fill(page: Page, card: str) -> None:
    page.get_by_role("textbox", name="Name").fill("Ada Lovelace")
    page.get_by_role("textbox", name="Email").fill("ada@example.com")
    page.get_by_role("textbox", name="Card number").fill(card)


def pay(page: Page) -> None:
    page.get_by_role("button", name="Pay").click()


def agrees_with_the_server(page: Page) -> None:
    """The countdown differs from what the server says is left by a second at most, or by what its answer was late."""
    found = page.evaluate(
        """async () => {
        const headers = {
          "Content-Type": "application/json",
          "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value,
        };
        const began = performance.now();
        const answer = await fetch("/shop/checkout/claim", {method: "POST", headers, body: "{}"});
        const told = await answer.json();
        const took = (performance.now() - began) / 1000;
        const [minutes, seconds] = document.querySelector("[data-clock]").textContent.split(":").map(Number);
        const left = (Date.parse(told.expires_at) - Date.parse(told.server_time)) / 1000;
        const page = performance.getEntriesByType("navigation")[0];
        const late = (page.responseStart - page.requestStart) / 1000 + 0.25; // its answer's way, a timer's turn
        return {shown: minutes * 60 + seconds, most: left + Math.max(1, late), least: left - took - 1};
        }"""
    )
    assert found["least"] <= found["shown"] <= found["most"], found


def test_a33_the_countdown_is_there_at_every_width_and_says_what_the_server_says(
    page: Page, live_server: LiveServer, shop: Retailer
) -> None:
    check_out(page, live_server, sale(shop))
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        expect(page.get_by_role("timer", name="Time left")).to_be_visible()
        agrees_with_the_server(page)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_role("timer", name="Time left")).to_be_visible()
    page.wait_for_load_state()
    agrees_with_the_server(page)


@pytest.mark.parametrize("pattern", ["url", "session_storage", "module"])
def test_a42_a_token_is_told_to_nobody_else(
    page: Page, browser: Browser, live_server: LiveServer, shop: Retailer, pattern: str
) -> None:
    asked: list[tuple[str, str]] = []
    page.context.on(
        "request",
        lambda request: asked.append((request.url, request.headers.get("referer", "") + (request.post_data or ""))),
    )
    sold = sale(shop)
    check_out(page, live_server, sold, pattern)
    token = tokens.token_of(Admission.objects.select_related("consumer").get(), now=clock.now())
    codes = [url.partition("admission=")[2] for url, _ in asked if "admission=" in url]
    assert len(codes) == (0 if pattern == "session_storage" else 1)
    fill(page, PAYS)
    pay(page)
    expect(page.get_by_role("heading", name="Order confirmed")).to_be_visible()
    assert {url.partition("/shop")[0].partition("/static")[0] for url, _ in asked} == {live_server.url}
    assert not [url for url, _ in asked if token in url]
    claims_and_handoffs = ("/shop/checkout/claim", "/handoffs")
    told = [(url, text) for url, text in asked if not url.endswith(claims_and_handoffs)]
    assert not [url for url, text in told if token in text or any(code in text for code in codes)]
    other = browser.new_page()
    for path in (f"/shop/waiting/{sold.uuid}/", f"/shop/waiting/{sold.uuid}/status", "/shop/checkout/", "/shop/"):
        answer = other.goto(f"{live_server.url}{path}")
        assert answer is not None and not [secret for secret in (token, *codes) if secret in answer.text()], path
    other.close()


def test_a16_checkout_appears_when_it_is_your_turn_and_not_before(
    page: Page, browser: Browser, live_server: LiveServer, shop: Retailer
) -> None:
    sold = sale(shop, max_active=1, paused=True)
    first = browser.new_page()
    join(first, live_server, sold)
    expect(first.get_by_role("heading", name="Your place in line")).to_be_visible()
    join(page, live_server, sold)
    expect(page.get_by_text("1 person ahead")).to_be_visible()
    expect(page.get_by_role("link", name="Checkout", exact=True)).to_have_count(0)
    fits(page)
    pause(sold, False)
    expect(first.get_by_role("heading", name="It's your turn")).to_be_visible(timeout=SLOW)
    expect(first.get_by_role("timer", name="Time left")).to_be_visible()
    first.close()
    expect(page.get_by_text("0 people ahead")).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("link", name="Checkout", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Leave the line").click()
    expect(page.get_by_role("button", name="Join the line")).to_be_visible()


@pytest.mark.parametrize("pattern", ["url", "session_storage", "module"])
def test_a17_a19_a20_a25_a31_every_pattern_leads_to_an_order(
    page: Page, live_server: LiveServer, shop: Retailer, pattern: str
) -> None:
    sold = sale(shop)
    be_admitted(page, live_server, sold, pattern)
    fits(page)
    asked: list[tuple[str, str]] = []
    page.on("request", lambda request: asked.append((request.url, request.headers.get("referer", ""))))
    page.get_by_role("link", name="Checkout", exact=True).click()
    expect(page.get_by_role("textbox", name="Name")).to_be_visible()
    fits(page)
    assert page.url == f"{live_server.url}/shop/checkout/"  # A18
    assert not [referer for _, referer in asked if "admission=" in referer]
    assert not [url for url, _ in asked if "adm1." in url]
    assert page.evaluate("sessionStorage.getItem('offerkeep.admission')") is None
    admission = Admission.objects.get()
    assert admission.state == "CLAIMED"
    counts_down_to(page, admission.expires_at)  # A33
    fill(page, PAYS)
    pay(page)
    expect(page.get_by_role("heading", name="Order confirmed")).to_be_visible()
    order = Order.objects.get()
    expect(page.get_by_text(f"Order number: {order.public_id}")).to_be_visible()
    fits(page)
    admission.refresh_from_db()
    assert (admission.state, admission.order_amount, order.amount) == ("COMPLETED", 4900, 4900)
    assert page.evaluate("Object.keys(sessionStorage).filter((key) => !key.startsWith('offerkeep.line')).length") == 0


def test_a24_a32_a_declined_card_keeps_the_place_and_five_give_it_up(
    page: Page, live_server: LiveServer, shop: Retailer
) -> None:
    check_out(page, live_server, sale(shop))
    for _ in range(4):
        fill(page, DECLINED)
        pay(page)
        expect(page.get_by_role("alert")).to_contain_text("declined")
        expect(page.get_by_role("textbox", name="Email")).to_have_value("ada@example.com")
        expect(page.get_by_role("textbox", name="Card number")).to_have_value("")
        assert Admission.objects.get().state == "CLAIMED"
    fill(page, DECLINED)
    pay(page)
    expect(page.get_by_role("heading", name="Your place is gone")).to_be_visible()
    assert Admission.objects.get().state == "RELEASED" and not Order.objects.exists()


def test_a28_a36_the_time_runs_out_on_the_open_page(
    page: Page, live_server: LiveServer, shop: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.clock.install()  # it runs as ever, and can be put forward: no slow machine is late for anything
    sold = sale(shop, max_active=1)
    check_out(page, live_server, sold)
    fill(page, PAYS)
    page.clock.fast_forward(600_000)
    expect(page.get_by_text("Your time is up").first).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("button", name="Pay")).to_be_disabled()
    expect(page.get_by_role("link", name=re.compile("Back to"))).to_be_visible()
    expect(page.get_by_role("timer", name="Time left")).to_have_text("0:00")
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(seconds=600))
    page.evaluate("document.querySelector('form[data-pay]').submit()")
    expect(page.get_by_role("heading", name="Your time is up")).to_be_visible()
    assert not Order.objects.exists()
    assert claims.reason(Admission.objects.get(), session=None, now=clock.now()) == "expired"
    page.get_by_role("link", name=re.compile("Back to")).click()
    expect(page.get_by_role("button", name="Join the line")).to_be_visible()


def test_the_time_runs_out_while_a_payment_is_under_way(
    page: Page, live_server: LiveServer, shop: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither page says that it is over, nor asks in a hurry: both wait until it is known how the payment went."""
    page.clock.install()
    sold = sale(shop)
    check_out(page, live_server, sold)
    row = Admission.objects.get()
    session = Session.objects.get().get_decoded()["checkout"]["session"]
    claims.begin_payment(admission_id=row.pk, session=session, payment="a lost answer", now=clock.now())
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(seconds=600))
    page.clock.fast_forward(600_000)
    expect(page.get_by_role("heading", name="Your payment is under way")).to_be_visible(timeout=SLOW)
    page.goto(f"{live_server.url}/shop/waiting/{sold.uuid}/")
    expect(page.get_by_role("heading", name="Your payment is under way")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("timer")).to_have_count(0)
    fits(page)
    claims.complete(admission_id=row.pk, order_id="O-7", amount=4900, currency="EUR", now=clock.now())
    page.clock.resume()
    expect(page.get_by_text("Order number: O-7")).to_be_visible(timeout=SLOW)  # it looked again by itself


def test_a29_no_answer_is_not_a_no(browser: Browser, live_server: LiveServer, shop: Retailer) -> None:
    page = browser.new_page()  # the browser itself puts a line about a lost network on the console
    check_out(page, live_server, sale(shop))
    fill(page, PAYS)
    page.route("**/shop/checkout/*", lambda route: route.abort())
    pay(page)
    expect(page.get_by_text("Your form is kept.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Ada Lovelace")
    expect(page.get_by_role("heading", name="You are not admitted")).to_have_count(0)
    page.unroute("**/shop/checkout/*")
    expect(page.get_by_role("heading", name="Order confirmed")).to_be_visible(timeout=SLOW)
    assert Order.objects.count() == 1
    page.close()


def test_a30_reload_back_and_a_second_tab_go_on_where_it_was(
    page: Page, live_server: LiveServer, shop: Retailer
) -> None:
    check_out(page, live_server, sale(shop))
    page.get_by_role("textbox", name="Name").fill("Ada Lovelace")
    page.get_by_role("textbox", name="Card number").fill(PAYS)
    before = seconds_left(page)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Ada Lovelace")
    expect(page.get_by_role("textbox", name="Card number")).to_have_value("")
    assert seconds_left(page) <= before
    counts_down_to(page, Admission.objects.get().expires_at)
    second = page.context.new_page()
    second.goto(page.url)
    expect(second.get_by_role("textbox", name="Name")).to_be_visible()
    fill(second, PAYS)
    pay(second)
    expect(second.get_by_role("heading", name="Order confirmed")).to_be_visible()
    expect(page.get_by_role("heading", name="Order confirmed")).to_be_visible()  # the first tab heard of it


def test_a34_leaving_is_asked_about_only_while_the_form_is_open(
    page: Page, live_server: LiveServer, shop: Retailer
) -> None:
    check_out(page, live_server, sale(shop))
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    fill(page, PAYS)
    page.reload()
    assert asked == ["beforeunload"]
    fill(page, PAYS)
    pay(page)
    expect(page.get_by_role("heading", name="Order confirmed")).to_be_visible()
    page.get_by_role("heading", name="Order confirmed").click()
    page.reload()
    assert asked == ["beforeunload"]


def test_a35_it_is_validated_before_any_input_and_others_see_no_form(
    page: Page, browser: Browser, live_server: LiveServer, shop: Retailer
) -> None:
    be_admitted(page, live_server, sale(shop))
    with page.expect_response("**/shop/checkout/claim") as asked:
        page.get_by_role("link", name="Checkout", exact=True).click()
    assert asked.value.json()["valid"] is True
    expect(page.get_by_role("textbox", name="Name")).to_have_value("")
    other = browser.new_page()
    other.goto(f"{live_server.url}/shop/checkout/")
    expect(other.get_by_role("heading", name="You are not admitted")).to_be_visible()
    expect(other.get_by_role("textbox")).to_have_count(0)
    fits(other)
    other.close()


def test_giving_up_lets_the_next_in_at_once(page: Page, live_server: LiveServer, shop: Retailer) -> None:
    check_out(page, live_server, sale(shop, max_active=1))
    page.get_by_role("button", name="Give up my place").click()
    expect(page.get_by_role("heading", name="You gave up your place")).to_be_visible()
    assert Admission.objects.get().state == "RELEASED"


def test_a42_the_token_is_in_nobody_elses_page_and_no_log(
    page: Page, browser: Browser, live_server: LiveServer, shop: Retailer, capfd: pytest.CaptureFixture[str]
) -> None:
    sold = sale(shop)
    be_admitted(page, live_server, sold, "session_storage")
    token = page.evaluate(
        f"fetch('/shop/waiting/{sold.uuid}/status').then((a) => a.json()).then((d) => d.admission.token)"
    )
    assert token.startswith("adm1.") and token not in page.content()
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    other = browser.new_page()
    other.goto(f"{live_server.url}/shop/waiting/{sold.uuid}/")
    assert token not in other.content()
    page.get_by_role("link", name="Checkout", exact=True).click()
    expect(page.get_by_role("textbox", name="Name")).to_be_visible()
    # A copy is worth nothing after the claim, and leaves the address where it is tried.
    other.goto(f"{live_server.url}/shop/checkout/?admission={token}")
    expect(other.get_by_role("heading", name="You are not admitted")).to_be_visible()
    assert token not in other.url + other.content()
    other.close()
    assert hosts == {live_server.url.split("/")[2]}
    told = capfd.readouterr()
    assert token not in told.out + told.err


def test_without_scripts_it_goes_from_the_line_to_an_order(
    browser: Browser, live_server: LiveServer, shop: Retailer
) -> None:
    context: BrowserContext = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sold = sale(shop, paused=True)
    join(page, live_server, sold)
    assert page.locator("meta[http-equiv=refresh]").count() == 1
    expect(page.get_by_text("0 people ahead")).to_be_visible()
    pause(sold, False)
    expect(page.get_by_role("heading", name="It's your turn")).to_be_visible(timeout=SLOW)
    page.get_by_role("link", name="Checkout", exact=True).click()
    fill(page, DECLINED)
    pay(page)
    expect(page.get_by_role("alert")).to_contain_text("declined")
    fill(page, PAYS)
    pay(page)
    expect(page.get_by_role("heading", name="Order confirmed")).to_be_visible()
    context.close()


def test_before_the_opening_it_says_when(page: Page, live_server: LiveServer, shop: Retailer) -> None:
    sold = sale(shop, open_at=clock.now() + timedelta(hours=1))
    page.goto(f"{live_server.url}/shop/waiting/{sold.uuid}/")
    expect(page.get_by_text(re.compile("opens"))).to_be_visible()
    fits(page)


def test_a37_the_last_one_is_kept_for_who_checks_out_first(
    page: Page, browser: Browser, live_server: LiveServer, shop: Retailer
) -> None:
    sold = sale(shop)
    row = Sku.objects.get()
    stock.set_on_hand(sku=row, on_hand=1, now=clock.now())
    first = browser.new_page()
    check_out(first, live_server, sold)
    assert stock.figures(sku=row, now=clock.now()) == stock.Figures(1, 1, 0)
    be_admitted(page, live_server, sold)
    page.get_by_role("link", name="Checkout", exact=True).click()
    expect(page.get_by_role("heading", name="Sold out for now")).to_be_visible()
    fits(page)
    page.get_by_role("link", name="Look again").click()
    expect(page.get_by_role("heading", name="Sold out for now")).to_be_visible()
    expect(page.get_by_role("button", name="Pay")).to_have_count(0)
    first.get_by_role("button", name="Give up my place").click()
    expect(first.get_by_role("heading", name="You gave up your place")).to_be_visible()
    first.close()
    page.get_by_role("link", name="Look again").click()
    expect(page.get_by_role("heading", name="Checkout")).to_be_visible()
    page.wait_for_load_state()
    fill(page, PAYS)
    pay(page)
    expect(page.get_by_role("heading", name="Order confirmed")).to_be_visible()
    assert stock.figures(sku=row, now=clock.now()) == stock.Figures(1, 0, 1)
    assert Order.objects.count() == 1


def test_a_form_on_its_way_is_not_cut_off_by_news_that_come_meanwhile(
    page: Page, live_server: LiveServer, shop: Retailer
) -> None:
    join(page, live_server, sale(shop, paused=True))
    expect(page.get_by_role("heading", name="Your place in line")).to_be_visible()
    page.wait_for_load_state()
    held: list[Route] = []
    looked: list[str] = []
    page.route("**/leave", lambda route: held.append(route))
    page.route("**/status", lambda route: route.fulfill(json={"stage": "ended", "people_ahead": None}))
    page.on("request", lambda request: looked.append(request.url) if request.is_navigation_request() else None)
    with page.expect_response("**/status", timeout=SLOW):
        page.get_by_role("button", name="Leave the line").click(no_wait_after=True)
    page.wait_for_timeout(200)
    assert [url.rpartition("/")[2] for url in looked] == ["leave"]
    held[0].continue_()
    expect(page.get_by_role("button", name="Join the line")).to_be_visible()
