"""Idempotency-Key: one effect, the first answer again, and no half of either."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from checkout import idempotency
from checkout.models import Reply
from offers import clients
from offers.lib.actors import SYSTEM
from offers.models import Category, Retailer
from tests.api.client import Answer, ApiClient
from tests.api.common import urls

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = "order-4711-attempt"


@pytest.mark.django_db
class TestOneAfterTheOther:
    @pytest.mark.parametrize("path", ["/v1/items", "/v1/hot"])
    def test_the_first_answer_comes_again(self, api: ApiClient, path: str, set_clock: Callable[..., None]) -> None:
        set_clock(NOW)
        first = api.post(path, {"id": "a", "name": "x"}, Idempotency_Key=KEY)
        set_clock(NOW + timedelta(hours=47))
        second = api.post(path, {"id": "a", "name": "x"}, Idempotency_Key=KEY)
        assert (first.status, first.text) == (second.status, second.text)
        assert "Idempotency-Replayed" not in first.headers
        assert second.headers["Idempotency-Replayed"] == "true"
        assert Reply.objects.count() == 1

    def test_an_answer_without_body_comes_again(self, api: ApiClient) -> None:
        answers = [api.delete("/v1/items/x", Idempotency_Key=KEY) for _ in range(2)]
        assert [(answer.status, answer.text) for answer in answers] == [(204, "")] * 2
        assert answers[1].headers["Idempotency-Replayed"] == "true"

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "/v1/items", {"name": "other"}),
            ("POST", "/v1/items?x=1", {"name": "x"}),
            ("POST", "/v1/hot", {"name": "x"}),
            ("DELETE", "/v1/items/x", None),
        ],
    )
    def test_another_request_under_the_same_key_is_refused(
        self, api: ApiClient, method: str, path: str, body: Any
    ) -> None:
        api.post("/v1/items", {"name": "x"}, Idempotency_Key=KEY)
        answer = api.call(method, path, body, Idempotency_Key=KEY)
        assert (answer.status, answer["key"]) == (422, "idempotency_key_reused")

    def test_a_key_is_the_clients_own(self, api: ApiClient, api_b: ApiClient, shop_a: Retailer) -> None:
        colleague = ApiClient.of(shop_a)
        for client in (api, api_b, colleague):
            answer = client.post("/v1/items", {"name": "x"}, Idempotency_Key=KEY)
            assert (answer.status, "Idempotency-Replayed" in answer.headers) == (200, False)

    def test_a_refused_request_keeps_nothing_and_frees_its_key(self, api: ApiClient) -> None:
        assert api.post("/v1/items", {"name": "x", "refuse": True}, Idempotency_Key=KEY).status == 400
        assert api.call("POST", "/v1/items", raw=b"{", Idempotency_Key=KEY).status == 400
        assert not Reply.objects.exists()
        assert api.post("/v1/items", {"name": "x"}, Idempotency_Key=KEY).status == 200

    @pytest.mark.parametrize(("status", "kept"), [(200, 1), (400, 1), (404, 1), (409, 0), (429, 0), (500, 0), (503, 0)])
    def test_what_is_kept_of_answers_that_commit(self, api: ApiClient, status: int, kept: int) -> None:
        for _ in range(2):
            assert api.post("/v1/status", {"status": status}, Idempotency_Key=KEY).status == status
        assert Reply.objects.count() == kept
        assert Category.objects.count() == (1 if kept else 2)

    @pytest.mark.parametrize("key", ["", "x" * 256, "ключ", "a\x7fb"])
    def test_a_key_that_is_none_is_refused(self, api: ApiClient, key: str) -> None:
        assert api.post("/v1/items", {"name": "x"}, Idempotency_Key=key)["key"] == "invalid_payload"

    @pytest.mark.parametrize("path", ["/v1/items", "/v1/hot", "/v1/idle"])
    def test_a_revoked_client_gets_no_stored_answer(self, api: ApiClient, shop_a: Retailer, path: str) -> None:
        assert api.post(path, {"id": "a"}, Idempotency_Key=KEY).status == 200
        clients.revoke(retailer_id=shop_a.pk, key=api.headers["X-App-Id"], actor=SYSTEM, now=NOW)
        assert api.post(path, {"id": "a"}, Idempotency_Key=KEY).status == 401

    def test_it_costs_three_statements_and_a_repeat_one(
        self, api: ApiClient, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        api.post("/v1/idle", {"id": "a"})
        with django_assert_num_queries(1 + 3 + 2):  # the credential; look, look again, store; savepoint and release
            api.post("/v1/idle", {"id": "a"}, Idempotency_Key=KEY)
        with django_assert_num_queries(1 + 1 + 2):
            api.post("/v1/idle", {"id": "a"}, Idempotency_Key=KEY)

    def test_keys_are_kept_for_seven_days_and_purged_after(self) -> None:
        def make(age_hours: int) -> None:
            Reply.objects.create(
                client_id=1,
                key=f"{age_hours}",
                route="POST /v1/x",
                body_hash=b"x",
                status=200,
                created_at=NOW - timedelta(hours=age_hours),
            )

        for age in (1, 73, 167, 169, 200):
            make(age)
        assert idempotency.purge(now=NOW) == 2
        assert set(Reply.objects.values_list("key", flat=True)) == {"1", "73", "167"}


class Crash(BaseException):
    """The process dies here."""


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    def test_two_at_once_have_one_effect(self, api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first is held inside its effect until the second has been answered."""
        inside, go_on = threading.Event(), threading.Event()

        def wait() -> None:
            inside.set()
            assert go_on.wait(20)

        monkeypatch.setattr(urls, "pause", wait)
        answers: list[Answer] = []

        def send() -> None:
            answers.append(api.post("/v1/slow", {"name": "x"}, Idempotency_Key=KEY))
            connection.close()

        first = threading.Thread(target=send)
        first.start()
        assert inside.wait(20)
        second = api.post("/v1/slow", {"name": "x"}, Idempotency_Key=KEY)
        go_on.set()
        first.join()
        assert (second.status, second["key"], second.headers["Retry-After"]) == (409, "idempotency_key_in_use", "1")
        assert answers[0].status == 200
        again = api.post("/v1/slow", {"name": "x"}, Idempotency_Key=KEY)
        assert (again.status, again.text) == (200, answers[0].text)
        assert Category.objects.count() == 1

    def test_a_crowd_with_one_key_has_one_effect(self, api: ApiClient) -> None:
        """Whoever is told to wait tries again, as a client would; all end with the same answer."""
        texts: list[str] = []

        def send() -> None:
            for _ in range(1000):
                answer = api.post("/v1/slow", {"name": "x"}, Idempotency_Key=KEY)
                if answer.status != 409:
                    texts.append(answer.text)
                    break
            connection.close()

        crowd = [threading.Thread(target=send) for _ in range(8)]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        assert len(texts) == 8
        assert len(set(texts)) == 1
        assert Category.objects.count() == Reply.objects.count() == 1

    @pytest.mark.parametrize("where", ["effect", "store"])
    def test_a_crash_leaves_neither_effect_nor_answer(
        self, api: ApiClient, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        def die(*args: object, **kwargs: object) -> None:
            raise Crash

        if where == "effect":
            monkeypatch.setattr(urls, "pause", die)
        else:
            monkeypatch.setattr(idempotency, "store", die)
        with pytest.raises(Crash):
            api.post("/v1/slow", {"name": "x"}, Idempotency_Key=KEY)
        assert not Category.objects.exists()
        assert not Reply.objects.exists()
        monkeypatch.undo()
