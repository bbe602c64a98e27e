"""Posts one signed body to one address of the public internet, within a few seconds, whatever the other side does."""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from offers.outbox import addresses

EXCERPT = 500  # bytes of an unwelcome answer that are kept for people
CHUNK = 16_384


@dataclass(frozen=True)
class Answer:
    """What came of one attempt: a status, or the error that kept it from having one."""

    status: int | None
    error: str
    milliseconds: int

    @property
    def accepted(self) -> bool:
        """Any 2XX; a redirect is not followed, and so is a failure like every other status."""
        return self.status is not None and 200 <= self.status < 300


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, seconds: int, allow_http: bool, allow_loopback: bool
) -> Answer:
    """Post the body and return what came back; never raises for what the network or the other side does.

    The host is resolved once, all its addresses are judged, and the connection goes to one of those: a name that
    points elsewhere a moment later gains nothing. Connecting, sending and reading share one deadline.
    """
    began = time.monotonic()
    until = began + seconds
    status, error = None, ""
    try:
        target = addresses.parse(url, allow_http=allow_http)
        found = addresses.resolve(target, allow_loopback=allow_loopback)
        status, error = _exchange(target, found, body, headers, until)
    except addresses.AddressRefused as refusal:
        error = refusal.message
    except TimeoutError:
        error = f"no answer within {seconds} s"
    except (OSError, http.client.HTTPException, ValueError) as problem:
        error = f"{type(problem).__name__}: {problem}"
    return Answer(status, error[:1000], int((time.monotonic() - began) * 1000))


def _exchange(
    target: addresses.Target, found: list[addresses.Address], body: bytes, headers: Mapping[str, str], until: float
) -> tuple[int, str]:
    line = _connect(target, found, until)
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.sock = line  # speaks the part of a socket that http.client uses
    try:
        connection.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": target.host_header, **headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.putheader("Connection", "close")
        connection.endheaders(body)
        answer = connection.getresponse()
        if 200 <= answer.status < 300:
            return answer.status, ""  # its body is nobody's concern, and might never end
        return answer.status, f"HTTP {answer.status} {answer.reason} {_excerpt(answer)}".strip()
    finally:
        line.hang_up()


def _excerpt(answer: http.client.HTTPResponse) -> str:
    try:
        return answer.read(EXCERPT).decode("utf-8", "replace").replace("\0", "")
    except (OSError, http.client.HTTPException, ValueError):
        return ""  # the status is known, and that is what counts


def _connect(target: addresses.Target, found: list[addresses.Address], until: float) -> "Line":
    """Connect to the first address that answers; the certificate has to name the host, not the address."""
    problem: OSError = TimeoutError()
    for address in found:
        try:
            plain = socket.create_connection((str(address), target.port), timeout=_left(until))
        except OSError as error:
            problem = error
            continue
        try:
            return Line(_secured(plain, target.host, until) if target.scheme == "https" else plain, until)
        except OSError:
            plain.close()
            raise
    raise problem


def _secured(plain: socket.socket, host: str, until: float) -> socket.socket:
    plain.settimeout(_left(until))
    secured = _context().wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    try:
        secured.settimeout(_left(until))
        secured.do_handshake()
    except OSError:
        secured.close()
        raise
    return secured


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()  # SSL_CERT_FILE names other authorities


def _left(until: float) -> float:
    """Return the seconds left; refuses (TimeoutError) when there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class Line:
    """A connected socket whose every operation ends at one deadline; a socket's own timeout begins anew each time."""

    def __init__(self, connected: socket.socket, until: float) -> None:
        self.socket, self.until = connected, until

    def sendall(self, data: bytes) -> None:
        for start in range(0, len(data), CHUNK):
            self.socket.settimeout(_left(self.until))
            self.socket.sendall(data[start : start + CHUNK])

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self), 4096)

    def close(self) -> None:
        """Nothing: http.client calls it as soon as it has the head of an answer whose body is still to be read."""

    def hang_up(self) -> None:
        self.socket.close()


class _Reading(io.RawIOBase):
    def __init__(self, line: Line) -> None:
        super().__init__()
        self.line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.line.socket.settimeout(_left(self.line.until))
        return self.line.socket.recv_into(buffer)
