"""The terms of an offer: checks what a create or update body says and turns it into the columns of an Offer.

What is stored, for whoever reads it: money in `discount_config` (amount, max_amount, min_spend, set_price) and in
`purchase_restrictions` (min_subtotal's amount) is whole minor units, `percent` a decimal text. `buy_items`, `get_items`
and `items` are lists of {match, values} like catalog restrictions (empty: any item). Weekdays are lower-case English
names, channels lower case, store ids lower-case UUIDs, time windows {"start": "HH:MM", "end": "HH:MM"}.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from offers import term_values
from offers.lib import loose
from offers.models import Offer
from offers.offer_dates import LONGEST
from offers.offer_limits import PERIODS

COUNTED = {"required_quantity": 1, "applications_per_check": 1, "buy_quantity": 1, "get_quantity": 1}
ITEM = ("required_quantity", "target", "applications_per_check")
BXGY = ("buy_quantity", "buy_items", "get_quantity", "get_items", "applications_per_check")
# offer_type -> (required, optional) keys of discount_config
TYPES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "manual_fulfillment": ((), ()),
    "pos_discount": (("pos_discount_id",), ()),
    "fixed_check_discount": (("amount",), ("min_spend",)),
    "percent_check_discount": (("percent",), ("max_amount", "min_spend")),
    "fixed_item_discount": (("amount",), ITEM),
    "percent_item_discount": (("percent",), (*ITEM, "max_amount")),
    "bxgy_fixed": (("amount",), BXGY),
    "bxgy_percent": (("percent",), BXGY),
    "bxgy_set_price": (("set_price",), BXGY),
    "set_price_coupon": (("set_price",), ("items",)),
}
CHECK_TYPES = ("fixed_check_discount", "percent_check_discount")
RESTRICTIONS = ("use_restrictions", "purchase_restrictions", "catalog_restrictions", "location_restrictions")
LIFTED = ("discount_config", "offer_config", *RESTRICTIONS)
MATCHES = ("item", "category", "brand", "tag")
MOST_LINES = 200
TEXT_LIMITS = {"title": 255, "description": 10_000, "terms_and_conditions": 50_000}


@dataclass(slots=True)
class Errors:
    """What is wrong, by field."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, path: str, message: str) -> None:
        self.found.setdefault(path, []).append(message)

    def read(self, path: str, reader: Callable[[Any], Any], raw: object) -> Any:
        """Return what the reader makes of a value, or None and a note of what is wrong with it."""
        try:
            return reader(raw)
        except ValueError as wrong:
            self.add(path, str(wrong))
            return None


def read(body: Mapping[str, Any], *, currency: str, offer_type: str | None = None) -> tuple[dict[str, Any], Errors]:
    """Return the columns that a body sets, and what is wrong with it. `offer_type` is that of the offer to change."""
    errors = Errors()
    body = _lifted(body, errors)
    columns: dict[str, Any] = {}
    kind = _offer_type(body, offer_type, errors)
    if kind is not None:
        columns["offer_type"] = kind
    for name, column, reader in (("text_config", "texts", _texts), ("media_config", "media", _media)):
        if body.get(name) is not None:
            columns[column] = reader(body[name], errors)
    _common(body.get("common_config"), columns, errors)
    if kind is not None and (body.get("discount_config") is not None or offer_type is None):
        columns["discount_config"] = _discount(kind, body.get("discount_config") or {}, currency, errors)
    readers = {
        "use_restrictions": _use,
        "purchase_restrictions": lambda line: _purchase(line, currency),
        "catalog_restrictions": _catalog,
        "location_restrictions": _location,
    }
    for name, each in readers.items():
        if body.get(name) is not None:
            columns[name] = _lines(name, body[name], each, errors)
    return columns, errors


def together(columns: Mapping[str, Any], errors: Errors, *, publish: bool) -> None:
    """Check what the columns of a whole offer mean together."""
    start, end = columns.get("acquisition_start_at"), columns.get("acquisition_end_at")
    if isinstance(start, datetime) and isinstance(end, datetime) and end <= start:
        errors.add("common_config.acquisition_end_date", "must be later than acquisition_start_date")
    unit, period = columns.get("validity_unit"), columns.get("validity_period")
    if isinstance(unit, str) and isinstance(period, int) and unit in LONGEST and period > LONGEST[unit]:
        errors.add("common_config.validity_period", f"must be at most {LONGEST[unit]} {unit}")
    if publish and not columns.get("texts"):
        errors.add("text_config", "a published offer needs at least one text")


