"""The part of a form that says when something can be used: from, until, on which days, between which hours."""

from datetime import datetime
from typing import Any

from django import forms

from offers.admin import fields

NAMES = ["start_date", "expiration_date", "days", "hours_from", "hours_to"]


class WindowFields(forms.Form):
    """Mixed into the forms of campaigns, codes and promotion tiers."""

    start_date = fields.LocalMomentField(label="Starts", help_text="Empty: at once.")
    expiration_date = fields.LocalMomentField(label="Ends", help_text="Empty: never. Unusable from this minute on.")
    days = fields.DaysField(label="Only on", help_text="No day chosen: every day.")
    hours_from = fields.ClockField(label="Daily from", help_text="Empty: all day.")
    hours_to = fields.ClockField(label="Daily until", help_text="Before the start: until the next morning.")


def wanted(form: forms.Form, timezone: str, *, kept: Any = None) -> dict[str, Any]:
    """Return the window of a cleaned form as verbs take it. Hours that the form can't show stay as they are."""
    values = form.cleaned_data
    start = typed_moment(values.get("start_date"), timezone, kept.start_date if kept else None)
    end = typed_moment(values.get("expiration_date"), timezone, kept.expiration_date if kept else None)
    if start and end and end <= start:
        form.add_error("expiration_date", "It has to end after it starts.")
    found: dict[str, Any] = {"start_date": start, "expiration_date": end}
    if kept is not None and not editable(kept):
        return found
    opens, closes = values.get("hours_from"), values.get("hours_to")
    days = sorted(values.get("days") or [])
    if bool(opens) != bool(closes):
        form.add_error("hours_to" if opens else "hours_from", "Give both hours, or none.")
    if opens and closes:
        # Days and hours together are one thing in the API: hours, on certain days.
        line = {"start_time": opens, "expiration_time": closes, **({"days_of_week": days} if days else {})}
        return {**found, "validity_day_of_week": None, "validity_hours": {"daily": [line]}}
    return {**found, "validity_day_of_week": days or None, "validity_hours": None}


def typed_moment(typed: datetime | None, timezone: str, kept: datetime | None) -> datetime | None:
    """Return the typed moment, or the kept one when the form shows it unchanged: it has seconds, the form has none."""
    if typed and kept and f"{typed:%Y-%m-%dT%H:%M}" == fields.on_clock(kept, timezone):
        return kept
    return fields.in_zone(typed, timezone)


def initial(row: Any, timezone: str) -> dict[str, Any]:
    """Return what the form shows for a row's window."""
    daily = (row.validity_hours or {}).get("daily") or []
    line = daily[0] if len(daily) == 1 else {}
    return {
        "start_date": fields.on_clock(row.start_date, timezone),
        "expiration_date": fields.on_clock(row.expiration_date, timezone),
        "days": row.validity_day_of_week or line.get("days_of_week") or [],
        "hours_from": line.get("start_time", ""),
        "hours_to": line.get("expiration_time", ""),
    }


def editable(row: Any) -> bool:
    """Say whether a window fits the form: several spans a day and recurring time frames come by the API only."""
    return not row.validity_timeframe and len((row.validity_hours or {}).get("daily") or []) < 2
