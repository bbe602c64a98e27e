"""Conditions as a marketer says them, and as the engine stores them: translated both ways, or edited as JSON."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from offers.admin import fields, why
from offers.admin.office import OfficeForm
from offers.evaluation import rules as evaluation
from offers.models import Product, ProductCollection, Retailer, Sku, ValidationRule

AT_LEAST, AT_MOST = "$more_than_or_equal", "$less_than_or_equal"
COMPARISONS = [
    ("$is", "is"),
    ("$is_not", "is not"),
    ("$contains", "contains"),
    ("$starts_with", "begins with"),
    (AT_LEAST, "is at least"),
    (AT_MOST, "is at most"),
    ("$has_value", "is set"),
    ("$is_unknown", "is not set"),
]
NUMBERS = {AT_LEAST, AT_MOST}
VALUELESS = {"$has_value", "$is_unknown"}
# form field -> (condition, operator)
MONEY = {"min_amount": ("order.amount", AT_LEAST), "max_amount": ("order.amount", AT_MOST)}
COUNTS = {
    "min_items": ("order.items.count", AT_LEAST),
    "per_customer": ("redemption.count.per_customer", AT_MOST),
    "per_day": ("redemption.count.daily", AT_MOST),
    "campaign_per_customer": ("campaign.redemptions.customers_count", AT_MOST),
    "campaign_per_day": ("campaign.redemptions.count.daily", AT_MOST),
}
METADATA = {"customer": "customer.metadata", "order": "order.metadata"}
OBJECTS = [
    ("everything", "Everything in the order"),
    ("included", "Only these products"),
    ("excluded", "All but these"),
]
MOST_JSON = 200_000
SHORT = {"class": "ok-input ok-short"}


class RuleForm(OfficeForm):
    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    name = forms.CharField(max_length=200, widget=fields.text(), help_text="What it asks for, e.g. Orders from 50 EUR.")
    mode = forms.ChoiceField(
        choices=[("simple", "Common conditions"), ("json", "Advanced (JSON)")],
        initial="simple",
        label="How to write it",
        widget=fields.Choices(),
    )
    min_amount = fields.MoneyField(label="Order amount at least")
    max_amount = fields.MoneyField(label="Order amount at most")
    min_items = fields.LimitField(label="Items in the order at least", widget=fields.short(inputmode="numeric"))
    per_customer = fields.LimitField(label="Each code at most so often per customer")
    per_day = fields.LimitField(label="Each code at most so often a day")
    campaign_per_customer = fields.LimitField(label="Whole campaign: at most so often per customer")
    campaign_per_day = fields.LimitField(label="Whole campaign: at most so often a day")
    segments = forms.CharField(
        required=False,
        widget=fields.text(),
        label="Only customers of a segment",
        help_text="Ids of segments, with blanks between them. One of them is enough.",
    )
    customer_field = forms.CharField(
        required=False, max_length=100, widget=fields.short(), label="Customer field", help_text="As the shop sends it."
    )
    customer_compare = forms.ChoiceField(
        required=False, choices=COMPARISONS, widget=fields.select(**SHORT), label="Comparison"
    )
    customer_value = forms.CharField(required=False, max_length=255, widget=fields.short(), label="Value")
    order_field = forms.CharField(
        required=False, max_length=100, widget=fields.short(), label="Order field", help_text="As the shop sends it."
    )
    order_compare = forms.ChoiceField(
        required=False, choices=COMPARISONS, widget=fields.select(**SHORT), label="Comparison"
    )
    order_value = forms.CharField(required=False, max_length=255, widget=fields.short(), label="Value")
    scope = forms.ChoiceField(
        choices=OBJECTS, initial="everything", required=False, label="The discount touches", widget=fields.Choices()
    )
    products = forms.CharField(
        required=False,
        widget=fields.area(3),
        label="Products",
        help_text="One per line: the id of a product, variant or collection, yours or ours.",
    )
    must_contain = forms.BooleanField(
        required=False, widget=fields.tick(), label="The order has to contain one of these products"
    )
    json_rules = forms.CharField(required=False, widget=fields.area(16), label="Rules", max_length=MOST_JSON)
    json_scope = forms.CharField(required=False, widget=fields.area(8), label="Applicable to", max_length=MOST_JSON)
    message = forms.CharField(
        required=False,
        max_length=500,
        widget=fields.text(),
        label="What the shop shows when it is not met",
        help_text="For example: This code works from 50 EUR.",
    )
    reason = why.field()
    sections = [
        ("The condition", "", ["retailer", "name", "message", "mode"]),
        ("The order", "Empty fields ask for nothing.", ["min_amount", "max_amount", "min_items"]),
        ("How often", "", ["per_customer", "per_day", "campaign_per_customer", "campaign_per_day"]),
        ("Which products", "", ["scope", "products", "must_contain"]),
        ("Which customers", "", ["segments", "customer_field", "customer_compare", "customer_value"]),
        ("Which orders", "Fields that your shop sends along.", ["order_field", "order_compare", "order_value"]),
        ("Advanced", "As the API takes it. It is checked before it is saved.", ["json_rules", "json_scope"]),
        ("Your change", "", ["reason"]),
    ]
    shown_when = {name: "mode=simple" for _, _, names in sections[1:6] for name in names} | {
        "products": "mode=simple;scope=included|excluded",
        "must_contain": "mode=simple;scope=included",
        "json_rules": "mode=json",
        "json_scope": "mode=json",
    }

    def __init__(self, *args: Any, rule: ValidationRule | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("json_rules", "json_scope"):
            self.fields[name].widget.attrs |= {"class": "ok-input ok-code", "spellcheck": "false"}
        owners = [rule.retailer] if rule else list(Retailer.objects.order_by("name")[:2])
        self.only = owners[0] if len(owners) == 1 else None
        self.rule = rule
        if not rule:
            del self.fields["reason"]
        if self.only:
            del self.fields["retailer"]
            for name in MONEY:
                self.fields[name].label = f"{self.fields[name].label} ({self.only.currency})"

    @property
    def owner(self) -> Retailer:
        return self.only or self.cleaned_data["retailer"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if (not self.only and "retailer" not in values) or self.errors:
            return values
        if values["mode"] == "json":
            rules = self._json("json_rules") or {}
            scope = self._json("json_scope")
        else:
            rules, scope = self._simple_rules(values), self._scope(values)
        error = {"message": values["message"]} if values["message"] else None
        self.terms = {"name": values["name"], "rules": rules, "applicable_to": scope, "error": error}
        if not self.errors and not rules and not scope:
            self.add_error(None, "It asks for nothing and names no products. Fill in at least one thing.")
        if not self.errors:
            try:
                evaluation.compile({"id": "", **self.terms})
            except evaluation.InvalidRule as problem:
                self.add_error("json_rules" if values["mode"] == "json" else None, str(problem))
        if self.rule and not self.errors:
            kept = {"rules": self.rule.rules, "applicable_to": self.rule.applicable_to}
            if any((self.terms[name] or None) != (value or None) for name, value in kept.items()):
                why.demand_one(self)
        return values

    def _json(self, name: str) -> Any:
        said = self.cleaned_data.get(name, "").strip()
        if not said:
            return None
        try:
            found = json.loads(said)
        except (ValueError, RecursionError) as problem:
            self.add_error(name, f"This is not JSON: {problem}")
            return None
        if not isinstance(found, dict) or "\\u0000" in said:
            self.add_error(name, "This should be a JSON object.")
            return None
        return found

    def _simple_rules(self, values: dict[str, Any]) -> dict[str, Any]:
        asked: list[dict[str, Any]] = []
        for field, (name, operator) in MONEY.items():
            amount = fields.in_minor(self, field, self.owner.currency)
            if amount is not None:
                asked.append({"name": name, "conditions": {operator: [amount]}})
        for field, (name, operator) in COUNTS.items():
            if values.get(field) is not None:
                asked.append({"name": name, "conditions": {operator: [values[field]]}})
        if values["segments"].split():
            asked.append({"name": "customer.segment", "conditions": {"$in": values["segments"].split()}})
        for kind, name in METADATA.items():
            field = values.get(f"{kind}_field", "").strip()
            if field:
                asked.append({"name": name, "property": field, "conditions": self._comparison(kind, values)})
        if values.get("must_contain") and values.get("scope") == "included":
            asked.append({"name": "order.items.any", "conditions": {"$is": self._targets(values)}})
        numbered = {str(place): entry for place, entry in enumerate(asked, start=1)}
        return {**numbered, "logic": " and ".join(numbered)} if numbered else {}

    def _comparison(self, kind: str, values: dict[str, Any]) -> dict[str, Any]:
        operator, value = values.get(f"{kind}_compare") or "$is", values.get(f"{kind}_value", "").strip()
        if operator in VALUELESS:
            return {operator: [True]}
        if not value:
            self.add_error(f"{kind}_value", "Please fill this in.")
        if operator in NUMBERS and not value.lstrip("-").isdecimal():
            self.add_error(f"{kind}_value", "Type a whole number here.")
            return {operator: [0]}
        return {operator: [fields.plain_value(value)]}

    def _scope(self, values: dict[str, Any]) -> dict[str, Any] | None:
        kind = values.get("scope") or "everything"
        if kind == "everything":
            return None
        targets = self._targets(values)
        if not targets:
            self.add_error("products", "Name at least one product.")
        entries = [{**target, "effect": "APPLY_TO_EVERY"} for target in targets]
        included, excluded = (entries, []) if kind == "included" else ([], entries)
        return {"included": included, "excluded": excluded, "included_all": kind == "excluded"}

    def _targets(self, values: dict[str, Any]) -> list[dict[str, str]]:
        idents = list(dict.fromkeys(line.strip() for line in values.get("products", "").splitlines() if line.strip()))
        found = [target_of(self.owner, ident) for ident in idents]
        unknown = [ident for ident, target in zip(idents, found, strict=True) if target is None]
        if unknown and "products" not in self.errors:
            self.add_error("products", ValidationError(f"Nothing in the catalogue is called {unknown[0]}."))
        return [target for target in found if target is not None]


def target_of(retailer: Retailer, ident: str) -> dict[str, str] | None:
    """Return what an id names in the catalogue, as rules write it."""
    if "\x00" in ident:
        return None
    for kind, model in (("product", Product), ("sku", Sku)):
        rows: Any = model._default_manager.filter(retailer=retailer)
        row = rows.filter(public_id=ident).first() or rows.filter(source_id=ident).first()
        if row:
            return {"object": kind, "id": row.public_id, **({"source_id": row.source_id} if row.source_id else {})}
    collection = ProductCollection.objects.filter(retailer=retailer)
    found = collection.filter(public_id=ident).first() or collection.filter(name=ident).first()
    return {"object": "products_collection", "id": found.public_id} if found else None


def initial(rule: ValidationRule) -> dict[str, Any]:
    """Return what the form shows for a rule: its common conditions if it has no others, and its JSON always."""
    simple = as_simple(rule)
    return {
        "name": rule.name,
        "message": (rule.error or {}).get("message", ""),
        "mode": "json" if simple is None else "simple",
        "json_rules": json.dumps(rule.rules, indent=2, ensure_ascii=False) if rule.rules else "",
        "json_scope": json.dumps(rule.applicable_to, indent=2, ensure_ascii=False) if rule.applicable_to else "",
        **(simple or {}),
    }


def as_simple(rule: ValidationRule) -> dict[str, Any] | None:
    """Return a rule in the fields of the form, or None when it says more than they can."""
    rules = rule.rules or {}
    entries = [entry for key, entry in rules.items() if key != "logic"]
    joined = " and ".join(key for key in rules if key != "logic")
    if (rules.get("logic") or joined) != joined or rule.bundle_rules:
        return None
    found = _simple_scope(rule.applicable_to)
    for entry in entries:
        part = _simple_entry(entry, rule.retailer.currency, found) if found is not None else None
        if found is None or part is None or set(part) & (set(found) - {"must_contain"}):
            return None
        found |= part
    return found


def _simple_entry(entry: Any, currency: str, scope: Mapping[str, Any]) -> dict[str, Any] | None:
    if not isinstance(entry, Mapping) or set(entry) - {"name", "conditions", "property"}:
        return None
    conditions = entry.get("conditions") or {}
    if len(conditions) != 1:
        return None
    ((operator, values),) = conditions.items()
    values = values if isinstance(values, list) else [values]
    name = entry.get("name")
    if name == "customer.segment" and operator in ("$in", "$is"):
        return {"segments": " ".join(map(str, values))}
    if name == "order.items.any" and operator == "$is" and scope.get("scope") == "included":
        return {"must_contain": True} if _idents(values) == str(scope["products"]).splitlines() else None
    if len(values) != 1 or isinstance(values[0], list | dict):
        return None
    for field, wanted in MONEY.items():
        if wanted == (name, operator) and isinstance(values[0], int):
            return {field: fields.in_major(values[0], currency)}
    for field, wanted in COUNTS.items():
        if wanted == (name, operator) and isinstance(values[0], int):
            return {field: values[0]}
    for kind, wanted_name in METADATA.items():
        if wanted_name == name and operator in dict(COMPARISONS):
            value = "" if operator in VALUELESS else fields.plain_text(values[0])
            return {f"{kind}_field": entry.get("property"), f"{kind}_compare": operator, f"{kind}_value": value}
    return None


def _simple_scope(scope: Any) -> dict[str, Any] | None:
    if not scope:
        return {"scope": "everything"}
    included, excluded = scope.get("included") or [], scope.get("excluded") or []
    known = {"object", "id", "source_id", "effect"}
    entries = [*included, *excluded]
    if (included and excluded) or any(set(one) - known for one in entries):
        return None
    if any(one.get("effect", "APPLY_TO_EVERY") != "APPLY_TO_EVERY" for one in entries):
        return None
    if not entries:
        return {"scope": "everything"}
    return {"scope": "included" if included else "excluded", "products": "\n".join(_idents(entries))}


def _idents(entries: list[Any]) -> list[str]:
    return [str(one.get("source_id") or one.get("id")) if isinstance(one, Mapping) else str(one) for one in entries]
