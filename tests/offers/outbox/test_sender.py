"""One attempt against a real server: what counts as success, and what a hostile one can not do to us."""

import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from offers.outbox import sender
from tests.offers.outbox.conftest import Received, Shop

Handler = Any


def post(url: str, *, seconds: int = 5, loopback: bool = True) -> sender.Answer:
    headers = {"Content-Type": "application/json", "X-Test": "yes"}
    return sender.post(url, b'{"a":1}', headers, seconds=seconds, allow_http=True, allow_loopback=loopback)


def test_body_and_headers_arrive_as_given(shop: Shop) -> None:
    answer = post(shop.url)
    assert (answer.accepted, answer.status, answer.error) == (True, 200, "")
    (got,) = shop.received
    assert (got.path, got.body, got.headers["x-test"]) == ("/hooks?of=shop", b'{"a":1}', "yes")
    assert got.headers["host"] == shop.url.split("/")[2]
    assert got.headers["connection"] == "close"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(shop: Shop, status: int) -> None:
    shop.status = status
    assert post(shop.url).accepted


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(shop: Shop, status: int) -> None:
    shop.answer = lambda handler, _: handler.answer_with(status, Location=shop.url)  # type: ignore[attr-defined]
    answer = post(shop.url)
    assert (answer.accepted, answer.status, len(shop.received)) == (False, status, 1)


def test_an_unwelcome_answer_is_kept_in_part(shop: Shop) -> None:
    shop.answer = lambda handler, _: handler.answer_with(500, b"<b>no" + b"x" * 100_000)  # type: ignore[attr-defined]
    answer = post(shop.url)
    assert answer.error.startswith("HTTP 500 Internal Server Error <b>no")
    assert len(answer.error) <= 600


def test_a_body_without_end_is_not_read(shop: Shop) -> None:
    def flood(handler: BaseHTTPRequestHandler, _: Received) -> None:
        handler.send_response(500)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65_536)

    shop.answer = flood
    answer = post(shop.url, seconds=10)
    assert answer.status == 500
    assert answer.milliseconds < 9000  # of the ten seconds there are, and of a body without end


def test_nobody_there_is_an_error_not_an_exception() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = post(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert answer.status is None
    assert "refused" in answer.error


def test_loopback_needs_its_setting(shop: Shop) -> None:
    answer = post(shop.url, loopback=False)
    assert not answer.accepted
    assert "not a public address" in answer.error
    assert shop.received == []


# --- servers that drag their feet ---


@pytest.fixture
def raw() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Serves one connection with a function; returns its address."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(behave: Callable[[socket.socket], None]) -> str:
        def run() -> None:
            try:
                line, _ = listening.accept()
                with line:
                    behave(line)
            except OSError:
                pass

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"

    yield serve
    listening.close()


def drip(text: bytes) -> Callable[[socket.socket], None]:
    def behave(line: socket.socket) -> None:
        line.recv(65_536)
        line.sendall(text)
        while True:
            time.sleep(0.2)
            line.sendall(b"x")

    return behave


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(lambda line: time.sleep(30), id="silent"),
        pytest.param(drip(b""), id="status line drop by drop"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nX-Long: "), id="header drop by drop"),
    ],
)
def test_the_deadline_is_for_all_of_it(
    raw: Callable[[Callable[[socket.socket], None]], str], behave: Callable[[socket.socket], None]
) -> None:
    answer = post(raw(behave), seconds=1)
    assert answer.error == "no answer within 1 s"
    assert 900 <= answer.milliseconds < 15_000  # it drips on for ever


def test_a_success_counts_though_its_body_never_comes(raw: Callable[..., str]) -> None:
    answer = post(raw(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")), seconds=10)
    assert answer.accepted
    assert answer.milliseconds < 9000


def test_a_failure_whose_body_never_comes_keeps_its_status(raw: Callable[..., str]) -> None:
    answer = post(raw(drip(b"HTTP/1.1 503 Busy\r\nContent-Length: 1000000\r\n\r\n")), seconds=1)
    assert (answer.status, answer.error) == (503, "HTTP 503 Busy")


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH_9\r\n",
        b"",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
    ],
    ids=["another protocol", "nothing", "no status", "5000 headers", "endless header", "only continues"],
)
def test_answers_that_are_none_are_errors(raw: Callable[..., str], reply: bytes) -> None:
    def behave(line: socket.socket) -> None:
        line.recv(65_536)
        line.sendall(reply)

    answer = post(raw(behave), seconds=2)
    assert not answer.accepted
    assert answer.error


# --- pinning ---


def test_a_name_is_resolved_once_and_the_connection_goes_there(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look at a name (DNS rebinding) would find another address."""
    asked: list[str] = []
    genuine = socket.getaddrinfo

    def resolver(host: str, *args: Any, **options: Any) -> Any:
        if host == "shop.example":
            asked.append(host)
            host = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return genuine(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    assert post(shop.url.replace("127.0.0.1", "shop.example")).accepted
    assert asked == ["shop.example"]
    assert shop.received[0].headers["host"].startswith("shop.example:")


def test_the_next_address_is_tried_when_the_first_is_dead(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = socket.getaddrinfo

    def resolver(host: str, port: int, *args: Any, **options: Any) -> Any:
        if host == "shop.example":
            return [*genuine("127.0.0.9", port, type=socket.SOCK_STREAM), *genuine("127.0.0.1", port)]
        return genuine(host, port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    assert post(shop.url.replace("127.0.0.1", "shop.example")).accepted


# --- TLS ---

TLS = Path(__file__).parent / "tls"  # a certificate for shop.example, signed by its own key; good for a century


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The certificate's maker as an authority, named the way an operator would."""
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "cert.pem"))
    sender._context.cache_clear()
    yield
    sender._context.cache_clear()


@pytest.fixture
def secure_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A TLS server that says which name it was asked for; the names shop and other.example lead to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    asked: list[str | None] = []
    context.sni_callback = lambda line, name, _: asked.append(name)
    listening = socket.create_server(("127.0.0.1", 0))
    genuine = socket.getaddrinfo

    def resolver(host: str, *args: Any, **options: Any) -> Any:
        return genuine("127.0.0.1" if host.endswith(".example") else host, *args, **options)

    def serve() -> None:
        try:
            plain, _ = listening.accept()
            with context.wrap_socket(plain, server_side=True) as line:
                while not line.recv(65_536).endswith(b'{"a":1}'):
                    pass
                line.sendall(f"HTTP/1.1 500 {asked[0]}\r\nContent-Length: 0\r\n\r\n".encode())
        except OSError:
            pass

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    threading.Thread(target=serve, daemon=True).start()
    yield listening.getsockname()[1]
    listening.close()


def test_tls_asks_for_the_name_and_checks_it(secure_port: int, trusted: None) -> None:
    assert post(f"https://shop.example:{secure_port}/").error == "HTTP 500 shop.example"


def test_a_certificate_of_another_name_is_refused(secure_port: int, trusted: None) -> None:
    answer = post(f"https://other.example:{secure_port}/")
    assert answer.status is None
    assert "certificate verify failed" in answer.error


def test_a_certificate_nobody_vouches_for_is_refused(secure_port: int) -> None:
    assert "certificate verify failed" in post(f"https://shop.example:{secure_port}/").error


def test_a_handshake_that_never_ends_meets_the_deadline(raw: Callable[..., str]) -> None:
    url = raw(lambda line: time.sleep(30)).replace("http:", "https:")
    answer = post(url, seconds=1)
    assert answer.error == "no answer within 1 s"
    assert dt.timedelta(milliseconds=answer.milliseconds) < dt.timedelta(seconds=15)
