"""The shop's pages without a browser: gift cards, shipping, launches, guessing, and what a page costs the database."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from checkout import shipping
from checkout.api.common import limits
from checkout.api.pages import art
from checkout.configure import operations
from checkout.models import Cart, Order
from offers import vouchers
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Retailer, Voucher
from tests.api.session_offers.visits import lay_out, ops
from tests.checkout.admission import launch

pytestmark = pytest.mark.django_db
CARD = "GIFT-20"


@pytest.fixture
def shop() -> Retailer:
    found, _ = lay_out()
    for sku, name, price, on_hand in (("mug", "Mug", 2000, 5), ("tent", "Tent", 9000, 2), ("pin", "Pin", 500, 0)):
        put(sku, name, price, on_hand)
    give(found, CARD, 2000)
    return found


def put(sku: str, name: str, price: int, on_hand: int) -> None:
    fields = {"sku": sku, "name": name, "price": price, "on_hand": on_hand}
    assert "error" not in ops({"op": "create", "kind": "product", "fields": fields})[0]


def give(shop: Retailer, code: str, amount: int) -> Voucher:
    fields: Any = {"type": "GIFT_VOUCHER", "gift": {"amount": amount, "effect": "APPLY_TO_ORDER"}}
    return vouchers.create(retailer_id=shop.pk, code=code, fields=fields, actor=SYSTEM, now=clock.now())


@pytest.fixture
def page(shop: Retailer) -> Client:
    browser = Client()
    browser.post("/shop/cart/add", {"sku": "mug"})
    return browser


def cart(page: Client) -> str:
    return re.sub(r"\s+", " ", page.get("/shop/cart/").content.decode())


def figure(name: str, text: str) -> str:
    found = re.search(rf'<th scope="row">{name}</th><td>(?:<span data-total>)?([^<]*)', text)
    return found[1] if found else ""


def test_a_gift_card_pays_goods_keeps_what_is_left_and_is_not_a_discount(page: Client) -> None:
    page.post("/shop/cart/add", {"sku": "tent"})
    page.post("/shop/cart/code", {"gift_card": CARD})
    page.post("/shop/cart/code", {"code": "WELCOME10"})
    text = cart(page)
    # The card pays of what the discount left, although it was there first: 110.00 - 11.00 - 20.00 + 4.90.
    assert (figure("Discount", text), figure("Gift card", text), figure("Total", text)) == ("−11.00", "−20.00", "83.90")
    assert f'aria-label="Remove {CARD}"' in text and "used up by this order" in text
    page.post("/shop/cart/order", {"total": "8390"})
    assert "Thank you" in cart(page)
    order = Order.objects.get()
    assert (order.total_amount, order.metadata["shipping"]) == (7900, 490)
    page.post("/shop/cart/add", {"sku": "mug"})
    page.post("/shop/cart/code", {"gift_card": CARD})
    assert "There is nothing left on this gift card." in cart(page)


def test_a_gift_card_says_what_will_be_left_and_its_field_keeps_what_was_typed(shop: Retailer, page: Client) -> None:
    give(shop, "GIFT-50", 5000)
    page.post("/shop/cart/code", {"gift_card": "GIFT-50"})
    text = cart(page)
    assert "Your gift card is used for this order." in text and "30.00 USD will be left" in text
    page.post("/shop/cart/uncode", {"code": "GIFT-50"})
    page.post("/shop/cart/code", {"gift_card": "GIFT-9"})
    text = cart(page)
    assert re.search(r'id="gift_card"[^>]*value="GIFT-9" aria-describedby="alert" aria-invalid="true"', text)
    assert '<p class="note bad" role="alert" id="alert">We do not know this code.</p>' in text
    assert not Cart.objects.get().codes


def test_either_field_takes_either_code(page: Client) -> None:
    page.post("/shop/cart/code", {"gift_card": "WELCOME10"})
    page.post("/shop/cart/code", {"code": CARD})
    text = cart(page)
    assert (figure("Discount", text), figure("Gift card", text)) == ("−2.00", "−18.00")


@pytest.mark.parametrize(
    ("currency", "own", "cost"),
    [
        ("EUR", None, 490),
        ("JPY", None, 600),
        ("UGX", None, 500),
        ("KWD", None, 1900),
        ("EUR", 0, 0),
        ("JPY", 750, 750),
        ("EUR", -1, 490),
        ("EUR", True, 490),
        ("EUR", "5.00", 490),
    ],
)
def test_shipping_costs_what_the_shop_says_else_what_is_usual_in_its_currency(
    currency: str, own: Any, cost: int
) -> None:
    assert shipping.price_of(Retailer(currency=currency, settings={} if own is None else {"shipping": own})) == cost


def test_shipping_is_set_by_configure_and_shown(shop: Retailer, page: Client) -> None:
    op = {"op": "set", "kind": "shipping"}
    told = operations.carry_out(
        [{**op, "fields": {"amount": 700}}, *({**op, "fields": {"amount": one}} for one in (-1, "7.00", 1.5, True))],
        now=clock.now(),
    )
    assert told[0] == {} and all("error" in one for one in told[1:])
    assert figure("Shipping", cart(page)) == "7.00"
    Retailer.objects.filter(pk=shop.pk).update(currency="JPY", settings={})
    text = cart(page)
    assert (figure("Shipping", text), figure("Total", text)) == ("600", "2600")


def test_what_only_a_launch_sells_leads_to_it(shop: Retailer, page: Client) -> None:
    assert page.get("/shop/").content.decode().count("Sold out") == 1
    sold = launch.queue(shop, now=clock.now(), sku="pin")
    for path in ("/shop/", "/shop/products/pin/"):
        assert f'href="/shop/waiting/{sold.uuid}/">Go to the launch' in page.get(path).content.decode()
    sold.close_at = sold.serve_until = clock.now() - timedelta(seconds=1)
    sold.save()
    assert "Go to the launch" not in page.get("/shop/").content.decode()


def test_who_guesses_at_codes_is_stopped_and_nobody_else(page: Client, settings: Settings) -> None:
    limits.reset()
    settings.GUESS_LIMIT_BROWSER, settings.LIMITS_ON_LOOPBACK = 3, True
    for at in range(4):
        page.post("/shop/cart/code", {"gift_card": f"GIFT-{at}"})
        assert "We do not know this code." in cart(page) if at < 3 else "Too many codes were tried." in cart(page)
    for path in ("/shop/cart/code", "/session-offers/apply"):
        page.post(path, {"gift_card": CARD}) if "cart" in path else page.get(path, {"code": CARD})
        text = cart(page)
        assert "Too many codes were tried." in text and not figure("Gift card", text)
    other = Client(REMOTE_ADDR="203.0.113.9")
    other.post("/shop/cart/add", {"sku": "mug"})
    other.post("/shop/cart/code", {"gift_card": CARD})
    assert figure("Gift card", cart(other)) == "−20.00"
    limits.reset()


@pytest.mark.parametrize(("path", "most"), [("/shop/", 8), ("/shop/products/mug/", 7), ("/shop/cart/", 11)])
def test_a_page_asks_the_database_so_often_however_much_there_is(
    shop: Retailer, page: Client, path: str, most: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    page.post("/shop/cart/code", {"code": "WELCOME10"})
    page.get(path)
    for at in range(40):
        ops(
            {
                "op": "create",
                "kind": "product",
                "fields": {"sku": f"s{at}", "name": f"S {at}", "price": 1, "on_hand": 2},
            }
        )
    for at in range(10):
        page.post("/shop/cart/add", {"sku": f"s{at}"})
    with django_assert_max_num_queries(most):
        assert page.get(path).status_code == 200


def test_every_page_has_its_landmarks_and_one_heading(shop: Retailer, page: Client) -> None:
    sold = launch.queue(shop, now=clock.now())
    for path in ("/shop/", "/shop/products/mug/", "/shop/cart/", "/shop/login/", f"/shop/waiting/{sold.uuid}/"):
        text = page.get(path).content.decode()
        assert '<html lang="en">' in text and text.count("<h1") == 1, path
        assert '<a href="/shop/cart/">Cart</a>' in text and '<main id="main"' in text, path


@pytest.mark.parametrize(
    ("name", "drawing", "tint"),
    [
        ("Enamel mug, red", "mug", 1),
        ("Two-person tent", "tent", 2),
        ("Sleeping bag, 0 °C", "bag", 0),
        ("Camp chair", "chair", 1),
        ("LP", "record", 3),
        ("Lpx", "hills", 2),
        ("", "hills", 2),
        ("\ud800", "hills", 2),
    ],
)
def test_any_product_has_a_drawing(name: str, drawing: str, tint: int) -> None:
    assert (art.of(name), art.tint(name)) == (drawing, tint)
