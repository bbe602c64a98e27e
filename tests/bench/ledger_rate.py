"""Measures the ledger alone: holds a second on one hot code in 64 shards, beside holds spread over many codes."""

import os
import random
import statistics
import sys
import threading
import time
from datetime import timedelta
from itertools import count
from typing import Any

import django
import orjson
import psycopg

django.setup()

from offers.ledger import holds  # noqa: E402
from offers.ledger.holds import Want  # noqa: E402
from offers.lib import clock  # noqa: E402

CONNECTIONS = 32
HOT_OWNER, FIRST_OWNER = 10**12, 10**12 + 1
LIMIT = 1_000_000
STATEMENT = f"SELECT ok FROM {holds.TAKE}"
_number = count()


def arguments(owner: int, *, shards: int) -> list[Any]:
    want = Want(kind="bench.uses", owner=owner, amount=1, item="v1", granted=LIMIT, shards=shards)
    now = clock.now()
    return holds.take_arguments(
        retailer_id=1,
        wants=[want],
        reference=f"bench:{next(_number)}",
        items=["v1"],
        settle=False,
        expires_at=now + timedelta(minutes=15),
        now=now,
    )


def rate(kind: str, connections: list[psycopg.Connection[Any]], seconds: float, opened: list[int]) -> float:
    """Return the holds a second that all connections reach together; notes owners whose counter it opened."""
    deadline = time.perf_counter() + seconds
    done: list[int] = []

    def work(connection: psycopg.Connection[Any]) -> None:
        mine = 0
        while time.perf_counter() < deadline:
            owner = HOT_OWNER if kind == "hot" else random.choice(opened) if kind == "spread" else next(_owners)
            ok = connection.execute(STATEMENT, arguments(owner, shards=64 if kind == "hot" else 1)).fetchone()
            assert ok == (True,), ok
            if kind == "first use":
                opened.append(owner)
            mine += 1
        done.append(mine)

    threads = [threading.Thread(target=work, args=(connection,)) for connection in connections]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == len(connections), "a connection failed"
    return sum(done) / (time.perf_counter() - began)


_owners = count(FIRST_OWNER)


def main(rounds: int, seconds: float) -> dict[str, float]:
    """Return the median rate of each kind and the ratio of hot to spread, round by round."""
    url = os.environ["DATABASE_URL"]
    connections = [psycopg.connect(url, autocommit=True, prepare_threshold=0) for _ in range(CONNECTIONS)]
    opened: list[int] = []
    found: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for kind in ("first use", "spread", "hot"):
            reached = rate(kind, connections, seconds, opened)
            if number:  # the first round warms up
                found.setdefault(kind, []).append(reached)
    ratios = [hot / spread for hot, spread in zip(found["hot"], found["spread"], strict=True)]
    return {kind: statistics.median(rates) for kind, rates in found.items()} | {"ratio": statistics.median(ratios)}


if __name__ == "__main__":
    sys.stdout.write(orjson.dumps(main(int(sys.argv[1]), float(sys.argv[2]))).decode())
