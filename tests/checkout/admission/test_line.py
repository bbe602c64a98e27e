"""The waiting line on Redis: one place each, order by number, rate, room, absence, an emptied Redis."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
import redis
from django.test import override_settings

from checkout.admission import estimates, line, line_answers, numbers

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
Q = "7f"


@pytest.fixture(autouse=True)
def queue(redis_client: "redis.Redis") -> Iterator["redis.Redis"]:
    line.reset()
    line.restore(Q, people=[], last_number=0, serving=None, now=NOW)
    yield redis_client
    line.reset()


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def enter(
    consumer: int, *, seconds: float = 0, capacity: int | None = None, again: int | None = None
) -> line_answers.Place:
    return line.enter(Q, consumer=consumer, now=at(seconds), leased=10_000, capacity=capacity, again=again)


def call(
    *, seconds: float = 0, room: int = 1000, rate: int | None = None, fence: int = 1, most: int = 1000
) -> list[int]:
    found = line.call(Q, now=at(seconds), fence=fence, room=room, rate=rate, grace_seconds=60, most=most)
    return [one.consumer for one in found]


def admit(*, seconds: float = 0, room: int = 1000, rate: int | None = None, fence: int = 1) -> list[int]:
    found = call(seconds=seconds, room=room, rate=rate, fence=fence)
    line.settle(Q, now=at(seconds), fence=fence, written=found)
    return found


def test_everybody_gets_the_next_number_and_keeps_it() -> None:
    assert [enter(consumer).number for consumer in (5, 9, 7)] == [1, 2, 3]
    second = enter(9, seconds=5)
    assert (second.number, second.ahead, second.new, second.entered_at) == (2, 1, False, NOW)
    assert line.look(Q, consumer=7, now=NOW).ahead == 2


def test_leaving_and_coming_back_goes_to_the_end() -> None:
    for consumer in (1, 2, 3):
        enter(consumer)
    assert line.leave(Q, consumer=1, now=NOW).number == 1
    assert line.look(Q, consumer=1, now=NOW).state == "none"
    assert enter(1).ahead == 2
    assert admit() == [2, 3, 1]


def test_a_full_line_takes_nobody_new_but_keeps_who_is_in() -> None:
    enter(1, capacity=2)
    enter(2, capacity=2)
    assert enter(3, capacity=2).state == "full"
    assert enter(2, capacity=2).number == 2
    line.leave(Q, consumer=1, now=NOW)
    assert enter(3, capacity=2).ahead == 1


def test_numbers_end_where_the_lease_does() -> None:
    line.enter(Q, consumer=1, now=NOW, leased=1)
    with pytest.raises(line.NumbersUsedUp):
        line.enter(Q, consumer=2, now=NOW, leased=1)
    assert line.enter(Q, consumer=2, now=NOW, leased=2).number == 2


def test_a5_sixty_a_minute_are_sixty_in_a_minute_in_order() -> None:
    for consumer in range(1, 1001):
        enter(consumer)
    admitted: list[int] = []
    for second in range(61):
        admitted += admit(seconds=second, rate=60)
    assert 55 <= len(admitted) <= 65
    assert admitted == list(range(1, len(admitted) + 1))


def test_the_first_goes_at_once_however_slow_the_rate() -> None:
    enter(1)
    assert admit(rate=1) == [1]


def test_an_idle_queue_saves_up_five_seconds_and_no_more() -> None:
    call(rate=600)
    for consumer in range(200):
        enter(consumer, seconds=3600)
    assert len(admit(seconds=3600, rate=600)) == 50


def test_room_bounds_what_is_called() -> None:
    for consumer in range(1, 9):
        enter(consumer)
    assert admit(room=3) == [1, 2, 3]
    assert admit(room=0) == []
    assert admit(room=-2) == []


def test_who_was_called_and_never_written_down_is_called_again_first() -> None:
    for consumer in (1, 2, 3):
        enter(consumer)
    assert call(room=2) == [1, 2]
    assert enter(1).state == "called"
    assert call(room=2, fence=2) == [1, 2]
    line.settle(Q, now=NOW, fence=2, written=[1], back=[2])
    assert line.look(Q, consumer=1, now=NOW).state == "gone"
    assert line.look(Q, consumer=2, now=NOW).ahead == 0
    assert admit(fence=3) == [2, 3]


def test_a_leader_who_was_overtaken_calls_nobody() -> None:
    enter(1)
    assert call(fence=5, room=0) == []
    assert call(fence=4) == []
    line.settle(Q, now=NOW, fence=4, written=[1])
    assert call(fence=5) == [1]


def test_who_went_through_comes_in_again_only_where_he_may() -> None:
    enter(1)
    assert admit() == [1]
    assert enter(1).state == "gone"
    assert enter(1, again=9).state == "gone"
    assert enter(1, again=1).number == 2


def test_a_silent_one_near_the_front_is_skipped_and_finds_his_place_again() -> None:
    for consumer in (1, 2, 3):
        enter(consumer)
    call(room=0)
    line.look(Q, consumer=2, now=at(90))
    line.look(Q, consumer=3, now=at(90))
    assert admit(seconds=100, room=1, rate=None) == [2]
    back = line.look(Q, consumer=1, now=at(200))
    assert (back.state, back.number, back.ahead) == ("waiting", 1, 0)
    assert admit(seconds=201, room=1) == [1]


def test_a_kept_number_is_forgotten_after_a_quarter_of_an_hour() -> None:
    enter(1)
    call(room=0)
    assert admit(seconds=100) == []
    assert admit(seconds=100 + 15 * 60 + 1) == []
    assert line.look(Q, consumer=1, now=at(1100)).state == "none"
    assert [line.read_event(text).kind for text in line.read_log(Q)] == ["E", "L"]


def test_a_call_skips_no_more_than_it_may() -> None:
    line.forget(Q)
    line.restore(Q, people=[(c, c, NOW) for c in range(1, 6001)], last_number=6000, serving=None, now=NOW)
    call(room=0)
    line.look(Q, consumer=6000, now=at(100))
    assert admit(seconds=120, room=10) == []
    assert len(admit(seconds=121, room=10)) == 10


def test_one_of_those_who_ask_leads() -> None:
    barrier, leads = Barrier(8), []

    def ask() -> None:
        barrier.wait()
        leads.append(line.begin(Q, now=NOW))

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(lead.state for lead in leads) == ["busy"] * 7 + ["lead"]
    line.finish(Q, lead=next(lead for lead in leads if lead.state == "lead"), now=NOW)
    assert line.begin(Q, now=at(0.5), least_ms=1000).state == "early"
    assert line.begin(Q, now=at(1), least_ms=1000).state == "lead"


@pytest.mark.race
def test_entering_in_parallel_gives_every_consumer_one_number() -> None:
    barrier, places = Barrier(8), []

    def run(which: int) -> None:
        barrier.wait()
        for consumer in range(100):
            places.append((consumer, enter(consumer).number))

    threads = [Thread(target=run, args=(which,)) for which in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(places)) == 100
    assert {number for _, number in places} == set(range(1, 101))


def test_the_log_keeps_what_was_not_copied() -> None:
    for consumer in (1, 2, 3):
        enter(consumer)
    lines = line.read_log(Q, most=2)
    line.trim_log(Q, lines=lines)
    line.trim_log(Q, lines=lines)  # a second copier read the same and came too late
    assert [line.read_event(text).consumer for text in line.read_log(Q)] == [3]


def test_an_emptied_redis_says_so_and_is_refilled_in_order(queue: "redis.Redis") -> None:
    for consumer in (1, 2, 3, 4):
        enter(consumer)
    admit(room=1)
    queue.flushdb()
    for attempt in (lambda: enter(9), lambda: line.look(Q, consumer=2, now=NOW), lambda: line.begin(Q, now=NOW)):
        with pytest.raises(line.LineEmptied):
            attempt()
    # PostgreSQL knew two and four; three had not been copied and brings his signed number along.
    line.restore(Q, people=[(4, 4, NOW), (2, 2, NOW)], last_number=1000, serving=1, now=NOW)
    line.restore(Q, people=[(8, 8, NOW)], last_number=2000, serving=7, now=NOW)  # a second one, too late
    assert enter(9).number == 1001
    assert line.enter(Q, consumer=3, now=NOW, number=3, leased=2000).ahead == 1
    assert admit() == [2, 3, 4, 9]


def test_an_early_number_needs_room_and_a_restored_place_does_not() -> None:
    enter(1, capacity=1)
    assert line.enter(Q, consumer=7, now=NOW, number=-5, capacity=1).state == "full"
    assert line.enter(Q, consumer=7, now=NOW, number=0).ahead == 0


def test_redis_away_is_a_refusal_with_a_time_to_come_back() -> None:
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        line.reset()
        with pytest.raises(line.LineUnavailable) as refused:
            enter(1)
        assert refused.value.data["retry_after"] > 0


def test_the_overview_says_how_many_stand_before_which_number() -> None:
    for consumer in range(100):
        enter(consumer)
    admit(room=10)
    line.leave(Q, consumer=50, now=NOW)
    seen = line.overview(Q, now=NOW)
    assert (seen.serving, seen.waiting, seen.admitted_lately) == (10, 89, 10)
    assert seen.marks[0] == (11, 0)
    assert seen.marks[-1] == (100, 88)
    assert line.overview(Q, now=at(200)).admitted_lately == 0


def test_out_of_turn_and_out_for_good() -> None:
    for consumer in (1, 2, 3):
        enter(consumer)
    assert line.call_one(Q, consumer=3, now=NOW) == line_answers.Called(3, 3, NOW)
    assert line.call_one(Q, consumer=9, now=NOW) is None
    line.remove(Q, consumer=1, now=NOW)
    assert enter(1).state == "gone"
    line.settle(Q, now=NOW, fence=1, written=[3])
    assert admit() == [2]


def test_early_numbers_are_a_shuffle_that_cannot_be_drawn_again() -> None:
    drawn = [numbers.early(seed=b"s", consumer=consumer) for consumer in range(2000)]
    assert drawn == [numbers.early(seed=b"s", consumer=consumer) for consumer in range(2000)]
    assert len(set(drawn)) == 2000 and max(drawn) < 0 and min(drawn) >= -(2**47)
    assert drawn != [numbers.early(seed=b"t", consumer=consumer) for consumer in range(2000)]
    front = sorted(range(2000), key=drawn.__getitem__)[:1000]
    assert 400 < sum(1 for consumer in front if consumer < 1000) < 600


def test_the_early_are_called_before_the_late_whatever_their_numbers() -> None:
    for consumer in (1, 2, 3):
        line.enter(Q, consumer=consumer, now=NOW, number=numbers.early(seed=b"s", consumer=consumer))
    enter(4)
    order = admit()
    assert sorted(order[:3]) == [1, 2, 3] and order[3] == 4
    assert order[:3] == sorted((1, 2, 3), key=lambda consumer: numbers.early(seed=b"s", consumer=consumer))


@pytest.mark.parametrize(
    ("ahead", "admitted", "over", "rate", "expected"),
    [(0, 0, 180, 60, 1), (599, 1800, 180, 60, 60), (59, 0, 0, 60, 60), (10, 0, 0, 0, None), (0, 0, 0, None, 0)],
)
def test_the_wait_is_told_from_the_pace_of_late(
    ahead: int, admitted: int, over: int, rate: int | None, expected: int | None
) -> None:
    assert estimates.wait_seconds(ahead=ahead, admitted=admitted, over_seconds=over, rate=rate) == expected


def test_the_front_asks_often_the_back_rarely_and_nobody_together() -> None:
    assert estimates.poll_after(wait=2, near=True, salt=1) == 1
    assert all(2 <= estimates.poll_after(wait=100, near=True, salt=salt) <= 6 for salt in range(50))
    assert all(48 <= estimates.poll_after(wait=7200, near=False, salt=salt) <= 72 for salt in range(50))
    assert len({estimates.poll_after(wait=7200, near=False, salt=salt) for salt in range(50)}) > 10
    assert all(estimates.poll_after(wait=None, near=True, salt=salt) <= 15 * 120 // 100 for salt in range(9))
