"""A worker killed while it makes codes: the job goes on where it was, and ends with exactly as many as asked for."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
import redis

from offers import campaign_terms, campaigns
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import AsyncAction, Campaign, Retailer, Voucher
from tests.workers import Worker, until

COUNT = 60_000


@pytest.fixture
def worker(tmp_path: Path, valkey: str) -> Iterator[Worker]:
    made = Worker(tmp_path, valkey)
    yield made
    made.kill()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_making_codes_makes_each_once(worker: Worker, redis_client: "redis.Redis") -> None:
    shop = Retailer.objects.create(name="Alice's")
    terms: campaign_terms.Fields = {"discount": {"type": "AMOUNT", "amount_off": 1000}}
    with mock.patch("offers.lib.queue.enqueue"):  # the nudge is lost; the schedule's task finds the job
        campaigns.create(
            retailer_id=shop.pk, actor=SYSTEM, now=clock.now(), name="Big", fields=terms, vouchers_count=COUNT
        )
    AsyncAction.objects.update(created_at=clock.now() - timedelta(seconds=6))
    worker.start()
    worker.nudge("offers.take_up_jobs", "default")
    until(lambda: AsyncAction.objects.get().done > 0, worker.said)
    worker.kill()
    action = AsyncAction.objects.get()
    assert (action.status, 0 < action.done < COUNT) == ("IN_PROGRESS", True)
    assert Voucher.objects.count() == action.done  # never a code that is not counted, nor the other way round

    AsyncAction.objects.update(heartbeat_at=clock.now() - timedelta(seconds=61))  # it has been silent for a minute
    worker.start()
    worker.nudge("offers.take_up_jobs", "default")
    until(lambda: AsyncAction.objects.get().status == "DONE", worker.said)
    assert Voucher.objects.values("code").distinct().count() == Voucher.objects.count() == COUNT
    campaign = Campaign.objects.get()
    assert (campaign.vouchers_count, campaign.vouchers_generation_status) == (COUNT, "DONE")
    assert AsyncAction.objects.get().attempts == 2
