"""The load: keep-alive clients in one process of their own, one epoll loop, requests made beforehand, every answer
checked. It costs a few hundredths of a millisecond a request, which is measured and told."""

import select
import socket
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

SILENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Job:
    """Requests to send in this order, for at most `seconds`; an answer begins with `status` and holds `needle`."""

    port: int
    requests: list[bytes]
    status: bytes
    needle: bytes
    seconds: float
    clients: int


@dataclass(slots=True)
class Result:
    """What came of a job: the first `done` requests were answered."""

    done: int = 0
    seconds: float = 0.0
    own_cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def serve(pipe: Connection) -> None:
    """Do the jobs that come through the pipe until None does."""
    while (job := pipe.recv()) is not None:
        pipe.send(drive(job))


def drive(job: Job) -> Result:
    """Keep all clients busy until the time or the requests run out, then wait for the answers that are due."""
    result, requests, position = Result(), job.requests, 0
    clients: dict[int, socket.socket] = {}
    sent_at: dict[int, float] = {}
    parts: dict[int, bytes] = {}
    poll = select.epoll()
    for _ in range(min(job.clients, len(requests))):
        client = socket.create_connection(("127.0.0.1", job.port), timeout=SILENCE_SECONDS)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        clients[client.fileno()] = client
        poll.register(client.fileno(), select.EPOLLIN)
    started, cpu_before = time.perf_counter(), time.process_time()
    deadline = started + job.seconds
    for number, client in clients.items():
        sent_at[number] = time.perf_counter()
        client.sendall(requests[position])
        position += 1
    while sent_at:
        ready = poll.poll(SILENCE_SECONDS)
        if not ready:
            result.errors.append(f"{len(sent_at)} requests had no answer for {SILENCE_SECONDS} s")
            break
        for number, _ in ready:
            client = clients[number]
            received = client.recv(262_144)
            data = parts.pop(number, b"") + received
            if not received or number not in sent_at:
                result.errors.append(f"connection closed or speaking unasked: {data[:500]!r}")
                sent_at.pop(number, None)
                poll.unregister(number)
                continue
            if not is_whole(data):
                parts[number] = data
                continue
            now = time.perf_counter()
            result.latencies.append(now - sent_at.pop(number))
            if not data.startswith(job.status, 9) or job.needle not in data:
                result.errors.append(data[:1500].decode(errors="replace"))
            if now < deadline and position < len(requests):
                sent_at[number] = now
                client.sendall(requests[position])
                position += 1
    result.seconds = time.perf_counter() - started
    result.own_cpu = time.process_time() - cpu_before
    result.done = len(result.latencies)
    for client in clients.values():
        client.close()
    poll.close()
    return result


def is_whole(data: bytes) -> bool:
    """Say whether an answer is complete: headers, and as much body as they announce."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = data[:end].lower()
    if b"chunked" in head:  # the floor: nothing there counts its answers
        return data.endswith(b"0\r\n\r\n")
    at = head.find(b"content-length:")
    length = 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])
    return len(data) >= end + 4 + length
