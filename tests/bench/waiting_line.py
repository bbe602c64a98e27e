"""Measures a queue with 100,000 waiting: memory, ticks, polls, order kept, with Redis flushed once in the middle."""

import statistics
import sys
import time
from datetime import datetime, timedelta
from typing import Any

import django
import orjson
import redis

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from checkout.admission import (  # noqa: E402
    consumers,
    distributions,
    journeys,
    line,
    queue_log,
    queue_pace,
    queue_refills,
    queue_ticks,
    queues,
    tokens,
)
from checkout.admission.models import Admission, Consumer, Distribution, Entry  # noqa: E402
from offers import clients  # noqa: E402
from offers.lib import clock  # noqa: E402
from offers.lib.actors import SYSTEM  # noqa: E402
from offers.models import Retailer  # noqa: E402

A_TICK = 500
BY_VERB = 2000  # enter as requests do; the rest by the one Lua call of an entry
POLLS = 2000
SLOW_US = 1000


def people(shop: Retailer, number: int, now: datetime) -> list[Consumer]:
    made = Consumer.objects.bulk_create(
        [Consumer(retailer=shop, created_at=now) for _ in range(number)], batch_size=5000
    )
    return sorted(made, key=lambda one: one.pk)


def slowest_ms(server: "redis.Redis") -> float:
    """Return the longest that one call kept Redis from all others since the last look."""
    found = max((one["duration"] for one in server.slowlog_get(1000)), default=0) / 1000
    server.slowlog_reset()
    return found


def enter_all(queue: Distribution, waiting: list[Consumer], now: datetime) -> dict[str, float]:
    began = time.perf_counter()
    for one in waiting[:BY_VERB]:
        queues.enter(distribution=queue, consumer=one, now=now)
    verb = len(waiting[:BY_VERB]) / (time.perf_counter() - began)
    began = time.perf_counter()
    for one in waiting[BY_VERB:]:
        line.enter(queue.uuid.hex, consumer=one.pk, now=now, leased=10**9)
    rest = len(waiting[BY_VERB:]) / max(0.001, time.perf_counter() - began)
    return {"enter_verb": verb, "enter_line": rest}


def copy_all(queue: Distribution) -> float:
    began, done = time.perf_counter(), 0
    while copied := queue_log.copy(distribution=queue, now=clock.now()):
        done += copied
    return done / (time.perf_counter() - began)


