"""From our waiting page to the checkout of another origin and back, over the real API (A20, A26, A41)."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from checkout.admission.models import Admission
from examples.external_checkout import __main__ as program
from examples.external_checkout import admission, shop
from offers.models import Retailer
from tests import factories
from tests.browser.test_checkout_pages import be_admitted, sale
from tests.browser.wire import running

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("emptied_line")]


@pytest.fixture
def external(transactional_db: None, live_server: LiveServer) -> Iterator[tuple[Retailer, str]]:
    """A retailer with a shop on another origin that is on his list."""
    retailer = factories.retailer(name="Retailer A", currency="USD")
    key = factories.credential(retailer, "secret")[1]
    site = program.Site(shop.Shop(admission.Api(live_server.url, key)), "", f"{live_server.url}/shop/")
    with running(program.serve(site, host="127.0.0.1", port=0)) as port:
        site.origin = f"http://127.0.0.1:{port}"
        retailer.settings = {"return_origins": [site.origin], "external_checkout": f"{site.origin}/checkout"}
        retailer.save()
        yield retailer, site.origin


def test_a20_a26_a41_the_module_leads_to_another_origin_that_only_speaks_rest(
    page: Page, live_server: LiveServer, external: tuple[Retailer, str]
) -> None:
    retailer, origin = external
    be_admitted(page, live_server, sale(retailer), "module")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("link", name="Checkout", exact=True).click()
    expect(page.get_by_role("textbox", name="Card number")).to_be_visible()
    assert page.url == f"{origin}/checkout"
    assert not [url for url in asked if "adm1." in url]
    page.get_by_role("textbox", name="Name").fill("Ada")
    page.get_by_role("textbox", name="Email").fill("ada@example.com")
    page.get_by_role("textbox", name="Card number").fill(shop.DECLINED)
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("alert")).to_contain_text("declined")
    assert (Admission.objects.get().state, Admission.objects.get().declines) == ("CLAIMED", 1)
    page.get_by_role("textbox", name="Card number").fill(shop.PAYS)
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("heading", name="Order confirmed")).to_be_visible()
    assert Admission.objects.get().state == "COMPLETED"


def test_without_scripts_or_before_they_are_there_the_link_leads_to_the_same_checkout(
    browser: Browser, live_server: LiveServer, external: tuple[Retailer, str]
) -> None:
    retailer, origin = external
    retailer.settings = {**retailer.settings, "external_checkout": f"{origin}/checkout?shop=2"}
    retailer.save()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    be_admitted(page, live_server, sale(retailer), "module")
    with page.expect_request(lambda request: request.url.startswith(f"{origin}/checkout?shop=2&admission=")):
        page.get_by_role("link", name="Checkout", exact=True).click()
    expect(page.get_by_role("textbox", name="Card number")).to_be_visible()
    context.close()
    assert Admission.objects.get().state == "CLAIMED"


def test_an_origin_that_is_not_listed_gets_nobody(
    page: Page, live_server: LiveServer, external: tuple[Retailer, str]
) -> None:
    retailer, origin = external
    retailer.settings = {"return_origins": [], "external_checkout": f"{origin}/checkout"}
    retailer.save()
    be_admitted(page, live_server, sale(retailer), "module")
    page.get_by_role("link", name="Checkout", exact=True).click()
    expect(page.get_by_role("textbox", name="Card number")).to_be_visible()
    assert page.url == f"{live_server.url}/shop/checkout/"
