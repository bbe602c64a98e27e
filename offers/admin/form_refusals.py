"""What a verb refuses, as an error of the form: at the field it is about, in the words of its label."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django import forms

from offers.lib.errors import Duplicate, Refusal

SYMBOL = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")  # a field as the APIs call it, which no word of a sentence is


@contextmanager
def shown(form: forms.Form) -> Iterator[None]:
    """Turn what a verb refuses into an error of the form, at the field it names where there is one, in its words."""
    try:
        yield
    except Duplicate as taken:
        form.add_error(*_taken(form, taken))
    except Refusal as refusal:
        field = str(refusal.data.get("field", ""))
        said = SYMBOL.sub(lambda found: _label(form, found[0]), refusal.message)
        form.add_error(field if field in form.fields else None, said)


def _label(form: forms.Form, name: str) -> str:
    return f"“{form[name].label}”" if name in form.fields else name


def _taken(form: forms.Form, taken: Duplicate) -> tuple[str | None, str]:
    """Return the field whose value somebody has already, and what to say of it."""
    ident, field = taken.data.get("resource_id"), taken.data.get("field")
    first = ["code"] if taken.data.get("resource_type") == "voucher" else []
    names = [field] if field else [name for name in [*first, *form.fields] if form.cleaned_data.get(name) == ident]
    place = next((name for name in names if name in form.fields), None) if field or ident else None
    if taken.message != Duplicate().message:
        return place, taken.message
    return place, "This is taken already. Choose another one." if place else "There is one like this already."
