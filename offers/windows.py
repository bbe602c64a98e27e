"""When something may be used: checks start, expiration and the recurring limits of campaigns, vouchers and tiers."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from offers.evaluation import durations
from offers.lib.errors import InvalidPayload
from offers.models.windows import Windowed

FIELDS = ("start_date", "expiration_date", "validity_timeframe", "validity_day_of_week", "validity_hours")
HOURS_LIMIT = 50
LONGEST = timedelta(days=3660)
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)


def timeframe(raw: object, path: str = ".validity_timeframe") -> dict[str, str] | None:
    """Return a checked {interval, duration} of ISO 8601 durations; an empty object is none."""
    if raw is None or raw == {}:
        return None
    if not isinstance(raw, Mapping):
        raise InvalidPayload(f"Property {path} should be an object")
    return {name: _duration(raw.get(name), f"{path}.{name}") for name in ("interval", "duration")}


def days_of_week(raw: object, path: str = ".validity_day_of_week") -> list[int] | None:
    """Return the days as sorted numbers, 0 is Sunday; an empty list is none."""
    if raw is None or raw == []:
        return None
    if not isinstance(raw, list) or any(type(day) is not int or not 0 <= day <= 6 for day in raw):
        raise InvalidPayload(f"Property {path} should be a list of days from 0 (Sunday) to 6")
    return sorted(set(raw))


def hours(raw: object, path: str = ".validity_hours") -> dict[str, Any] | None:
    """Return checked daily hours: {"daily": [{start_time, expiration_time, days_of_week}]}."""
    if raw is None or raw == {}:
        return None
    if not isinstance(raw, Mapping):
        raise InvalidPayload(f"Property {path} should be an object")
    daily = raw.get("daily")
    if daily is None or daily == []:
        return None
    if not isinstance(daily, list) or len(daily) > HOURS_LIMIT:
        raise InvalidPayload(f"Property {path}.daily should be a list of at most {HOURS_LIMIT} items")
    return {"daily": [_daily(line, f"{path}.daily[{index}]") for index, line in enumerate(daily)]}


def together(values: Mapping[str, Any]) -> None:
    """Check what the fields of one window mean together. Refuses `invalid_payload`."""
    start, end = values.get("start_date"), values.get("expiration_date")
    if isinstance(start, datetime) and isinstance(end, datetime) and end <= start:
        raise InvalidPayload("Property .expiration_date should be later than .start_date")
    if values.get("validity_timeframe") and start is None:
        raise InvalidPayload("Property .validity_timeframe needs .start_date, from which it is counted")
    if values.get("validity_hours") and (values.get("validity_timeframe") or values.get("validity_day_of_week")):
        raise InvalidPayload("Property .validity_hours cannot be combined with other recurring limits")


def time_zone(raw: object, path: str = ".timezone") -> str:
    """Return a known IANA zone; empty or null is the retailer's own."""
    if raw is None or raw == "":
        return ""
    if not isinstance(raw, str) or raw not in available_timezones():
        raise InvalidPayload(f"Property {path} should be an IANA time zone")
    return raw


def duration(raw: object, path: str) -> str | None:
    """Return a checked ISO 8601 duration, or None."""
    return None if raw is None else _duration(raw, path)


def _duration(raw: object, path: str) -> str:
    try:
        if not isinstance(raw, str) or len(raw) > 40:
            raise ValueError
        if durations.parse(raw).roughly > LONGEST:
            raise ValueError
    except (ValueError, OverflowError) as error:
        raise InvalidPayload(
            f"Property {path} should be an ISO 8601 duration such as P1D or PT2H, ten years at most"
        ) from error
    return raw


def _daily(raw: object, path: str) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise InvalidPayload(f"Property {path} should be an object")
    checked: dict[str, Any] = {}
    for name in ("start_time", "expiration_time"):
        value = raw.get(name)
        if value is None:
            continue
        if not isinstance(value, str) or not _CLOCK.fullmatch(value):
            raise InvalidPayload(f"Property {path}.{name} should be a time such as 08:30")
        checked[name] = value
    days = days_of_week(raw.get("days_of_week"), f"{path}.days_of_week")
    if days is not None:
        checked["days_of_week"] = days
    return checked


def apply(row: Windowed, fields: Mapping[str, Any]) -> None:
    """Put the sent fields of a window into a row, checked by themselves and together. Refuses `invalid_payload`."""
    for name, check in _CHECKS.items():
        if name in fields:
            setattr(row, name, check(fields[name]))
    for name in ("start_date", "expiration_date"):
        if name in fields:
            setattr(row, name, fields[name])
    if any(name in fields for name in FIELDS):
        together({name: getattr(row, name) for name in FIELDS})


_CHECKS: dict[str, Callable[[object], Any]] = {
    "validity_timeframe": timeframe,
    "validity_day_of_week": days_of_week,
    "validity_hours": hours,
}
