"""What the pages of a launch say to a shopper at every turn: nobody is left without an explanation."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import redis
from django.test import Client as Browser

from checkout.admission import auctions, claims, draws, line, queue_numbers, queue_ticks
from checkout.admission.models import Admission, Distribution, Payment
from checkout.api.pages.checkout import DECLINED, PAYS
from checkout.models import Order
from offers.lib.actors import SYSTEM
from offers.models import Product, Retailer, Sku
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at

pytestmark = pytest.mark.django_db
SetClock = Callable[[datetime], None]
CHECKOUT = "/shop/checkout/"
LP: dict[str, Any] = {"sku": "LP-1", "currency": "USD", "admission_ttl_seconds": 600}


@pytest.fixture(autouse=True)
def noon(redis_client: "redis.Redis", set_clock: SetClock) -> Iterator[None]:
    line.reset()
    queue_numbers.reset()
    set_clock(NOW)
    yield
    line.reset()


@pytest.fixture
def shop(shop_a: Retailer) -> Retailer:
    product = Product.objects.create(retailer=shop_a, name="First pressing")
    Sku.objects.create(retailer=shop_a, product=product, sku="LP-1", price=4900, currency="USD")
    return shop_a


class Visitor:
    """A browser without scripts on the page of one launch."""

    def __init__(self, launched: Distribution) -> None:
        self.browser, self.way = Browser(), f"/shop/waiting/{launched.uuid}/"

    def look(self, address: str = "") -> str:
        return re.sub(r"\s+", " ", self.browser.get(address or self.way).content.decode())

    def join(self, **body: str) -> str:
        return self.press("join", **body)

    def press(self, button: str, **body: str) -> str:
        self.browser.post(self.way + button, body)
        return self.look()

    def check_out(self) -> str:
        """Go on to the checkout; return the name of the form's attempt to pay."""
        self.browser.get(self.browser.get(f"{self.way}checkout")["Location"])
        return self.attempt()

    def attempt(self) -> str:
        return str(re.findall(r'name="attempt" value="(\w+)"', self.look(CHECKOUT))[0])

    def pay(self, card: str, attempt: str) -> str:
        body = {"name": "Ada", "email": "ada@example.com", "card_number": card, "attempt": attempt}
        self.browser.post(f"{CHECKOUT}pay", body)
        return self.look(CHECKOUT)


def admitted(launched: Distribution) -> Visitor:
    one = Visitor(launched)
    one.join()
    queue_ticks.tick(distribution=launched, now=NOW)
    assert "It's your turn" in one.look()
    return one


# --- before, in line, and gone ---


def test_it_says_what_is_sold_and_for_how_much(shop: Retailer) -> None:
    for made in (launch.queue(shop, **LP), launch.draw(shop, **LP)):
        assert "First pressing, 49.00 USD" in Visitor(made).look()
    assert "First pressing</p>" in Visitor(launch.auction(shop, **LP, start_price=1000)).look()
    assert "None" not in Visitor(launch.queue(shop, sku="nobody sells it")).look()


def test_the_checkout_names_the_product_and_the_launch_the_order_number(shop: Retailer) -> None:
    one = admitted(launch.queue(shop, **LP))
    attempt = one.check_out()
    assert "First pressing</th>" in one.look(CHECKOUT) and "LP-1" not in one.look(CHECKOUT)
    assert "Order confirmed" in one.pay(PAYS, attempt)
    assert f"Order number: <strong>{Order.objects.get().public_id}</strong>" in one.look()


def test_who_leaves_the_line_is_told_so_and_may_come_again(shop: Retailer) -> None:
    queue = launch.queue(shop, **LP, max_active=1)
    admitted(queue)
    one = Visitor(queue)
    assert "Your place in line" in one.join()
    gone = one.press("leave")
    assert "You are not in line any more." in gone and "Join the line</button>" in gone
    assert "not in line any more" not in one.join()


def test_who_gave_up_where_one_comes_in_once_finds_no_button_that_does_nothing(shop: Retailer) -> None:
    one = admitted(launch.queue(shop, **LP, allow_reentry=False))
    gone = one.press("leave")
    assert "Your place is gone" in gone and "cannot join again" in gone
    assert "Join the line" not in gone


def test_who_is_in_a_draw_knows_when_it_is_drawn_and_how_many_win(shop: Retailer) -> None:
    one = Visitor(launch.draw(shop, **LP, close_at=at(3600), winner_count=2))
    entered = one.join()
    assert "You are in the draw." in entered and "2 of all who enter win" in entered
    assert re.search(r"Entries close <time [^>]+>on 1 June 2026 at 13:00 UTC</time>; then it is drawn", entered)
    assert "You left the draw. You can enter it again." in one.press("leave")


def test_who_gives_up_what_he_won_is_not_told_that_he_lost(shop: Retailer, set_clock: SetClock) -> None:
    draw = launch.draw(shop, **LP, close_at=at(60), draw_at=at(60))
    auction = launch.auction(shop, **LP, close_at=at(60), start_price=1000)
    lucky, bidder = Visitor(draw), Visitor(auction)
    lucky.join()
    bidder.join(amount="12.50")
    set_clock(at(60))
    auctions.settle(auction=auction, now=at(60))
    for one in (lucky, bidder):
        assert "It's your turn" in one.look()
        gone = one.press("leave")
        assert "Your place is gone" in gone and "offered to the next one" in gone
        assert "did not win" not in gone


