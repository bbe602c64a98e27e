"""A shop on another origin sells to whom Offerkeep admitted, in a real browser, over a wire kept in memory."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from examples.external_checkout import __main__ as program
from examples.external_checkout import admission, shop
from tests.browser.looks import SLOW, again_until, come_back_until, counts_down_to, fits, seconds_left
from tests.browser.wire import KEY, Wire, running, serving

pytestmark = [pytest.mark.browser]
Start = Callable[[Wire], str]


@pytest.fixture
def launch() -> Iterator[str]:
    """The page that admits: another origin, which may frame the checkout and hears of it."""
    with _parent("{checkout}") as origin:
        yield origin


@contextmanager
def _parent(body: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        page = body

        def do_GET(self) -> None:
            sent = type(self).page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def start(launch: str) -> Iterator[Start]:
    """Start the external checkout over a wire; returns its origin."""
    with ExitStack() as stack:

        def begin(wire: Wire) -> str:
            api = admission.Api(stack.enter_context(serving(wire)), KEY, waits=(0,), sleep=lambda _: None)
            site = program.Site(shop.Shop(api), "", f"{launch}/launch")
            site.origin = (
                f"http://127.0.0.1:{stack.enter_context(running(program.serve(site, host='127.0.0.1', port=0)))}"
            )
            return site.origin

        yield begin


def fill(page: Page, card: str) -> None:
    page.get_by_role("textbox", name="Name").fill("Ada Lovelace")
    page.get_by_role("textbox", name="Email").fill("ada@example.com")
    page.get_by_role("textbox", name="Card number").fill(card)


def arrive(page: Page, origin: str) -> None:
    page.goto(f"{origin}/checkout?admission=code-1")
    expect(page.get_by_role("heading", name="Checkout")).to_be_visible()
    page.wait_for_load_state()  # what the page's script keeps and watches, it does from here on


def test_a26_external_checkout_from_code_to_order(page: Page, start: Start) -> None:
    wire = Wire()
    arrive(page, start(wire))
    fits(page)
    assert page.url.endswith("/checkout")  # A18
    assert wire.calls[:3] == ["exchange", "claim", "validate"]  # A35: before any input
    fill(page, shop.PAYS)
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("heading", name="Order confirmed")).to_be_visible()
    expect(page.get_by_text(re.compile("Order number: EXT-"))).to_be_visible()
    fits(page)
    assert (wire.state, len(wire.orders)) == ("COMPLETED", 1)
    kept = "sessionStorage.length + localStorage.length"
    again_until(page, lambda: None, lambda: page.evaluate(kept) == 0)  # A31
    page.reload()
    expect(page.get_by_role("heading", name="Order confirmed")).to_be_visible()


def test_a18_the_code_is_in_no_referer_and_of_no_use_twice(page: Page, browser: Browser, start: Start) -> None:
    origin = start(Wire())
    told: list[str] = []
    page.on("request", lambda request: told.append(request.headers.get("referer", "")))
    arrive(page, origin)
    assert not [text for text in told if "code-1" in text]
    other = browser.new_page()
    other.goto(f"{origin}/checkout?admission=code-1")
    expect(other.get_by_role("heading", name="You are not admitted")).to_be_visible()
    other.close()


def test_a32_a_declined_card_keeps_the_place_and_the_form(page: Page, start: Start) -> None:
    wire = Wire()
    arrive(page, start(wire))
    fill(page, shop.DECLINED)
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("alert")).to_contain_text("declined")
    assert wire.state == "CLAIMED"  # A24
    expect(page.get_by_role("textbox", name="Email")).to_have_value("ada@example.com")
    expect(page.get_by_role("textbox", name="Card number")).to_have_value("")
    page.get_by_role("textbox", name="Card number").fill(shop.PAYS)
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("heading", name="Order confirmed")).to_be_visible()


def test_a28_the_time_runs_out_on_the_open_page(page: Page, start: Start) -> None:
    page.clock.install()  # it runs as ever, and can be put forward: no slow machine is late for anything
    wire = Wire(ttl=600)
    arrive(page, start(wire))
    fill(page, shop.PAYS)
    page.clock.fast_forward(600_000)
    expect(page.get_by_text("Your time is up").first).to_be_visible()
    expect(page.get_by_role("button", name="Pay")).to_be_disabled()
    expect(page.get_by_role("link", name=re.compile("Back to"))).to_be_visible()
    expect(page.get_by_role("timer", name="Time left")).to_have_text("0:00")
    wire.expires_at = datetime.now(UTC)
    # A36: who submits all the same is refused by the server
    page.evaluate("document.querySelector('form[data-pay]').submit()")
    expect(page.get_by_role("heading", name="Your time is up")).to_be_visible()
    assert wire.orders == []


def test_a29_no_answer_is_not_a_no(browser: Browser, start: Start) -> None:
    page = browser.new_page()  # the browser itself puts a line about a 503 on the console
    wire = Wire()
    arrive(page, start(wire))
    fill(page, shop.PAYS)
    page.route("**/checkout/status", lambda route: route.fulfill(status=503, body="{}"))
    come_back_until(page, page.get_by_text("Your form is kept."))
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Ada Lovelace")
    expect(page.get_by_text("not admitted")).to_have_count(0)
    page.unroute("**/checkout/status")
    expect(page.get_by_text("Your form is kept.")).to_be_hidden(timeout=SLOW)
    expect(page.get_by_role("button", name="Pay")).to_be_enabled()
    page.close()


def test_a30_a_reload_goes_on_where_it_was(page: Page, start: Start) -> None:
    wire = Wire(ttl=300)
    arrive(page, start(wire))
    page.get_by_role("textbox", name="Name").fill("Ada Lovelace")
    page.get_by_role("textbox", name="Card number").fill(shop.PAYS)
    before = seconds_left(page)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Ada Lovelace")
    expect(page.get_by_role("textbox", name="Card number")).to_have_value("")
    assert seconds_left(page) <= before
    counts_down_to(page, wire.expires_at)
    assert wire.calls.count("claim") == 1


def test_a34_leaving_is_asked_about_only_while_the_form_is_open(page: Page, start: Start) -> None:
    origin = start(Wire())
    arrive(page, origin)
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    fill(page, shop.PAYS)
    page.reload()
    assert asked == ["beforeunload"]
    fill(page, shop.PAYS)
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("heading", name="Order confirmed")).to_be_visible()
    page.get_by_role("heading", name="Order confirmed").click()
    page.reload()
    assert asked == ["beforeunload"]


def test_giving_up_lets_the_next_in_at_once(page: Page, start: Start) -> None:
    wire = Wire()
    arrive(page, start(wire))
    page.get_by_role("button", name="Give up my place").click()
    expect(page.get_by_role("heading", name="You gave up your place")).to_be_visible()
    assert wire.state == "RELEASED"


def test_a27_the_parent_hears_of_the_order_and_a_foreign_one_is_refused(
    browser: Browser, start: Start, launch: str
) -> None:
    origin = start(Wire())
    page = browser.new_page()
    page.goto(f"{launch}/launch")
    page.evaluate(
        """(src) => { window.heard = [];
        addEventListener('message', (e) => window.heard.push([e.origin, e.data.event]));
        const frame = document.createElement('iframe'); frame.src = src; document.body.append(frame); }""",
        f"{origin}/checkout?admission=code-1",
    )
    frame = page.frame_locator("iframe")
    frame.get_by_role("textbox", name="Name").fill("Ada")
    frame.get_by_role("textbox", name="Email").fill("ada@example.com")
    frame.get_by_role("textbox", name="Card number").fill(shop.PAYS)
    frame.get_by_role("button", name="Pay").click()
    expect(frame.get_by_role("heading", name="Order confirmed")).to_be_visible()
    page.wait_for_function("window.heard.some(([, event]) => event === 'completed')")
    assert {told[0] for told in page.evaluate("window.heard")} == {origin}
    with _parent("foreign") as foreign:
        page.goto(foreign)
        with page.expect_event("console", lambda said: "frame-ancestors" in said.text):
            page.evaluate(
                "(src) => { const f = document.createElement('iframe'); f.src = src; document.body.append(f); }",
                f"{origin}/checkout",
            )
        expect(page.frame_locator("iframe").get_by_role("heading", name=re.compile("."))).to_have_count(0)
    page.close()


def test_a41_plain_html_is_enough(browser: Browser, start: Start) -> None:
    wire = Wire()
    origin = start(wire)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    arrive(page, origin)
    fill(page, shop.PAYS)
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("heading", name="Order confirmed")).to_be_visible()
    assert wire.state == "COMPLETED"
    context.close()


def test_an_order_does_not_fail_because_completing_does(start: Start) -> None:
    wire = Wire()
    with serving(wire) as base:
        sells = shop.Shop(admission.Api(base, KEY, waits=(0,), sleep=lambda _: None))
        visit = sells.visit("")
        sells.arrive(visit, "code-1")
        complete = wire.do_complete
        wire.do_complete = lambda body: (503, {})  # type: ignore[method-assign]
        seen = sells.pay(visit, {"name": "Ada", "email": "ada@example.com", "card": shop.PAYS})
        assert seen.page == "confirmed" and wire.state == "CLAIMED"
        assert sells.settle_pending() == 1
        wire.do_complete = complete  # type: ignore[method-assign]
        assert sells.settle_pending() == 0
        assert wire.state == "COMPLETED" and wire.orders == [seen.order_id]


FORM = {"name": "Ada", "email": "ada@example.com", "card": shop.PAYS}


@contextmanager
def selling(wire: Wire) -> Iterator[shop.Shop]:
    with serving(wire) as base:
        yield shop.Shop(admission.Api(base, KEY, waits=(0,), sleep=lambda _: None))


def test_closed_keeps_the_form_and_charges_nobody_until_somebody_answers() -> None:
    wire = Wire()
    with selling(wire) as sells:
        visit = sells.visit("")
        sells.arrive(visit, "code-1")
        assert sells.look(visit).page == "form"
        wire.down = True
        assert sells.look(visit).page == "checking"
        seen = sells.pay(visit, FORM)
        assert (seen.page, seen.fields["name"], sells.orders) == ("form", "Ada", {})
        assert "Nothing was charged" in seen.alert
        wire.down = False
        assert sells.pay(visit, FORM).page == "confirmed"


def test_open_lets_pay_who_was_told_valid_before_and_completes_later() -> None:
    wire = Wire()
    wire.when_unknown = "open"
    with selling(wire) as sells:
        visit, stranger = sells.visit(""), sells.visit("")
        sells.arrive(visit, "code-1")
        first = sells.look(visit)
        wire.down = True
        seen = sells.look(visit)
        assert (seen.page, seen.expires_at) == ("form", first.expires_at)
        assert seen.server_time >= first.server_time, "the countdown goes on by our own clock"
        assert sells.pay(visit, {**FORM, "card": shop.DECLINED}).alert.startswith("Your card was declined")
        assert sells.pay(visit, FORM).page == "confirmed"
        assert sells.settle_pending() == 1 and wire.orders == []
        sells.arrive(stranger, "code-2")
        assert sells.look(stranger).page == "checking", "nobody said that he is admitted"
        wire.down = False
        assert sells.look(stranger).page == "refused"
        assert sells.settle_pending() == 0
        assert wire.orders == [visit.order_id] and sells.orders[visit.order_id]["state"] == "paid"


def test_open_ends_when_the_time_is_up_by_the_shops_own_clock() -> None:
    wire = Wire()
    wire.when_unknown = "open"
    with selling(wire) as sells:
        visit = sells.visit("")
        sells.arrive(visit, "code-1")
        assert sells.look(visit).page == "form"
        wire.down = True
        visit.until = time.monotonic()
        assert sells.look(visit).page == "checking"
        assert sells.pay(visit, FORM).page == "form" and not sells.orders


def test_an_order_paid_in_doubt_stands_though_its_place_was_gone() -> None:
    wire = Wire()
    wire.when_unknown = "open"
    with selling(wire) as sells:
        visit = sells.visit("")
        sells.arrive(visit, "code-1")
        sells.look(visit)
        wire.down = True
        assert sells.pay(visit, FORM).page == "confirmed"
        wire.down, wire.orders = False, ["EXT-OTHER"]
        assert sells.settle_pending() == 0
        assert sells.orders[visit.order_id]["state"] == "paid, without a place"


def test_a_code_that_nobody_could_exchange_is_tried_again() -> None:
    wire = Wire()
    with selling(wire) as sells:
        visit = sells.visit("")
        wire.down = True
        sells.arrive(visit, "code-1")
        assert sells.look(visit).page == "checking"
        wire.down = False
        assert sells.look(visit).page == "form"
