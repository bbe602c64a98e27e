"""Under an API's address every error is the same JSON; elsewhere it is a page that tells nothing."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from project.errors import API_PREFIXES, OFFER_PREFIXES

pytestmark = pytest.mark.urls("tests.project.views")


@pytest.fixture
def http() -> Client:
    return Client(raise_request_exception=False)


def envelope(response: Any) -> dict[str, Any]:
    assert response["Content-Type"] == "application/json"
    body: dict[str, Any] = json.loads(response.content)
    assert set(body) == {"code", "key", "message", "details", "request_id"}
    assert body["code"] == response.status_code
    assert body["request_id"] == response["X-Request-Id"]
    return body


@pytest.mark.parametrize("prefix", API_PREFIXES)
@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
def test_an_unknown_route_is_json_whatever_is_accepted(http: Client, prefix: str, accept: str) -> None:
    for path in (prefix, f"{prefix}/", f"{prefix}/nope/%00/é"):
        response = http.get(path, headers={"accept": accept})
        assert (response.status_code, response["Content-Type"]) == (404, "application/json")
        if path.startswith(OFFER_PREFIXES):
            assert set(response.json()) == {"status", "payload", "errors"}
        else:
            assert envelope(response)["key"] == "not_found"


def test_a_doubled_slash_does_not_turn_json_into_a_page(http: Client) -> None:
    response = http.get("/", PATH_INFO="//v1//vouchers")
    assert (response.status_code, envelope(response)["key"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/nope", "/v12/x", "/apis"])
def test_other_addresses_answer_a_page(http: Client, path: str) -> None:
    response = http.get(path)
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


def test_a_wrong_method_is_json_and_says_which_are_right(http: Client) -> None:
    response = http.delete("/v1/post")
    assert (response.status_code, envelope(response)["key"]) == (405, "method_not_allowed")
    assert response["Allow"] == "POST"


@pytest.mark.parametrize(
    ("how", "status", "key"),
    [
        ("database", 503, "service_unavailable"),
        ("bug", 500, "internal_server_error"),
        ("suspicious", 400, "bad_request"),
        ("large", 413, "payload_too_large"),
    ],
)
def test_what_a_view_lets_through_is_json(http: Client, how: str, status: int, key: str) -> None:
    response = http.get(f"/v1/break/{how}")
    assert (response.status_code, envelope(response)["key"]) == (status, key)
    assert "SESAME" not in response.content.decode()


@pytest.mark.parametrize("how", ["database", "bug"])
def test_pages_break_without_telling_why(http: Client, how: str) -> None:
    response = http.get(f"/page/break/{how}")
    assert response["Content-Type"].startswith("text/html")
    assert "SESAME" not in response.content.decode()
    assert "Traceback" not in response.content.decode()


def test_with_debug_on_an_api_still_answers_json(http: Client, settings: Any) -> None:
    settings.DEBUG = True
    assert envelope(http.get("/v1/break/bug"))["code"] == 500
    assert envelope(http.get("/v1/nope"))["code"] == 404


def test_a_lost_database_says_when_to_come_back(http: Client) -> None:
    assert http.get("/v1/break/database")["Retry-After"] == "2"
    assert http.get("/page/break/database").status_code == 503


@pytest.mark.django_db
def test_a_statement_that_takes_too_long_is_503(http: Client) -> None:
    response = http.get("/v1/sleep")
    assert (response.status_code, envelope(response)["key"]) == (503, "service_unavailable")


def test_a_strange_host_is_400_json(http: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["offers.example"]
    assert envelope(http.get("/v1/read", headers={"host": "evil.example"}))["code"] == 400


def test_a_body_that_is_too_large_is_413_json(http: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    response = http.post("/v1/read", b"x" * 11, content_type="text/plain")
    assert (response.status_code, envelope(response)["key"]) == (413, "payload_too_large")


def test_a_sent_request_id_comes_back_and_a_strange_one_does_not(http: Client) -> None:
    assert http.get("/v1/nope", headers={"x-request-id": "shop-1"})["X-Request-Id"] == "shop-1"
    assert http.get("/v1/nope", headers={"x-request-id": "<b>"})["X-Request-Id"].startswith("v-")


@pytest.mark.django_db(transaction=True)
def test_a_connection_cut_between_requests_is_replaced_unnoticed(http: Client) -> None:
    first = int(http.get("/v1/backend").content)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 5000)", [first])
    other.close()
    again = http.get("/v1/backend")
    assert again.status_code == 200
    assert int(again.content) != first


def test_pages_say_what_browsers_may_load_and_json_does_not(http: Client) -> None:
    assert "frame-ancestors 'none'" in http.get("/page/read")["Content-Security-Policy"]
    assert "Content-Security-Policy" not in http.get("/v1/nope")


def test_each_request_is_logged_by_its_route(settings: Any, capfd: pytest.CaptureFixture[str]) -> None:
    settings.ACCESS_LOG = True
    http = Client(raise_request_exception=False)
    http.get("/v1/break/suspicious?token=SESAME-1")
    http.get("/v1/SESAME-1")
    http.get("/healthz")
    first, second = [json.loads(line) for line in capfd.readouterr().err.splitlines() if '"access"' in line]
    assert (first["message"], second["message"]) == ("GET v1/break/<how> 400", "GET (none) 404")
    assert "SESAME" not in f"{first}{second}"
