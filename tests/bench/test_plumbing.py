"""The benchmark's own plumbing: what an answer's end is, whose CPU counts, and when a goal is reached."""

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bench import load, meter, report
from tests.bench.rounds import Sample

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n" + b'{"valid":true}'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.mark.parametrize("answer", [OK, CHUNKED, NOTHING])
def test_an_answer_is_whole_with_its_last_byte(answer: bytes) -> None:
    assert [load.is_whole(answer[:cut]) for cut in range(len(answer))] == [False] * len(answer)
    assert load.is_whole(answer)


@pytest.fixture
def port() -> Iterator[int]:
    """A server that says `valid: true` to every request but the one that asks for something else."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(client,), daemon=True).start()

        threading.Thread(target=answer, daemon=True).start()
        yield listener.getsockname()[1]


def talk(client: socket.socket) -> None:
    with client:
        while request := client.recv(1000):
            client.sendall(OK.replace(b"true}", b"nope}") if b"wrong" in request else OK)


def job(port: int, requests: list[bytes]) -> load.Job:
    return load.Job(port, requests, b"200", b'"valid":true', seconds=5, clients=3)


def test_the_load_sends_every_request_once_and_times_it(port: int) -> None:
    result = load.drive(job(port, [b"GET"] * 50))
    assert (result.done, len(result.latencies), result.errors) == (50, 50, [])


def test_a_wrong_answer_is_an_error(port: int) -> None:
    result = load.drive(job(port, [b"GET"] * 5 + [b"wrong"] + [b"GET"] * 5))
    assert (result.done, len(result.errors)) == (11, 1)


def test_cpu_is_that_of_the_process_and_its_children() -> None:
    assert os.getpid() in meter.processes_below(os.getppid())
    before = meter.cpu([os.getpid()])
    while meter.cpu([os.getpid()]) < before + 0.05:
        sum(range(1000))


def sample(rate: float, cpu: float, p99: float = 10.0) -> Sample:
    return Sample(done=100, rate=rate, python=cpu, postgres=0.0, p50=5.0, p99=p99, load=0.1)


@pytest.mark.parametrize(
    ("rate", "cpu", "verdict"),
    [
        (200, 0.5, "target"),
        (200, 0.7, "must hold"),
        (130, 0.5, "must hold"),
        (120, 0.5, "MISSED"),
        (200, 0.9, "MISSED"),
    ],
)
def test_a_goal_needs_both_speed_and_cpu(rate: float, cpu: float, verdict: str) -> None:
    floor, ours = [sample(100, 1.0)] * 3, [sample(rate, cpu)] * 3
    samples = {"floor lock": floor, "floor redeem": floor, "lock, spread": ours, "lock, hot": ours}
    rest: dict[str, Any] = {
        "ledger": {"ratio": 1.0},
        "round_trips": {"lock": 2, "redeem": 2, "release": 1},
        "proof": {"differences": 0, "above_limit": 0},
    }
    judged = report.goals({**samples, "redeem, spread": ours, "redeem, hot": ours}, rest)
    assert [goal.verdict for goal in judged] == [verdict, verdict, *["target"] * 6]


def test_the_hot_goal_looks_at_the_slower_of_lock_and_redeem() -> None:
    even, slow = [sample(100, 1.0)] * 3, [sample(30, 1.0)] * 3
    names = ["floor lock", "floor redeem", "lock, spread", "lock, hot", "redeem, spread"]
    rest: dict[str, Any] = {
        "ledger": {"ratio": 1.0},
        "round_trips": {"lock": 2, "redeem": 2, "release": 1},
        "proof": {"differences": 0, "above_limit": 0},
    }
    judged = report.goals({**dict.fromkeys(names, even), "redeem, hot": slow}, rest)
    assert {goal.name: goal.verdict for goal in judged}["G4 hot code"] == "MISSED"


def test_a_ratio_is_that_of_its_own_round() -> None:
    floor, ours = [sample(100, 1), sample(10, 1), sample(50, 1)], [sample(200, 1), sample(20, 1), sample(100, 1)]
    rows = report.rows({"floor lock": floor, "floor redeem": floor, "lock, spread": ours})
    assert [row.ratio for row in rows] == [1, 1, 2]
