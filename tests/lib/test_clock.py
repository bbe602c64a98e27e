"""The clock says aware UTC times and can be stopped."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from offers.lib import clock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_it_says_the_present_moment_in_utc() -> None:
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.now().tzinfo is UTC


def test_it_stands_still_inside_the_block_only() -> None:
    with clock.fixed(NOON):
        assert clock.now() == NOON
        with clock.fixed(NOON + timedelta(days=1)):
            assert clock.now() == NOON + timedelta(days=1)
        assert clock.now() == NOON
    assert clock.now() != NOON


def test_it_turns_other_zones_into_utc() -> None:
    with clock.fixed(NOON.astimezone(timezone(timedelta(hours=2)))):
        assert (clock.now(), clock.now().tzinfo) == (NOON, UTC)


def test_it_refuses_a_naive_time() -> None:
    with pytest.raises(ValueError, match="aware"), clock.fixed(NOON.replace(tzinfo=None)):
        pass


def test_a_test_sets_it_as_often_as_it_wants(set_clock: Callable[[datetime], None]) -> None:
    for hours in range(3):
        set_clock(NOON + timedelta(hours=hours))
        assert clock.now().hour == 12 + hours
