"""Who gets in: right headers, right secret, right side, right origin, right scope."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from checkout.api.common import auth
from offers import clients
from offers.lib.actors import SYSTEM
from offers.models import AuditEntry, Client, Retailer
from tests.api.client import ApiClient

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_missing_unknown_and_wrong_credentials_answer_alike(api: ApiClient) -> None:
    app_id = api.headers["X-App-Id"]
    answers = [
        ApiClient(headers).get("/v1/items")
        for headers in (
            {},
            {"X-App-Id": app_id},
            {"X-App-Token": api.secret},
            {"X-App-Id": app_id, "X-App-Token": api.secret + "x"},
            {"X-App-Id": app_id, "X-App-Token": "é\udcff"[:1]},
            {"X-App-Id": "app_nobody", "X-App-Token": api.secret},
            {"X-App-Id": "ä" * 300, "X-App-Token": api.secret},
            {"X-App-Id": app_id.upper(), "X-App-Token": api.secret},
        )
    ]
    for answer in answers:
        body = answer.json
        body.pop("request_id")
        assert (answer.status, body) == (
            401,
            {
                "code": 401,
                "key": "unauthorized",
                "message": "Unauthorized",
                "details": "The credentials are missing or wrong.",
            },
        )


def test_only_the_hash_of_the_secret_is_kept(api: ApiClient) -> None:
    row = Client.objects.get(key=api.headers["X-App-Id"])
    assert len(api.secret) == 43
    assert bytes(row.secret_hash) == hashlib.sha256(api.secret.encode()).digest()
    assert api.secret not in str(AuditEntry.objects.values_list("before", "after"))


def test_each_side_takes_its_own_kind_only(api: ApiClient, browser: ApiClient) -> None:
    crossed = ApiClient({"X-App-Id": browser.headers["X-Client-Application-Id"], "X-App-Token": browser.secret})
    assert crossed.post("/v1/hot", {"id": "a"}).status == 401
    crossed = ApiClient(
        {
            "X-Client-Application-Id": api.headers["X-App-Id"],
            "X-Client-Token": api.secret,
            "Origin": "https://a.example",
        }
    )
    assert crossed.post("/client/v1/hot", {"id": "a"}).status == 401
    assert api.post("/client/v1/hot", {"id": "a"}).status == 401


def test_a_browser_needs_an_allowed_origin(shop_a: Retailer) -> None:
    browser = ApiClient.of(shop_a, "browser", origins=["https://Shop.example/", "http://localhost:3000"])
    for origin in ("https://shop.example", "http://localhost:3000", "HTTPS://SHOP.EXAMPLE"):
        assert browser.post("/client/v1/hot", {"id": "a"}, Origin=origin).status == 200
    for origin in ("", "https://shop.example.evil", "http://shop.example", "null", "https://shop.example:444"):
        answer = browser.post("/client/v1/hot", {"id": "a"}, Origin=origin)
        assert (answer.status, answer["key"]) == (403, "forbidden")


def test_an_address_may_do_without_the_origin_that_a_client_never_sends(browser: ApiClient) -> None:
    del browser.headers["Origin"]
    assert browser.post("/client/v1/idle", {"id": "a"}).status == 200
    assert browser.post("/client/v1/idle", {"id": "a"}, Origin="https://evil.example").status == 403


def test_a_star_allows_any_origin(shop_a: Retailer) -> None:
    browser = ApiClient.of(shop_a, "browser", origins=["*"])
    assert browser.post("/client/v1/hot", {"id": "a"}, Origin="https://any.example").status == 200


@pytest.mark.parametrize(
    ("scopes", "read", "write"),
    [
        (["products:read"], 200, 403),
        (["products:write"], 403, 200),
        (["products:read", "products:write"], 200, 200),
        (["*"], 200, 200),
        (["vouchers:write"], 403, 403),
        ([], 403, 403),
    ],
)
def test_scopes_bite(shop_a: Retailer, scopes: list[str], read: int, write: int) -> None:
    api = ApiClient.of(shop_a, scopes=scopes)
    answers = api.get("/v1/items"), api.post("/v1/items", {"name": "x"})
    assert [answer.status for answer in answers] == [read, write]
    assert all(answer["key"] == "missing_required_permission" for answer in answers if answer.status == 403)


def test_one_address_may_want_another_scope(shop_a: Retailer) -> None:
    assert ApiClient.of(shop_a, scopes=["validations:write"]).delete("/v1/items/a/sessions/b").status == 202
    assert ApiClient.of(shop_a, scopes=["products:write"]).delete("/v1/items/a/sessions/b").status == 403


@pytest.mark.parametrize("path", ["/v1/items", "/v1/hot"])
def test_a_revoked_credential_is_out_at_the_next_request(api: ApiClient, shop_a: Retailer, path: str) -> None:
    assert api.post(path, {"id": "a"}).status == 200
    key = api.headers["X-App-Id"]
    clients.revoke(retailer_id=shop_a.pk, key=key, actor=SYSTEM, now=NOW, reason="lost")
    assert api.post(path, {"id": "a"}).status == 401
    assert AuditEntry.objects.filter(action="client.revoke", object_id=key, reason="lost").exists()


@pytest.mark.parametrize("path", ["/v1/items", "/v1/hot"])
def test_a_rotated_secret_replaces_the_old_one_at_once(api: ApiClient, shop_a: Retailer, path: str) -> None:
    assert api.post(path, {"id": "a"}).status == 200
    _, secret = clients.rotate(retailer_id=shop_a.pk, key=api.headers["X-App-Id"], actor=SYSTEM, now=NOW)
    assert api.post(path, {"id": "a"}, X_App_Token=secret).status == 200
    assert api.post(path, {"id": "a"}).status == 401


def test_a_hot_address_that_was_never_told_still_refuses_the_old_secret(api: ApiClient, shop_a: Retailer) -> None:
    assert api.post("/v1/hot", {"id": "a"}).status == 200
    clients.rotate(retailer_id=shop_a.pk, key=api.headers["X-App-Id"], actor=SYSTEM, now=NOW)
    assert api.post("/v1/hot", {"id": "a"}).status == 401


def test_a_scope_taken_away_bites_on_a_hot_address(api: ApiClient) -> None:
    assert api.post("/v1/hot", {"id": "a"}).status == 200
    Client.objects.filter(key=api.headers["X-App-Id"]).update(scopes=["products:read"])
    assert api.post("/v1/hot", {"id": "a"}).status == 403


def test_a_hot_address_asks_the_database_for_no_credential(
    api: ApiClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    api.post("/v1/idle", {"id": "a"})
    with django_assert_num_queries(0):
        assert api.post("/v1/idle", {"id": "a"}).status == 200
    with django_assert_num_queries(1):  # the view's own read of the version
        assert api.post("/v1/hot", {"id": "a"}).status == 200


def test_last_use_is_noted_once_a_minute(api: ApiClient, set_clock: Callable[[datetime], None]) -> None:
    def last_used() -> datetime | None:
        return Client.objects.values_list("last_used_at", flat=True).get(key=api.headers["X-App-Id"])

    for passed, noted in ((0, 0), (30, 0), (59, 0), (61, 61)):
        set_clock(NOW + timedelta(seconds=passed))
        assert api.get("/v1/items/a").status == 200
        assert last_used() == NOW + timedelta(seconds=noted)


def test_noting_the_last_use_makes_no_memory_stale(api: ApiClient) -> None:
    api.post("/v1/hot", {"id": "a"})
    credential = auth.cached_credential(api.headers["X-App-Id"])
    Client.objects.update(last_used_at=NOW)
    assert credential is not None
    assert auth.read_credential(credential.key) == credential
