"""A handoff through the servers of `make run` leaves neither token nor code in any log (A42)."""

import http.cookiejar
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from project import env, local, serve
from tests.project.test_run import Run, run

pytestmark = pytest.mark.xdist_group("run")
__all__ = ["run"]  # the fixture


class Visitor:
    """A browser without scripts: cookies, redirects, and headers of its own."""

    def __init__(self, base: str, **headers: str) -> None:
        self.base, self.headers = base, {name.replace("_", "-"): text for name, text in headers.items()}
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def ask(self, path: str, body: Any = None) -> tuple[int, str]:
        sent = None if body is None else json.dumps(body).encode()
        kind = {} if sent is None else {"Content-Type": "application/json"}
        asked = urllib.request.Request(f"{self.base}{path}", data=sent, headers={**self.headers, **kind})
        try:
            with self.opener.open(asked, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def json(self, path: str, body: Any = None) -> Any:
        status, text = self.ask(path, body)
        assert status < 300, (path, status, text)
        return json.loads(text)


def test_a42_no_log_holds_a_token_or_a_code(run: Run) -> None:
    run.start()
    run.wait_ready()
    base, demo = f"http://127.0.0.1:{run.port}", env.read_file(run.place / "demo.env")
    queue = urllib.parse.urlsplit(demo["LAUNCH_URL"]).path.rstrip("/").rpartition("/")[2]
    guest = Visitor(base, X_Publishable_Key=demo["PK"]).json("/admission/v1/auth/guest", {})
    shopper = Visitor(base, X_Publishable_Key=demo["PK"], Authorization=f"Bearer {guest['access_token']}")
    server = Visitor(base, Authorization=f"Bearer {demo['SK']}")
    shopper.json(f"/admission/v1/queues/{queue}/enter", {})
    token = ""
    for _ in range(600):
        found = shopper.json(f"/admission/v1/queues/{queue}/status")
        if token := (found["admission"] or {"token": ""})["token"]:
            break
        time.sleep(0.1)
    assert token

    def code_for(address: str) -> str:
        return str(shopper.json("/admission/v1/handoffs", {"admission_token": token, "return_url": address})["code"])

    codes = [code_for(f"{base}/shop/checkout/"), code_for(demo["EXTERNAL_URL"] + "/checkout")]
    browser = Visitor(base, Referer=f"{base}/shop/checkout/?admission={codes[0]}")
    status, page = browser.ask(f"/shop/checkout/?admission={codes[0]}")
    assert status == 200 and token not in page and codes[0] not in page
    assert server.json("/admission/v1/handoffs/exchange", {"code": codes[1]})["admission_token"] == token
    server.json("/admission/v1/admissions/validate", {"admission_token": token})
    # What goes wrong is logged more than what goes well.
    for path in (f"/shop/checkout/?admission={token}", f"/nothing/{token}?admission={codes[0]}", f"/{codes[1]}"):
        Visitor(base).ask(path)
    Visitor(base, Cookie=f"sessionid={token}").ask(f"/shop/waiting/{token}/?x={codes[0]}")
    server.ask(f"/admission/v1/queues/{token}/status?admission_token={token}")
    server.ask("/admission/v1/admissions/claim", {"admission_token": token, "session": token})
    server.ask("/admission/v1/admissions/claim", {"admission_token": token + "x", "session": "\0"})
    Visitor(base, Authorization=f"Bearer {token}").ask("/admission/v1/admissions/validate", {})
    Visitor(base, Host=f"{token}.example", X_Request_Id=codes[0] + "!").ask("/shop/")
    done = {"admission_token": token, "order_id": "R-1", "order_amount": "19.00", "currency": "USD"}
    server.ask("/admission/v1/admissions/complete", done)
    run.end()
    logs = [place for place in (run.place / "log").rglob("*") if place.is_file()]
    assert any("admission/v1/admissions/complete" in place.read_text() for place in logs), "the requests are logged"
    for place in [*logs, run.output]:
        text = place.read_text(errors="replace")
        for secret in (token, token.rpartition(".")[2], *codes):
            assert secret not in text, (place.name, next(line for line in text.splitlines() if secret in line)[:300])


def test_no_server_of_ours_writes_addresses_by_itself() -> None:
    assert not [word for word in serve.command(host="127.0.0.1", port=1) if "access" in word]
    assert "accesslog" not in Path(local.ROOT, "gunicorn.conf.py").read_text()
