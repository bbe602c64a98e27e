"""Production's entry serves API calls through a shorter chain that leaves nothing out that a caller sees."""

from typing import Any

import pytest
from django.test.client import ClientHandler

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
