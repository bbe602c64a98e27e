"""A test client of the offer dialect: HTTP Basic, flat bodies for the offer family, the envelope for tills."""

import base64
from itertools import count
from typing import Any

import orjson
from django.test import Client as DjangoClient

from offers.models import Client, Retailer, Store
from tests import factories
from tests.api.client import Answer

_request = count(1)


def store(shop: Retailer, **fields: Any) -> Store:
    return Store.objects.create(retailer=shop, **{"name": "Store", **fields})


class Till:
    """Calls as one credential of a retailer, from one store."""

    def __init__(self, shop: Retailer, place: Store | None = None, **fields: Any) -> None:
        self.shop = shop
        self.store = place or store(shop)
        self.row: Client
        self.row, self.secret = factories.credential(shop, "basic", **fields)
        self.headers = {"Authorization": basic(self.row.key, self.secret)}
        self._django = DjangoClient(raise_request_exception=False)

    def call(
        self, path: str, body: Any = None, *, method: str = "POST", raw: bytes | None = None, **headers: str
    ) -> Answer:
        """Send a body as it is to a path under /api/2.0/ (or to a whole path)."""
        data = raw if raw is not None else (b"" if body is None else orjson.dumps(body))
        content_type = headers.pop("content_type", "application/json")
        where = path if path.startswith("/") else f"/api/2.0/{path}"
        sent = {**self.headers, **headers}
        return Answer(self._django.generic(method, where, data, content_type=content_type, headers=sent))

    def offer(self, path: str, **fields: Any) -> Answer:
        """Call the offer family with our retailer_id."""
        return self.call(path, {"retailer_id": str(self.shop.uuid), **fields})

    def pos(
        self, path: str, payload: Any, *, method: str = "POST", request_id: str | None = None, **fields: Any
    ) -> Answer:
        """Call the POS family in its envelope; every call has a new request id unless one is given."""
        return self.call(path, self.envelope(payload, request_id=request_id, **fields), method=method)

    def envelope(self, payload: Any, *, request_id: str | None = None, **fields: Any) -> dict[str, Any]:
        return {
            "store_id": str(self.store.uuid),
            "client_id": self.row.key,
            "request_id": request_id or f"r{next(_request)}",
            "request_payload": payload,
            **fields,
        }


def basic(key: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()
