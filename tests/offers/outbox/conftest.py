"""A shop's server that takes webhooks, and the rows a delivery needs."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from offers.lib import sealing
from offers.models import Retailer
from offers.outbox import events
from offers.outbox.models import Endpoint, Event

NOW = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
SECRET = "whsec_first"


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def ident(self) -> str:
        return str(orjson.loads(self.body)["id"])


@dataclass
class Shop:
    """What arrived, and how to answer: a status, or a function that does it all."""

    url: str = ""
    status: int = 200
    received: list[Received] = field(default_factory=list)
    answer: Callable[[BaseHTTPRequestHandler, Received], None] | None = None
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def idents(self) -> list[str]:
        return [one.ident for one in self.received]


def serve(shop: Shop) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            one = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            shop.received.append(one)
            shop.arrived.release()
            if shop.answer:
                shop.answer(self, one)
            else:
                self.answer_with(shop.status)

        def answer_with(self, status: int, text: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # we hang up on purpose

    server = Quiet(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    return server


@pytest.fixture
def shop() -> Iterator[Shop]:
    taking = Shop()
    server = serve(taking)
    taking.url = f"http://127.0.0.1:{server.server_port}/hooks?of=shop"
    yield taking
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def unnudged(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for or gets a relay it did not start."""
    monkeypatch.setattr(events, "nudge", lambda: None)


@pytest.fixture
def endpoint(shop_a: Retailer, shop: Shop) -> Endpoint:
    return Endpoint.objects.create(retailer=shop_a, url=shop.url, secret=SECRET)


def happen(retailer: Retailer, kind: str = "voucher.created", now: datetime = NOW, **data: Any) -> Event | None:
    """Record an event, of an object that is gone, and return its row; None when nobody listens."""
    written = events.record(retailer_id=retailer.pk, type=kind, data={"id": "gone", **data}, now=now)
    return Event.objects.latest("id") if written else None


def foreign(settings: Any, text: str = "whsec_lost") -> str:
    """Return a secret as it was stored under a SECRET_KEY that nobody knows any more."""
    known, settings.SECRET_KEY = settings.SECRET_KEY, "forgotten" * 6
    sealed, settings.SECRET_KEY = sealing.seal(text), known
    return sealed
