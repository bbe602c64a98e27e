"""When something may be used: start and expiration, recurring timeframes, days of the week, hours, in a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from offers.evaluation import durations
from offers.evaluation.context import DailyHours, Window


@dataclass(frozen=True, slots=True)
class Closed:
    """Why a window is shut at a moment."""

    kind: Literal["not_active", "expired", "not_active_now"]
    check: str
    needed: object
    actual: object


def judge(window: Window, now: datetime, anchor: datetime | None = None) -> Closed | None:
    """None while the window is open. A timeframe without a start of its own is counted from `anchor`."""
    if window.start is not None and now < window.start:
        return Closed("not_active", "start_date", window.start.isoformat(), now.isoformat())
    if window.expiration is not None and now >= window.expiration:
        return Closed("expired", "expiration_date", window.expiration.isoformat(), now.isoformat())
    if not (window.interval or window.days_of_week or window.hours):
        return None
    zone = ZoneInfo(window.time_zone)
    local = now.astimezone(zone)
    start = window.start or anchor
    if (
        window.interval
        and window.duration
        and start is not None
        and not _in_timeframe(window.interval, window.duration, start, now, zone)
    ):
        timeframe = {"interval": window.interval, "duration": window.duration, "start_date": start.isoformat()}
        return Closed("not_active_now", "validity_timeframe", timeframe, local.isoformat())
    weekday = local.isoweekday() % 7
    if window.days_of_week and weekday not in window.days_of_week:
        return Closed("not_active_now", "validity_day_of_week", list(window.days_of_week), weekday)
    if window.hours and not any(_in_hours(hours, local) for hours in window.hours):
        daily = [
            {
                "start_time": hours.start_time,
                "expiration_time": hours.expiration_time,
                "days_of_week": list(hours.days_of_week),
            }
            for hours in window.hours
        ]
        return Closed("not_active_now", "validity_hours", {"daily": daily}, local.isoformat())
    return None


def _in_timeframe(interval_text: str, duration_text: str, start: datetime, now: datetime, zone: tzinfo) -> bool:
    interval, duration = durations.parse(interval_text), durations.parse(duration_text)
    if now < start:
        return False
    # The estimate is off by less than two occurrences: months vary, and a switch of the clock moves days.
    times = (now - start) // interval.roughly + 2
    while times > 0 and interval.after(start, zone, times) > now:
        times -= 1
    return now < duration.after(interval.after(start, zone, times) if times else start, zone)


def _in_hours(hours: DailyHours, local: datetime) -> bool:
    """A span that ends at or before its start runs over midnight and belongs to the day it began on."""
    minute = local.hour * 60 + local.minute
    start, end = _minutes(hours.start_time), _minutes(hours.expiration_time)
    today = local.isoweekday() % 7
    yesterday = (local - timedelta(days=1)).isoweekday() % 7
    days = hours.days_of_week
    if start < end:
        return start <= minute < end and (not days or today in days)
    return (minute >= start and (not days or today in days)) or (minute < end and (not days or yesterday in days))


def _minutes(text: str) -> int:
    hour, minute = text.split(":")[:2]
    return int(hour) * 60 + int(minute)
