"""Serves the external checkout: `python -m examples.external_checkout` with BASE_URL, SK, LAUNCH_URL and PORT set."""

import http.cookies
import http.server
import json
import logging
import os
import sys
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examples.external_checkout import admission, pages, shop

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent.parent / "static" / "shop"
STATIC = {
    "/static/handoff.js": (SCRIPTS / "handoff.js", "text/javascript"),
    "/static/checkout.js": (SCRIPTS / "checkout.js", "text/javascript"),
    "/static/checkout.css": (SCRIPTS / "checkout.css", "text/css"),
    "/static/external.css": (HERE / "external.css", "text/css"),
}
LONGEST_BODY = 16_384
COOKIE = "external_visit"


@dataclass(slots=True)
class Site:
    """Where the shop stands, whom it sells for, and what it says once to a visitor after a form."""

    store: shop.Shop
    origin: str
    launch_url: str
    once: dict[str, shop.Look] = field(default_factory=dict)

    @property
    def parent_origin(self) -> str:
        """The only origin that may frame this checkout and hears of it."""
        parts = urllib.parse.urlsplit(self.launch_url)
        return f"{parts.scheme}://{parts.netloc}"


class Handler(http.server.BaseHTTPRequestHandler):
    """One request; `site` is set on the class the server is given."""

    site: Site
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "external-checkout", ""

    def do_GET(self) -> None:
        address = urllib.parse.urlsplit(self.path)
        if address.path in STATIC:
            path, kind = STATIC[address.path]
            return self.send(200, path.read_bytes(), kind)
        if address.path == "/":
            return self.go("/checkout")
        if address.path != "/checkout":
            return self.send(404, b"Nothing has this address.", "text/plain")
        visit = self.visit()
        code = urllib.parse.parse_qs(address.query).get("admission", [""])[0]
        if code:
            self.site.store.arrive(visit, code)
            return self.go("/checkout", visit)  # the code leaves the address before anything else is loaded
        seen = self.site.once.pop(visit.id, None) or self.site.store.look(visit)
        return self.show(seen, visit)

    def do_POST(self) -> None:
        routes: dict[str, Callable[[shop.Visit, bytes], None]] = {
            "/checkout/pay": self.pay,
            "/checkout/give-up": self.give_up,
            "/checkout/status": self.status,
        }
        found = routes.get(self.path)
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LONGEST_BODY:
            self.close_connection = True
            return self.send(413, b"Too much.", "text/plain")
        body = self.rfile.read(int(length))
        if found is None:
            return self.send(404, b"Nothing has this address.", "text/plain")
        if self.headers.get("Origin", self.site.origin) != self.site.origin:
            return self.send(403, b"This form belongs to another page.", "text/plain")
        return found(self.visit(), body)

    def pay(self, visit: shop.Visit, body: bytes) -> None:
        sent = urllib.parse.parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
        seen = self.site.store.pay(visit, {name: values[0] for name, values in sent.items()})
        self.site.once[visit.id] = seen
        self.go("/checkout", visit)

    def give_up(self, visit: shop.Visit, body: bytes) -> None:
        self.site.once[visit.id] = self.site.store.give_up(visit)
        self.go("/checkout", visit)

    def status(self, visit: shop.Visit, body: bytes) -> None:
        seen = self.site.store.look(visit)
        if seen.page == "checking":
            return self.send(503, b"{}", "application/json")
        facts: dict[str, Any] = {"valid": seen.page == "form", "reason": seen.reason}
        if seen.page == "form":
            facts |= {"expires_at": seen.expires_at, "server_time": seen.server_time, "admission_id": seen.admission_id}
        return self.send(200, json.dumps(facts).encode(), "application/json")

    # --- the way out ---

    def show(self, seen: shop.Look, visit: shop.Visit) -> None:
        site = self.site
        text = pages.page(
            seen,
            item=site.store.item,
            price=site.store.price,
            currency=site.store.currency,
            back=site.launch_url,
            parent_origin=site.parent_origin,
        )
        self.send(200, text.encode(), "text/html; charset=utf-8", visit)

    def go(self, where: str, visit: shop.Visit | None = None) -> None:
        # no-referrer only here: with it on a page, its forms would be posted with the origin "null"
        more = {"Location": where, "Referrer-Policy": "no-referrer"}
        self.send(303 if self.command == "POST" else 302, b"", "text/plain", visit, more)

    def send(
        self, status: int, body: bytes, kind: str, visit: shop.Visit | None = None, more: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": (
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
                f"form-action 'self'; base-uri 'none'; frame-ancestors {self.site.parent_origin}"
            ),
            **(more or {}),
        }
        for name, value in headers.items():
            self.send_header(name, value)
        if visit is not None:
            far = "SameSite=None; Secure; Partitioned" if self.site.origin.startswith("https:") else "SameSite=Lax"
            self.send_header("Set-Cookie", f"{COOKIE}={visit.id}; Path=/; HttpOnly; {far}")
        self.end_headers()
        self.wfile.write(body)

    def visit(self) -> shop.Visit:
        try:
            cookies = http.cookies.SimpleCookie(self.headers.get("Cookie", ""))
        except http.cookies.CookieError:
            cookies = http.cookies.SimpleCookie()
        found = cookies.get(COOKIE)
        return self.site.store.visit(found.value if found else "")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        logging.getLogger("external_checkout").info("%s %s %s", self.command, self.path.partition("?")[0], code)

    def log_message(self, format: str, *args: Any) -> None:
        logging.getLogger("external_checkout").info("%s", self.path.partition("?")[0] if hasattr(self, "path") else "?")


def serve(site: Site, *, host: str, port: int) -> http.server.ThreadingHTTPServer:
    """Return a server that listens; the caller runs it."""
    return http.server.ThreadingHTTPServer((host, port), type("SiteHandler", (Handler,), {"site": site}))


def main() -> int:
    missing = [name for name in ("BASE_URL", "SK", "LAUNCH_URL", "PORT") if not os.environ.get(name)]
    if missing:
        sys.stderr.write(f"Please set {', '.join(missing)}.\n")
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ["PORT"])
    api = admission.Api(os.environ["BASE_URL"], os.environ["SK"])
    store = shop.Shop(
        api,
        item=os.environ.get("ITEM", shop.ITEM),
        price=os.environ.get("PRICE", shop.PRICE),
        currency=os.environ.get("CURRENCY", shop.CURRENCY),
    )
    site = Site(store, os.environ.get("ORIGIN", f"http://{host}:{port}"), os.environ["LAUNCH_URL"])
    stop = threading.Event()
    threading.Thread(target=shop.keep_settling, args=(site.store, stop), daemon=True).start()
    with serve(site, host=host, port=port) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            stop.set()
    return 0


if __name__ == "__main__":
    sys.exit(main())