def _lifted(body: Mapping[str, Any], errors: Errors) -> dict[str, Any]:
    """Return the body with what stands inside common_config but belongs beside it in its place."""
    common = body.get("common_config")
    lifted = dict(body)
    if isinstance(common, Mapping):
        for name in LIFTED:
            if name in common and name in body:
                errors.add(name, "stands both in common_config and beside it")
            elif name in common:
                lifted[name] = common[name]
    return lifted


def _offer_type(body: Mapping[str, Any], current: str | None, errors: Errors) -> str | None:
    kind = body.get("offer_type", current)
    if not isinstance(kind, str) or kind not in TYPES:
        errors.add("offer_type", f"must be one of {', '.join(TYPES)}")
        return None
    if current is not None and kind != current:
        errors.add("offer_type", "cannot be changed")
    config = body.get("offer_config")
    if config is not None and not isinstance(config, Mapping):
        errors.add("offer_config", "must be an object")
    elif config and config.get("type", kind) != kind:
        errors.add("offer_config.type", "must be the same as offer_type")
    return kind


def _common(raw: object, columns: dict[str, Any], errors: Errors) -> None:
    if raw is None:
        return
    if not isinstance(raw, Mapping):
        errors.add("common_config", "must be an object")
        return
    for name, (column, reader, empty) in _COMMON.items():
        if name in raw:
            value = raw[name]
            columns[column] = empty if value is None else errors.read(f"common_config.{name}", reader, value)


def _texts(raw: object, errors: Errors) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path, line in _objects("text_config", raw, errors):
        text: dict[str, Any] = {"id": str(uuid4())}
        text["culture"] = errors.read(f"{path}.culture", term_values.culture, line.get("culture"))
        for name, limit in TEXT_LIMITS.items():
            value = line.get(name)
            value = errors.read(f"{path}.{name}", term_values.text(limit), "" if value is None else value)
            text["terms" if name == "terms_and_conditions" else name] = value
        if text["title"] is not None and not text["title"].strip():
            errors.add(f"{path}.title", "must not be empty")
        if text["culture"] and any(text["culture"].lower() == (other["culture"] or "").lower() for other in found):
            errors.add(f"{path}.culture", "stands twice")
        found.append(text)
    return found


def _media(raw: object, errors: Errors) -> list[dict[str, Any]]:
    found = []
    for path, line in _objects("media_config", raw, errors):
        media: dict[str, Any] = {"id": str(uuid4())}
        media["uri"] = errors.read(f"{path}.uri", term_values.named(2000), line.get("uri"))
        culture = line.get("culture")
        media["culture"] = errors.read(f"{path}.culture", term_values.culture, culture) if culture else ""
        for name, limit in (("kind", 40), ("alt", 500)):
            value = line.get(name)
            media[name] = errors.read(f"{path}.{name}", term_values.text(limit), "" if value is None else value)
        found.append(media)
    return found


def _discount(kind: str, raw: object, currency: str, errors: Errors) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        errors.add("discount_config", "must be an object")
        return {}
    required, optional = TYPES[kind]
    found: dict[str, Any] = {}
    for name in (*required, *optional):
        path = f"discount_config.{name}"
        if raw.get(name) is not None:
            found[name] = errors.read(path, partial(_term, name, currency=currency), raw[name])
        elif name in required:
            errors.add(path, "is required")
        elif name in COUNTED:
            found[name] = COUNTED[name]
        elif name == "target":
            found[name] = "lowest"
        elif name.endswith("items"):
            found[name] = []
    return found


def _term(name: str, value: object, currency: str) -> Any:
    if name in COUNTED:
        return term_values.count(value)
    if name == "percent":
        return str(term_values.percent(value))
    if name == "pos_discount_id":
        return term_values.named(120)(value)
    if name == "target":
        return term_values.one_of("lowest", "highest")(value)
    if name.endswith("items"):
        return _items(value)
    return term_values.money(value, currency, zero=name == "set_price")


def _use(line: Mapping[str, Any]) -> dict[str, Any]:
    kind = term_values.one_of("redemption", "issuance", "inventory")(line.get("kind"))
    count = term_values.count(line.get("count"), "count")
    if kind == "inventory":
        return {"kind": kind, "count": count}
    per = term_values.one_of("user", "offer", name="per")(line.get("per", "user"))
    period = term_values.one_of(*PERIODS, name="period")(line.get("period", "lifetime"))
    return {"kind": kind, "per": per, "count": count, "period": period}


