"""Staff put somebody at the end of the line: he keeps a place, and nothing brings the one before back."""

from collections.abc import Iterator
from functools import partial
from itertools import count

import pytest
import redis

from checkout.admission import entering, line, queue_log, queue_numbers, queue_overrides, queues, standings
from checkout.admission.models import Admission, Consumer, Distribution, Entry
from offers.lib.actors import SYSTEM
from offers.lib.errors import InvalidPayload, NotFound, Refusal
from offers.models import AuditEntry, Retailer
from offers.outbox import endpoints
from offers.outbox.models import Event
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at
from tests.ledger.words import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def emptied(redis_client: "redis.Redis") -> Iterator["redis.Redis"]:
    line.reset()
    queue_numbers.reset()
    yield redis_client
    line.reset()


def move(queue: Distribution, who: Consumer, *, seconds: int = 1, reason: str = "bot") -> standings.Standing:
    return queue_overrides.move_last(
        distribution=queue, consumer_uuid=str(who.uuid), actor=SYSTEM, reason=reason, now=at(seconds)
    )


def order(queue: Distribution) -> list[int]:
    return [consumer for consumer, _ in line.head(queue.uuid.hex)]


def test_he_waits_behind_all_who_wait_and_before_who_comes_later(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, max_active=10)
    one, two, three, late = launch.consumers(shop_a, 4)
    launch.enter(queue, one, two, three)
    place = move(queue, one).place
    assert place and (place.state, place.ahead, place.entered_at) == ("waiting", 2, NOW)
    launch.enter(queue, late, seconds=2)
    assert order(queue) == [two.pk, three.pk, one.pk, late.pk]
    assert (
        launch.enter(queue, one, seconds=3)[0].place
        == queues.stand(distribution=queue, consumer_id=one.pk, now=at(3), may_tick=False).place
    )
    launch.tick(queue, seconds=4)
    assert launch.admitted(queue) == [two.pk, three.pk, one.pk, late.pk]


@pytest.mark.parametrize("copied", [True, False])
def test_the_row_says_so_at_once_and_the_older_log_does_not_undo_it(shop_a: Retailer, *, copied: bool) -> None:
    endpoints.create(
        retailer_id=shop_a.pk, url="https://shop.example/hook", events=[], actor=SYSTEM, allow_http=True, now=NOW
    )
    queue = launch.queue(shop_a)
    one, two = launch.consumers(shop_a, 2)
    launch.enter(queue, one, two)
    if copied:
        queue_log.copy(distribution=queue, now=NOW)
    move(queue, one)
    assert Entry.objects.get(consumer=one).number == 3
    queue_log.copy(distribution=queue, now=at(2))
    entry = Entry.objects.get(consumer=one)
    assert (entry.number, entry.state, entry.entered_at) == (3, "QUEUED", NOW)
    assert Event.objects.filter(type="queue.consumer.entered").count() == 2


def test_a_loss_of_redis_or_an_old_ticket_does_not_bring_the_place_back(
    shop_a: Retailer, emptied: "redis.Redis"
) -> None:
    queue = launch.queue(shop_a)
    one, two, three = launch.consumers(shop_a, 3)
    standing = launch.enter(queue, one, two, three)[0]
    ticket = queues.ticket_of(standing, consumer_id=one.pk)
    queue_log.copy(distribution=queue, now=NOW)
    move(queue, one)
    emptied.flushall()
    queues.stand(distribution=queue, consumer_id=one.pk, now=at(3), ticket=ticket, may_tick=False)
    assert order(queue) == [two.pk, three.pk, one.pk]
    queues.leave(distribution=queue, consumer_id=one.pk, now=at(4))
    queues.enter(distribution=queue, consumer=one, now=at(5), ticket=ticket)
    assert order(queue) == [two.pk, three.pk, one.pk]


