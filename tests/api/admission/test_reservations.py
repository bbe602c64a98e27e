"""/admission/v1/reservations over HTTP: stock kept for an admission, sold with it, and given back when it ends."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
import redis
from django.db import connection

from checkout.admission import claims, line, queue_numbers, queue_ticks, reservations
from checkout.admission.models import Admission, Distribution, Reservation
from offers import stock
from offers.ledger import audit
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Product, Retailer, Sku
from tests import factories
from tests.api.client import Answer, ApiClient
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at

pytestmark = pytest.mark.django_db
SetClock = Callable[[datetime], None]
ORDER = {"order_id": "R-1", "order_amount": "49.00", "currency": "EUR"}
ADDRESS = "/admission/v1/reservations"


@pytest.fixture(autouse=True)
def emptied(redis_client: "redis.Redis", set_clock: SetClock) -> Iterator[None]:
    line.reset()
    queue_numbers.reset()
    set_clock(NOW)
    yield
    line.reset()
    assert audit.prove().differences == []


def product(shop: Retailer, name: str, units: int) -> Sku:
    row = Sku.objects.create(
        retailer=shop, product=Product.objects.create(retailer=shop, name=name), sku=name, price=4900
    )
    stock.set_on_hand(sku=row, on_hand=units, now=NOW)
    return row


class Scene:
    """A queue for one product, of which there is so much in stock, and the checkout's server."""

    def __init__(self, shop: Retailer, units: int = 1, **fields: Any) -> None:
        self.shop = shop
        self.row = product(shop, "Sneaker", units)
        self.server = ApiClient({"Authorization": f"Bearer {factories.credential(shop, 'secret')[1]}"})
        self.page = ApiClient({"X-Publishable-Key": factories.credential(shop, "publishable", origins=["*"])[0].key})
        self.queue: Distribution = launch.queue(shop, currency="EUR", **{"sku": "Sneaker", **fields})

    def admit(self) -> str:
        guest = self.page.post("/admission/v1/auth/guest", {}).json
        consumer = ApiClient({**self.page.headers, "Authorization": f"Bearer {guest['access_token']}"})
        consumer.post(f"/admission/v1/queues/{self.queue.uuid}/enter", {})
        queue_ticks.tick(distribution=self.queue, now=clock.now())
        status = consumer.get(f"/admission/v1/queues/{self.queue.uuid}/status")
        return str(status["admission"]["token"])

    def reserve(self, token: str, quantity: object = 1, sku: object = "Sneaker", **more: object) -> Answer:
        return self.server.post(ADDRESS, {"admission_token": token, "sku": sku, "quantity": quantity, **more})

    def do(self, what: str, token: str, **more: object) -> Answer:
        return self.server.post(f"/admission/v1/admissions/{what}", {"admission_token": token, **more})

    def state(self, made: Answer) -> object:
        return self.server.get(f"{ADDRESS}/{made['id']}")["state"]

    def figures(self, seconds: int = 0) -> stock.Figures:
        return stock.figures(sku=self.row, now=at(seconds))


@pytest.fixture
def scene(shop_a: Retailer) -> Scene:
    return Scene(shop_a)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["error"]["code"]


def test_a37_what_one_reserved_no_other_can_until_his_time_is_up(scene: Scene, set_clock: SetClock) -> None:
    first = scene.admit()
    scene.do("claim", first, session="cart-1")
    made = scene.reserve(first)
    assert (made.status, made["state"], made["expires_at"]) == (201, "HELD", "2026-06-01T12:15:00.000Z")
    set_clock(at(600))
    second = scene.admit()
    scene.do("claim", second, session="cart-2")
    assert code(scene.reserve(second)) == (409, "sold_out")
    set_clock(at(899))
    assert code(scene.reserve(second)) == (409, "sold_out")
    set_clock(at(900))
    assert scene.reserve(second)["state"] == "HELD"  # nothing has tidied up yet: the clock decides
    assert scene.state(made) == "EXPIRED"
    assert code(scene.reserve(first)) == (410, "admission_expired")
    launch.tick(scene.queue, seconds=900)
    assert Reservation.objects.get(uuid=made["id"]).state == "EXPIRED"
    assert scene.figures(900) == stock.Figures(1, 1, 0)


def test_again_is_the_same_reservation_with_the_quantity_asked_for_last(shop_a: Retailer) -> None:
    scene = Scene(shop_a, units=4, max_units=3)
    token = scene.admit()
    made = scene.reserve(token, 2)
    again = scene.reserve(token, 2)
    assert (again.status, again["id"], again["quantity"]) == (200, made["id"], 2)
    assert scene.reserve(token, 3)["id"] == made["id"]
    assert scene.figures() == stock.Figures(4, 3, 0)
    assert scene.reserve(token)["quantity"] == 1
    assert scene.figures() == stock.Figures(4, 1, 0)
    assert code(scene.reserve(token, 4)) == (409, "quantity_not_admitted")
    scene.reserve(scene.admit(), 2)
    assert code(scene.reserve(token, 3)) == (409, "sold_out")
    assert scene.reserve(token)["id"] == made["id"]  # refused, it kept what it had
    assert scene.figures() == stock.Figures(4, 3, 0)


