"""Rate limits: counted for all processes, told on every answer, never the reason of a slow or failed request."""

import logging
import time

import pytest
import redis
from pytest_django.fixtures import Settings

from checkout.api.common import limits, meters
from offers.models import Retailer
from tests.api.client import Answer, ApiClient

pytestmark = pytest.mark.django_db
NOWHERE = "redis://127.0.0.1:9/0"


@pytest.fixture
def limited(shop_a: Retailer) -> ApiClient:
    return ApiClient.of(shop_a, rate_limited=True)


@pytest.fixture
def limited_browser(shop_a: Retailer) -> ApiClient:
    return ApiClient.of(shop_a, "browser", rate_limited=True)


def statuses(client: ApiClient, number: int, path: str = "/client/v1/idle", **headers: str) -> list[int]:
    return [client.post(path, {"id": "a"}, **headers).status for _ in range(number)]


def forget_this_process() -> None:
    """What another web process would know: only what stands in Redis."""
    limits._leases.clear()
    limits._locked.clear()


@pytest.fixture(params=["redis", "alone"])
def counted(request: pytest.FixtureRequest, settings: Settings) -> str:
    """Every promise holds with Redis and without."""
    if request.param == "redis":
        request.getfixturevalue("redis_client")
    else:
        settings.REDIS_URL = NOWHERE
        limits.reset()
    return str(request.param)


def test_a_browser_may_call_five_times_in_five_seconds(counted: str, limited_browser: ApiClient) -> None:
    assert statuses(limited_browser, 7) == [200] * 5 + [429] * 2


