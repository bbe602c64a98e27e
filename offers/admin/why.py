"""The question why, in forms whose changes may move money or limits."""

from collections.abc import Iterable
from typing import Any

from django import forms

from offers.admin import fields

WANTED = "Say why: this changes money, limits or dates."


def field() -> forms.CharField:
    """Return the field; `demand` says when it has to be filled in."""
    return forms.CharField(
        required=False,
        max_length=500,
        widget=fields.text(),
        label="Why",
        help_text="Kept in the audit trail. Needed when money, limits or dates change.",
    )


def demand(form: forms.Form, names: Iterable[str]) -> None:
    """Make the missing reason an error when one of these fields is no longer what the form showed."""
    if form.data.get("version", "") != form.initial.get("version", ""):
        return  # somebody else changed it meanwhile: what differs may be his, and saving is refused anyway
    touched = any(_differs(form[name]) for name in names if name in form.fields)
    if touched:
        demand_one(form)


def demand_one(form: forms.Form) -> None:
    """Make the missing reason an error, for forms that know themselves that something of weight differs."""
    if "reason" in form.fields and not form.cleaned_data.get("reason"):
        form.add_error("reason", WANTED)


def _differs(bound: forms.BoundField) -> bool:
    before, after = _said(bound.initial), _said(bound.value())
    if not before and type(bound.field) is forms.ChoiceField:
        # A select without a value shows, and sends, its first choice.
        choices: Any = bound.field.choices
        before = _said(next(iter(choices), ("",))[0])
        return after not in ("", before)
    return bool(before != after)


def _said(value: Any) -> Any:
    """Return a value as the page carries it."""
    if isinstance(value, list | tuple):
        return sorted(str(part) for part in value) or ""
    return "" if value is None or value is False else str(value).strip()