def test_given_back_it_is_the_next_ones_and_a_second_time_changes_nothing(scene: Scene) -> None:
    first, second = scene.admit(), scene.admit()
    made = scene.reserve(first)
    assert code(scene.reserve(second)) == (409, "sold_out")
    gone = scene.server.delete(f"{ADDRESS}/{made['id']}")
    assert (gone.status, gone["state"]) == (200, "RELEASED")
    other = scene.reserve(second)
    assert other["state"] == "HELD"
    assert scene.server.delete(f"{ADDRESS}/{made['id']}")["state"] == "RELEASED"
    assert scene.figures() == stock.Figures(1, 1, 0)
    scene.server.delete(f"{ADDRESS}/{other['id']}")
    anew = scene.reserve(first)
    assert anew["state"] == "HELD" and anew["id"] != made["id"]  # what has ended stays so


def test_an_order_sells_what_is_reserved_once(scene: Scene) -> None:
    token = scene.admit()
    made = scene.reserve(token)
    for _ in range(2):
        assert scene.do("complete", token, **ORDER)["state"] == "COMPLETED"
        assert scene.figures() == stock.Figures(1, 0, 1)
    assert scene.state(made) == "COMMITTED"
    assert scene.server.delete(f"{ADDRESS}/{made['id']}")["state"] == "COMMITTED"
    assert code(scene.reserve(token)) == (409, "admission_already_completed")
    assert scene.figures() == stock.Figures(1, 0, 1)
    assert code(scene.reserve(scene.admit())) == (409, "sold_out")


@pytest.mark.parametrize("how", ["release", "revoke", "declines"])
def test_whatever_ends_the_admission_gives_the_stock_back(scene: Scene, how: str) -> None:
    token = scene.admit()
    made = scene.reserve(token)
    scene.do("claim", token, session="cart-1")
    if how == "release":
        scene.do("release", token)
    elif how == "revoke":
        claims.revoke(admission_id=Admission.objects.get().pk, actor=SYSTEM, reason="fraud", now=NOW)
    for _ in range(5 if how == "declines" else 0):
        scene.do("begin_payment", token, session="cart-1")
        scene.do("payment_failed", token)
    assert scene.state(made) == "RELEASED"
    assert scene.figures() == stock.Figures(1, 0, 0)
    assert code(scene.reserve(token)) == (409, "admission_over")


def test_a_payment_keeps_the_units_two_minutes_longer_and_no_one_gives_them_away(
    scene: Scene, set_clock: SetClock
) -> None:
    token = scene.admit()
    made = scene.reserve(token)
    set_clock(at(899))
    second = scene.admit()
    scene.do("begin_payment", token, session="cart-1")
    assert code(scene.server.delete(f"{ADDRESS}/{made['id']}")) == (409, "payment_under_way")
    set_clock(at(1019))
    assert scene.state(made) == "HELD"
    assert code(scene.reserve(second)) == (409, "sold_out")
    assert scene.do("complete", token, **ORDER).status == 200
    assert scene.figures(1019) == stock.Figures(1, 0, 1)


def test_after_the_two_minutes_a_payment_that_never_ended_keeps_nothing(scene: Scene, set_clock: SetClock) -> None:
    token = scene.admit()
    made = scene.reserve(token)
    scene.do("begin_payment", token, session="cart-1")
    set_clock(at(800))
    second = scene.admit()
    set_clock(at(1020))
    assert scene.reserve(second)["state"] == "HELD"
    assert scene.state(made) == "EXPIRED"
    assert scene.server.delete(f"{ADDRESS}/{made['id']}")["state"] == "EXPIRED"


def test_an_order_whose_units_went_to_the_next_a_moment_ago_is_refused(scene: Scene, set_clock: SetClock) -> None:
    """Two requests by two clocks: the later one found the time up and took the units; the earlier one comes last."""
    first = scene.admit()
    scene.reserve(first)
    row = Admission.objects.get()
    set_clock(at(600))
    second = scene.admit()
    set_clock(at(900))
    assert scene.reserve(second)["state"] == "HELD"
    with pytest.raises(claims.AdmissionExpired):
        claims.complete(admission_id=row.pk, order_id="R-1", amount=1, currency="EUR", now=at(899))
    with pytest.raises(claims.AdmissionExpired):
        claims.begin_payment(admission_id=row.pk, session="cart-1", now=at(899))
    row.refresh_from_db()
    assert (row.state, row.order_id, row.payment_started_at) == ("ISSUED", "", None)
    assert scene.figures(900) == stock.Figures(1, 1, 0)


