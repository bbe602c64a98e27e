"""Workers killed, brokers emptied and stopped, relays side by side: nothing lost, nothing done twice."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import redis
from django.db import connection, transaction

from offers.lib import clock, queue
from offers.models import Retailer
from offers.outbox import delivery, relay
from offers.outbox.models import Delivery, Endpoint
from project import embedded
from tests.offers.outbox.conftest import SECRET, Received, Shop, happen
from tests.workers import Worker, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


@pytest.fixture
def endpoint(shop_a: Retailer, shop: Shop) -> Endpoint:
    return Endpoint.objects.create(retailer=shop_a, url=shop.url, secret=SECRET)


def delivered() -> int:
    return Delivery.objects.filter(state=Delivery.State.DELIVERED).count()


@pytest.fixture
def worker(tmp_path: Path, valkey: str) -> Iterator[Worker]:
    made = Worker(tmp_path, valkey)
    yield made
    made.kill()


def test_a_worker_killed_while_delivering_loses_nothing(
    shop_a: Retailer, endpoint: Endpoint, shop: Shop, worker: Worker, redis_client: "redis.Redis"
) -> None:
    over = threading.Event()

    def take_and_be_silent(handler: BaseHTTPRequestHandler, one: Received) -> None:
        over.wait(60)

    shop.answer = take_and_be_silent
    event = happen(shop_a, now=clock.now())
    assert event
    worker.start()
    worker.nudge("outbox.relay", "webhooks")
    assert shop.arrived.acquire(timeout=60), worker.said()
    worker.kill()
    over.set()
    one = Delivery.objects.get()
    assert (one.state, one.attempts) == (Delivery.State.WAITING, 1)

    shop.answer = None
    Delivery.objects.update(next_at=clock.now())  # its lease has run out
    worker.start()
    worker.nudge("outbox.relay", "webhooks")
    until(lambda: delivered() == 1, worker.said)
    assert set(shop.idents) == {event.public_id}  # twice on the wire, once for a receiver that looks at the id
    assert Delivery.objects.get().attempts == 2


def test_a_broker_flushed_and_stopped_loses_nothing(
    shop_a: Retailer, endpoint: Endpoint, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = embedded.start_valkey(tmp_path, durable=False)
    worker = Worker(tmp_path, broker.url, "-B", "--schedule", str(tmp_path / "schedule"))
    try:
        worker.start()
        first = happen(shop_a, now=clock.now())
        redis.Redis.from_url(broker.url).flushall()
        until(lambda: delivered() == 1, worker.said)  # the beat looks again

        broker.stop()
        with transaction.atomic():
            second = happen(shop_a, now=clock.now())
            monkeypatch.setattr("celery.current_app.conf.task_always_eager", False)
            queue.enqueue("outbox.relay")  # its broker is away too: the change is committed all the same
        broker = embedded.start_valkey(tmp_path, durable=False)
        until(lambda: delivered() == 2, worker.said)
        assert first
        assert second
        assert shop.idents == [first.public_id, second.public_id]
    finally:
        worker.kill()
        broker.stop()


def test_two_relays_at_once_deliver_each_event_once(shop_a: Retailer, endpoint: Endpoint, shop: Shop) -> None:
    other = Endpoint.objects.create(retailer=shop_a, url=shop.url + "&two", secret=SECRET)
    made = [happen(shop_a, now=clock.now()) for _ in range(60)]
    while delivery.fan_out(now=clock.now()):
        pass  # all are on their way, so that neither relay finds nothing to do
    begin = threading.Barrier(2)
    both = threading.Event()
    counts: list[int] = []

    def answer(handler: BaseHTTPRequestHandler, _: Received) -> None:
        # One relay has at most this many places for two endpoints: with one more, the other is at work too.
        if len(shop.received) > 2 * relay.SHARE:
            both.set()
        both.wait(10)
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    shop.answer = answer

    def one() -> None:
        begin.wait()
        counts.append(relay.run(tell=clock.now, seconds=10))
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got = [(one.ident, one.path) for one in shop.received]
    assert len(got) == len(set(got)) == 120
    assert {ident for ident, _ in got} == {event.public_id for event in made if event}
    assert sum(counts) == 120
    assert all(counts)  # both had their part
    assert delivered() == 120
    assert other.deliveries.count() == 60