def polls(queue: Distribution, waiting: list[Consumer], now: datetime) -> dict[str, float]:
    """Return polls a second of one process: the document everybody shares, made anew, and a consumer's own."""
    began = time.perf_counter()
    for _ in range(POLLS // 10):
        queue_pace.serving(distribution=queue, now=now)
    shared = POLLS // 10 / (time.perf_counter() - began)
    found, step = [], max(1, len(waiting) // POLLS)
    for one in waiting[::step]:
        began = time.perf_counter()
        standing = queues.stand(distribution=queue, consumer_id=one.pk, now=now, may_tick=False)
        journeys.document(standing, consumer=one, now=now, token_of=tokens.token_of)
        found.append(time.perf_counter() - began)
    return {
        "serving_made": shared,
        "personal": len(found) / sum(found),
        "personal_p95_ms": statistics.quantiles(found, n=20)[-1] * 1000,
    }


def silent_call_ms(shop: Retailer, server: "redis.Redis", now: datetime) -> float:
    """Return the longest call of a tick that finds five thousand gone from the front."""
    queue = "silent"
    crowd = ((10**9 + at, at, now) for at in range(2 * line.SKIP_AT_MOST))
    line.restore(queue, people=crowd, last_number=10**6, serving=None, now=now)
    line.call(queue, now=now, fence=1, room=0, rate=None, grace_seconds=60)
    server.slowlog_reset()
    line.call(queue, now=now + timedelta(minutes=2), fence=2, room=A_TICK, rate=None, grace_seconds=60)
    found = slowest_ms(server)
    line.forget(queue)
    return found


def main(number: int) -> dict[str, Any]:
    """Enter them all, admit the half, flush Redis, admit the rest; say what it took and whether anybody suffered."""
    server = redis.Redis.from_url(settings.REDIS_URL)
    server.config_set("slowlog-log-slower-than", SLOW_US)
    server.config_set("slowlog-max-len", 1000)
    now = clock.now()
    shop = Retailer.objects.order_by("pk")[0]
    fields = {
        "open_at": now - timedelta(minutes=5),
        "admission_rate": A_TICK * 60,
        "max_active": number,
        "paused": True,
    }
    queue = distributions.create(retailer_id=shop.pk, mechanism="queue", fields=fields, actor=SYSTEM, now=now)
    waiting = people(shop, number, now)
    before = server.info("memory")["used_memory"]
    result: dict[str, Any] = {"waiting": number, **enter_all(queue, waiting, now)}
    result["memory_mb"] = (server.info("memory")["used_memory"] - before) / 1e6
    result["copy"] = copy_all(queue)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    result |= polls(queue, waiting, now)
    result["silent_call_ms"] = silent_call_ms(shop, server, now)
    unpaused = {"paused": False}
    distributions.update(retailer_id=shop.pk, uuid=str(queue.uuid), fields=unpaused, actor=SYSTEM, now=now)
    slowest_ms(server)
    ticks: list[float] = []
    second, flushed, refill = 0, False, 0.0
    while True:
        second += 1
        moment = now + timedelta(seconds=second)
        began = time.perf_counter()
        done = queue_ticks.tick(distribution=queue, now=moment)
        took = (time.perf_counter() - began) * 1000
        if done is not None and done.admitted:
            ticks.append(took)
        if done is not None and not done.admitted and second > 5 and not done.waiting:
            break
        if not flushed and len(ticks) * A_TICK >= number // 2:
            flushed = True
            result["slowest_call_ms"] = slowest_ms(server)
            server.flushdb()
            began = time.perf_counter()
            queue_refills.refill(distribution=queue, now=moment)
            refill = time.perf_counter() - began
            slowest_ms(server)
        if second > number // A_TICK * 4 + 60:
            break
    went = list(Admission.objects.filter(distribution=queue).order_by("id").values_list("consumer_id", flat=True))
    result |= {
        "ticks": len(ticks),
        "tick_ms": statistics.median(ticks),
        "tick_worst_ms": max(ticks),
        "tick_of": A_TICK,
        "refill_s": refill,
        "admitted": len(went),
        "twice": len(went) - len(set(went)),
        "lost": number - len(set(went)),
        "in_order": went == [one.pk for one in waiting],
        "left_waiting": Entry.objects.filter(distribution=queue, state="QUEUED").count(),
    }
    line.forget(queue.uuid.hex)
    return result


def polled(number: int) -> dict[str, list[str]]:
    """Enter so many guests and return the heads of requests: the document of all, and everybody's own status."""
    now = clock.now()
    shop = Retailer.objects.order_by("pk")[0]
    page, _ = clients.create(
        retailer_id=shop.pk, kind="publishable", name="Bench", rate_limited=False, actor=SYSTEM, now=now
    )
    fields = {"open_at": now, "paused": True, "admission_rate": 60}
    queue = distributions.create(retailer_id=shop.pk, mechanism="queue", fields=fields, actor=SYSTEM, now=now)
    own = []
    for _ in range(number):
        session = consumers.guest(retailer_id=shop.pk, now=now)
        queues.enter(distribution=queue, consumer=session.consumer, now=now)
        headers = f"X-Publishable-Key: {page.key}\r\nAuthorization: Bearer {session.access_token}\r\n"
        own.append(f"GET /admission/v1/queues/{queue.uuid}/status HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n")
    shared = f"GET /admission/v1/queues/{queue.uuid}/serving HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    return {"serving": [shared], "personal": own}


if __name__ == "__main__":
    run = polled if sys.argv[2:] == ["polled"] else main
    sys.stdout.write(orjson.dumps(run(int(sys.argv[1]))).decode())