def test_whoever_is_taken_out_is_told_so_in_every_kind_of_launch(shop: Retailer, set_clock: SetClock) -> None:
    queue = launch.queue(shop, **LP)
    draw = launch.draw(shop, **LP, close_at=at(60), draw_at=at(60))
    auction = launch.auction(shop, **LP, close_at=at(60), start_price=1000)
    people = [admitted(queue), Visitor(draw), Visitor(auction)]
    people[1].join()
    people[2].join(amount="12.50")
    set_clock(at(60))
    draws.run(draw=draw, now=at(60))
    auctions.settle(auction=auction, now=at(60))
    for row in Admission.objects.all():
        claims.revoke(admission_id=row.pk, actor=SYSTEM, reason="fraud", now=at(60))
    for one in people:
        shown = one.look()
        assert "You are not admitted" in shown and "did not win" not in shown and "fraud" not in shown


def test_who_waited_until_the_line_closed_is_told_that_it_did_not_come_to_him(
    shop: Retailer, set_clock: SetClock
) -> None:
    queue = launch.queue(shop, **LP, close_at=at(60), serve_until=at(120), max_active=1)
    admitted(queue)
    late = Visitor(queue)
    late.join()
    set_clock(at(120))
    assert "your turn did not come any more" in late.look()
    assert "Nobody new can join." in Visitor(queue).look()


# --- paying ---


def test_giving_up_after_two_declined_cards_is_not_called_too_many(shop: Retailer) -> None:
    one = admitted(launch.queue(shop, **LP))
    one.check_out()
    for _ in range(2):
        assert "declined" in one.pay(DECLINED, one.attempt())
    one.browser.post(f"{CHECKOUT}give-up")
    shown = one.look(CHECKOUT)
    assert "You gave up your place" in shown and "You can join again" in shown
    assert "Too many" not in shown


def test_the_fifth_declined_card_is_told_as_what_it_is(shop: Retailer) -> None:
    one = admitted(launch.queue(shop, **LP))
    one.check_out()
    for _ in range(4):
        one.pay(DECLINED, one.attempt())
    shown = one.pay(DECLINED, one.attempt())
    assert "Your place is gone" in shown and "Too many cards were declined" in shown
    assert "You gave up" not in shown


def test_a_form_sent_again_as_no_answer_came_is_the_same_payment(shop: Retailer) -> None:
    """The server died while it paid: the browser sends the form again, and the card is declined."""
    one = admitted(launch.queue(shop, **LP))
    attempt, row = one.check_out(), Admission.objects.get()
    session = one.browser.session["checkout"]["session"]
    claims.begin_payment(admission_id=row.pk, session=session, payment=attempt, now=NOW)  # and no more
    assert "declined" in one.pay(DECLINED, attempt)
    assert not Payment.objects.filter(under_way=1).exists()
    one.browser.post(f"{CHECKOUT}give-up")
    assert "You gave up your place" in one.look(CHECKOUT)


@pytest.mark.parametrize("attempt", ["", "x" * 300, "ABCDEF0123456789", "é\x00"])
def test_the_name_of_an_attempt_is_ours(shop: Retailer, attempt: str) -> None:
    one = admitted(launch.queue(shop, **LP))
    one.check_out()
    assert "Order confirmed" in one.pay(PAYS, attempt)
    assert re.fullmatch("[0-9a-f]{16}", Payment.objects.get().reference)


def test_when_the_time_is_up_while_a_payment_is_under_way_both_pages_wait_for_it(
    shop: Retailer, set_clock: SetClock
) -> None:
    one = admitted(launch.queue(shop, **LP))
    attempt, row = one.check_out(), Admission.objects.get()
    session = one.browser.session["checkout"]["session"]
    claims.begin_payment(admission_id=row.pk, session=session, payment=attempt, now=at(599))
    set_clock(at(600))
    for address in (one.way, CHECKOUT):
        shown = one.look(address)
        assert "Your payment is under way" in shown and 'http-equiv="refresh" content="10"' in shown
        assert "went to the next" not in shown and "Nothing was charged" not in shown
    asked = one.browser.post(f"{CHECKOUT}claim", "{}", content_type="application/json").json()
    assert (asked["valid"], asked["paying"]) == (True, True)
    assert "under way" in one.pay(PAYS, "0" * 16)  # a further one does not begin any more
    assert "Order confirmed" in one.pay(PAYS, attempt)
    assert Order.objects.count() == 1


def test_a_payment_that_never_ends_is_over_after_two_minutes(shop: Retailer, set_clock: SetClock) -> None:
    one = admitted(launch.queue(shop, **LP))
    attempt, row = one.check_out(), Admission.objects.get()
    session = one.browser.session["checkout"]["session"]
    claims.begin_payment(admission_id=row.pk, session=session, payment=attempt, now=at(599))
    set_clock(at(719))
    assert "under way" in one.look(CHECKOUT)
    set_clock(at(720))
    for address in (one.way, CHECKOUT):
        assert "Your time is up" in one.look(address)
