"""How often a shopper may: counted per consumer, address and token, told with the time to come back."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import redis
from django.test import Client
from pytest_django.fixtures import Settings

from checkout.admission import line, queue_numbers, queue_ticks
from checkout.admission.models import Distribution
from checkout.api.common import limits
from offers.models import Retailer
from tests import factories
from tests.api.admission.guests import Guest
from tests.api.client import Answer, ApiClient
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at

pytestmark = pytest.mark.django_db
SetClock = Callable[[datetime], None]
NOWHERE = "redis://127.0.0.1:9/0"


@pytest.fixture(autouse=True)
def counted(redis_client: "redis.Redis", set_clock: SetClock, settings: Settings) -> Iterator["redis.Redis"]:
    settings.LIMITS_ON_LOOPBACK = True
    line.reset()
    queue_numbers.reset()
    limits.reset()
    set_clock(NOW)
    yield redis_client
    line.reset()
    limits.reset()


def refused(answer: Answer, most: int = 60) -> bool:
    """Whether this is the refusal of who comes too often, whole: code, header, body."""
    if answer.status != 429:
        return False
    assert (answer["error"]["code"], answer.headers["Content-Type"]) == ("rate_limited", "application/json")
    assert 0 < answer["error"]["retry_after"] == int(answer.headers["Retry-After"]) <= most
    return True


def shoppers(page: ApiClient, number: int, settings: Settings) -> list[Guest]:
    before, settings.GUEST_LIMIT_ADDRESS = settings.GUEST_LIMIT_ADDRESS, 0
    made = [Guest(page) for _ in range(number)]
    settings.GUEST_LIMIT_ADDRESS = before
    return made


def address(queue: Any, what: str) -> str:
    return f"/admission/v1/queues/{queue.uuid}/{what}"


def test_a_shopper_enters_five_times_a_minute(page: ApiClient, shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, paused=True)
    one = Guest(page)
    answers = [one.api.post(address(queue, "enter"), {}) for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    assert refused(answers[-1])
    assert Guest(page).api.post(address(queue, "enter"), {}).status == 200


@pytest.mark.parametrize("kind", ["draw", "experience"])
def test_every_way_in_counts(page: ApiClient, shop_a: Retailer, kind: str) -> None:
    if kind == "draw":
        draw = launch.draw(shop_a, open_at=at(-60), close_at=at(600))
        way = f"/admission/v1/draws/{draw.uuid}/enter"
    else:
        way = f"/admission/v1/experiences/{launch.queue(shop_a, paused=True).sequence.experience.uuid}/enter"
    one = Guest(page)
    answers = [one.api.post(way, {}) for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    assert refused(answers[-1])


def test_bids_have_their_own_larger_limit(page: ApiClient, shop_a: Retailer, settings: Settings) -> None:
    settings.BID_LIMIT_CONSUMER = 3
    auction = launch.auction(shop_a, open_at=at(-60), close_at=at(600), start_price=100)
    one = Guest(page)
    bids = [one.api.post(f"/admission/v1/auctions/{auction.uuid}/bid", {"amount": f"{n}.00"}) for n in range(10, 14)]
    assert [answer.status for answer in bids] == [200] * 3 + [429]
    assert refused(bids[-1])


def test_an_address_enters_thirty_times_a_minute(page: ApiClient, shop_a: Retailer, settings: Settings) -> None:
    queue = launch.queue(shop_a, paused=True)
    settings.PROXY_HOPS = 1
    crowd = shoppers(page, 33, settings)
    home = {"X_Forwarded_For": "203.0.113.9"}
    answers = [one.api.post(address(queue, "enter"), {}, **home) for one in crowd[:31]]
    assert [answer.status for answer in answers] == [200] * 30 + [429]
    assert refused(answers[-1])
    assert crowd[31].api.post(address(queue, "enter"), {}, X_Forwarded_For="203.0.113.10").status == 200
    # What the caller himself writes before our proxy's word is nobody's address.
    assert refused(crowd[32].api.post(address(queue, "enter"), {}, X_Forwarded_For="198.51.100.1, 203.0.113.9"))


@pytest.mark.parametrize(
    ("bits", "one", "other", "same"),
    [
        ({}, "203.0.113.9", "203.0.113.10", False),
        ({"LIMIT_PREFIX_V4": 24}, "203.0.113.9", "203.0.113.10", True),
        ({"LIMIT_PREFIX_V4": 24}, "203.0.113.9", "203.0.114.9", False),
        ({}, "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ({}, "2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ({"LIMIT_PREFIX_V6": 48}, "2001:db8:1:2::1", "2001:db8:1:3::1", True),
        ({}, "::ffff:203.0.113.9", "203.0.113.9", True),
        ({}, "::ffff:203.0.113.9", "::ffff:203.0.113.10", False),
    ],
)
def test_what_counts_as_one_address(
    rf: Any, settings: Settings, bits: dict[str, int], one: str, other: str, same: bool
) -> None:
    for name, value in bits.items():
        setattr(settings, name, value)
    found = [limits.address(rf.get("/", REMOTE_ADDR=text)) for text in (one, other)]
    assert (found[0] == found[1]) is same


def test_guests_are_made_thirty_times_a_minute_and_address(page: ApiClient, settings: Settings) -> None:
    settings.GUEST_LIMIT_ADDRESS = 3
    answers = [page.post("/admission/v1/auth/guest", {}) for _ in range(4)]
    assert [answer.status for answer in answers] == [201] * 3 + [429]
    assert refused(answers[-1])


def test_polls_within_half_the_time_told_are_refused_after_a_few(page: ApiClient, shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, paused=True)
    one, two = Guest(page), Guest(page)
    entered = [guest.api.post(address(queue, "enter"), {}) for guest in (two, one)][-1]
    answers = [one.api.get(address(queue, "status")) for _ in range(5)]
    assert [answer.status for answer in answers] == [200] * 4 + [429]
    assert refused(answers[-1], most=-(-entered["poll_after_seconds"] // 2))
    assert two.api.get(address(queue, "status")).status == 200, "everybody has his own"
    journey = f"/admission/v1/experiences/{queue.sequence.experience.uuid}/journey"
    assert refused(one.api.get(journey)), "the same document under another address"
    serving = [page.get(address(queue, "serving")).status for _ in range(20)]
    assert serving == [200] * 20, "what is the same for all is free"


def test_who_polls_as_told_is_never_refused(
    page: ApiClient, shop_a: Retailer, settings: Settings, counted: "redis.Redis"
) -> None:
    settings.POLL_SPARE = 0
    queue = launch.queue(shop_a, paused=True)
    one = Guest(page)
    one.api.post(address(queue, "enter"), {})
    first = one.api.get(address(queue, "status"))
    assert refused(one.api.get(address(queue, "status")))
    (name,) = counted.keys("offerkeep:meter:poll:*")
    assert 0 < counted.pttl(name) <= first["poll_after_seconds"] * 500
    counted.delete(name)  # as when that time has passed
    assert one.api.get(address(queue, "status")).status == 200


def test_news_are_told_however_often_one_asks(page: ApiClient, shop_a: Retailer, settings: Settings) -> None:
    settings.POLL_SPARE = 0
    queue = launch.queue(shop_a, paused=True)
    one = Guest(page)
    assert one.api.get(address(queue, "status"))["stage"] == "active_enterable"
    one.api.post(address(queue, "enter"), {})
    assert one.api.get(address(queue, "status"))["stage"] == "participating"
    assert refused(one.api.get(address(queue, "status")))
    Distribution.objects.filter(pk=queue.pk).update(paused=False)
    queue.refresh_from_db()
    queue_ticks.tick(distribution=queue, now=NOW)
    assert one.api.get(address(queue, "status"))["stage"] == "admitted"
    assert refused(one.api.get(address(queue, "status")))


def test_a_server_validates_as_often_as_it_likes_but_one_token_thirty_times(
    page: ApiClient, shop_a: Retailer, settings: Settings
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 5
    _, secret = factories.credential(shop_a, "secret", rate_limited=True)
    server = ApiClient({"Authorization": f"Bearer {secret}"})
    queue = launch.queue(shop_a)
    one = Guest(page)
    one.api.post(address(queue, "enter"), {})
    queue_ticks.tick(distribution=queue, now=NOW)
    token = one.api.get(address(queue, "status"))["admission"]["token"]
    answers = [server.post("/admission/v1/admissions/validate", {"admission_token": token}) for _ in range(31)]
    assert [answer.status for answer in answers] == [200] * 30 + [429]
    assert refused(answers[-1])
    other = server.post("/admission/v1/admissions/validate", {"admission_token": "adm1.a.b.c"})
    assert (other.status, other["valid"]) == (200, False)
    claim = server.post("/admission/v1/admissions/claim", {"admission_token": token, "session": "s1"})
    assert claim.status == 200, "looking too often takes nothing away"


def test_this_machine_is_not_counted_where_the_setting_says_so(
    page: ApiClient, shop_a: Retailer, settings: Settings
) -> None:
    settings.LIMITS_ON_LOOPBACK = False
    queue = launch.queue(shop_a, paused=True)
    one = Guest(page)
    assert {one.api.post(address(queue, "enter"), {}).status for _ in range(12)} == {200}
    assert {one.api.get(address(queue, "status")).status for _ in range(12)} == {200}
    settings.PROXY_HOPS = 1
    far = [one.api.post(address(queue, "enter"), {}, X_Forwarded_For="203.0.113.9").status for _ in range(6)]
    assert far == [200] * 5 + [429]


def test_zero_is_no_limit(page: ApiClient, shop_a: Retailer, settings: Settings) -> None:
    settings.ENTRY_LIMIT_CONSUMER = settings.ENTRY_LIMIT_ADDRESS = 0
    settings.POLL_LIMIT = False
    queue = launch.queue(shop_a, paused=True)
    one = Guest(page)
    assert {one.api.post(address(queue, "enter"), {}).status for _ in range(40)} == {200}
    assert {one.api.get(address(queue, "status")).status for _ in range(20)} == {200}


def test_without_redis_polls_come_through_and_entries_are_counted_here(
    page: ApiClient, shop_a: Retailer, settings: Settings
) -> None:
    draw = launch.draw(shop_a, open_at=at(-60), close_at=at(600))
    settings.REDIS_URL = NOWHERE
    limits.reset()
    one = Guest(page)
    entered = [one.api.post(f"/admission/v1/draws/{draw.uuid}/enter", {}).status for _ in range(6)]
    assert entered == [200] * 5 + [429]
    assert {one.api.get(f"/admission/v1/draws/{draw.uuid}/status").status for _ in range(12)} == {200}


def test_a_publishable_key_is_counted_per_address_not_for_a_whole_launch(shop_a: Retailer, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE, settings.PROXY_HOPS = 3, 1
    row, _ = factories.credential(shop_a, "publishable", rate_limited=True)
    page = ApiClient({"X-Publishable-Key": row.key})
    queue = launch.queue(shop_a)
    way = f"/admission/v1/queues/{queue.uuid}"
    assert [page.get(way, X_Forwarded_For="203.0.113.9").status for _ in range(4)] == [200] * 3 + [429]
    assert page.get(way, X_Forwarded_For="203.0.113.10").status == 200


def test_the_waiting_page_says_it_in_words_and_its_script_gets_the_time(
    client: Client, shop_a: Retailer, settings: Settings
) -> None:
    queue = launch.queue(shop_a, paused=True)
    way = f"/shop/waiting/{queue.uuid}/"
    for _ in range(6):
        answer = client.post(f"{way}join", follow=True)
    assert answer.status_code == 200 and "wait a minute" in answer.content.decode()
    polls = [client.get(f"{way}status") for _ in range(5)]
    assert [poll.status_code for poll in polls] == [200] * 4 + [429]
    assert polls[-1].json()["error"]["code"] == "too_many_requests" and int(polls[-1]["Retry-After"]) > 0
    settings.GUEST_LIMIT_ADDRESS = 1
    assert "wait a minute" in Client().post(f"{way}join", follow=True).content.decode()
