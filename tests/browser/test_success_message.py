"""The end of a purchase: the customer reads that it succeeded, after it did and not before."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from checkout.api.pages.checkout import PAYS
from checkout.models import Order
from offers.models import Retailer
from tests.browser.test_checkout_pages import check_out, fill, pay, sale, shop

__all__ = ["shop"]  # a fixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("emptied_line")]


def test_t74_the_success_message_comes_once_the_purchase_is_stored(
    page: Page, live_server: LiveServer, shop: Retailer
) -> None:
    check_out(page, live_server, sale(shop))
    done = page.get_by_role("heading", name="Order confirmed")
    expect(done).to_have_count(0)
    assert not Order.objects.exists()
    fill(page, PAYS)
    pay(page)
    expect(done).to_be_visible()
    expect(page.get_by_text(f"Order number: {Order.objects.get().public_id}")).to_be_visible()
