"""A small API client for tests: app headers, JSON in and out, through the whole middleware."""

from typing import Any

import orjson
from django.test import Client as DjangoClient

from offers.models import Client, Retailer
from tests import factories


class Answer:
    """What came back: status, headers, the raw text and the JSON of it."""

    def __init__(self, response: Any) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.text = response.content.decode()

    @property
    def json(self) -> Any:
        return orjson.loads(self.text)

    def __getitem__(self, name: str | int) -> Any:
        return self.json[name]

    def __repr__(self) -> str:
        return f"<{self.status} {self.text[:2000]}>"


class ApiClient:
    """Calls the API as one credential; `headers` may be changed or emptied by a test."""

    def __init__(self, headers: dict[str, str], row: Client | None = None, secret: str = "") -> None:
        self.headers = headers
        self.row = row
        self.secret = secret
        self._django = DjangoClient(raise_request_exception=False)

    @classmethod
    def of(cls, shop: Retailer, kind: str = "server", **fields: Any) -> "ApiClient":
        """Issue a credential of the shop and return a client that uses it."""
        row, secret = factories.credential(shop, kind, **fields)
        if kind == "browser":
            origin = {"Origin": row.origins[0]} if row.origins else {}
            return cls({"X-Client-Application-Id": row.key, "X-Client-Token": secret, **origin}, row, secret)
        return cls({"X-App-Id": row.key, "X-App-Token": secret}, row, secret)

    def call(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: Any) -> Answer:
        """Send a request; `body` goes as JSON, `raw` as it is; headers by name with underscores for dashes."""
        data = raw if raw is not None else (b"" if body is None else orjson.dumps(body))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content_type = named.pop("Content-Type", "application/json")
        sent = {**self.headers, **named}
        return Answer(self._django.generic(method, path, data, content_type=content_type, headers=sent))

    def get(self, path: str, **headers: Any) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: Any) -> Answer:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: Any) -> Answer:
        return self.call("PUT", path, body, **headers)

    def delete(self, path: str, **headers: Any) -> Answer:
        return self.call("DELETE", path, **headers)
