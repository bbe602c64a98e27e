"""The admission API's wire (reference, sections 15 and 17), kept in memory: what a shop's code is tried against."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk_test"


class Wire:
    """One admission, token `adm1.test`; `down` makes every call a 503."""

    def __init__(self, ttl: float = 900) -> None:
        self.expires_at = datetime.now(UTC) + timedelta(seconds=ttl)
        self.state, self.session, self.reason = "ISSUED", "", ""
        self.codes = {"code-1"}
        self.orders: list[str] = []
        self.declines = 0
        self.down = False
        self.when_unknown = "closed"
        self.calls: list[str] = []

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.calls.append(path.rpartition("/")[2])
        if self.down:
            return 503, {}
        if path == "/admission/v1/handoffs/exchange":
            if body["code"] not in self.codes:
                return self.no(404, "not_found")
            self.codes.discard(body["code"])
            return 200, {"admission_token": "adm1.test"}
        act = getattr(self, "do_" + path.rpartition("/")[2], None)
        if act is None or body.get("admission_token") != "adm1.test":
            return self.no(404, "not_found")
        found: tuple[int, dict[str, Any]] = act(body)
        return found

    def over(self) -> bool:
        return datetime.now(UTC) >= self.expires_at

    def ended(self) -> str:
        if self.state in ("COMPLETED", "RELEASED", "REVOKED"):
            return self.state.lower()
        return "expired" if self.over() else ""

    def do_validate(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        reason = self.ended() or ("bound_elsewhere" if self.session not in ("", body["session"]) else "")
        if reason:
            return 200, {"valid": False, "reason": reason}
        left = self.expires_at - datetime.now(UTC)
        facts = {"admission_id": "a-1", "expires_at": self.expires_at.isoformat(), "seconds_left": left.total_seconds()}
        return 200, {"valid": True, "state": self.state, "when_unknown": self.when_unknown, **facts}

    def do_claim(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if reason := self.ended():
            return self.no(410 if reason == "expired" else 409, reason)
        if self.session not in ("", body["session"]):
            return self.no(409, "admission_bound_elsewhere")
        self.session, self.state = body["session"], "CLAIMED"
        return 200, {}

    do_begin_payment = do_claim

    def do_payment_failed(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.declines += 1
        if self.declines >= 5:
            self.state = "RELEASED"
        return 200, {}

    def do_complete(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.orders and body["order_id"] not in self.orders:
            return self.no(409, "admission_already_completed")
        self.orders, self.state = [body["order_id"]], "COMPLETED"
        return 200, {}

    def do_release(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.state = "RELEASED"
        return 200, {}

    @staticmethod
    def no(status: int, code: str) -> tuple[int, dict[str, Any]]:
        return status, {"error": {"code": code, "message": code}}


@contextmanager
def serving(wire: Wire) -> Iterator[str]:
    """Serve it; yields its base address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            right = self.headers["Authorization"] == f"Bearer {KEY}"
            status, found = wire.answer(self.path, body) if right else Wire.no(401, "unauthorized")
            sent = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[int]:
    """Run a server in a thread; yields its port."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()
