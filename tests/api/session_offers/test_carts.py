"""Carts and orders over HTTP: what a code does for whom, and that an order costs what was last shown."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from checkout import showcase
from checkout.models import Authorization, CodeRefusal, Order, Redemption
from offers import stock
from offers.lib import clock
from offers.models import Retailer
from tests import factories
from tests.api.session_offers.visits import CODE, TEN, Shopper, grant_for, lay_out, ops

pytestmark = pytest.mark.django_db
ORIGIN = "http://testserver"


class Buyer(Shopper):
    """A shopper whose page's script talks to the cart."""

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        self.browser.handler.enforce_csrf_checks = True
        self.browser.cookies["csrftoken"] = "a" * 32
        answer = self.browser.generic(
            method,
            f"/session-offers/v1/{path}",
            b"" if body is None else orjson.dumps(body),
            content_type="application/json",
            headers={"X-Publishable-Key": self.key, "X-CSRFToken": "a" * 32, "Origin": ORIGIN},
        )
        return answer.status_code, answer.json() if answer.content else None

    def cart(self) -> Any:
        return self.call("GET", "cart")[1]

    def apply(self, code: str, grant: str = "", **headers: str) -> list[str]:
        query = {"code": code, **({"grant": grant} if grant else {})}
        answer = self.browser.get("/session-offers/apply", query, headers=headers)
        assert (answer.status_code, answer["Location"]) == (302, "/shop/cart/")
        found: list[str] = self.cart()["messages"]
        return found


@pytest.fixture
def shop() -> Retailer:
    found, _ = lay_out()
    done = ops(
        {"op": "create", "kind": "product", "fields": {"sku": "mug", "name": "Mug", "price": 2000, "on_hand": 5}},
        {"op": "create", "kind": "product", "fields": {"sku": "tent", "name": "Tent", "price": 9000, "on_hand": 1}},
    )
    assert not [one for one in done if "error" in one], done
    return found


@pytest.fixture
def users(shop: Retailer) -> tuple[Buyer, Buyer]:
    row, _ = factories.credential(shop, "publishable", origins=[ORIGIN])
    one, two = Buyer(shop, row.key), Buyer(shop, row.key)
    for each in (one, two):
        each.open()
        assert each.call("POST", "cart/items", {"sku": "mug", "quantity": 2})[0] == 200
    assert one.authorize(CODE, grant_for(shop, one.open())).status_code == 204
    return one, two


def test_a_cart_is_priced_and_refuses_nonsense(users: tuple[Buyer, Buyer]) -> None:
    one, _ = users
    assert one.cart() == {
        "items": [{"sku": "mug", "name": "Mug", "quantity": 2, "price": 2000, "amount": 4000}],
        "subtotal": 4000,
        "discount": 0,
        "shipping": 490,
        "total": 4490,
        "codes": [],
        "messages": [],
    }
    for body, status in (
        ({"sku": "nothing", "quantity": 1}, 404),
        ({"sku": "mug", "quantity": "1"}, 400),
        ({"sku": ["mug"], "quantity": 1}, 404),
        ({"sku": "mug", "quantity": 0}, 400),
        ({"sku": "mug", "quantity": 10**9}, 400),
        ({"sku": "mug", "quantity": 4}, 409),
    ):
        assert one.call("POST", "cart/items", body)[0] == status, body
    for code in (None, 1, "", " \n", "x" * 300, "a\x00b"):
        assert one.call("POST", "cart/codes", {"code": code})[0] == 400, code
    assert one.call("DELETE", "cart/codes/NOPE")[0] == 404


def test_s20_s21_scenarios_3_5_7_15_the_same_code_works_for_who_was_shown_it_and_for_nobody_else(
    users: tuple[Buyer, Buyer],
) -> None:
    one, two = users
    status, cart = one.call("POST", "cart/codes", {"code": CODE})
    assert (status, cart["shipping"], cart["total"], cart["codes"]) == (200, 0, 4000, [{"code": CODE}])
    for spelt in (CODE, CODE.lower(), f" {CODE}", "ＦＰ＿FREESHIP", "FP_NOPE"):
        status, refusal = two.call("POST", "cart/codes", {"code": spelt})
        assert (status, refusal["key"]) == (422, "code_not_authorized")
        assert refusal["message"] == "This code is not available for this visit."
    assert two.cart()["total"] == 4490
    assert CodeRefusal.objects.count() == 5
    assert two.apply(CODE) == ["This code is not available for this visit."]
    for each in users:
        assert each.call("POST", "cart/codes", {"code": "WELCOME10"})[1]["discount"] == 400
    assert one.call("DELETE", f"cart/codes/{CODE.lower()}")[1]["total"] == 4000 - 400 + 490
    for spelt in (CODE.lower(), f" {CODE}", "ＦＰ＿FREESHIP", "FP_\u200bFREE SHIP"):
        assert one.call("POST", "cart/codes", {"code": spelt})[1]["shipping"] == 0
        assert one.call("DELETE", f"cart/codes/{CODE}")[0] == 200


def test_s1_the_discount_reaches_no_session_that_was_not_authorised(shop: Retailer, users: tuple[Buyer, Buyer]) -> None:
    one, two = users
    assert one.call("POST", "cart/codes", {"code": CODE})[1]["total"] == 4000
    anew = Buyer(shop, one.key)  # the first one's person, with his cookies cleared
    anew.call("POST", "cart/items", {"sku": "mug", "quantity": 2})
    for each in (two, anew):
        assert each.call("POST", "cart/codes", {"code": CODE})[1]["key"] == "code_not_authorized"
        assert each.apply(CODE) == ["This code is not available for this visit."]
        assert each.cart()["total"] == 4490
        assert each.call("POST", "orders", {"total": 4000})[0] == 409
        assert each.call("POST", "orders", {"total": 4490})[0] == 201
    assert Order.objects.count() == 2 and not Redemption.objects.filter(succeeded=True).exists()


