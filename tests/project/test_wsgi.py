"""Production's entry serves API calls through a shorter chain that leaves nothing out that a caller sees."""

import gc
from typing import Any

import pytest
from django.test.client import ClientHandler, RequestFactory

from project.wsgi import Application
from tests.api.client import ApiClient


class Served(ClientHandler):
    """The test client's way into production's handler."""

    def load_middleware(self, is_async: bool = False) -> None:
        self._middleware_chain = Application().by_path


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "host"),
    [
        ("POST", "/v1/validations", "shop.example"),
        ("GET", "/v1/redemptions/", "shop.example"),
        ("PATCH", "/v1/vouchers", "shop.example"),
        ("GET", "/v1/nowhere", "shop.example"),
        ("GET", "/v1/redemptions", "evil.example"),
        ("GET", "/admin/login/", "shop.example"),
    ],
)
def test_the_short_chain_answers_as_the_whole_one(
    api: ApiClient, settings: Any, method: str, path: str, host: str
) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    served = ApiClient(api.headers)
    served._django.handler = Served()
    body: dict[str, Any] | None = {} if method == "POST" else None
    whole = api.call(method, path, body, Host=host)
    short = served.call(method, path, body, Host=host)
    assert short.status == whole.status
    assert set(whole.headers) - set(short.headers) <= {"X-Frame-Options", "Vary"}
    assert short.headers["Content-Type"] == whole.headers["Content-Type"]
    if "json" in short.headers["Content-Type"]:
        assert set(short.json) == set(whole.json)


def test_an_api_call_looks_after_old_connections_and_pages_do_it_as_django_does(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidied: list[str] = []
    monkeypatch.setattr("project.wsgi.close_old_connection", lambda: tidied.append("here"))
    assert ask(Application(), "/v1/nowhere") == ("404 Not Found", "application/json")
    assert tidied == ["here", "here"]
    assert ask(Application(), "/healthz")[0] == "200 OK"
    assert len(tidied) == 2


def test_an_address_is_looked_up_once_and_one_with_parameters_each_time(db: None) -> None:
    served = Application()
    for _ in range(2):
        ask(served, "/v1/redemptions")
        ask(served, "/v1/vouchers/A")
    assert list(served.fixed) == ["/v1/redemptions"]


def ask(application: Application, path: str) -> tuple[str, str]:
    """Call the application as a server does; return the status line and what the body is."""
    told: list[tuple[str, dict[str, str]]] = []
    environ = RequestFactory().get(path).environ
    body = application(environ, lambda status, headers: told.append((status, dict(headers))))
    assert b"".join(body)
    return told[0][0], told[0][1]["Content-Type"]


def test_what_lives_as_long_as_the_process_is_not_collected() -> None:
    assert gc.get_freeze_count() > 100_000
