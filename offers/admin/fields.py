"""Form fields in the words of a marketer: money in major units, limits or "unlimited", days, hours, plain metadata."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString

from offers.admin import show
from offers.lib import money
from offers.lib.errors import Refusal
from offers.lib.money import exponent, to_minor

MOST = 2**63 - 1
UNLIMITED = {"", "unlimited", "∞", "no limit", "none"}
MONDAY_FIRST = [1, 2, 3, 4, 5, 6, 0]


def text(**attrs: Any) -> forms.TextInput:
    return forms.TextInput({"class": "ok-input", "autocomplete": "off", **attrs})


def short(**attrs: Any) -> forms.TextInput:
    return text(**{"class": "ok-input ok-short", **attrs})


def area(rows: int = 3, **attrs: Any) -> forms.Textarea:
    return forms.Textarea({"class": "ok-input", "rows": rows, **attrs})


def select(**attrs: Any) -> forms.Select:
    return forms.Select({"class": "ok-input"} | attrs)


def tick() -> forms.CheckboxInput:
    return forms.CheckboxInput({"class": "ok-box"})


class TooFine(Refusal):
    """The amount is finer than the currency."""

    code = "too_fine"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, field="price")


class _SideBySide(forms.Widget):
    def _render(self, template_name: str, context: dict[str, Any], renderer: Any = None) -> SafeString:
        # Django renders widgets apart from the project's templates.
        return render_to_string("admin/office/choices.html", context)


class Choices(_SideBySide, forms.RadioSelect):
    """A few choices side by side, all to be seen."""


class Ticks(_SideBySide, forms.CheckboxSelectMultiple):
    """Several of them may be chosen."""


class MoneyField(forms.DecimalField):
    """Money as people write it; `in_minor` turns it into the currency's smallest unit."""

    widget = short(inputmode="decimal")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 16, "min_value": 0, "required": False, "localize": False, **kwargs})

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.replace(",", "") if isinstance(value, str) else value)


def in_minor(form: forms.Form, name: str, currency: str) -> int | None:
    """Return a cleaned MoneyField in minor units; more decimals than the currency has are an error, not rounded."""
    value = form.cleaned_data.get(name)
    if value is None:
        return None
    if value != value.quantize(Decimal(1).scaleb(-exponent(currency))):
        places = exponent(currency)
        form.add_error(name, f"{currency} has {places} decimals." if places else f"{currency} has no decimals.")
        return None
    return to_minor(value, currency)


def in_major(minor: int | None, currency: str) -> str:
    """Return what a MoneyField shows for minor units."""
    return "" if minor is None else money.text(minor, currency)


class LimitField(forms.CharField):
    """A whole number, or unlimited."""

    widget = short(inputmode="numeric", placeholder="unlimited")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "max_length": 30, **kwargs})

    def clean(self, value: Any) -> int | None:
        said = super().clean(value).strip().lower().replace(",", "").replace(" ", "")
        if said in UNLIMITED:
            return None
        if not said.isascii() or not said.isdecimal() or int(said) > MOST:
            raise ValidationError("Type a whole number, or leave it empty for unlimited.")
        return int(said)


class LocalMomentField(forms.CharField):
    """A date and time as it is on the retailer's clock; `in_zone` makes it a moment."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "widget": forms.TextInput(MOMENT), **kwargs})

    def clean(self, value: Any) -> datetime | None:
        said = super().clean(value).strip()
        if not said:
            return None
        try:
            found = parse_datetime(said)
        except ValueError:
            found = None
        if found is None:
            raise ValidationError("Type a date and a time, such as 2026-11-27 08:00.")
        return found.replace(tzinfo=None, second=0, microsecond=0)


MOMENT = {"class": "ok-input ok-short", "type": "datetime-local"}


def in_zone(local: datetime | None, timezone: str) -> datetime | None:
    return local.replace(tzinfo=show.zone(timezone)) if local else None


def on_clock(at: datetime | None, timezone: str) -> str:
    """Return what a LocalMomentField shows for a moment."""
    return f"{at.astimezone(show.zone(timezone)):%Y-%m-%dT%H:%M}" if at else ""


class DaysField(forms.TypedMultipleChoiceField):
    """Days of the week, Monday first; 0 is Sunday where they are stored."""

    def __init__(self, **kwargs: Any) -> None:
        days = [(day, show.WEEKDAYS[day]) for day in MONDAY_FIRST]
        super().__init__(**{"choices": days, "coerce": int, "required": False, "widget": Ticks(), **kwargs})


class ClockField(forms.CharField):
    """A time of day."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput({"class": "ok-input ok-short", "type": "time"})
        super().__init__(**{"required": False, "widget": widget, "max_length": 8, **kwargs})

    def clean(self, value: Any) -> str:
        return str(super().clean(value))[:5]


class MetadataField(forms.CharField):
    """Further fields as lines "name: value"; what a line can't hold (lists, nested values) is written as JSON."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "widget": area(3), "label": "Further fields", **kwargs})

    def clean(self, value: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for line in super().clean(value).splitlines():
            if not line.strip():
                continue
            name, colon, rest = line.partition(":")
            if not colon or not name.strip():
                raise ValidationError(f"Write each line as name: value. This one is not: {line.strip()[:60]}")
            found[name.strip()] = _value(rest.strip())
        return found


def _value(said: str) -> Any:
    try:
        value = json.loads(said, parse_constant=_no_constant, parse_float=str)
    except (ValueError, RecursionError):
        return said
    # Text that only looks like a fraction stays text: metadata is compared exactly, and money is never a float.
    return said if isinstance(value, str) and not said.startswith('"') else value


def _no_constant(said: str) -> Any:
    raise ValueError(said)


def as_lines(metadata: Mapping[str, Any] | None) -> str:
    """Return what a MetadataField shows."""
    lines = []
    for name, value in (metadata or {}).items():
        plain = isinstance(value, str) and _value(value) == value
        lines.append(f"{name}: {value if plain else json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines)


def merged_away(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata for verbs that merge key by key: what was taken out of the form is sent as None."""
    return {**dict.fromkeys(old or {}), **new}


def plain_value(said: str) -> Any:
    """Return what a person typed as the value it looks like: a number, yes or no, else text."""
    return _value(said)


def plain_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
