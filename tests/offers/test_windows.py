"""Activity windows: every field checked, and what they mean together."""

from datetime import UTC, datetime
from typing import Any

import pytest

from offers import windows
from offers.lib.errors import InvalidPayload

JAN, FEB = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def test_good_windows_are_kept() -> None:
    assert windows.timeframe({"interval": "P7D", "duration": "PT1H"}) == {"interval": "P7D", "duration": "PT1H"}
    assert windows.days_of_week([6, 0, 0]) == [0, 6]
    daily = {"daily": [{"start_time": "12:00", "expiration_time": "14:00", "days_of_week": [1]}]}
    assert windows.hours(daily) == daily
    assert windows.time_zone("Europe/Warsaw") == "Europe/Warsaw"


@pytest.mark.parametrize("check", [windows.timeframe, windows.days_of_week, windows.hours])
def test_nothing_is_no_limit(check: Any) -> None:
    assert check(None) is None


@pytest.mark.parametrize(
    ("check", "raw"),
    [
        (windows.timeframe, {"interval": "P7D"}),
        (windows.timeframe, {"interval": "P7D", "duration": "1 hour"}),
        (windows.timeframe, {"interval": "P999999999999Y", "duration": "PT1H"}),
        (windows.timeframe, "P1D"),
        (windows.days_of_week, [7]),
        (windows.days_of_week, [True]),
        (windows.days_of_week, "1"),
        (windows.hours, {"daily": [{"start_time": "25:00"}]}),
        (windows.hours, {"daily": [{"start_time": 8}]}),
        (windows.hours, {"daily": {}}),
        (windows.hours, {"daily": ["x"]}),
        (windows.hours, ["x"]),
        (windows.time_zone, "Mars/Olympus"),
        (windows.time_zone, ["UTC"]),
    ],
)
def test_bad_windows_are_refused(check: Any, raw: object) -> None:
    with pytest.raises(InvalidPayload):
        check(raw)


@pytest.mark.parametrize(
    "values",
    [
        {"start_date": FEB, "expiration_date": JAN},
        {"start_date": JAN, "expiration_date": JAN},
        {"validity_timeframe": {"interval": "P1D", "duration": "PT1H"}},
        {"validity_hours": {"daily": [{}]}, "validity_day_of_week": [1]},
    ],
)
def test_windows_that_contradict_themselves_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload):
        windows.together(values)
    windows.together({"start_date": JAN, "expiration_date": FEB, "validity_day_of_week": [1]})
