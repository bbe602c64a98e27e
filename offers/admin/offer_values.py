"""What the fields of an offer's form hold: an offer as such values, and the lists of the wire made of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from offers.admin import fields
from offers.models import Offer
from offers.offer_terms import MATCHES

MONEY = ("amount", "max_amount", "min_spend", "set_price")
ITEMS = ("buy_items", "get_items", "items")
DISCOUNT = (
    "amount",
    "percent",
    "set_price",
    "max_amount",
    "min_spend",
    "required_quantity",
    "target",
    "buy_quantity",
    "buy_items",
    "get_quantity",
    "get_items",
    "items",
    "applications_per_check",
    "pos_discount_id",
)
USES = ("inventory", "per_customer", "per_customer_period", "uses", "uses_period")
PURCHASES = ("min_subtotal", "min_item_count", "channels", "weekdays", "hours_from", "hours_to", "first_purchase_only")
COMMON = ("key", "starts", "ends", "validity_period", "validity_unit", "does_not_expire", "valid_after_end_date")
SELLING = ("reward_store", "points_cost", "stackable", "stack_group")
WHERE = ("only_items", "never_items", "only_stores", "never_stores")


def item_lines(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return what a field of items shows: "category: shoes, hats"; plain lines are item ids."""
    texts = []
    for line in lines:
        prefix = "" if line["match"] == "item" else f"{line['match']}: "
        texts.append(prefix + ", ".join(line["values"]))
    return "\n".join(texts)


class ItemsField(forms.CharField):
    """Items as lines: ids, or "category: shoes, hats"."""

    def __init__(self, **kwargs: Any) -> None:
        help_text = "Item ids, separated by commas; or lines such as category: shoes, hats (also brand, tag)."
        super().__init__(**{"required": False, "widget": fields.area(2), "help_text": help_text, **kwargs})

    def clean(self, value: Any) -> list[dict[str, Any]]:
        found = []
        for line in super().clean(value).splitlines():
            match, colon, rest = line.partition(":")
            kind = match.strip().lower()
            if not colon or kind not in MATCHES:
                kind, rest = "item", line
            values = [one.strip() for one in rest.split(",") if one.strip()]
            if values:
                found.append({"match": kind, "values": values})
        return found


def initial_of(offer: Offer) -> dict[str, Any]:
    """Return what the form of an offer shows."""
    currency, zone = offer.retailer.currency, offer.retailer.timezone
    found: dict[str, Any] = {}
    for name, value in offer.discount_config.items():
        found[name] = fields.in_major(value, currency) if name in MONEY else value
        if name in ITEMS:
            found[name] = item_lines(value)
    for number, text in enumerate(offer.texts, 1):
        found |= {f"{name}_{number}": text.get(name, "") for name in ("culture", "title", "description", "terms")}
    names = ("key", *COMMON[3:], *SELLING)
    found |= {name: getattr(offer, name) if getattr(offer, name) is not None else "" for name in names}
    found["starts"] = fields.on_clock(offer.acquisition_start_at, zone)
    found["ends"] = fields.on_clock(offer.acquisition_end_at, zone)
    for line in offer.use_restrictions:
        name = {"inventory": "inventory", "issuance": "per_customer", "redemption": "uses"}[line["kind"]]
        found[name] = line["count"]
        found[f"{name}_period"] = line.get("period", "lifetime")
    for line in offer.purchase_restrictions:
        match line["kind"]:
            case "min_subtotal":
                found |= {
                    "min_subtotal": fields.in_major(line["amount"], currency),
                    "min_subtotal_minor": line["amount"],
                }
            case "min_item_count":
                found["min_item_count"] = line["count"]
            case "channel":
                found["channels"] = ", ".join(line["values"])
            case "weekdays":
                found["weekdays"] = line["days"]
            case "time_window":
                found |= {"hours_from": line["start"], "hours_to": line["end"]}
            case "first_purchase_only":
                found["first_purchase_only"] = True
    for mode, name in (("include", "only_items"), ("exclude", "never_items")):
        found[name] = item_lines([line for line in offer.catalog_restrictions if line["mode"] == mode])
    for mode, name in (("include", "only_stores"), ("exclude", "never_stores")):
        tags = [tag for line in offer.location_restrictions if line["mode"] == mode for tag in line["store_tags"]]
        found[name] = ", ".join(tags)
    return found


def plain(value: Any) -> Any:
    return str(value) if value is not None and not isinstance(value, str | int | list) else value


def listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def uses(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if values.get("inventory"):
        found.append({"kind": "inventory", "count": values["inventory"]})
    for kind, name in (("issuance", "per_customer"), ("redemption", "uses")):
        if values.get(name):
            period = values.get(f"{name}_period") or "lifetime"
            found.append({"kind": kind, "per": "user", "count": values[name], "period": period})
    return found


def purchases(values: Mapping[str, Any], offer: Offer | None = None) -> list[dict[str, Any]]:
    """Return the restrictions; with an offer as they are stored, to compare."""
    found: list[dict[str, Any]] = []
    if values.get("min_subtotal"):
        amount = values["min_subtotal"]
        found.append({"kind": "min_subtotal", "amount": str(amount) if offer is None else values["min_subtotal_minor"]})
    if values.get("min_item_count"):
        found.append({"kind": "min_item_count", "count": values["min_item_count"]})
    if values.get("channels"):
        found.append({"kind": "channel", "values": listed(values["channels"])})
    if values.get("weekdays"):
        found.append({"kind": "weekdays", "days": list(values["weekdays"])})
    if values.get("hours_from") and values.get("hours_to"):
        found.append({"kind": "time_window", "start": values["hours_from"], "end": values["hours_to"]})
    if values.get("first_purchase_only"):
        found.append({"kind": "first_purchase_only"})
    return found


def catalog(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    clean = ItemsField().clean
    found = []
    for mode, name in (("include", "only_items"), ("exclude", "never_items")):
        lines = values.get(name) or []
        found += [{"mode": mode, **line} for line in (clean(lines) if isinstance(lines, str) else lines)]
    return found


def locations(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for mode, name in (("include", "only_stores"), ("exclude", "never_stores")):
        if tags := listed(values.get(name) or ""):
            found.append({"mode": mode, "store_ids": [], "store_tags": tags})
    return found
