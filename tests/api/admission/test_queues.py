"""/admission/v1 queues and experiences over HTTP: who may call, what is answered, what is refused and how."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import redis
from django.test import override_settings

from checkout.admission import line, queue_numbers
from checkout.api.admission import queues as views
from offers.models import Retailer
from tests import factories
from tests.api.admission.guests import Guest
from tests.api.client import Answer, ApiClient
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at

pytestmark = pytest.mark.django_db
SetClock = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def emptied(redis_client: "redis.Redis", set_clock: SetClock) -> Iterator["redis.Redis"]:
    line.reset()
    queue_numbers.reset()
    views._kept.clear()
    set_clock(NOW)
    yield redis_client
    line.reset()


class Shopper(Guest):
    """A guest with a browser: his own token beside the page's key."""

    def do(self, queue: Any, what: str, **headers: str) -> Answer:
        address = f"/admission/v1/queues/{queue.uuid}/{what}"
        return self.api.get(address, **headers) if what == "status" else self.api.post(address, {}, **headers)


def test_a4_a15_a_shopper_enters_waits_and_is_admitted(page: ApiClient, shop_a: Retailer, set_clock: SetClock) -> None:
    queue = launch.queue(shop_a, max_active=1)
    one, two = Shopper(page), Shopper(page)
    entered = one.do(queue, "enter")
    assert entered.status == 200 and entered.headers["Cache-Control"] == "no-store, private"
    assert (entered["stage"], entered["mechanism"], entered["status"]) == ("participating", "queue", "QUEUED")
    assert (entered["position"], entered["people_ahead"], entered["admission"]) == (1, 0, None)
    assert two.do(queue, "enter")["people_ahead"] == 1
    set_clock(at(1))
    found = one.do(queue, "status")
    assert found["stage"] == "admitted"
    assert found["admission"]["token"].startswith("adm1.") and len(found["admission"]["token"]) <= 1024
    assert found["admission"]["seconds_left"] == 900
    waits = two.do(queue, "status")
    assert (waits["stage"], waits["people_ahead"], waits["admission"]) == ("participating", 0, None)
    assert found["admission"]["token"] not in waits.text


def test_an_experience_routes_by_its_code_and_tells_the_journey(page: ApiClient, shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, access_code="VIP", paused=True)
    address = f"/admission/v1/experiences/{queue.sequence.experience.uuid}"
    one = Shopper(page)
    assert page.get(address)["sequences"][0]["distribution"] == {"type": "queue", "id": str(queue.uuid)}
    assert "VIP" not in page.get(address).text
    assert one.api.get(f"{address}/journey")["stage"] == "needs_access_code"
    assert one.api.post(f"{address}/enter", {})["stage"] == "needs_access_code"
    assert one.api.post(f"{address}/enter", {"access_code": "VIP"})["stage"] == "participating"
    assert one.api.get(f"{address}/journey")["position"] == 1
    assert one.api.delete(f"{address}/leave").status == 204
    assert one.api.get(f"{address}/journey")["stage"] in {"active_enterable", "needs_access_code"}


def test_full_early_and_closed_are_told_apart_with_a_time_to_come_back(page: ApiClient, shop_a: Retailer) -> None:
    one, two = Shopper(page), Shopper(page)
    small = launch.queue(shop_a, max_capacity=1, paused=True)
    assert one.do(small, "enter").status == 200
    full = two.do(small, "enter")
    assert (full.status, full["error"]["code"]) == (429, "queue_full")
    assert int(full.headers["Retry-After"]) == full["error"]["retry_after"] > 0
    early = one.do(launch.queue(shop_a, open_at=at(90)), "enter")
    assert (early.status, early.headers["Retry-After"]) == (423, "90")
    closed = one.do(launch.queue(shop_a, open_at=at(-90), close_at=at(-1)), "enter")
    assert (closed.status, closed["error"]["code"]) == (409, "closed")


def test_entering_twice_leaving_and_coming_again(page: ApiClient, shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, paused=True)
    one, two = Shopper(page), Shopper(page)
    assert [one.do(queue, "enter")["position"], two.do(queue, "enter")["position"]] == [1, 2]
    assert one.do(queue, "enter")["position"] == 1
    left = one.do(queue, "leave")
    assert (left.status, left["status"]) == (200, "LEFT")
    assert one.do(queue, "enter")["position"] == 2


def test_servers_admit_and_deny_and_pages_may_not(page: ApiClient, server: ApiClient, shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, paused=True)
    one, two = Shopper(page), Shopper(page)
    one.do(queue, "enter")
    two.do(queue, "enter")
    admit, deny = (f"/admission/v1/queues/{queue.uuid}/{what}" for what in ("admit", "deny"))
    assert page.post(admit, {"consumer_id": one.id}).status == 401
    assert one.api.post(admit, {"consumer_id": one.id}).status == 401
    assert server.post(admit, {"consumer_id": one.id}, Origin="https://shop.example").status == 403
    assert server.post(admit, {"consumer_id": two.id})["stage"] == "admitted"
    denied = server.post(deny, {"consumer_id": one.id, "reason": "limit"})
    assert (denied["status"], denied["deny_reason"]) == ("DENIED", "limit")
    again = one.do(queue, "enter")
    assert (again.status, again["status"], again["deny_reason"]) == (200, "DENIED", "limit")
    assert server.post(admit, {"consumer_id": one.id}).status == 409
    assert server.post(admit, {"consumer_id": "nobody"}).status == 404
    assert server.post(admit, {}).status == 400


