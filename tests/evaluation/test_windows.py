"""When something may be used."""

from datetime import UTC, datetime
from typing import Any

import pytest

from offers.evaluation import durations, windows
from offers.evaluation.context import DailyHours, Window


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def verdict(window: Window, now: str, anchor: datetime | None = None) -> str:
    closed = windows.judge(window, at(now), anchor)
    return closed.kind if closed else "open"


YEAR = Window(start=at("2026-01-01T00:00:00Z"), expiration=at("2027-01-01T00:00:00Z"))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2025-12-31T23:59:59.999999Z", "not_active"),
        ("2026-01-01T00:00:00Z", "open"),
        ("2026-12-31T23:59:59.999999Z", "open"),
        ("2027-01-01T00:00:00Z", "expired"),
        ("2026-12-31T23:30:00-01:00", "expired"),
    ],
)
def test_start_is_inside_and_expiration_is_not(now: str, expected: str) -> None:
    assert verdict(YEAR, now) == expected


def test_an_empty_window_is_always_open() -> None:
    assert verdict(Window(), "1999-01-01T00:00:00Z") == "open"


@pytest.mark.parametrize(
    ("interval", "duration", "now", "expected"),
    [
        ("P2D", "P1D", "2026-01-01T00:00:00Z", "open"),
        ("P2D", "P1D", "2026-01-01T23:59:59Z", "open"),
        ("P2D", "P1D", "2026-01-02T00:00:00Z", "not_active_now"),
        ("P2D", "P1D", "2026-01-03T12:00:00Z", "open"),
        ("P1D", "PT1H", "2026-06-15T00:59:59Z", "open"),
        ("P1D", "PT1H", "2026-06-15T01:00:00Z", "not_active_now"),
        ("P1W", "P2D", "2026-12-04T10:00:00Z", "open"),  # 2026-01-01 and 2026-12-03 are Thursdays
        ("P1W", "P2D", "2026-12-05T10:00:00Z", "not_active_now"),
        ("P1M", "P1D", "2026-12-01T10:00:00Z", "open"),
        ("P1M", "P1D", "2026-12-02T10:00:00Z", "not_active_now"),
        ("P1Y", "P1M", "2026-01-31T10:00:00Z", "open"),
        ("P1Y", "P1M", "2026-02-01T10:00:00Z", "not_active_now"),
        ("PT1H", "PT10M", "2026-05-05T17:09:59Z", "open"),
        ("PT1H", "PT10M", "2026-05-05T17:10:00Z", "not_active_now"),
    ],
)
def test_a_timeframe_recurs_from_the_start(interval: str, duration: str, now: str, expected: str) -> None:
    window = Window(start=YEAR.start, interval=interval, duration=duration)
    assert verdict(window, now) == expected


def test_a_timeframe_on_the_31st_falls_on_the_last_day_of_shorter_months() -> None:
    window = Window(start=at("2026-01-31T00:00:00Z"), interval="P1M", duration="P1D")
    assert verdict(window, "2026-02-28T10:00:00Z") == "open"
    assert verdict(window, "2026-03-31T10:00:00Z") == "open"
    assert verdict(window, "2026-03-30T10:00:00Z") == "not_active_now"


def test_a_timeframe_of_days_keeps_its_wall_clock_when_the_clocks_change() -> None:
    window = Window(start=at("2026-03-01T09:00:00+01:00"), interval="P1D", duration="PT1H", time_zone="Europe/Berlin")
    assert verdict(window, "2026-03-28T08:30:00Z") == "open"
    assert verdict(window, "2026-03-29T07:30:00Z") == "open"  # summer time since 01:00 UTC
    assert verdict(window, "2026-03-29T08:30:00Z") == "not_active_now"


