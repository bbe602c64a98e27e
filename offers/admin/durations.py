"""Lengths of time as people write them, "15 min" or "1 h 30 min"; stored are the whole seconds (hours) they come to."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from offers.admin import fields

HOUR = 3600
UNITS = {"day": 86_400, "h": HOUR, "min": 60, "s": 1}
_SPELT = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "min": ("min", "mins", "minute", "minutes", "m"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "day": ("d", "day", "days"),
}
_SECONDS = {word: UNITS[unit] for unit, spelt in _SPELT.items() for word in spelt}
_SECONDS |= dict.fromkeys(("w", "week", "weeks"), 7 * UNITS["day"])
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([a-z]+)")
_WHOLE = re.compile(rf"(?:{_PART.pattern}(?: |, | and )?)+")
EXAMPLES = "Write it with its unit: 90 s, 15 min, 1 h 30 min, 2 days."


def words(seconds: int) -> str:
    """Return a length of time in words that lose nothing: 5400 is "1 h 30 min"."""
    said, left = [], seconds
    for unit, size in UNITS.items():
        number, left = divmod(left, size)
        if number:
            said.append(f"{number:,} {unit}{'s' if unit == 'day' and number > 1 else ''}")
    return " ".join(said) or "0 s"


def seconds_of(text: str) -> int | None:
    """Return what a person wrote in whole seconds; None when it is not understood. Only a nought needs no unit."""
    said = " ".join(text.lower().replace("\u00a0", " ").split()).replace(",", "")
    if said == "0":
        return 0
    if not _WHOLE.fullmatch(said):
        return None
    total = Decimal(0)
    for number, unit in _PART.findall(said):
        if unit not in _SECONDS:
            return None
        total += Decimal(number) * _SECONDS[unit]
    return int(total) if total == int(total) else None


class DurationField(forms.CharField):
    """A length of time of `least` to `most` units; its value is the number of units of `unit` seconds, as stored."""

    def __init__(self, *, most: int, least: int = 1, unit: int = 1, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 60, "widget": fields.short(), "help_text": EXAMPLES, **kwargs})
        self.least, self.most, self.unit = least, most, unit

    def prepare_value(self, value: Any) -> Any:
        return words(value * self.unit) if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        said = super().clean(value).strip()
        if not said:
            return None
        found = seconds_of(said)
        if found is None:
            raise ValidationError(f"This is no length of time. {EXAMPLES}")
        if not self.least * self.unit <= found <= self.most * self.unit:
            raise ValidationError(f"Between {words(self.least * self.unit)} and {words(self.most * self.unit)}.")
        if found % self.unit:
            raise ValidationError(f"Only whole {'hours' if self.unit == HOUR else 'minutes'} can be kept.")
        return found // self.unit

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Other words for the same length are no change."""
        if self.disabled:
            return False
        said = seconds_of(str(data or ""))
        before = initial * self.unit if isinstance(initial, int) else None
        return super().has_changed(initial, data) if said is None else said != before