def test_before_the_opening_he_draws_no_better_number_by_leaving(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, open_at=at(60), pre_queue_minutes=10)
    people = launch.consumers(shop_a, 6)
    launch.enter(queue, *people)
    for number, first in enumerate(order(queue)[:2]):
        who = next(one for one in people if one.pk == first)
        move(queue, who)
        assert order(queue)[-1] == first
        queues.leave(distribution=queue, consumer_id=first, now=at(2 + number))
        launch.enter(queue, who, seconds=4 + number)
        assert order(queue)[-1] == first


def test_who_was_silent_and_skipped_is_moved_as_well(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, admission_rate=60, open_at=at(-3600))
    one, two = launch.consumers(shop_a, 2)
    launch.enter(queue, one)
    line.call(queue.uuid.hex, now=NOW, fence=1, room=0, rate=60, grace_seconds=60)
    line.call(queue.uuid.hex, now=at(100), fence=2, room=5, rate=60, grace_seconds=60)
    assert order(queue) == []
    launch.enter(queue, two, seconds=100)
    move(queue, one, seconds=101)
    assert order(queue) == [two.pk, one.pk]


def test_whom_it_cannot_be_done_to(shop_a: Retailer, shop_b: Retailer) -> None:
    queue = launch.queue(shop_a, max_active=1)
    one, two, stranger = launch.consumers(shop_a, 3)
    launch.enter(queue, one, two)
    launch.tick(queue)
    for who in (one, stranger):
        with pytest.raises(entering.NotWaiting):
            move(queue, who)
    with pytest.raises(NotFound):
        move(queue, launch.consumer(shop_b))
    for wrong in ("x" * 501, "a\x00b"):
        with pytest.raises(InvalidPayload):
            move(queue, two, reason=wrong)
    assert not AuditEntry.objects.filter(action="queue.move_last").exists()
    move(queue, two)
    entry = AuditEntry.objects.get(action="queue.move_last")
    assert (entry.reason, entry.after) == ("bot", {"consumer": str(two.uuid)})


def test_numbers_that_are_used_up_are_leased_outside_what_may_be_undone(
    shop_a: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_numbers, "LEASE", 2)
    queue = launch.queue(shop_a)
    one, two = launch.consumers(shop_a, 2)
    launch.enter(queue, one, two)
    assert [move(queue, who).place.number for who in (one, two, one)] == [3, 4, 5]  # type: ignore[union-attr]
    queue.line.refresh_from_db()
    assert queue.line.leased == 6


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_moved_at_once_with_ticks_and_leaving_nobody_is_lost_or_admitted_twice(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, max_active=200)
    people = launch.consumers(shop_a, 60)
    launch.enter(queue, *people)
    second = count(1)

    def moves(part: list[Consumer]) -> None:
        for who in part:
            try:
                move(queue, who, seconds=next(second) // 40)
            except Refusal as refusal:
                assert refusal.code == "not_waiting"

    def ticks() -> None:
        for _ in range(10):
            launch.tick(queue, seconds=next(second) // 40)

    def leaves(part: list[Consumer]) -> None:
        for who in part:
            try:
                queues.leave(distribution=queue, consumer_id=who.pk, now=at(next(second) // 40))
            except Refusal as refusal:
                assert refusal.code == "not_waiting"

    parts = [people[:20], people[20:40], people[40:]]
    at_once(*[partial(moves, part) for part in parts], ticks, partial(leaves, people[::6]), ticks, threads=6)
    for more in range(3):
        launch.tick(queue, seconds=100 + more)
    found = {entry.consumer_id: entry for entry in Entry.objects.filter(distribution=queue)}
    assert sorted(found) == sorted(one.pk for one in people)
    assert {entry.state for entry in found.values()} <= {"ADMITTED", "LEFT"}
    admitted = launch.admitted(queue)
    assert len(admitted) == len(set(admitted)) == Admission.objects.count()
    assert order(queue) == []
    left = {one.pk for one in people[::6]}
    assert {pk for pk, entry in found.items() if entry.state == "LEFT"} <= left
