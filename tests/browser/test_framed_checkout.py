"""Our own checkout inside a page of another site: cookies of its own, an order, and a parent that hears of it (A27)."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from checkout.admission import handoffs
from checkout.admission.models import Admission, Handoff
from checkout.api.pages.checkout import PAYS
from checkout.models import Order
from offers.lib import clock
from offers.models import Retailer
from tests import factories
from tests.browser.test_checkout_pages import sale
from tests.browser.wire import running
from tests.checkout.admission import launch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("emptied_line")]
Parent = Callable[[str], str]
# The parent writes down what it hears, and from whom; its own script is all it has.
PAGE = """<!doctype html><title>Parent</title><ol id="heard"></ol>
<script>addEventListener("message", (event) => {
  const line = document.createElement("li");
  line.textContent = `${event.origin} ${event.data.type} ${event.data.event} ${JSON.stringify(event.data)}`;
  document.getElementById("heard").append(line);
});</script>%s"""


@pytest.fixture
def serve() -> Iterator[Parent]:
    """Serve a parent's page on 127.0.0.1, which is another site than our localhost; returns its origin."""
    with ExitStack() as stack:

        def begin(body: str) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    sent = (PAGE % body).encode()
                    self.send_response(200 if self.path == "/" else 404)
                    self.send_header("Content-Type", "text/html")
                    self.send_header("Content-Length", str(len(sent)))
                    self.end_headers()
                    self.wfile.write(sent)

                def log_message(self, format: str, *args: Any) -> None:
                    pass

            return f"http://127.0.0.1:{stack.enter_context(running(ThreadingHTTPServer(('127.0.0.1', 0), Handler)))}"

        yield begin


@pytest.fixture
def home(live_server: LiveServer) -> str:
    assert "//localhost:" in live_server.url
    return str(live_server.url)


def admitted(shop: Retailer) -> Admission:
    sold = sale(shop)
    one = launch.consumer(shop)
    launch.enter_now(sold, one)
    return Admission.objects.get(consumer=one)


def code_for(admission: Admission, home: str) -> str:
    return handoffs.create(admission=admission, return_url=f"{home}/shop/checkout/", allowed=[home], now=clock.now())


def frame_of(home: str, code: str, more: str = "") -> str:
    return f'<iframe src="{home}/shop/checkout/?admission={code}" width="700" height="900" {more}></iframe>'


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context.new_page()
    context.close()


def pay_in(page: Page) -> None:
    frame = page.frame_locator("iframe")
    frame.get_by_role("textbox", name="Name").fill("Ada")
    frame.get_by_role("textbox", name="Email").fill("ada@example.com")
    frame.get_by_role("textbox", name="Card number").fill(PAYS)
    frame.get_by_role("button", name="Pay").click()


def test_a27_a_listed_parent_frames_it_and_hears_of_the_order(
    page: Page, home: str, serve: Parent, transactional_db: None
) -> None:
    shop = factories.retailer(name="Retailer A", currency="EUR")
    admission = admitted(shop)
    parent = serve(frame_of(home, code_for(admission, home)))
    shop.settings = {"return_origins": ["https://first.example", parent]}
    shop.save()
    page.goto(f"{parent}/")
    expect(page.frame_locator("iframe").get_by_role("heading", name="Checkout")).to_be_visible()
    expect(page.locator("#heard li").first).to_contain_text("offerkeep.checkout open")
    cookies = page.context.cookies(home)
    ours = [one for one in cookies if one["name"] in {"sessionid", "csrftoken"}]
    assert {one["name"] for one in ours} == {"sessionid", "csrftoken"}
    for one in ours:
        assert (one["sameSite"], one["secure"]) == ("None", True), one
        assert one["partitionKey"] == "http://127.0.0.1", one
    pay_in(page)
    expect(page.frame_locator("iframe").get_by_role("heading", name="Order confirmed")).to_be_visible()
    expect(page.locator("#heard li").last).to_contain_text("offerkeep.checkout completed")
    heard = page.locator("#heard li").all_inner_texts()
    assert all(told.startswith(f"{home} offerkeep.checkout ") and "adm1." not in told for told in heard), heard
    order = Order.objects.get()
    admission.refresh_from_db()
    assert (admission.state, admission.order_id) == ("COMPLETED", order.public_id)
    # The cookies of the frame are nobody else's: our own pages know nothing of this visit.
    page.goto(f"{home}/shop/checkout/")
    expect(page.get_by_role("heading", name="You are not admitted")).to_be_visible()


def test_a27_the_frame_works_without_scripts_too(
    browser: Browser, home: str, serve: Parent, transactional_db: None
) -> None:
    shop = factories.retailer(name="Retailer A", currency="EUR")
    parent = serve(frame_of(home, code_for(admitted(shop), home)))
    shop.settings = {"return_origins": [parent]}
    shop.save()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{parent}/")
    pay_in(page)
    expect(page.frame_locator("iframe").get_by_role("heading", name="Order confirmed")).to_be_visible()
    context.close()


@pytest.mark.parametrize("more", ["", 'referrerpolicy="no-referrer"'], ids=["says who it is", "does not"])
def test_a27_a_foreign_parent_gets_nothing_and_uses_nothing_up(
    page: Page, home: str, serve: Parent, transactional_db: None, more: str
) -> None:
    shop = factories.retailer(name="Retailer A", currency="EUR")
    admission = admitted(shop)
    parent = serve(frame_of(home, code_for(admission, home), more))
    shop.settings = {"return_origins": ["https://shop.example"]}
    shop.save()
    with page.expect_response(re.compile("/shop/checkout/")) as answered:
        page.goto(f"{parent}/")
    assert answered.value.status == 403 and "set-cookie" not in answered.value.all_headers()
    expect(page.frame_locator("iframe").get_by_role("heading")).to_have_count(0)
    assert page.locator("#heard li").count() == 0 and page.context.cookies(home) == []
    admission.refresh_from_db()
    assert admission.state == "ISSUED" and Handoff.objects.get().used_at is None


def test_a_top_level_visit_keeps_its_ordinary_cookies(page: Page, home: str, transactional_db: None) -> None:
    shop = factories.retailer(name="Retailer A", currency="EUR")
    page.goto(f"{home}/shop/checkout/?admission={code_for(admitted(shop), home)}")
    expect(page.get_by_role("heading", name="Checkout")).to_be_visible()
    for one in page.context.cookies(home):
        assert one["sameSite"] == "Lax" and "partitionKey" not in one, one
