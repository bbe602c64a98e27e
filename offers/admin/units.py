"""Free items of discounts: what they are called, and whether there is such a product at all."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.db.models import Q

from offers.models import Product, Retailer, Sku

Names = Mapping[tuple[int, str], str]


def idents(discount: Mapping[str, Any] | None) -> list[str]:
    """Return the ids of the items a discount gives."""
    if not discount or discount.get("type") != "UNIT":
        return []
    return [str(unit["unit_type"]) for unit in discount.get("units") or [discount] if unit.get("unit_type")]


def names(wanted: Iterable[tuple[int, Mapping[str, Any] | None]]) -> Names:
    """Return the names of the items that discounts give, each of a retailer; two statements, none where none gives."""
    keys = {(retailer, ident) for retailer, discount in wanted for ident in idents(discount)}
    if not keys:
        return {}
    retailers, said = {key[0] for key in keys}, {key[1] for key in keys}
    found: dict[tuple[int, str], str] = {}
    for model in (Product, Sku):
        named = Q(public_id__in=said) | Q(source_id__in=said)
        for row in model._default_manager.filter(named, retailer_id__in=retailers):
            for ident in (row.source_id, row.public_id):
                if ident:
                    found[(row.retailer_id, ident)] = str(row)
    return found


def of(retailer_id: int, discount: Mapping[str, Any] | None, known: Names | None = None) -> dict[str, str]:
    """Return the names of one discount's items by id, from those `known` or from the database."""
    found = names([(retailer_id, discount)]) if known is None else known
    return {ident: found[(retailer_id, ident)] for ident in idents(discount) if (retailer_id, ident) in found}


def check(form: forms.Form, owner: Retailer) -> None:
    """Make an item that the retailer does not sell an error of its field."""
    ident = form.cleaned_data.get("unit_type")
    if form.cleaned_data.get("discount_kind") != "UNIT" or not ident or "unit_type" in form.errors:
        return
    if not names([(owner.pk, {"type": "UNIT", "unit_type": ident})]):
        form.add_error("unit_type", f"{owner.name} has no product or variant with this id. See Products.")