def test_more_time_is_given_to_the_units_as_well(shop_a: Retailer, set_clock: SetClock) -> None:
    scene = Scene(shop_a, max_extensions=1)
    token = scene.admit()
    made = scene.reserve(token)
    scene.do("claim", token, session="cart-1")
    scene.do("extend", token)
    set_clock(at(600))
    second = scene.admit()
    set_clock(at(1199))
    assert scene.server.get(f"{ADDRESS}/{made['id']}")["expires_at"] == "2026-06-01T12:20:00.000Z"
    assert code(scene.reserve(second)) == (409, "sold_out")
    set_clock(at(1200))
    assert scene.reserve(second)["state"] == "HELD"


def test_what_the_admission_took_already_is_what_the_call_answers_with(shop_a: Retailer) -> None:
    scene = Scene(shop_a, reserve_on_admission=True)
    token = scene.admit()
    assert scene.figures() == stock.Figures(1, 1, 0)
    made = scene.reserve(token)
    assert (made.status, made["state"]) == (201, "HELD")
    assert scene.figures() == stock.Figures(1, 1, 0)
    scene.do("complete", token, **ORDER)
    assert scene.figures() == stock.Figures(1, 0, 1)


def test_a_token_is_for_its_own_product_and_known_ones(scene: Scene, shop_b: Retailer) -> None:
    token = scene.admit()
    product(scene.shop, "Watch", 5)
    assert code(scene.reserve(token, sku="Watch")) == (409, "sku_not_admitted")
    anything = launch.queue(scene.shop, max_units=3)
    scene.queue = anything
    free = scene.admit()
    made = scene.reserve(free, sku="Watch", quantity=2)
    assert made["state"] == "HELD"
    assert code(scene.reserve(free, sku="Sneaker", quantity=2)) == (409, "quantity_not_admitted")
    other = scene.reserve(free, sku="Sneaker")
    assert other["id"] != made["id"]
    assert code(scene.reserve(free, sku="Nothing")) == (404, "not_found")
    scene.server.delete(f"{ADDRESS}/{other['id']}")
    assert scene.state(made) == "HELD"
    assert stock.figures(sku=Sku.objects.get(sku="Watch"), now=NOW).held == 2
    assert scene.do("complete", free, **ORDER).status == 200
    assert stock.figures(sku=Sku.objects.get(sku="Watch"), now=NOW).sold == 2
    uncounted = Sku.objects.create(retailer=shop_b, product=product(shop_b, "Sock", 1).product, sku="Uncounted")
    there = Scene(shop_b, sku="")
    assert code(there.reserve(there.admit(), sku=uncounted.sku)) == (409, "sold_out")  # nobody said how many there are


def test_only_a_servers_key_may_and_only_its_own(scene: Scene, shop_b: Retailer) -> None:
    token = scene.admit()
    made = scene.reserve(token, session="cart-1")
    stranger = ApiClient({"Authorization": f"Bearer {factories.credential(shop_b, 'secret')[1]}"})
    body = {"admission_token": token, "sku": "Sneaker", "quantity": 1}
    assert stranger.post(ADDRESS, body).status == 401
    assert stranger.get(f"{ADDRESS}/{made['id']}").status == 404
    assert stranger.delete(f"{ADDRESS}/{made['id']}").status == 404
    assert scene.page.post(ADDRESS, body).status == 401
    assert scene.page.delete(f"{ADDRESS}/{made['id']}").status == 401
    assert scene.server.delete(f"{ADDRESS}/none").status == 404
    scene.do("claim", token, session="cart-1")
    assert code(scene.reserve(token, session="cart-2")) == (409, "admission_bound_elsewhere")
    for quantity in (0, -1, True, "1", 1.5, None, 10**18):
        assert scene.reserve(token, quantity).status in (400, 409), quantity
    for sku in (None, "", 5, "x" * 300, "a\x00b"):
        assert scene.reserve(token, sku=sku).status == 400, sku
    assert scene.server.post(ADDRESS, {"sku": "Sneaker"}).status == 400


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_as_many_get_it_as_there_are(shop_a: Retailer) -> None:
    scene = Scene(shop_a, units=5)
    people = launch.consumers(shop_a, 20)
    launch.enter(scene.queue, *people)
    launch.tick(scene.queue)
    rows = list(Admission.objects.values_list("pk", flat=True))
    assert len(rows) == 20

    def reserve(pk: int) -> bool:
        try:
            reservations.reserve(admission_id=pk, sku="Sneaker", quantity=1, now=NOW)
            return True
        except reservations.SoldOut:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(reserve, rows)) == 5
        again = list(Reservation.objects.values_list("admission_id", flat=True))
        assert sum(pool.map(reserve, again * 4)) == 20  # the same ones once more, at once: nothing new
    assert Reservation.objects.count() == 5
    assert scene.figures() == stock.Figures(5, 5, 0)