def _purchase(line: Mapping[str, Any], currency: str) -> dict[str, Any]:
    kind = line.get("kind")
    if kind == "min_subtotal":
        return {"kind": kind, "amount": term_values.money(line.get("amount"), currency)}
    if kind in ("min_item_count", "max_discounts_on_check"):
        return {"kind": kind, "count": term_values.count(line.get("count"), "count")}
    if kind == "channel":
        names = term_values.values(term_values.first(line, "values", "channels", "channel", "value"))
        return {"kind": kind, "values": [name.lower() for name in names]}
    if kind == "weekdays":
        days = term_values.first(line, "days", "weekdays", "values")
        if not isinstance(days, list) or not days:
            raise ValueError("days must be a list of weekdays")
        return {"kind": kind, "days": [term_values.weekday(day) for day in days]}
    if kind == "time_window":
        start, end = (term_values.hour(term_values.first(line, name, f"{name}_time", other)) for name, other in _ENDS)
        if start == end:
            raise ValueError("start and end must differ")
        return {"kind": kind, "start": start, "end": end}
    if kind == "first_purchase_only":
        return {"kind": kind}
    raise ValueError("kind is unknown")


def _catalog(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "mode": term_values.one_of("include", "exclude", name="mode")(line.get("mode", "include")),
        "match": term_values.one_of(*MATCHES, name="match")(line.get("match")),
        "values": term_values.values(line.get("values")),
    }


def _location(line: Mapping[str, Any]) -> dict[str, Any]:
    mode = term_values.one_of("include", "exclude", name="mode")(line.get("mode", "include"))
    ids, tags = line.get("store_ids"), line.get("store_tags")
    if not ids and not tags:
        raise ValueError("store_ids or store_tags must name something")
    return {
        "mode": mode,
        "store_ids": [term_values.uuid(value) for value in term_values.values(ids)] if ids else [],
        "store_tags": term_values.values(tags) if tags else [],
    }


def _items(raw: object) -> list[dict[str, Any]]:
    """Return which items are meant: item ids, or lines of {match, values}."""
    lines = [raw] if isinstance(raw, Mapping) else raw
    if not isinstance(lines, list) or len(lines) > term_values.MOST_VALUES:
        raise ValueError("must be a list of items")
    plain = [line for line in lines if not isinstance(line, Mapping)]
    found = [{"match": "item", "values": term_values.values(plain)}] if plain else []
    for line in lines:
        if isinstance(line, Mapping):
            match = term_values.one_of(*MATCHES, name="match")(line.get("match", "item"))
            found.append({"match": match, "values": term_values.values(line.get("values"))})
    return found


# --- lists and single values ---


def _objects(path: str, raw: object, errors: Errors) -> list[tuple[str, Mapping[str, Any]]]:
    if not isinstance(raw, list) or len(raw) > MOST_LINES:
        errors.add(path, f"must be a list of at most {MOST_LINES} objects")
        return []
    found = []
    for index, line in enumerate(raw):
        if isinstance(line, Mapping):
            found.append((f"{path}[{index}]", line))
        else:
            errors.add(f"{path}[{index}]", "must be an object")
    return found


def _lines(name: str, raw: object, each: Callable[[Mapping[str, Any]], Any], errors: Errors) -> list[Any]:
    found = [errors.read(path, each, line) for path, line in _objects(name, raw, errors)]
    return [line for line in found if line is not None]


_ENDS = (("start", "from"), ("end", "to"))
# wire name -> (column, reader, what null means)
_COMMON: dict[str, tuple[str, Callable[[Any], Any], Any]] = {
    "acquisition_start_date": ("acquisition_start_at", loose.moment, None),
    "acquisition_end_date": ("acquisition_end_at", loose.moment, None),
    "does_not_expire": ("does_not_expire", loose.boolean, False),
    "valid_after_end_date": ("valid_after_end_date", loose.boolean, False),
    "reward_store": ("reward_store", loose.boolean, False),
    "validity_unit": ("validity_unit", term_values.one_of(*Offer.Unit.values), Offer.Unit.DAYS.value),
    "validity_period": ("validity_period", term_values.count, 30),
    "custom_data": ("custom_data", term_values.custom_data, ""),
    "points_cost": ("points_cost", term_values.cost, None),
    "stackable": ("stackable", loose.boolean, True),
    "stack_group": ("stack_group", term_values.text(60), ""),
    "requires_extended_data": ("requires_extended_data", loose.boolean, False),
    "key": ("key", term_values.key, None),
}
