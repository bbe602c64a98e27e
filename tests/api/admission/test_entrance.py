"""The entrance of a launch over HTTP: fingerprints and flags, and a proof verified with the provider by the server."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
import redis
from django.test import Client
from pytest_django.fixtures import Settings

from checkout.admission import line, queue_numbers
from checkout.admission.models import Entry, Flag
from checkout.api.common import limits
from offers.models import Retailer
from tests.api.admission.guests import Guest
from tests.api.client import ApiClient
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at

pytestmark = pytest.mark.django_db
SetClock = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def emptied(redis_client: "redis.Redis", set_clock: SetClock) -> Iterator[None]:
    line.reset()
    queue_numbers.reset()
    limits.reset()
    set_clock(NOW)
    yield
    line.reset()


class Provider:
    """Stands in for Turnstile: says yes to the proof "person", once."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.says: bytes | None = None  # something else than the truth
        self.status = 200
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                form = {name: values[0] for name, values in sent.items()}
                fresh = form["response"] not in {one["response"] for one in provider.asked}
                provider.asked.append(form)
                body = json.dumps({"success": form["response"].startswith("person") and fresh}).encode()
                body = body if provider.says is None else provider.says
                self.send_response(provider.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/siteverify"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def provider(settings: Settings) -> Iterator[Provider]:
    made = Provider()
    settings.CHALLENGE_PROVIDER, settings.CHALLENGE_VERIFY_URL = "turnstile", made.url
    settings.CHALLENGE_SITE_KEY, settings.CHALLENGE_SECRET = "site", "secret"
    yield made
    made.server.shutdown()
    made.server.server_close()


def way(queue: Any, what: str = "enter") -> str:
    return f"/admission/v1/queues/{queue.uuid}/{what}"


def test_a_fingerprint_is_a_signal_and_many_accounts_are_flagged_not_lost(
    page: ApiClient, shop_a: Retailer, settings: Settings
) -> None:
    settings.FLAG_ACCOUNTS_DEVICE = 2
    queue = launch.queue(shop_a, paused=True)
    people = [Guest(page) for _ in range(4)]
    answers = [one.api.post(way(queue), {}, X_Fingerprint="device-1") for one in people[:3]]
    answers.append(people[3].api.post(way(queue), {}, X_Fingerprint="device-2"))
    assert [(answer.status, answer["status"], answer["position"]) for answer in answers] == [
        (200, "QUEUED", place) for place in (1, 2, 3, 4)
    ]
    flagged = Flag.objects.filter(kind="device").values_list("consumer__uuid", flat=True)
    assert {str(one) for one in flagged} == {one.id for one in people[:3]}
    assert all("flag" not in answer.text for answer in answers), "a robot is not told what gave it away"


def test_a_launch_may_put_the_flagged_last_and_tells_them_nothing_but_their_place(
    page: ApiClient, shop_a: Retailer, settings: Settings
) -> None:
    settings.FLAG_ACCOUNTS_DEVICE = 1
    queue = launch.queue(shop_a, paused=True, flagged_last=True)
    first, honest, second = Guest(page), Guest(page), Guest(page)
    assert first.api.post(way(queue), {}, X_Fingerprint="d")["people_ahead"] == 0
    assert honest.api.post(way(queue), {})["people_ahead"] == 1
    assert second.api.post(way(queue), {}, X_Fingerprint="d")["people_ahead"] == 2
    again = first.api.post(way(queue), {}, X_Fingerprint="d")
    assert (again["stage"], again["people_ahead"], "flag" in again.text) == ("participating", 1, False)
    assert honest.api.post(way(queue), {})["people_ahead"] == 0


def test_this_machine_is_no_network_of_many_accounts(page: ApiClient, shop_a: Retailer, settings: Settings) -> None:
    settings.FLAG_ACCOUNTS_NETWORK = 1
    queue = launch.queue(shop_a, paused=True)
    for _ in range(3):
        Guest(page).api.post(way(queue), {})
    assert Flag.objects.count() == 0
    settings.PROXY_HOPS = 1
    for _ in range(3):
        Guest(page).api.post(way(queue), {}, X_Forwarded_For="203.0.113.9")
    assert Flag.objects.filter(kind="address").count() == 3


def test_a_launch_may_cap_accounts_per_device(page: ApiClient, shop_a: Retailer) -> None:
    draw = launch.draw(shop_a, open_at=at(-60), close_at=at(600), max_per_device=1)
    first, second = Guest(page), Guest(page)
    address = f"/admission/v1/draws/{draw.uuid}/enter"
    assert first.api.post(address, {}, X_Fingerprint="d").status == 200
    refused = second.api.post(address, {}, X_Fingerprint="d")
    assert (refused.status, refused["error"]["code"]) == (409, "too_many_accounts")
    assert first.api.post(address, {}, X_Fingerprint="d").status == 200
    assert Entry.objects.filter(distribution=draw).count() == 1


@pytest.mark.parametrize(
    "device",
    [
        pytest.param("\ud800", id="surrogate"),
        pytest.param("x" * 5000, id="long"),
        pytest.param("日本", id="kanji"),
        pytest.param("a\x00b", id="null"),
        " ",
    ],
)
def test_any_fingerprint_is_taken(page: ApiClient, shop_a: Retailer, device: str) -> None:
    queue = launch.queue(shop_a, paused=True)
    sent = device.encode("utf-8", "surrogatepass").decode("latin-1")
    assert Guest(page).api.post(way(queue), {}, X_Fingerprint=sent).status == 200
    assert page.post("/admission/v1/auth/guest", {}, X_Fingerprint=sent).status == 201


def test_a_proof_is_verified_with_the_provider(page: ApiClient, shop_a: Retailer, provider: Provider) -> None:
    queue = launch.queue(shop_a, paused=True, require_challenge=True)
    assert page.get(f"/admission/v1/queues/{queue.uuid}")["challenge"] == {"provider": "turnstile", "site_key": "site"}
    one = Guest(page)
    for body in ({}, {"challenge": ""}, {"challenge": 7}, {"challenge": "x" * 5000}, {"challenge": "robot"}):
        refused = one.api.post(way(queue), body)
        assert (refused.status, refused["error"]["code"]) == (403, "challenge_failed"), body
    assert one.api.get(way(queue, "status"))["stage"] == "active_enterable"
    assert one.api.post(way(queue), {"challenge": "person"})["status"] == "QUEUED"
    assert provider.asked[-1] == {"secret": "secret", "response": "person", "sitekey": "site"}
    assert Guest(page).api.post(way(queue), {"challenge": "person"}).status == 403, "a proof is taken once"
    assert Flag.objects.count() == 0


def test_every_way_in_asks_for_the_proof(page: ApiClient, shop_a: Retailer, provider: Provider) -> None:
    queue = launch.queue(shop_a, paused=True, require_challenge=True)
    draw = launch.draw(shop_a, open_at=at(-60), close_at=at(600), require_challenge=True)
    auction = launch.auction(shop_a, open_at=at(-60), close_at=at(600), start_price=100, require_challenge=True)
    ways: list[tuple[str, dict[str, Any]]] = [
        (f"/admission/v1/experiences/{queue.sequence.experience.uuid}/enter", {}),
        (f"/admission/v1/draws/{draw.uuid}/enter", {}),
        (f"/admission/v1/experiences/{draw.sequence.experience.uuid}/enter", {}),
        (f"/admission/v1/auctions/{auction.uuid}/bid", {"amount": "1.00"}),
    ]
    for number, (address, body) in enumerate(ways):
        one = Guest(page)
        assert one.api.post(address, body).status == 403, address
        assert one.api.post(address, {**body, "challenge": f"person {number}"}).status == 200, address
    assert one.api.post(ways[-1][0], {"amount": "5.00"}).status == 200, "who bids has proven it before"


@pytest.mark.parametrize("trouble", ["status", "junk", "list", "away", "silent", "unset"])
def test_a_provider_that_does_not_answer_refuses_unless_told_otherwise(
    page: ApiClient, shop_a: Retailer, provider: Provider, settings: Settings, trouble: str
) -> None:
    queue = launch.queue(shop_a, paused=True, require_challenge=True)
    settings.CHALLENGE_TIMEOUT_MS = 200
    quiet = socket.create_server(("127.0.0.1", 0))
    if trouble == "status":
        provider.status = 503
    elif trouble in {"junk", "list"}:
        provider.says = {"junk": b"<html>", "list": b"[]"}[trouble]
    elif trouble == "away":
        settings.CHALLENGE_VERIFY_URL = "http://127.0.0.1:9/"
    elif trouble == "silent":
        settings.CHALLENGE_VERIFY_URL = f"http://127.0.0.1:{quiet.getsockname()[1]}/"
    else:
        settings.CHALLENGE_PROVIDER = "none"
    one = Guest(page)
    closed = one.api.post(way(queue), {"challenge": "person 1"})
    assert (closed.status, closed["error"]["code"]) == (503, "challenge_unavailable")
    assert closed.headers["Retry-After"] == "5"
    settings.CHALLENGE_FAIL_OPEN = True
    assert one.api.post(way(queue), {"challenge": "person 2"})["status"] == "QUEUED"
    assert str(Flag.objects.get(kind="unproven").consumer.uuid) == one.id
    assert Guest(page).api.post(way(queue), {}).status == 403, "a proof has to be brought all the same"
    quiet.close()


def test_a_launch_cannot_require_what_nobody_provides(shop_a: Retailer) -> None:
    with pytest.raises(Exception, match="CHALLENGE_PROVIDER"):
        launch.queue(shop_a, require_challenge=True)


def test_guests_of_less_than_a_second_wait_where_the_launch_says_so(
    page: ApiClient, shop_a: Retailer, set_clock: SetClock
) -> None:
    strict = launch.queue(shop_a, paused=True, require_settled_guest=True)
    one = Guest(page)
    young = one.api.post(way(strict), {})
    assert (young.status, young["error"]["code"], young.headers["Retry-After"]) == (429, "guest_too_young", "1")
    assert one.api.post(way(launch.queue(shop_a, paused=True)), {}).status == 200, "elsewhere they may"
    set_clock(at(1))
    assert one.api.post(way(strict), {}).status == 200


def test_the_waiting_page_shows_the_box_and_sends_its_proof(
    client: Client, shop_a: Retailer, provider: Provider
) -> None:
    queue = launch.queue(shop_a, paused=True, require_challenge=True)
    address = f"/shop/waiting/{queue.uuid}/"
    shown = client.get(address)
    text = shown.content.decode()
    assert 'class="field cf-turnstile" data-sitekey="site"' in text
    assert '<script src="https://challenges.cloudflare.com/turnstile/v0/api.js" async defer>' in text
    policy = dict(part.strip().split(" ", 1) for part in shown["Content-Security-Policy"].split(";"))
    for name in ("script-src", "frame-src", "connect-src"):
        assert "https://challenges.cloudflare.com" in policy[name].split() and "'self'" in policy[name].split(), name
    refused = client.post(f"{address}join", {}, follow=True).content.decode()
    assert "could not tell that you are a person" in refused
    joined = client.post(f"{address}join", {"cf-turnstile-response": "person"}, follow=True)
    assert "Your place in line" in joined.content.decode()
    assert "cloudflare" not in joined.content.decode() + joined["Content-Security-Policy"], "nobody else is asked then"
