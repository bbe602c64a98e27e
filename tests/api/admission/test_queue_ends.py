"""Queues that are over leave nothing behind in Redis, and nobody reads another status for it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout.admission import (
    claims,
    distributions,
    entering,
    line,
    queue_ends,
    queue_numbers,
    queue_overrides,
    queue_pace,
    queue_refills,
    queue_ticks,
    queues,
    tasks,
)
from checkout.admission.models import Admission, Distribution, LineState
from offers.lib.actors import SYSTEM
from offers.models import Retailer
from tests.api.admission.guests import Guest
from tests.api.client import ApiClient
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at

pytestmark = pytest.mark.django_db
SetClock = Callable[[datetime], None]
DAY = 86_400
END = 120 + DAY  # of a queue that serves until at(120)


@pytest.fixture(autouse=True)
def emptied(redis_client: "redis.Redis") -> Iterator["redis.Redis"]:
    line.reset()
    queue_numbers.reset()
    yield redis_client
    line.reset()


def keys(client: "redis.Redis", queue: Distribution) -> list[str]:
    return sorted(key.decode() for key in client.scan_iter(f"q:{{{queue.uuid.hex}}}*"))


def short(shop: Retailer, **fields: Any) -> Distribution:
    return launch.queue(shop, **{"close_at": at(60), "serve_until": at(120), **fields})


def change(queue: Distribution, now: datetime, **fields: Any) -> Distribution:
    return distributions.update(
        retailer_id=queue.retailer_id, uuid=str(queue.uuid), fields=fields, actor=SYSTEM, now=now
    )


def test_a_day_after_its_end_a_queue_leaves_no_key_behind(shop_a: Retailer, emptied: "redis.Redis") -> None:
    over, still = short(shop_a, max_active=1), short(shop_a, serve_until=None)
    for queue in (over, still):
        launch.enter(queue, *launch.consumers(shop_a, 3))
    launch.tick(over)
    claims.complete(admission_id=Admission.objects.get().pk, order_id="o", amount=1, currency="USD", now=at(5))
    assert queue_ends.work(now=at(END - 1)) == 0
    assert keys(emptied, over)
    assert queue_ends.work(now=at(END)) == 1
    assert keys(emptied, over) == []
    assert keys(emptied, still)
    assert queue_ends.work(now=at(END)) == 0
    assert queue_ends.work(now=at(60 + 8 * DAY)) == 1  # nobody has been served for a week, and a day
    assert keys(emptied, still) == []


def test_what_was_not_copied_yet_is_written_down_first(shop_a: Retailer, emptied: "redis.Redis") -> None:
    queue = short(shop_a)
    launch.enter(queue, *launch.consumers(shop_a, 5))
    assert launch.states(queue) == {}
    queue_ends.work(now=at(END))
    assert (launch.states(queue), keys(emptied, queue)) == ({"QUEUED": 5}, [])


def test_an_open_admission_keeps_the_line(shop_a: Retailer, emptied: "redis.Redis") -> None:
    queue = short(shop_a)
    launch.enter(queue, launch.consumer(shop_a))
    launch.tick(queue)
    assert queue_ends.work(now=at(END)) == 0
    assert keys(emptied, queue)
    claims.release(admission_id=Admission.objects.get().pk, now=at(10))
    assert queue_ends.work(now=at(END)) == 1


def test_everybody_reads_his_status_as_before_and_no_key_comes_back(
    page: ApiClient,
    server: ApiClient,
    shop_a: Retailer,
    emptied: "redis.Redis",
    set_clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_clock(NOW)
    monkeypatch.setattr(queue_ends, "KEEP", timedelta(seconds=60))  # their tokens do not live for a day
    queue = short(shop_a, max_active=1)
    bought, waited, left, stranger = (Guest(page) for _ in range(4))
    address = f"/admission/v1/queues/{queue.uuid}"

    def status(who: Guest, **headers: str) -> tuple[Any, Any]:
        told = who.api.get(f"{address}/status", **headers)
        assert told.status == 200
        return told["stage"], told["status"]

    for one in (bought, waited, left):
        one.api.post(f"{address}/enter", {})
    ticket = waited.api.get(f"{address}/status")["waiting_ticket"]
    admission = Admission.objects.get(consumer__uuid=bought.id)
    claims.complete(admission_id=admission.pk, order_id="o", amount=1, currency="USD", now=at(5))
    change(queue, NOW, paused=True)
    left.api.post(f"{address}/leave", {})
    everybody = (bought, waited, left, stranger)
    set_clock(at(180))
    before = [status(one) for one in everybody]
    assert before == [("ended", "COMPLETED"), ("ended", "QUEUED"), ("ended", "LEFT"), ("ended", None)]
    queue_ends.work(now=at(180))
    assert [status(one) for one in everybody] == before
    assert status(waited, **{"X-Waiting-Ticket": ticket}) == ("ended", "QUEUED")
    assert page.get(f"{address}/serving")["waiting"] == 0
    for one in everybody:
        told = one.api.post(f"{address}/enter", {})
        assert (told.status, told.json.get("stage"), told.json.get("error", {}).get("code")) in {
            (200, "ended", None),
            (409, None, "closed"),
        }
    assert stranger.api.post(f"{address}/leave", {}).status == 200
    assert waited.api.post(f"{address}/leave", {})["status"] == "LEFT"
    for what in ("admit", "deny"):
        assert server.post(f"{address}/{what}", {"consumer_id": stranger.id}).status == 409
    assert queue_ticks.tick(distribution=queue, now=at(180)) is None
    assert keys(emptied, queue) == []


def test_a_queue_that_opens_again_is_filled_again(shop_a: Retailer, emptied: "redis.Redis") -> None:
    queue = short(shop_a, max_active=1)
    people = launch.consumers(shop_a, 3)
    launch.enter(queue, *people)
    queue_ends.work(now=at(END))
    with pytest.raises(entering.Closed):
        queues.enter(distribution=queue, consumer=launch.consumer(shop_a), now=at(END))
    queue = change(queue, at(END), close_at=None, serve_until=None)
    late = launch.consumer(shop_a)
    place = queues.enter(distribution=queue, consumer=late, now=at(END + 1)).place
    assert place and place.ahead == 3
    queue_ticks.tick(distribution=queue, now=at(END + 2))
    assert launch.admitted(queue) == [people[0].pk]


def test_dropped_but_not_marked_it_is_dropped_again(shop_a: Retailer, emptied: "redis.Redis") -> None:
    queue = short(shop_a)
    one = launch.consumer(shop_a)
    launch.enter(queue, one)
    launch.tick(change(queue, NOW, paused=True))
    line.forget(queue.uuid.hex)  # and then we died
    assert queues.stand(distribution=queue, consumer_id=one.pk, now=at(END)).place
    assert queue_ends.work(now=at(END)) == 1
    assert keys(emptied, queue) == []


def test_of_many_who_find_it_empty_one_fills_it(shop_a: Retailer, emptied: "redis.Redis") -> None:
    queue = short(shop_a, paused=True)
    launch.enter(queue, launch.consumer(shop_a))
    launch.tick(queue)
    emptied.flushdb()
    assert queue_refills.refill(distribution=queue, now=at(1))
    generation = emptied.get(f"q:{{{queue.uuid.hex}}}:gen")
    assert queue_refills.refill(distribution=queue, now=at(2))
    assert emptied.get(f"q:{{{queue.uuid.hex}}}:gen") == generation


def test_the_beat_s_task_forgets_and_stands_a_redis_that_is_away(
    shop_a: Retailer, emptied: "redis.Redis", set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = short(shop_a)
    launch.enter(queue, launch.consumer(shop_a))
    set_clock(at(END))
    monkeypatch.setattr(line, "forget", lambda _: (_ for _ in ()).throw(line.LineUnavailable()))
    tasks.forget()
    assert LineState.objects.get().forgotten_at is None
    monkeypatch.undo()
    tasks.forget()
    assert keys(emptied, queue) == []


def test_staff_see_a_forgotten_queue_and_can_do_nothing_in_it(shop_a: Retailer) -> None:
    queue = short(shop_a)
    one = launch.consumer(shop_a)
    launch.enter(queue, one)
    queue_ends.work(now=at(END))
    assert queue_pace.serving(distribution=queue, now=at(END))["waiting"] == 0
    with pytest.raises(entering.NotWaiting):
        queue_overrides.admit(distribution=queue, consumer_uuid=str(one.uuid), actor=SYSTEM, now=at(END))


def test_queues_of_the_past_are_not_even_read_for_a_tick(shop_a: Retailer) -> None:
    past, other = short(shop_a), short(shop_a)
    for queue in (past, other):
        launch.enter(queue, launch.consumer(shop_a))
    assert list(queue_ticks.running(now=at(1))) == [past, other]
    later = at(120 + 7 * DAY)
    assert list(queue_ticks.running(now=later)) == []
    queue_ends.forget(distribution=past, now=at(END))
    with CaptureQueriesContext(connection) as queries:
        assert list(queue_ticks.running(now=at(2 * DAY))) == [other]
    assert len(queries.captured_queries) == 1
