"""Queues: nobody admitted twice, nobody lost, order kept, whatever happens to Redis in between."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Barrier, Thread

import pytest
import redis
from django.db import connection, transaction
from django.test import override_settings

from checkout.admission import (
    admissions,
    distributions,
    entering,
    line,
    queue_log,
    queue_numbers,
    queue_overrides,
    queue_ticks,
    queues,
)
from checkout.admission.models import Admission, Entry, LineState
from offers import stock
from offers.ledger import counters, holds
from offers.lib.actors import SYSTEM
from offers.lib.errors import NotFound
from offers.models import AuditEntry, Product, Retailer, Sku
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at, consumer, consumers, enter, tick

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def emptied(redis_client: "redis.Redis") -> Iterator["redis.Redis"]:
    line.reset()
    queue_numbers.reset()
    yield redis_client
    line.reset()


def test_a1_a4_a5_one_enters_waits_and_is_admitted_in_order(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, admission_rate=60)
    first, second = consumers(shop_a, 2)
    standing = enter(queue, first, second)[1]
    assert standing.place and standing.place.ahead == 1 and standing.admission is None
    assert tick(queue) == queue_ticks.Ticked(copied=2, admitted=1, waiting=2)
    found = queues.stand(distribution=queue, consumer_id=first.pk, now=at(0))
    assert found.admission and found.admission.state == "ISSUED"
    assert found.admission.expires_at == at(900)
    waits = queues.stand(distribution=queue, consumer_id=second.pk, now=at(0))
    assert waits.place and waits.place.ahead == 0
    tick(queue, seconds=1)
    assert launch.admitted(queue) == [first.pk, second.pk]


def test_a5_a_thousand_at_sixty_a_minute_go_in_order(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, admission_rate=60)
    people = consumers(shop_a, 1000)
    enter(queue, *people)
    for second in range(61):
        tick(queue, seconds=second)
    went = launch.admitted(queue)
    assert 55 <= len(went) <= 65
    assert went == [one.pk for one in people[: len(went)]]


def test_entering_writes_nothing_to_the_database(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a)
    one, two = consumers(shop_a, 2)
    enter(queue, one)
    connection.force_debug_cursor = True
    connection.queries_log.clear()
    enter(queue, two)
    connection.force_debug_cursor = False
    assert [entry["sql"][:6] for entry in connection.queries] == ["SELECT"]
    assert not Entry.objects.exists()


def test_entering_twice_is_the_same_place_and_leaving_goes_to_the_back(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a)
    one, two, three = consumers(shop_a, 3)
    places = [standing.place for standing in enter(queue, one, two, three, two)]
    assert [place.ahead for place in places if place] == [0, 1, 2, 1]
    queues.leave(distribution=queue, consumer_id=one.pk, now=NOW)
    queues.leave(distribution=queue, consumer_id=one.pk, now=NOW)
    again = enter(queue, one, seconds=1)[0].place
    assert again and again.ahead == 2
    tick(queue, seconds=2)
    assert launch.admitted(queue) == [two.pk, three.pk, one.pk]


def test_who_left_is_written_down_as_left(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, paused=True)
    one, two = consumers(shop_a, 2)
    enter(queue, one, two)
    tick(queue)
    queues.leave(distribution=queue, consumer_id=one.pk, now=at(1))
    tick(queue, seconds=2)
    assert launch.states(queue) == {"LEFT": 1, "QUEUED": 1}


def test_before_the_opening_after_the_end_and_when_full(shop_a: Retailer) -> None:
    one, two = consumers(shop_a, 2)
    early = launch.queue(shop_a, open_at=at(90))
    with pytest.raises(entering.NotOpenYet) as refused:
        enter(early, one)
    assert refused.value.data["retry_after"] == 90
    late = launch.queue(shop_a, open_at=at(-60), close_at=at(0))
    with pytest.raises(entering.Closed):
        enter(late, one)
    small = launch.queue(shop_a, max_capacity=1, paused=True)
    enter(small, one)
    with pytest.raises(entering.Full) as full:
        enter(small, two)
    assert full.value.data["retry_after"] > 0
    enter(small, one)


def test_who_is_inside_at_the_closing_is_served_until_serve_until(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, open_at=at(-60), close_at=at(10), serve_until=at(20), admission_rate=60, max_active=1)
    one, two = consumers(shop_a, 2)
    enter(queue, one, two)
    tick(queue, seconds=11)
    assert launch.admitted(queue) == [one.pk]
    assert queues.enter(distribution=queue, consumer=two, now=at(12)).place
    Admission.objects.update(state="RELEASED")
    reference = admissions.reference(distribution_id=queue.pk, issued_at=at(11))
    holds.void(reference=reference, now=at(13))
    tick(queue, seconds=21)
    assert launch.admitted(queue) == [one.pk]
    assert distributions.state_of(queue, at(21)) == "COMPLETED"


def test_a_pause_admits_nobody_and_lets_people_in(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a)
    distributions.update(retailer_id=shop_a.pk, uuid=str(queue.uuid), fields={"paused": True}, actor=SYSTEM, now=NOW)
    one = consumer(shop_a)
    enter(queue, one)
    tick(queue)
    assert launch.admitted(queue) == []
    distributions.update(retailer_id=shop_a.pk, uuid=str(queue.uuid), fields={"paused": False}, actor=SYSTEM, now=NOW)
    tick(queue, seconds=1)
    assert launch.admitted(queue) == [one.pk]


def test_no_more_at_a_time_and_in_all_than_there_are_places(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, max_active=2, total_admissions=3, admission_ttl_seconds=60)
    people = consumers(shop_a, 6)
    enter(queue, *people)
    tick(queue)
    assert len(launch.admitted(queue)) == 2
    tick(queue, seconds=30)
    assert len(launch.admitted(queue)) == 2
    for one in people[2:]:
        queues.stand(distribution=queue, consumer_id=one.pk, now=at(59))
    tick(queue, seconds=60)  # both ran out: their places are free again
    assert launch.admitted(queue) == [one.pk for one in people[:4]]
    assert launch.states(queue) == {"EXPIRED": 2, "ADMITTED": 2, "QUEUED": 2}


def test_no_more_than_stock_can_be_reserved(shop_a: Retailer) -> None:
    product = Product.objects.create(retailer=shop_a, name="Shoe")
    sku = Sku.objects.create(retailer=shop_a, product=product, sku="SHOE-1")
    name = counters.Name(kind=stock.KIND, owner=sku.pk)
    counters.open_counter(name, retailer_id=shop_a.pk, granted=5, now=NOW)
    queue = launch.queue(shop_a, sku="SHOE-1", max_units=2, reserve_on_admission=True)
    enter(queue, *consumers(shop_a, 6))
    tick(queue)
    assert len(launch.admitted(queue)) == 2
    state = counters.state(name, now=NOW)
    assert state and (state.held, state.available) == (4, 1)


def test_a_silent_one_is_passed_over_and_finds_his_place_again(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, max_active=1, admission_ttl_seconds=120)
    inside, silent, there = consumers(shop_a, 3)
    enter(queue, inside, silent, there)
    tick(queue)
    queues.stand(distribution=queue, consumer_id=there.pk, now=at(119))
    tick(queue, seconds=120)
    assert launch.admitted(queue) == [inside.pk, there.pk]
    back = queues.stand(distribution=queue, consumer_id=silent.pk, now=at(130))
    assert back.place and back.place.ahead == 0
    tick(queue, seconds=240)
    assert launch.admitted(queue)[2:] == []  # silent again for more than a minute
    queues.stand(distribution=queue, consumer_id=silent.pk, now=at(241))
    tick(queue, seconds=242)
    assert launch.admitted(queue)[2:] == [silent.pk]


def test_after_an_expired_admission_one_comes_again_at_the_back_if_he_may(shop_a: Retailer) -> None:
    one, two = consumers(shop_a, 2)
    for may in (True, False):
        queue = launch.queue(shop_a, admission_ttl_seconds=10, max_active=1, allow_reentry=may)
        enter(queue, one, two)
        tick(queue)
        queues.stand(distribution=queue, consumer_id=two.pk, now=at(10))
        tick(queue, seconds=11)
        standing = enter(queue, one, seconds=12)[0]
        assert bool(standing.place) == may
        tick(queue, seconds=13)
        queues.stand(distribution=queue, consumer_id=one.pk, now=at(21))
        tick(queue, seconds=22)
        assert launch.admitted(queue) == ([one.pk, two.pk, one.pk] if may else [one.pk, two.pk])


def test_a_poll_ticks_where_no_beat_runs(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a)
    one = consumer(shop_a)
    assert enter(queue, one)[0].place
    found = queues.stand(distribution=queue, consumer_id=one.pk, now=at(1))
    assert found.admission and found.admission.state == "ISSUED"


def test_early_ones_are_shuffled_at_the_opening_and_the_late_come_after(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, open_at=at(60), pre_queue_minutes=5)
    people = consumers(shop_a, 40)
    enter(queue, *people)
    left = people[3]
    numbers = {one.pk: enter(queue, one)[0].place for one in people}
    queues.leave(distribution=queue, consumer_id=left.pk, now=at(1))
    again = enter(queue, left, seconds=2)[0].place
    assert again and numbers[left.pk] and again.number == numbers[left.pk].number  # type: ignore[union-attr]
    tick(queue, seconds=30)
    assert launch.admitted(queue) == []
    late = consumer(shop_a)
    enter(queue, late, seconds=60)
    tick(queue, seconds=61)
    went = launch.admitted(queue)
    assert sorted(went[:40]) == sorted(one.pk for one in people) and went[40] == late.pk
    assert went[:40] != [one.pk for one in people]


def test_staff_admit_and_deny_with_a_trace(shop_a: Retailer, shop_b: Retailer) -> None:
    queue = launch.queue(shop_a, admission_rate=1, max_active=2)
    people = consumers(shop_a, 4)
    enter(queue, *people)
    tick(queue)
    for _ in range(2):
        done = queue_overrides.admit(distribution=queue, consumer_uuid=str(people[3].uuid), actor=SYSTEM, now=at(1))
        assert done.admission and done.admission.consumer_id == people[3].pk
    assert launch.admitted(queue) == [people[0].pk, people[3].pk]
    with pytest.raises(admissions.NoRoom):
        queue_overrides.admit(distribution=queue, consumer_uuid=str(people[2].uuid), actor=SYSTEM, now=at(1))
    kept = queues.stand(distribution=queue, consumer_id=people[2].pk, now=at(1)).place
    assert kept and kept.ahead == 1
    denied = queue_overrides.deny(
        distribution=queue, consumer_uuid=str(people[1].uuid), reason="bot", actor=SYSTEM, now=at(2)
    )
    assert denied.entry and denied.entry.state == "DENIED"
    assert queues.stand(distribution=queue, consumer_id=people[1].pk, now=at(3)).entry == denied.entry
    again = enter(queue, people[1], seconds=4)[0]
    assert again.place is None and again.entry and again.entry.deny_reason == "bot"
    with pytest.raises(entering.NotWaiting):
        queue_overrides.deny(distribution=queue, consumer_uuid=str(people[0].uuid), reason="", actor=SYSTEM, now=at(5))
    with pytest.raises(NotFound):
        queue_overrides.admit(distribution=queue, consumer_uuid=str(consumer(shop_b).uuid), actor=SYSTEM, now=NOW)
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"queue.admit", "queue.deny"}


def test_a_flushed_redis_is_refilled_nobody_lost_nobody_twice(shop_a: Retailer, emptied: "redis.Redis") -> None:
    queue = launch.queue(shop_a, admission_rate=600)
    people = consumers(shop_a, 60)
    enter(queue, *people[:50])
    tick(queue)
    standings = enter(queue, *people[50:], seconds=1)  # these are not in PostgreSQL yet
    tickets = [
        queues.ticket_of(standing, consumer_id=one.pk) for standing, one in zip(standings, people[50:], strict=True)
    ]
    emptied.flushdb()
    late = consumer(shop_a)
    enter(queue, late, seconds=2)
    for one, ticket in reversed(list(zip(people[50:], tickets, strict=True))):
        assert queues.stand(distribution=queue, consumer_id=one.pk, now=at(2), ticket=ticket).place
    for second in range(3, 30):
        tick(queue, seconds=second)
    assert launch.admitted(queue) == [*(one.pk for one in people), late.pk]


def test_a_flush_between_calling_and_writing_repeats_nobody(
    shop_a: Retailer, emptied: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = launch.queue(shop_a)
    people = consumers(shop_a, 5)
    enter(queue, *people)
    real = admissions.issue

    def flush_then_issue(**arguments: object) -> object:
        emptied.flushdb()
        return real(**arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(admissions, "issue", flush_then_issue)
    tick(queue)
    monkeypatch.setattr(admissions, "issue", real)
    tick(queue, seconds=1)
    tick(queue, seconds=2)
    assert launch.admitted(queue) == [one.pk for one in people]


def test_a_tick_that_dies_before_it_commits_loses_nobody(shop_a: Retailer, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = launch.queue(shop_a)
    people = consumers(shop_a, 5)
    enter(queue, *people)
    monkeypatch.setattr(admissions, "issue", lambda **_: 1 // 0)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        tick(queue)
    monkeypatch.undo()
    tick(queue, seconds=1)
    assert launch.admitted(queue) == [one.pk for one in people]


def test_a_tick_that_dies_after_it_committed_admits_nobody_again(
    shop_a: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = launch.queue(shop_a)
    people = consumers(shop_a, 3)
    enter(queue, *people)
    monkeypatch.setattr(line, "settle", lambda *_, **__: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        tick(queue)
    monkeypatch.undo()
    Admission.objects.update(state="COMPLETED", completed_at=at(1))
    Entry.objects.update(state="COMPLETED")
    tick(queue, seconds=2)
    tick(queue, seconds=3)
    assert launch.admitted(queue) == [one.pk for one in people]
    assert launch.states(queue) == {"COMPLETED": 3}


def test_an_old_ticket_brings_nobody_back_who_left(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, paused=True)
    one = consumer(shop_a)
    ticket = queues.ticket_of(enter(queue, one)[0], consumer_id=one.pk)
    queues.leave(distribution=queue, consumer_id=one.pk, now=at(1))
    assert queues.stand(distribution=queue, consumer_id=one.pk, now=at(2), ticket=ticket).place is None
    forged = f"{ticket}x"
    assert queues.stand(distribution=queue, consumer_id=one.pk, now=at(2), ticket=forged).place is None


def test_with_redis_away_nobody_is_admitted_and_the_refusal_says_when_to_come_back(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a)
    one = consumer(shop_a)
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        line.reset()
        with pytest.raises(line.LineUnavailable):
            enter(queue, one)
        with pytest.raises(line.LineUnavailable):
            tick(queue)


def test_numbers_after_a_flush_go_on_behind_all_that_were_leased(shop_a: Retailer, emptied: "redis.Redis") -> None:
    queue = launch.queue(shop_a, paused=True)
    one, two = consumers(shop_a, 2)
    enter(queue, one)
    emptied.flushdb()
    place = enter(queue, two)[0].place
    assert place and place.number == queue_numbers.LEASE + 1
    assert LineState.objects.get(distribution=queue).leased == 2 * queue_numbers.LEASE


def test_the_log_is_copied_as_often_as_one_likes(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, paused=True)
    one = consumer(shop_a)
    enter(queue, one)
    lines = line.read_log(queue.uuid.hex)
    queues.leave(distribution=queue, consumer_id=one.pk, now=at(1))
    enter(queue, one, seconds=2)
    queue_log.copy(distribution=queue, now=at(2))
    for text in lines:
        event = line.read_event(text)
        queue_log.write_entries(queue, [(event.consumer, event.number, event.at)], now=at(2))
    entry = Entry.objects.get(distribution=queue)
    assert (entry.number, entry.state, entry.entered_at) == (2, "QUEUED", at(2))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_ticks_polls_and_entries_at_once_admit_everybody_once(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, max_active=30)
    people = consumers(shop_a, 60)
    barrier = Barrier(6)
    errors: list[BaseException] = []

    def run(which: int) -> None:
        try:
            barrier.wait()
            for turn in range(10):
                queues.enter(distribution=queue, consumer=people[10 * which + turn], now=at(turn))
                queue_ticks.tick(distribution=queue, now=at(turn))
                queues.stand(distribution=queue, consumer_id=people[10 * which + turn].pk, now=at(turn + 1))
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(which,)) for which in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    tick(queue, seconds=20)
    went = launch.admitted(queue)
    assert len(went) == len(set(went)) == 30
    assert launch.states(queue) == {"ADMITTED": 30, "QUEUED": 30}
    state = counters.state(counters.Name(kind=admissions.ACTIVE, owner=queue.pk), now=at(20))
    assert state and state.held == 30


def test_a_guest_may_have_to_be_a_second_old(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, require_settled_guest=True)
    fresh = consumer(shop_a, created_at=NOW)
    with pytest.raises(entering.GuestTooYoung):
        enter(queue, fresh)
    assert queues.enter(distribution=queue, consumer=fresh, now=NOW + timedelta(seconds=1)).place
