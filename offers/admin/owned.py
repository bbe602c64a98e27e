"""Choices of what belongs to a retailer: named with it where there are several, refused beside another's."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet

from offers.models import Retailer


class _Owned:
    several = False
    queryset: Any

    def offer(self, rows: QuerySet[Any], only: Retailer | None) -> None:
        """Offer these rows: of one retailer, or of all and named with theirs."""
        self.several = only is None
        self.queryset = rows.filter(retailer=only) if only else rows.select_related("retailer")

    def label_from_instance(self, row: Model) -> str:
        return f"{row} · {row.retailer.name}" if self.several else str(row)  # type: ignore[attr-defined]


class OwnedChoice(_Owned, forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of a retailer's rows."""


class OwnedTicks(_Owned, forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Several of a retailer's rows."""


def check(form: forms.Form, name: str, owner: Retailer) -> None:
    """Make the choice of another retailer's row an error of its field."""
    chosen: Any = form.cleaned_data.get(name)
    rows: list[Any] = [] if chosen is None else [chosen] if isinstance(chosen, Model) else list(chosen)
    others = [str(row) for row in rows if row.retailer_id != owner.pk]
    if others:
        form.add_error(name, ValidationError(f"Not of {owner.name}: {', '.join(others)}."))