def test_a_timeframe_without_a_start_counts_from_the_campaigns() -> None:
    window = Window(interval="P2D", duration="P1D")
    assert verdict(window, "2026-01-02T00:00:00Z", YEAR.start) == "not_active_now"
    assert verdict(window, "2026-01-02T00:00:00Z") == "open"


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        ("UTC", "2026-03-01T12:00:00Z", "open"),  # a Sunday
        ("UTC", "2026-03-02T12:00:00Z", "not_active_now"),
        ("Asia/Tokyo", "2026-02-28T16:00:00Z", "open"),
        ("Asia/Tokyo", "2026-03-01T16:00:00Z", "not_active_now"),
        ("America/New_York", "2026-03-02T03:00:00Z", "open"),
    ],
)
def test_sunday_is_day_zero_in_the_windows_zone(zone: str, now: str, expected: str) -> None:
    assert verdict(Window(days_of_week=(0,), time_zone=zone), now) == expected


def hours(**fields: Any) -> Window:
    zone = fields.pop("zone", "UTC")
    return Window(hours=(DailyHours(**fields),), time_zone=zone)


@pytest.mark.parametrize(
    ("window", "now", "expected"),
    [
        (hours(start_time="12:00", expiration_time="14:00"), "2026-03-04T12:00:00Z", "open"),
        (hours(start_time="12:00", expiration_time="14:00"), "2026-03-04T13:59:59Z", "open"),
        (hours(start_time="12:00", expiration_time="14:00"), "2026-03-04T14:00:00Z", "not_active_now"),
        (hours(start_time="12:00", expiration_time="14:00", days_of_week=(3,)), "2026-03-04T12:30:00Z", "open"),
        (
            hours(start_time="12:00", expiration_time="14:00", days_of_week=(4,)),
            "2026-03-04T12:30:00Z",
            "not_active_now",
        ),
        (hours(start_time="22:00", expiration_time="02:00", days_of_week=(3,)), "2026-03-04T23:00:00Z", "open"),
        (hours(start_time="22:00", expiration_time="02:00", days_of_week=(3,)), "2026-03-05T01:59:00Z", "open"),
        (
            hours(start_time="22:00", expiration_time="02:00", days_of_week=(3,)),
            "2026-03-04T01:00:00Z",
            "not_active_now",
        ),
        (hours(start_time="20:00", expiration_time="00:00"), "2026-03-04T23:59:59Z", "open"),
        (hours(start_time="20:00", expiration_time="24:00"), "2026-03-04T23:59:59Z", "open"),
        (hours(start_time="09:00", expiration_time="10:00", zone="Europe/Berlin"), "2026-03-28T08:30:00Z", "open"),
        (hours(start_time="09:00", expiration_time="10:00", zone="Europe/Berlin"), "2026-03-29T07:30:00Z", "open"),
        (
            hours(start_time="09:00", expiration_time="10:00", zone="Europe/Berlin"),
            "2026-03-29T08:30:00Z",
            "not_active_now",
        ),
    ],
)
def test_daily_hours(window: Window, now: str, expected: str) -> None:
    assert verdict(window, now) == expected


@pytest.mark.parametrize("text", ["", "P", "PT", "1D", "P1.5D", "P0D", "PT0S", "P-1D", "1 day", "P1DT"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        durations.parse(text)


@pytest.mark.parametrize("text", ["P101Y", "P99999999999D", "PT" + "9" * 30 + "S", "P" + "0" * 100 + "1D"])
def test_what_would_leave_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"hundred years|ISO 8601"):
        durations.parse(text)


def test_durations_add_up() -> None:
    duration = durations.parse("P1Y2M3W4DT5H6M7S")
    assert duration == durations.Duration(months=14, days=25, seconds=5 * 3600 + 6 * 60 + 7)
    start = datetime(2026, 1, 31, tzinfo=UTC)
    assert durations.parse("P1M").after(start, UTC) == datetime(2026, 2, 28, tzinfo=UTC)
    assert durations.parse("P1D").after(start, UTC, -1) == datetime(2026, 1, 30, tzinfo=UTC)
