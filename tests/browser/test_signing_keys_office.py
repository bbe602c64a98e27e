"""An admin renews the order hook's secret and retires a key in a real browser."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from checkout import roles
from offers import signing_keys
from offers.lib import clock
from offers.models import SigningKey
from tests import factories
from tests.admin.conftest import member
from tests.browser.test_launches import shoot
from tests.browser.test_office import fits, log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_secret_is_made_and_a_key_retired(page: Page, live_server: LiveServer) -> None:
    shop = factories.retailer(name="Retailer A", currency="EUR")
    old = signing_keys.active(retailer_id=shop.pk, purpose=signing_keys.ADMISSION, now=clock.now())
    member("adam", roles.ADMIN)
    log_in(page, live_server, "adam", "offers/signingkey/add/")
    page.get_by_label("Order hook of external shops").check()
    page.get_by_label("Reason").fill("The shop moves")
    fits(page)
    page.get_by_role("button", name="Make the key").press("Enter")
    expect(page.get_by_role("heading", name="Secret of the order hook of external shops")).to_be_visible()
    made = SigningKey.objects.get(purpose="orders", state="active")
    expect(page.get_by_text(signing_keys.secret(made))).to_be_visible()
    fits(page)
    shoot(page, "key-secret")
    page.goto(f"{live_server.url}/admin/offers/signingkey/{old.pk}/change/")
    page.get_by_role("link", name="Retire…").press("Enter")
    page.get_by_label("Reason").fill("Leaked in a chat")
    fits(page)
    page.get_by_role("button", name="Retire").press("Enter")
    expect(page.get_by_text(f"{old.kid} is believed no more.")).to_be_visible()
    fits(page)
    shoot(page, "key-retired")
    page.goto(f"{live_server.url}/admin/offers/signingkey/")
    expect(page.locator("#result_list").get_by_text("Only checks")).to_be_visible()
    fits(page)
    shoot(page, "keys")
