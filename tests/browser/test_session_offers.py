"""The seed's flow in two real browsers: what the widget shows and calls, and both ways a code reaches the cart."""

import urllib.error
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect
from pytest_django.live_server_helper import LiveServer

from offers.models import Retailer, SessionCampaign
from tests.api.session_offers.visits import CODE, TEN, lay_out, ops
from tests.browser.test_shop import NOT_HERE, buy, enter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
APPLY = "/session-offers/apply"


@pytest.fixture
def store(transactional_db: None) -> Retailer:
    """A shop whose two offers are for carts from 40.00 on."""
    found, _ = lay_out()
    for sku, name, price in (("mug", "Enamel mug", 1200), ("chair", "Camp chair", 4900)):
        ops({"op": "create", "kind": "product", "fields": {"sku": sku, "name": name, "price": price, "on_hand": 9}})
    SessionCampaign.objects.filter(code=CODE).update(cart_total_min=4000)
    return found


class User:
    """One person's browser, and every call its page made to the server's authorize."""

    def __init__(self, browser: Browser, live_server: LiveServer) -> None:
        self.context: BrowserContext = browser.new_context()
        self.page: Page = self.context.new_page()
        self.server = live_server
        self.calls: list[str] = []
        self.page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if "/session-offers/authorize" in request.url:
            self.calls.append(request.url)

    def sets(self, **variables: str) -> None:
        """Have the page print other integration variables; "" unsets one."""

        def printed(route: Route) -> None:
            answer = route.fetch()
            lines = [f'var {name} = "{value}";' for name, value in variables.items()]
            route.fulfill(response=answer, body=answer.text() + "\n".join(lines))

        self.page.route("**/session-offers/config.js", printed)

    def looks(self) -> Any:
        """Open the shop and return the region of offers, once the server has said what there is for this visit."""
        with self.page.expect_response("**/shop/offers"):
            self.page.goto(f"{self.server.url}/shop/")
        return self.page.get_by_role("region", name="Special offer")

    def opens_cart(self) -> None:
        self.page.goto(f"{self.server.url}/shop/cart/")

    def pays(self, total: str) -> None:
        expect(self.page.locator("[data-total]")).to_have_text(total)

    def is_refused(self) -> None:
        expect(self.page.get_by_role("alert")).to_have_text(NOT_HERE)


@pytest.fixture
def users(browser: Browser, live_server: LiveServer, store: Retailer) -> Any:
    """User1 has a cart that qualifies, User2 has one that does not."""
    one, two = User(browser, live_server), User(browser, live_server)
    buy(one.page, live_server, "Camp chair")
    buy(two.page, live_server, "Enamel mug")
    yield one, two
    one.context.close()
    two.context.close()


def test_s7_s8_the_widget_shows_the_code_and_apply_to_who_qualifies(users: tuple[User, User]) -> None:
    one, two = users
    offer = one.looks()
    expect(offer.get_by_text(CODE, exact=True)).to_be_visible()
    expect(offer.get_by_role("button", name="Apply")).to_be_visible()
    with two.page.expect_response("**/shop/offers") as answered:
        two.page.goto(f"{two.server.url}/shop/")
    assert answered.value.json() == {"data": []}
    expect(two.page.get_by_role("region", name="Special offer")).to_have_count(0)
    assert CODE not in two.page.content() and two.calls == []


def test_s9_the_widget_tells_the_server_once_and_before_the_code_is_seen(users: tuple[User, User]) -> None:
    one, _ = users
    waiting: list[Route] = []
    one.page.route("**/session-offers/authorize*", lambda route: waiting.append(route))
    with one.page.expect_request("**/session-offers/authorize*"):
        offer = one.looks()
    assert CODE not in one.page.content()  # the server has not answered yet
    waiting[0].continue_()
    expect(offer.get_by_text(CODE, exact=True)).to_be_visible()
    assert len(one.calls) == 1 and f"code={CODE}&grant=sog1." in one.calls[0]


def test_scenario_28_without_cookies_the_offer_is_not_shown_and_the_server_says_no(users: tuple[User, User]) -> None:
    one, _ = users
    said: list[int] = []

    def without_cookies(route: Route) -> None:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(route.request.url)
        said.append(refused.value.code)
        route.fulfill(status=refused.value.code, body=refused.value.read())

    one.page.route("**/session-offers/authorize*", without_cookies)
    with one.page.expect_response("**/session-offers/authorize*"):
        one.looks()
    expect(one.page.get_by_role("region", name="Special offer")).to_have_count(0)
    assert CODE not in one.page.content()
    assert said == [403]  # and no second try: it was told no
    one.opens_cart()
    enter(one.page, CODE)
    one.is_refused()


def test_s10_the_call_goes_to_session_offer_url_with_the_code_in_place(users: tuple[User, User]) -> None:
    one, _ = users
    one.sets(sessionOfferUrl="/session-offers/authorize?from=elsewhere&code=%c&to=us")
    expect(one.looks().get_by_text(CODE, exact=True)).to_be_visible()
    assert len(one.calls) == 1
    assert f"/session-offers/authorize?from=elsewhere&code={CODE}&to=us&grant=" in one.calls[0]
    assert "%c" not in one.calls[0]


def test_s14_a_code_is_pasted_into_the_cart(users: tuple[User, User]) -> None:
    one, _ = users
    expect(one.looks().get_by_text(CODE, exact=True)).to_be_visible()
    one.opens_cart()
    one.pays("53.90")
    enter(one.page, CODE)
    expect(one.page.get_by_role("button", name=f"Remove {CODE}")).to_be_visible()
    one.pays("49.00")


def test_s15_apply_leads_to_the_cart_with_the_discount(users: tuple[User, User]) -> None:
    one, _ = users
    one.looks().get_by_role("button", name="Apply").click()
    expect(one.page.get_by_role("heading", name="Cart", exact=True)).to_be_visible()
    assert one.page.url == f"{one.server.url}/shop/cart/"
    expect(one.page.get_by_role("button", name=f"Remove {CODE}")).to_be_visible()
    one.pays("49.00")


def test_s16_without_apply_to_cart_url_there_is_no_button_and_pasting_works(users: tuple[User, User]) -> None:
    one, _ = users
    one.sets(applyToCartUrl="")
    offer = one.looks()
    expect(offer.get_by_role("button", name="Copy code")).to_be_visible()
    expect(offer.get_by_role("button", name="Apply")).to_have_count(0)
    one.opens_cart()
    enter(one.page, CODE)
    one.pays("49.00")


def test_s17_both_ways_judge_the_same(users: tuple[User, User]) -> None:
    one, two = users
    expect(one.looks().get_by_text(CODE, exact=True)).to_be_visible()
    for code in (CODE, TEN):  # the second was shown to nobody
        two.opens_cart()
        enter(two.page, code)
        two.is_refused()
        two.pays("16.90")
        two.page.goto(f"{two.server.url}{APPLY}?code={code}")
        two.is_refused()
        two.pays("16.90")


def test_s24_the_same_person_in_a_new_session_is_refused(users: tuple[User, User]) -> None:
    one, _ = users
    expect(one.looks().get_by_text(CODE, exact=True)).to_be_visible()
    one.opens_cart()
    enter(one.page, CODE)
    one.pays("49.00")
    one.context.clear_cookies()
    buy(one.page, one.server, "Enamel mug")
    enter(one.page, CODE)
    one.is_refused()
    one.pays("16.90")
