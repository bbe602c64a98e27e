"""ISO 8601 durations, added the way a calendar does: days and longer by the wall clock, shorter ones in real time."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

_PATTERN = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.ASCII,
)
_SECONDS_PER_MONTH = 2_629_746
_SECONDS_PER_DAY = 86_400
_MOST_DAYS = 36_525  # what is longer would leave the calendar when added to a date


@dataclass(frozen=True, slots=True)
class Duration:
    months: int = 0
    days: int = 0
    seconds: int = 0

    @property
    def rough_seconds(self) -> int:
        """About how long it is, for estimates only."""
        return self.months * _SECONDS_PER_MONTH + self.days * _SECONDS_PER_DAY + self.seconds

    @property
    def roughly(self) -> timedelta:
        return timedelta(seconds=self.rough_seconds)

    def after(self, moment: datetime, zone: tzinfo, times: int = 1) -> datetime:
        """The moment `times` durations later, in UTC; a day that a month lacks becomes that month's last."""
        wall = moment.astimezone(zone).replace(tzinfo=None)
        if self.months:
            month = wall.year * 12 + wall.month - 1 + self.months * times
            year, month = divmod(month, 12)
            day = min(wall.day, calendar.monthrange(year, month + 1)[1])
            wall = wall.replace(year=year, month=month + 1, day=day)
        wall += timedelta(days=self.days * times)
        return wall.replace(tzinfo=zone).astimezone(UTC) + timedelta(seconds=self.seconds * times)


@lru_cache(maxsize=1024)
def parse(text: str) -> Duration:
    """`P1D`, `PT12H`, `P1M2DT30M`, ...; refuses anything else, and zero, with ValueError."""
    match = _PATTERN.fullmatch(text) if len(text) <= 40 else None
    parts = {name: int(value) for name, value in match.groupdict().items() if value} if match else {}
    if not any(parts.values()):
        raise ValueError(f"'{text}' is not an ISO 8601 duration above zero")
    get = parts.get
    duration = Duration(
        months=get("years", 0) * 12 + get("months", 0),
        days=get("weeks", 0) * 7 + get("days", 0),
        seconds=get("hours", 0) * 3600 + get("minutes", 0) * 60 + get("seconds", 0),
    )
    if duration.rough_seconds > _MOST_DAYS * _SECONDS_PER_DAY:
        raise ValueError(f"'{text}' is longer than a hundred years")
    return duration


def of_days(number: int) -> Duration:
    """So many days, either way; refuses more than a hundred years of them with ValueError."""
    if abs(number) > _MOST_DAYS:
        raise ValueError(f"{number} days are longer than a hundred years")
    return Duration(days=number)
