"""Measures how fast one worker drains the queue, beside a plain psycopg loop that takes a row each time."""

import statistics
import sys
import time
from typing import Any

import django
import orjson
import psycopg

django.setup()

from django.db import connection  # noqa: E402

from checkout import transaction_queue, transactions  # noqa: E402
from checkout.models import Revision  # noqa: E402
from loyalty.models import Award, Member  # noqa: E402
from offers.lib import clock  # noqa: E402
from offers.lib.actors import Actor  # noqa: E402
from offers.models import Retailer, Store  # noqa: E402
from project import heap  # noqa: E402
from tests.bench import carts, drain_mixed  # noqa: E402

TILL = Actor(kind="API", ident="bench", credential_id=0)
FLOOR = """
DROP TABLE IF EXISTS bench_queue, bench_points;
CREATE TABLE bench_points (transaction_id bigint PRIMARY KEY, points bigint NOT NULL);
CREATE TABLE bench_queue AS
SELECT id, payload FROM checkout_revision WHERE state = 'queued';
ALTER TABLE bench_queue ADD PRIMARY KEY (id);
"""
TAKE = """
DELETE FROM bench_queue WHERE id = (SELECT id FROM bench_queue ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *
"""


def fill(rows: int, number: int) -> None:
    """Queue so many sales of the members, as tills send them."""
    shop, store = Retailer.objects.get(), Store.objects.get()
    users = list(Member.objects.order_by("pk").values_list("uuid", flat=True)[: carts.MEMBERS])
    for at in range(rows):
        transactions.accept(
            retailer_id=shop.pk,
            version=10**12,
            store_id=store.uuid,
            request_id=f"drain-{number}-{at}",
            payload=carts.sale(f"drain-{number}-{at}", str(users[at % len(users)])),
            actor=TILL,
            now=clock.now(),
        )


def floor(url: str) -> float:
    """Return the rows a second of a loop that takes one, counts its points and commits."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as line:
        for statement in FLOOR.split(";")[:-1]:
            line.execute(statement)
        began, done = time.perf_counter(), 0
        while True:
            with line.transaction():
                row = line.execute(TAKE).fetchone()
                if row is None:
                    return done / (time.perf_counter() - began)
                spent = sum(int(one["subtotal"].replace(".", "")) for one in row[1]["items"])
                line.execute("INSERT INTO bench_points VALUES (%s, %s)", [row[0], spent // 100])
            done += 1


def product() -> float:
    began, done = time.perf_counter(), 0
    while count := transaction_queue.drain(now=clock.now()):
        done += count
    seconds = time.perf_counter() - began
    assert not Revision.objects.exclude(state="processed").exists(), Revision.objects.filter(state="dead").first()
    return done / seconds


def main(rounds: int, rows: int, url: str) -> dict[str, Any]:
    """Return the median rates and their ratio, that every sale was awarded once, and the rate of mixed sales."""
    while transaction_queue.drain(now=clock.now()):
        pass
    heap.settle()  # as every process of a worker does
    found: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        fill(rows, number)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        found.append((floor(url), product()))
    measured = found[1:]  # the first round warms up
    once = Award.objects.filter(occasion__contains=":drain-").values("occasion").distinct().count()
    return {
        "floor": statistics.median(one for one, _ in measured),
        "drain": statistics.median(two for _, two in measured),
        "ratio": statistics.median(two / one for one, two in measured),
        "awarded": once,
        "expected": rows * (rounds + 1),
        "mixed": statistics.median(drain_mixed.rate(rows, TILL) for _ in range(3)),
    }


if __name__ == "__main__":
    sys.stdout.write(orjson.dumps(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])).decode())
