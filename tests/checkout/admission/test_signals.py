"""Signals: accounts per device and network are counted once each, flagged for staff, capped where a launch says so."""

from collections.abc import Iterator

import pytest
import redis
from pytest_django.fixtures import Settings

from checkout.admission import draws, line, queue_numbers, queues, signals
from checkout.admission.models import Consumer, Distribution, Flag
from offers.models import AuditEntry, Retailer
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def emptied(redis_client: "redis.Redis", settings: Settings) -> Iterator["redis.Redis"]:
    settings.FLAG_ACCOUNTS_DEVICE, settings.FLAG_ACCOUNTS_NETWORK = 2, 3
    line.reset()
    queue_numbers.reset()
    yield redis_client
    line.reset()


def note(queue: Distribution, consumer: Consumer, device: str = "", network: str = "") -> None:
    seen = signals.Signals(device=device, network=network)
    signals.note(distribution=queue, consumer=consumer, signals=seen, now=NOW)


def flagged(queue: Distribution, kind: str) -> set[int]:
    return set(Flag.objects.filter(distribution=queue, kind=kind).values_list("consumer_id", flat=True))


def test_one_account_too_many_flags_all_of_the_device(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a)
    people = launch.consumers(shop_a, 4)
    for one in people[:2]:
        note(queue, one, device="phone")
    assert flagged(queue, "device") == set()
    note(queue, people[2], device="phone")
    assert flagged(queue, "device") == {one.pk for one in people[:3]}
    note(queue, people[3], device="phone")
    assert flagged(queue, "device") == {one.pk for one in people}
    rows = Flag.objects.filter(distribution=queue).order_by("accounts", "consumer_id")
    assert [row.accounts for row in rows] == [3, 3, 3, 4]
    assert len({row.mark for row in rows}) == 1 and "phone" not in rows[0].mark


def test_coming_again_is_no_second_account(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a)
    one = launch.consumer(shop_a)
    for _ in range(9):
        note(queue, one, device="phone", network="203.0.113.9")
    assert Flag.objects.count() == 0


def test_launches_count_apart(shop_a: Retailer) -> None:
    people = launch.consumers(shop_a, 4)
    for one in people:
        note(launch.queue(shop_a), one, device="phone")
    assert Flag.objects.count() == 0


def test_a_network_has_its_own_number(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a)
    people = launch.consumers(shop_a, 5)
    for number, one in enumerate(people):
        note(queue, one, device=f"phone {number}", network="203.0.113.9")
    assert flagged(queue, "address") == {one.pk for one in people}
    assert flagged(queue, "device") == set()


def test_a_cap_refuses_openly_and_keeps_who_is_in(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, max_per_device=2)
    people = launch.consumers(shop_a, 3)
    note(queue, people[0], device="phone")
    note(queue, people[1], device="phone")
    with pytest.raises(signals.TooManyAccounts):
        note(queue, people[2], device="phone", network="203.0.113.9")
    note(queue, people[0], device="phone")
    note(queue, people[2], device="tablet")
    assert Flag.objects.count() == 0, "who was refused is counted nowhere"


def test_the_device_is_kept_as_a_hash_once(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a)
    one = launch.consumer(shop_a)
    note(queue, one, device="phone")
    one.refresh_from_db()
    assert one.device_hash == signals.device_hash("phone") and len(one.device_hash) == 64
    note(queue, one, device="another")
    one.refresh_from_db()
    assert one.device_hash == signals.device_hash("phone")


def test_without_redis_nobody_is_flagged_and_nobody_kept_out(shop_a: Retailer, settings: Settings) -> None:
    queue = launch.queue(shop_a, max_per_device=1)
    people = launch.consumers(shop_a, 4)
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    line.reset()
    for one in people:
        note(queue, one, device="phone")
    assert Flag.objects.count() == 0


def test_a_crowd_behind_one_address_costs_little(shop_a: Retailer, emptied: "redis.Redis") -> None:
    queue = launch.queue(shop_a)
    for number in range(600):
        line.mark(queue.uuid.hex, consumer=number, marks=[("a0123456789abcdef", None)])
    seen = line.mark(queue.uuid.hex, consumer=9999, marks=[("a0123456789abcdef", None)])
    assert seen is not None and seen[0].accounts == line.MARK_AT_MOST
    key = f"q:{{{queue.uuid.hex}}}:marks"
    assert emptied.hstrlen(key, "a0123456789abcdef") < 3000
    assert emptied.pttl(key) > 0
    line.forget(queue.uuid.hex)
    assert not emptied.exists(key)


def test_where_the_flagged_go_last_they_keep_a_place_behind_all_who_wait(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, flagged_last=True)
    one, honest, two, three, four = launch.consumers(shop_a, 5)
    for who in (one, honest, two):
        note(queue, who, device="" if who is honest else "phone")
        launch.enter(queue, who)
    assert order(queue) == [one.pk, honest.pk, two.pk]
    for who in (three, four):
        note(queue, who, device="phone", network="203.0.113.9")
        launch.enter(queue, who, seconds=1)
    assert order(queue) == [honest.pk, one.pk, two.pk, three.pk, four.pk]
    entries = AuditEntry.objects.filter(action="queue.move_last").order_by("id")
    assert [entry.after for entry in entries] == [{"consumer": str(who.uuid)} for who in (one, two)]
    assert {(entry.actor, entry.reason) for entry in entries} == {("system", "Flagged: Several accounts on a device")}


def test_who_is_flagged_goes_last_once_however_often_and_for_whatever(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, flagged_last=True)
    one, two = launch.consumers(shop_a, 2)
    launch.enter(queue, one, two)
    for kind in (Flag.Kind.UNPROVEN, Flag.Kind.UNPROVEN, Flag.Kind.DEVICE):
        signals.flag(queue, [one.pk], kind, now=NOW)
        assert order(queue) == [two.pk, one.pk]
    assert line.head(queue.uuid.hex)[-1] == (one.pk, 3)


def test_the_flagged_draw_no_number_before_the_opening(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, flagged_last=True, open_at=launch.at(60), pre_queue_minutes=10)
    people = launch.consumers(shop_a, 8)
    launch.enter(queue, *people[:4])
    bot = people[4]
    signals.flag(queue, [bot.pk], Flag.Kind.UNPROVEN, now=NOW)
    launch.enter(queue, *people[4:])
    assert order(queue)[-1] == bot.pk
    queues.leave(distribution=queue, consumer_id=bot.pk, now=launch.at(2))
    launch.enter(queue, bot, seconds=3)
    assert order(queue)[-1] == bot.pk


def test_otherwise_and_in_a_draw_a_flag_takes_nothing(shop_a: Retailer, emptied: "redis.Redis") -> None:
    queue = launch.queue(shop_a)
    one, two = launch.consumers(shop_a, 2)
    launch.enter(queue, one, two)
    signals.flag(queue, [one.pk], Flag.Kind.DEVICE, now=NOW)
    assert order(queue) == [one.pk, two.pk]
    drawn = launch.draw(shop_a, flagged_last=True, open_at=launch.at(-60), close_at=launch.at(60))
    draws.enter(draw=drawn, consumer=one, now=NOW)
    signals.flag(drawn, [one.pk], Flag.Kind.DEVICE, now=NOW)
    assert flagged(drawn, "device") == {one.pk}
    assert not AuditEntry.objects.filter(action="queue.move_last").exists()


def order(queue: Distribution) -> list[int]:
    return [consumer for consumer, _ in line.head(queue.uuid.hex)]