def test_a_429_says_when_to_come_back(counted: str, limited_browser: ApiClient) -> None:
    started = int(time.time())
    answers = [limited_browser.post("/client/v1/idle", {"id": "a"}) for _ in range(6)]
    assert [answer.headers["X-Rate-Limit-Remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
    last = answers[-1]
    assert (last.status, last["code"], last["key"]) == (429, 429, "too_many_requests")
    assert last["message"] == "Too many requests"
    assert 1 <= int(last.headers["Retry-After"]) <= 5
    for answer in answers:
        assert answer.headers["X-Rate-Limit-Limit"] == "5"
        assert answer.headers["X-Rate-Limit-Type"] == "api_calls"
        assert started < int(answer.headers["X-Rate-Limit-Retry"]) <= time.time() + 6
    assert last.headers["Access-Control-Allow-Origin"] == "https://shop.example"


def test_the_window_ends(counted: str, limited_browser: ApiClient, settings: Settings) -> None:
    settings.RATE_LIMIT_BROWSER_SECONDS = 3
    assert statuses(limited_browser, 6) == [200] * 5 + [429]
    time.sleep(3.05)
    assert statuses(limited_browser, 1) == [200]


def test_the_server_side_has_its_own_larger_limit(counted: str, limited: ApiClient, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 120
    assert statuses(limited, 121, "/v1/idle") == [200] * 120 + [429]


def test_an_exempt_credential_is_never_counted(counted: str, browser: ApiClient) -> None:
    answers = [browser.post("/client/v1/idle", {"id": "a"}) for _ in range(12)]
    assert {answer.status for answer in answers} == {200}
    assert "X-Rate-Limit-Limit" not in answers[0].headers


def test_processes_count_together(redis_client: redis.Redis, limited: ApiClient, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 10
    assert statuses(limited, 4, "/v1/idle") == [200] * 4
    forget_this_process()
    assert statuses(limited, 8, "/v1/idle") == [200] * 6 + [429] * 2


def test_a_busy_process_asks_redis_once_in_many_calls(
    redis_client: redis.Redis, limited: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = meters.add

    def spy(name: str, amount: int, seconds: int) -> tuple[int, int]:
        asked.append(name)
        return real(name, amount, seconds)

    monkeypatch.setattr(meters, "add", spy)
    assert set(statuses(limited, 240, "/v1/idle")) == {200}
    assert len(asked) == 2


def test_callers_do_not_share_a_limit(counted: str, limited_browser: ApiClient, shop_a: Retailer) -> None:
    other = ApiClient.of(shop_a, "browser", rate_limited=True)
    assert statuses(limited_browser, 6)[-1] == 429
    assert statuses(other, 1) == [200]


def test_forwarded_addresses_count_only_behind_our_own_proxies(
    counted: str, limited_browser: ApiClient, settings: Settings
) -> None:
    def from_addresses(prefix: str) -> list[int]:
        return [statuses(limited_browser, 1, X_Forwarded_For=f"{prefix}{n}")[0] for n in range(6)]

    assert from_addresses("198.51.100.")[-1] == 429
    limits.reset()
    settings.PROXY_HOPS = 1
    assert from_addresses("198.51.100.") == [200] * 6
    # What the caller writes in front of our proxy's word does not help him.
    assert [statuses(limited_browser, 1, X_Forwarded_For=f"10.0.0.{n}, 203.0.113.9")[0] for n in range(6)] == [
        200
    ] * 5 + [429]


def test_a_home_has_one_ipv6_network(limited_browser: ApiClient, settings: Settings) -> None:
    settings.PROXY_HOPS = 1
    sent = [statuses(limited_browser, 1, X_Forwarded_For=f"2001:db8:1:2::{n:x}")[0] for n in range(6)]
    assert sent == [200] * 5 + [429]
    assert statuses(limited_browser, 1, X_Forwarded_For="2001:db8:1:3::1") == [200]


def guess(client: ApiClient, number: int) -> list[Answer]:
    return [client.get(f"/v1/codes/GUESS{n}") for n in range(number)]


def test_guessing_codes_locks_out_with_an_alarm(
    counted: str, limited: ApiClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.GUESS_LIMIT_SERVER = 4
    with caplog.at_level(logging.ERROR, "offerkeep.alarm"):
        answers = guess(limited, 7)
    assert [answer.status for answer in answers] == [404] * 5 + [429] * 2
    assert 500 < int(answers[-1].headers["Retry-After"]) <= 601
    alarms = [record.getMessage() for record in caplog.records if record.name == "offerkeep.alarm"]
    assert len(alarms) == 1
    assert limited.headers["X-App-Id"] in alarms[0]
    assert "GUESS" not in alarms[0]
    assert limited.get("/v1/codes/GOOD").status == 429


def test_one_guess_more_tells_another_process(
    redis_client: redis.Redis, limited: ApiClient, settings: Settings
) -> None:
    settings.GUESS_LIMIT_SERVER = 4
    guess(limited, 5)
    forget_this_process()
    assert [answer.status for answer in guess(limited, 2)] == [404, 429]


def test_unknown_codes_inside_an_answer_count_too(counted: str, limited: ApiClient, settings: Settings) -> None:
    settings.GUESS_LIMIT_SERVER = 40
    assert [limited.post("/v1/codes/30").status for _ in range(3)] == [200, 200, 429]


def test_a_lock_out_meets_the_guesser_only(
    counted: str, limited: ApiClient, shop_a: Retailer, settings: Settings
) -> None:
    settings.GUESS_LIMIT_SERVER = 4
    guess(limited, 6)
    assert ApiClient.of(shop_a, rate_limited=True).get("/v1/codes/GOOD").status == 200
    settings.PROXY_HOPS = 1
    assert limited.get("/v1/codes/GOOD", X_Forwarded_For="192.0.2.77").status == 200


def test_known_codes_lock_nobody_out(counted: str, limited: ApiClient, settings: Settings) -> None:
    settings.GUESS_LIMIT_SERVER = 4
    assert {limited.get("/v1/codes/GOOD").status for _ in range(20)} == {200}


def test_guessing_tokens_is_slowed_down_and_told(
    counted: str, api: ApiClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.AUTH_FAILURE_LIMIT = 3
    with caplog.at_level(logging.ERROR, "offerkeep.alarm"):
        answers = [api.get("/v1/items", X_App_Token=f"guess{n}") for n in range(6)]
    assert [answer.status for answer in answers] == [401] * 3 + [429] * 3
    assert int(answers[-1].headers["Retry-After"]) <= 61
    assert [record.name for record in caplog.records].count("offerkeep.alarm") == 1
    assert api.get("/v1/items").status == 200
    assert ApiClient({}).get("/v1/items").status == 401, "who guesses nothing is not counted"


def test_a_redis_that_is_away_is_asked_once_in_ten_seconds(
    limited: ApiClient, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = NOWHERE
    settings.RATE_LIMIT_PER_MINUTE = 20
    limits.reset()
    with caplog.at_level(logging.WARNING, "offerkeep.limits"):
        assert statuses(limited, 21, "/v1/idle") == [200] * 20 + [429]
    assert [record.name for record in caplog.records].count("offerkeep.limits") == 1


def test_a_redis_that_hangs_costs_one_request_a_moment(
    limited: ApiClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = "redis://198.51.100.1:6379/0"  # a network nobody answers from
    limits.reset()
    started = time.perf_counter()
    with caplog.at_level(logging.WARNING, "offerkeep.limits"):
        assert statuses(limited, 1, "/v1/idle") == [200]
        assert time.perf_counter() - started < 1, "given up after 50 ms, not when the network gives up"
        assert statuses(limited, 19, "/v1/idle") == [200] * 19
    assert [record.name for record in caplog.records].count("offerkeep.limits") == 1, "the others did not ask"


def test_counting_alone_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "NAMES_AT_MOST", 50)
    for number in range(500):
        meters.add_here(f"ip:{number}", 1, 60)
    assert len(meters._local) <= 50
