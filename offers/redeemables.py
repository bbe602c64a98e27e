"""Turns stored discounts, windows and stacking settings into the values the engine judges."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, get_type_hints

from offers.evaluation.context import DailyHours, Discount, StackingRules, UnitOff, Window

_SETS = {name for name, hint in get_type_hints(StackingRules).items() if str(hint).startswith("frozenset")}


class Dated(Protocol):
    """What says when it may be used: the columns of offers.models.windows.Windowed."""

    @property
    def start_date(self) -> datetime | None: ...
    @property
    def expiration_date(self) -> datetime | None: ...
    @property
    def validity_timeframe(self) -> Mapping[str, Any] | None: ...
    @property
    def validity_day_of_week(self) -> list[int] | None: ...
    @property
    def validity_hours(self) -> Mapping[str, Any] | None: ...


def discount(data: Mapping[str, Any] | None) -> Discount | None:
    """Return a stored discount object (wire field names) as the engine's value; None stays None."""
    if not data:
        return None
    percent = data.get("percent_off")
    units = tuple(
        UnitOff(unit_type=unit["unit_type"], unit_off=int(unit["unit_off"]), effect=unit.get("effect", "ADD_NEW_ITEMS"))
        for unit in data.get("units") or ()
    )
    if not units and data.get("unit_off") and data.get("unit_type"):
        units = (
            UnitOff(
                unit_type=data["unit_type"],
                unit_off=int(data["unit_off"]),
                effect=data.get("effect") or "ADD_NEW_ITEMS",
            ),
        )
    return Discount(
        type=data["type"],
        effect=data.get("effect"),
        amount_off=_whole(data.get("amount_off")),
        percent_off=None if percent is None else Decimal(str(percent)),
        fixed_amount=_whole(data.get("fixed_amount")),
        amount_limit=_whole(data.get("amount_limit")),
        aggregated_amount_limit=_whole(data.get("aggregated_amount_limit")),
        units=units,
    )


def window(row: Dated, zone: str) -> Window | None:
    """Return when a campaign, voucher or tier may be used, or None when it always may."""
    start, expiration, timeframe = row.start_date, row.expiration_date, row.validity_timeframe
    days, hours = row.validity_day_of_week, row.validity_hours
    if start is None and expiration is None and not timeframe and not days and not hours:
        return None
    daily = tuple(
        DailyHours(
            start_time=part.get("start_time") or "00:00",
            expiration_time=part.get("expiration_time") or "24:00",
            days_of_week=tuple(part.get("days_of_week") or ()),
        )
        for part in (hours or {}).get("daily") or ()
    )
    return Window(
        start=start,
        expiration=expiration,
        interval=(timeframe or {}).get("interval"),
        duration=(timeframe or {}).get("duration"),
        days_of_week=tuple(days or ()),
        hours=daily,
        time_zone=zone,
    )


def stacking(settings: Mapping[str, Any]) -> StackingRules:
    """Return a retailer's stacking rules: the defaults, and what its settings say differently."""
    known: dict[str, Any] = {
        name: frozenset(value) if name in _SETS else value
        for name, value in settings.items()
        if name in StackingRules.__dataclass_fields__
    }
    return StackingRules(**known)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
