"""A long queue outlives its broker: everything that was answered OK is worked off, once.

1,000 rows here; `QUEUE_ROWS=10000 pytest tests/checkout/test_queue_at_size.py -s` plays the size of the promise.
"""

import time
from pathlib import Path

import pytest
import redis
from django.db.models import Count, Sum

from checkout import transaction_queue
from checkout.models import Revision
from loyalty import points_standing
from loyalty.models import Award
from offers.ledger import audit as proof
from offers.lib import clock
from offers.models import Retailer
from project import embedded, env
from tests.api.sessionm.sales import sale
from tests.checkout.test_transaction_rewards import rule
from tests.checkout.test_transactions import Shop
from tests.loyalty.people import kind, person
from tests.workers import Worker, until

MEMBERS = 20


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_full_queue_survives_a_broker_flush_and_is_worked_off_exactly_once(
    shop_a: Retailer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = env.env_int("QUEUE_ROWS", 1000, least=MEMBERS)
    kind(shop_a)
    shop = Shop(shop_a)
    rule(shop)
    people = [person(shop_a) for _ in range(MEMBERS)]
    monkeypatch.setattr(transaction_queue, "nudge", lambda: None)
    for at in range(rows):
        shop.send(sale(f"t{at}", "1.00", user_id=str(people[at % MEMBERS].uuid)))
    assert Revision.objects.filter(state="queued").count() == rows
    broker = embedded.start_valkey(tmp_path, durable=False)
    worker = Worker(tmp_path, broker.url, "-B", "--schedule", str(tmp_path / "schedule"))
    line = redis.Redis.from_url(broker.url)
    try:
        worker.nudge("checkout.drain_transactions", "default")
        line.flushall()  # the message that would have woken a worker is gone
        began = time.monotonic()
        worker.start()
        until(lambda: Revision.objects.filter(state="processed").exists(), worker.said)
        line.flushall()  # and once more in the middle of the work
        worker.kill()  # -9
        Revision.objects.filter(state="queued").update(next_at=Revision.objects.earliest("received_at").received_at)
        worker.start()
        until(lambda: not Revision.objects.exclude(state="processed").exists(), worker.said, seconds=60 + rows // 20)
        took = time.monotonic() - began
    finally:
        worker.kill()
        broker.stop()
    print(f"{rows} rows through two flushes and a kill -9 in {took:.1f} s")  # noqa: T201
    assert sum(points_standing.balances(member=one, now=clock.now())[0].available for one in people) == rows
    awards = Award.objects.aggregate(rows=Count("id"), points=Sum("points"), sales=Count("occasion", distinct=True))
    assert awards == {"rows": rows, "points": rows, "sales": rows}
    assert proof.prove().total == 0
