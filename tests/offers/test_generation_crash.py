"""A real worker, killed -9 while it makes codes: another makes the rest, no code too few or too many."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from offers import async_actions
from offers.lib import clock
from offers.models import AsyncAction, Retailer, Voucher
from tests.offers.test_generation import wanted
from tests.workers import Worker, until

COUNT = 40_000


@pytest.fixture
def worker(tmp_path: Path, valkey: str) -> Iterator[Worker]:
    made = Worker(tmp_path, valkey)
    yield made
    made.kill()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_making_codes_loses_and_doubles_none(shop_a: Retailer, worker: Worker) -> None:
    action = wanted(shop_a, COUNT)
    jobs = AsyncAction.objects.filter(pk=action.pk)
    jobs.update(created_at=clock.now() - timedelta(minutes=1))  # nobody was told, and beat looks for what is older
    worker.start()
    worker.nudge("offers.take_up_jobs", "default")
    until(lambda: jobs.get().done > 0, worker.said)
    worker.kill()
    half = jobs.get()
    assert half.status == async_actions.Status.IN_PROGRESS
    assert half.done == Voucher.objects.count() < COUNT

    jobs.update(heartbeat_at=clock.now() - timedelta(minutes=2))  # its silence was long enough
    worker.start()
    worker.nudge("offers.take_up_jobs", "default")
    until(lambda: jobs.get().status == async_actions.Status.DONE, worker.said, seconds=60)
    assert Voucher.objects.filter(retailer=shop_a).values("code").distinct().count() == COUNT
    assert Voucher.objects.count() == jobs.get().done == COUNT
