"""Clients that send their bodies slowly hold up nobody: bodies are taken in before the application's turn."""

import io
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from project import bodies, embedded, local, processes, serve
from tests.pace import quickest

HEAD = (
    b"POST /v1/validations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)


def echo(environ: dict[str, Any], start: Any) -> list[bytes]:
    start("200 OK", [("X-Thread", threading.current_thread().name)])
    return [environ["wsgi.input"].read()]


def called(turns: bodies.Turns, body: bytes = b"", **environ: str) -> tuple[Any, bytes]:
    heads: list[Any] = []
    sent = {"CONTENT_LENGTH": str(len(body)), **environ, "wsgi.input": io.BytesIO(body)}
    answer = turns(sent, lambda status, headers: heads.append((status, dict(headers))))
    return heads[0], b"".join(answer)


def test_the_application_answers_in_its_own_thread_with_the_whole_body() -> None:
    turns = bodies.Turns(echo, threads=1, most=10)
    head, body = called(turns, b"0123456789")
    assert (head[0], body) == ("200 OK", b"0123456789")
    assert head[1]["X-Thread"] == "application-0"
    assert called(turns, b"abc", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")[1] == b"abc"


def test_what_is_too_long_is_not_read() -> None:
    turns = bodies.Turns(echo, threads=1, most=10)
    assert called(turns, b"0123456789a")[1] == b""
    assert called(turns, b"x", CONTENT_LENGTH="9" * 13)[1] == b""
    assert called(turns, b"x", CONTENT_LENGTH="-1")[1] == b""
    assert len(called(turns, b"x" * 50, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")[1]) == 11


def test_an_error_comes_to_whom_it_belongs_and_the_thread_goes_on() -> None:
    def broken(environ: dict[str, Any], start: Any) -> list[bytes]:
        if environ["wsgi.input"].read():
            raise LookupError("broken")
        return echo(environ, start)

    turns = bodies.Turns(broken, threads=1, most=10)
    with pytest.raises(LookupError):
        called(turns, b"x")
    assert called(turns)[0][0] == "200 OK"


def test_what_is_made_while_it_is_sent_is_made_and_closed_in_the_applications_thread() -> None:
    seen: list[str] = []

    class Made:
        def __iter__(self) -> Iterator[bytes]:
            seen.append(threading.current_thread().name)
            yield b"a"
            yield b"b"

        def close(self) -> None:
            seen.append(f"closed by {threading.current_thread().name}")

    def makes(environ: dict[str, Any], start: Any) -> Any:
        start("200 OK", [])
        return Made()

    assert called(bodies.Turns(makes, threads=1, most=10))[1] == b"ab"
    assert seen == ["application-0", "closed by application-0"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[int]:
    """Serve as production does, two processes of one application thread each; nothing here asks the database."""
    port = embedded.free_port()
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings", "WEB_WORKERS": "2", "WEB_THREADS": "1"}
    environment |= {"SECRET_KEY": "s" * 50, "ALLOWED_HOSTS": "127.0.0.1", "SECURE": "0", "DEBUG": "0"}
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    log = tmp_path / "web.log"
    line = serve.command(host="127.0.0.1", port=port)
    process = processes.spawn(line, log=log, ending=signal.SIGTERM, environment=environment, directory=local.ROOT)
    try:
        deadline = time.monotonic() + 30
        while status(port, "/healthz", timeout=2) != 200:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield port
    finally:
        processes.end(process, signal.SIGTERM)


def status(port: int, path: str, data: bytes | None = None, timeout: int = 5) -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data=data, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as answer:
        return answer.code
    except OSError:
        return 0


@pytest.mark.race
def test_twenty_slow_bodies_hold_up_nobody(server: int) -> None:
    assert sys.platform == "linux"
    slow = [socket.create_connection(("127.0.0.1", server), timeout=30) for _ in range(20)]
    for one in slow:
        one.sendall(HEAD % 1000 + b"{")
    time.sleep(0.3)

    def ask(_: int) -> None:
        for _ in range(10):
            assert status(server, "/healthz") == 200
            assert status(server, "/v1/validations", b"{}") == 401

    quickest(ask, within=5)
    for one in slow:
        one.sendall(b" " * 998 + b"}")
        assert one.recv(100).startswith(b"HTTP/1.1 401")  # each has its own answer in the end
        one.close()