def test_s19_a_code_is_judged_by_the_session_s_list_as_it_is_now(users: tuple[Buyer, Buyer]) -> None:
    one, _ = users
    assert one.call("POST", "cart/codes", {"code": CODE})[0] == 200
    assert one.call("DELETE", f"authorizations/{CODE}")[0] == 204
    assert one.held() == []
    assert one.cart()["codes"] == []
    assert one.call("POST", "cart/codes", {"code": CODE})[1]["key"] == "code_not_authorized"


def test_s19_scenario_17_signing_out_clears_the_list(shop: Retailer, users: tuple[Buyer, Buyer]) -> None:
    one, _ = users
    assert one.call("POST", "cart/codes", {"code": CODE})[0] == 200
    one.browser.handler.enforce_csrf_checks = False
    assert one.browser.post("/shop/logout/").status_code == 302
    one.open()
    assert one.held() == []
    one.call("POST", "cart/items", {"sku": "mug", "quantity": 2})
    assert one.call("POST", "cart/codes", {"code": CODE})[1]["key"] == "code_not_authorized"


def test_s28_authorising_comes_before_applying(shop: Retailer, users: tuple[Buyer, Buyer]) -> None:
    _, two = users
    assert two.call("POST", "cart/codes", {"code": CODE})[1]["key"] == "code_not_authorized"
    assert two.authorize(CODE, grant_for(shop, two.open())).status_code == 204
    status, cart = two.call("POST", "cart/codes", {"code": CODE})
    assert (status, cart["total"]) == (200, 4000)


def test_scenarios_4_6_apply_by_link_does_what_typing_does_and_takes_a_grant_along(shop: Retailer) -> None:
    row, _ = factories.credential(shop, "publishable", origins=[ORIGIN])
    one = Buyer(shop, row.key)
    grant = grant_for(shop, one.open())
    one.call("POST", "cart/items", {"sku": "mug", "quantity": 1})
    assert one.apply(CODE, grant, Sec_Fetch_Site="cross-site") == []
    assert one.apply(CODE) == ["This code is not available for this visit."]
    assert one.apply(CODE, grant) == ["Your code was applied."]
    assert one.cart()["shipping"] == 0


def test_scenarios_19_20_a_code_that_lost_its_authorisation_leaves_the_cart_and_the_order_is_asked_again(
    shop: Retailer, users: tuple[Buyer, Buyer]
) -> None:
    one, _ = users
    one.call("POST", "cart/codes", {"code": CODE})
    Authorization.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    status, answer = one.call("POST", "orders", {"total": 4000})
    assert (status, answer["key"], answer["total"]) == (409, "total_changed", 4490)
    assert Order.objects.count() == Redemption.objects.filter(succeeded=True).count() == 0
    cart = one.cart()
    assert (cart["codes"], cart["total"]) == ([], 4490)
    assert cart["messages"] == [f"{CODE} was removed. This code is not available for this visit."]
    assert one.cart()["messages"] == []
    assert one.call("POST", "orders", {"total": 4490})[0] == 201


def test_an_order_uses_codes_and_stock_once_and_sent_twice_is_one(shop: Retailer, users: tuple[Buyer, Buyer]) -> None:
    one, two = users
    for code in (CODE, "WELCOME10"):
        assert one.call("POST", "cart/codes", {"code": code})[0] == 200
    status, placed = one.call("POST", "orders", {"total": 3600})
    assert (status, placed["total"]) == (201, 3600)
    assert one.call("POST", "orders", {"total": 3600}) == (201, placed)
    order = Order.objects.get()
    assert (order.public_id, order.total_amount, order.status) == (placed["id"], 3600, "PAID")
    assert stock.figures(sku=stock.find(retailer_id=shop.pk, sku="mug"), now=clock.now()).sold == 2
    assert Authorization.objects.get().state == "used"
    assert one.cart()["items"] == []
    assert one.call("POST", "orders", {"total": 1})[0] == 409
    one.call("POST", "cart/items", {"sku": "mug", "quantity": 1})
    assert one.call("POST", "cart/codes", {"code": CODE})[1]["key"] == "code_not_authorized"
    assert two.call("POST", "orders", {"total": 4490})[0] == 201


def test_nothing_is_used_when_stock_ran_out(shop: Retailer, users: tuple[Buyer, Buyer]) -> None:
    one, two = users
    for each in users:
        each.call("POST", "cart/items", {"sku": "tent", "quantity": 1})
    one.call("POST", "cart/codes", {"code": CODE})
    assert two.call("POST", "orders", {"total": two.cart()["total"]})[0] == 201
    status, refusal = one.call("POST", "orders", {"total": 13000})
    assert (status, refusal["key"]) == (409, "sold_out")
    assert Order.objects.count() == 1
    assert Authorization.objects.get().state == "active"
    assert stock.figures(sku=stock.find(retailer_id=shop.pk, sku="mug"), now=clock.now()).sold == 2


def test_the_engine_shows_an_offer_by_the_cart(shop: Retailer, users: tuple[Buyer, Buyer]) -> None:
    one, _ = users
    shown = showcase.present(retailer_id=shop.pk, session_hash=one.open(), now=clock.now(), cart_total=4000)
    assert TEN not in [each.code for each in shown]
