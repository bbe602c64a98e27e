"""The part of a form that says what a code is worth: a kind, then only the fields of that kind."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from offers.admin import fields
from offers.lib.errors import Refusal

PERCENT, AMOUNT, FIXED, UNIT, SHIPPING = "PERCENT", "AMOUNT", "FIXED", "UNIT", "FREE_SHIPPING"
KINDS = [
    (PERCENT, "Percent off"),
    (AMOUNT, "Amount off"),
    (FIXED, "Fixed price"),
    (UNIT, "Free items"),
    (SHIPPING, "Free shipping"),
]
EFFECTS = [
    ("", "The whole order (or the products of a condition, if it names some)"),
    ("APPLY_TO_ORDER", "The whole order"),
    ("APPLY_TO_ITEMS", "Each matching item"),
    ("APPLY_TO_ITEMS_BY_QUANTITY", "Each piece of a matching item"),
    ("APPLY_TO_ITEMS_PROPORTIONALLY", "Matching items, shared out by their amounts"),
    ("APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY", "Matching items, shared out by pieces"),
]
FREE = [
    ("ADD_NEW_ITEMS", "Add them to the order"),
    ("ADD_MISSING_ITEMS", "Add only what is missing"),
    ("ADD_SAME_ITEMS", "Make the ones in the order free"),
]
ONLY_AMOUNT = {effect for effect, _ in EFFECTS[3:]}
NAMES = [
    "discount_kind",
    "percent_off",
    "amount_off",
    "fixed_amount",
    "amount_limit",
    "discount_effect",
    "unit_off",
    "unit_type",
    "unit_effect",
]
SHOWN_WHEN = {
    "percent_off": "discount_kind=PERCENT",
    "amount_limit": "discount_kind=PERCENT",
    "amount_off": "discount_kind=AMOUNT",
    "fixed_amount": "discount_kind=FIXED",
    "discount_effect": "discount_kind=PERCENT|AMOUNT|FIXED",
    "unit_off": "discount_kind=UNIT",
    "unit_type": "discount_kind=UNIT",
    "unit_effect": "discount_kind=UNIT",
}


class DiscountFields(forms.Form):
    """Mixed into the forms of campaigns, codes and promotion tiers."""

    discount_kind = forms.ChoiceField(
        choices=KINDS, initial=PERCENT, required=False, label="Kind of discount", widget=fields.Choices()
    )
    percent_off = forms.DecimalField(
        required=False,
        min_value=0,
        max_value=100,
        max_digits=9,
        decimal_places=6,
        label="Percent off",
        widget=fields.short(inputmode="decimal", placeholder="10"),
        help_text="For example 10 or 7.5.",
    )
    amount_off = fields.MoneyField(label="Amount off", help_text="For example 12.50.")
    fixed_amount = fields.MoneyField(label="New price", help_text="What the order or the item costs with this code.")
    amount_limit = fields.MoneyField(label="Most it may take off", help_text="Leave empty for no maximum.")
    discount_effect = forms.ChoiceField(choices=EFFECTS, required=False, label="Applies to", widget=fields.select())
    unit_off = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=1_000_000,
        label="How many are free",
        widget=fields.short(inputmode="numeric"),
    )
    unit_type = forms.CharField(
        required=False, max_length=255, label="Product or variant", widget=fields.short(), help_text="Its id."
    )
    unit_effect = forms.ChoiceField(choices=FREE, required=False, label="The free items", widget=fields.select())


def wanted(form: forms.Form, currency: str) -> dict[str, Any] | None:
    """Return the discount a cleaned form describes, as verbs take it; what is missing becomes an error of its field."""
    values = form.cleaned_data
    kind = values.get("discount_kind") or PERCENT
    if kind == SHIPPING:
        return {"type": kind}
    if kind == UNIT:
        needed: dict[str, Any] = {"unit_off": values.get("unit_off"), "unit_type": values.get("unit_type")}
        found = {"type": kind, **needed, "effect": values.get("unit_effect") or FREE[0][0]}
    else:
        name = {PERCENT: "percent_off", AMOUNT: "amount_off", FIXED: "fixed_amount"}[kind]
        value = values.get(name) if kind == PERCENT else fields.in_minor(form, name, currency)
        needed = {name: value}
        found = {"type": kind, name: value}
        most = fields.in_minor(form, "amount_limit", currency) if kind == PERCENT else None
        found |= {"amount_limit": most} if most is not None else {}
        effect = values.get("discount_effect")
        if effect in ONLY_AMOUNT and kind != AMOUNT:
            form.add_error("discount_effect", "Only an amount off can be shared out like this.")
        found |= {"effect": effect} if effect else {}
    for name, value in needed.items():
        if value in (None, "") and name not in form.errors:
            form.add_error(name, "Please fill this in.")
    return None if form.errors else found


def initial(discount: Mapping[str, Any] | None, currency: str) -> dict[str, Any]:
    """Return what the form shows for a stored discount."""
    if not discount:
        return {}
    found = {
        "discount_kind": discount["type"],
        "discount_effect": discount.get("effect", ""),
        "unit_effect": discount.get("effect", ""),
        "unit_off": discount.get("unit_off"),
        "unit_type": discount.get("unit_type"),
    }
    if discount.get("percent_off") is not None:
        found["percent_off"] = Decimal(str(discount["percent_off"]))
    for name in ("amount_off", "fixed_amount", "amount_limit"):
        if discount.get(name) is not None:
            found[name] = fields.in_major(discount[name], currency)
    return found


def editable(discount: Mapping[str, Any] | None) -> bool:
    """Say whether a discount fits the form: lists of free items and limits over several items come by the API only."""
    known = {"type", "effect", "percent_off", "amount_off", "fixed_amount", "amount_limit", "unit_off", "unit_type"}
    return discount is None or not set(discount) - known


# How verbs name a field in their refusals, and how the form does.
FIELD_OF = {".percent_off": "percent_off", ".amount_off": "amount_off", ".unit_type": "unit_type"}


def place(refusal: Refusal) -> str:
    """Return the form field a refusal speaks of, or nothing."""
    return next((name for path, name in FIELD_OF.items() if f"discount{path}" in refusal.message), "")