def test_the_serving_document_is_public_and_kept_for_a_second(page: ApiClient, shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, paused=True)
    Shopper(page).do(queue, "enter")
    found = ApiClient({}).get(f"/admission/v1/queues/{queue.uuid}/serving")
    assert (found.status, found.headers["Cache-Control"]) == (200, "public, max-age=1")
    assert found["waiting"] == 1 and found["marks"][0]["ahead"] == 0
    assert ApiClient({}).get("/admission/v1/queues/nothing/serving").status == 404


def test_another_retailers_queue_and_consumer_are_not_there(
    page: ApiClient, shop_a: Retailer, shop_b: Retailer
) -> None:
    theirs = launch.queue(shop_b)
    one = Shopper(page)
    assert one.do(theirs, "enter").status == 404
    other = ApiClient({"X-Publishable-Key": factories.credential(shop_b, "publishable")[0].key})
    mixed = ApiClient({**other.headers, "Authorization": one.api.headers["Authorization"]})
    assert mixed.post(f"/admission/v1/queues/{theirs.uuid}/enter", {}).status == 401


def test_keys_and_tokens_that_do_not_fit_are_401(page: ApiClient, shop_a: Retailer) -> None:
    queue = launch.queue(shop_a)
    address = f"/admission/v1/queues/{queue.uuid}/status"
    one = Shopper(page)
    for headers in (
        {},
        {"X-Publishable-Key": "pk_nothing"},
        {**page.headers},
        {**page.headers, "Authorization": "Bearer x"},
        {**page.headers, "Authorization": f"Bearer {one.guest['refresh_token']}"},
        {**page.headers, "Authorization": f"Bearer {one.guest['access_token']}x"},
    ):
        found = ApiClient(headers).get(address)
        assert (found.status, set(found.json)) == (401, {"error"}), headers
    assert one.api.get(address, Origin="https://evil.example").status == 403
    assert one.api.post("/admission/v1/auth/logout", {}).status == 204
    assert one.api.get(address).status == 401


def test_a_refresh_token_gives_new_ones(page: ApiClient, set_clock: SetClock) -> None:
    one = Shopper(page)
    set_clock(at(13 * 3600))
    assert one.api.post("/admission/v1/auth/logout", {}).status == 401
    new = page.post("/admission/v1/auth/refresh", {"refresh_token": one.guest["refresh_token"]})
    assert new["consumer_id"] == one.id
    assert page.post("/admission/v1/auth/refresh", {"refresh_token": one.guest["access_token"]}).status == 401
    assert page.post("/admission/v1/auth/refresh", {}).status == 400


def test_a_page_of_the_list_may_read_every_answer(page: ApiClient) -> None:
    shown = page.call("OPTIONS", "/admission/v1/auth/guest", Origin="https://shop.example")
    assert "X-Publishable-Key" in shown.headers["Access-Control-Allow-Headers"]
    made = page.post("/admission/v1/auth/guest", {}, Origin="https://shop.example")
    assert (made.status, made.headers["Access-Control-Allow-Origin"]) == (201, "https://shop.example")


def test_with_redis_away_it_is_503_with_a_time_to_come_back(page: ApiClient, shop_a: Retailer) -> None:
    queue = launch.queue(shop_a)
    one = Shopper(page)
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        line.reset()
        for what in ("enter", "status", "leave"):
            found = one.do(queue, what)
            assert (found.status, found["error"]["code"]) == (503, "line_unavailable")
            assert int(found.headers["Retry-After"]) > 0
        assert ApiClient({}).get(f"/admission/v1/queues/{queue.uuid}/serving").status == 503


def test_a_waiting_ticket_brings_a_lost_place_back(
    page: ApiClient, shop_a: Retailer, emptied: "redis.Redis", set_clock: SetClock
) -> None:
    queue = launch.queue(shop_a, paused=True)
    one, two = Shopper(page), Shopper(page)
    first = one.do(queue, "enter")
    emptied.flushdb()
    set_clock(at(1))
    assert two.do(queue, "enter")["position"] == 1
    assert one.do(queue, "status")["stage"] == "active_enterable"
    back = one.do(queue, "status", X_Waiting_Ticket=first["waiting_ticket"])
    assert (back["stage"], back["position"]) == ("participating", 1)
    assert two.do(queue, "status", X_Waiting_Ticket=first["waiting_ticket"])["position"] == 2


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"a": 1, "a": 2}', b"\xff"])
def test_a_body_that_cannot_be_read_is_400_in_json(page: ApiClient, shop_a: Retailer, raw: bytes) -> None:
    queue = launch.queue(shop_a)
    one = Shopper(page)
    found = one.api.call("POST", f"/admission/v1/queues/{queue.uuid}/enter", raw=raw)
    assert (found.status, found["error"]["code"]) == (400, "invalid_payload")
    assert one.api.call("PUT", f"/admission/v1/queues/{queue.uuid}/enter", {}).status == 405
