"""What the fields of a loyalty rule's form say: a definition from their values, and their values from a definition."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from loyalty.models import Rule
from offers.admin import fields

NUMBERS = ("subtotal", "eligible_spend", "quantity", "purchase_number", "balance")
CONDITIONS, GIVEN = 4, 3
PARTS = {
    "points_per": ("rate", "basis", "unit", "hurdle", "account"),
    "points_fixed": ("points", "account"),
    "offer": ("offer",),
    "auto_purchase": ("points", "offer", "account"),
    "tag": ("tag",),
    "tier_move": ("level",),
    "event": ("event",),
}


def listed(said: str) -> list[str]:
    return [one.strip() for one in said.split(",") if one.strip()]


def lines(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what a LinesField shows."""
    return "\n".join(("" if row["match"] == "item" else f"{row['match']}: ") + ", ".join(row["values"]) for row in rows)


def asked_rows(values: Mapping[str, Any]) -> list[int]:
    return [at for at in range(1, CONDITIONS + 1) if values.get(f"metric_{at}")]


def says(values: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """Return the definition that cleaned fields say; what is empty is left out."""
    economy = values.get("scope") == Rule.Scope.ECONOMY
    trigger = values.get("trigger") or "transaction_closed"
    found: dict[str, Any] = {"trigger": trigger, "match": values.get("match") or "all"}
    found["conditions"] = [condition(values, at) for at in asked_rows(values)]
    if trigger == "points_changed" and values.get("crosses"):
        crossing = {"metric": "earned_points", "op": "crosses", "value": values["crosses"]}
        more = {"repeat_every": values.get("repeat_every"), "account": values.get("crosses_account")}
        found["conditions"].append({**crossing, **{key: value for key, value in more.items() if value}})
    found["outcomes"] = [outcome(values, at) for at in range(1, GIVEN + 1) if values.get(f"outcome_{at}")]
    found["catalog_restrictions"] = [
        {"mode": mode, **line}
        for mode, name in (("include", "only"), ("exclude", "leave_out"))
        for line in values.get(name) or []
    ]
    found["exclusions"] = values.get("exclusions") or []
    found["levels"] = listed(values.get("levels") or "")
    for name in ("tier_system", "priority", "exclusive_group", "stop_after"):
        if values.get(name):
            found[name] = values[name]
    limits = {
        key: {"count": values[name], "period": values.get(f"{name}_period") or "lifetime"}
        for key, name in (("per_user", "per_user"), ("global", "in_all"))
        if values.get(name)
    }
    found["limits"] = limits
    return found | (of_economy(values) if economy else of_campaign(values, zone))


def of_economy(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"section": values["section"]} if values.get("section") else {}


def of_campaign(values: Mapping[str, Any], zone: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, name in (("starts_at", "starts"), ("ends_at", "ends")):
        if moment := fields.in_zone(values.get(name), zone):
            found[key] = moment.isoformat()
    audience = {key: listed(values.get(f"audience_{key}") or "") for key in ("tags", "levels")}
    budget = {key: values.get(f"budget_{key}") for key in ("points", "offers")}
    for key, inner in (("audience", audience), ("budget", budget)):
        if some := {name: value for name, value in inner.items() if value}:
            found[key] = some
    return found


def condition(values: Mapping[str, Any], at: int) -> dict[str, Any]:
    metric, op, said = values[f"metric_{at}"], values.get(f"op_{at}"), (values.get(f"value_{at}") or "").strip()
    if metric in NUMBERS:
        return {"metric": metric, "op": op, "value": said}
    if metric == "time":
        return {"metric": metric, "value": [one.strip() for one in re.split(r"\s*[-–]\s*", said)]}
    if metric in ("pairing", "event"):
        return {"metric": metric, "value": listed(said)}
    return {"metric": metric, "op": op if op in ("in", "not_in", "all") else "in", "value": listed(said)}


def outcome(values: Mapping[str, Any], at: int) -> dict[str, Any]:
    kind = values[f"outcome_{at}"]
    parts = {part: values.get(f"{part}_{at}") for part in PARTS[kind]}
    if kind == "points_per":
        parts["unit"] = parts["unit"] or ("1" if parts["basis"] == "quantity" else "1.00")
        parts["basis"] = parts["basis"] or "eligible_spend"
    return {"type": kind, **{name: value for name, value in parts.items() if value not in (None, "")}}


def shown_as(definition: Mapping[str, Any], zone: str, accounts: Mapping[str, str]) -> dict[str, Any]:
    """Return what the fields show for a definition; `accounts` names them by id."""
    found: dict[str, Any] = {"trigger": definition.get("trigger"), "match": definition.get("match")}
    at = 0
    for one in definition.get("conditions") or []:
        account = accounts.get(str(one.get("account") or ""), "")
        if one.get("op") == "crosses":
            found |= {"crosses": one["value"], "repeat_every": one.get("repeat_every"), "crosses_account": account}
            continue
        at += 1
        value = one.get("value")
        joined = "-".join(map(str, value)) if one["metric"] == "time" else None
        text = joined or (", ".join(map(str, value)) if isinstance(value, list) else str(value))
        found |= {f"metric_{at}": one["metric"], f"op_{at}": one.get("op"), f"value_{at}": text}
    for at, one in enumerate(definition.get("outcomes") or [], 1):
        found |= {f"{name}_{at}": value for name, value in one.items() if name not in ("type", "account")}
        found |= {f"outcome_{at}": one["type"], f"account_{at}": accounts.get(str(one.get("account") or ""), "")}
    restricted = definition.get("catalog_restrictions") or []
    for mode, name in (("include", "only"), ("exclude", "leave_out")):
        found[name] = lines([line for line in restricted if line.get("mode") == mode])
    found["exclusions"] = lines(definition.get("exclusions") or [])
    found["levels"] = ", ".join(definition.get("levels") or [])
    for name in ("tier_system", "section", "priority", "exclusive_group", "stop_after"):
        found[name] = definition.get(name)
    for key, name in (("per_user", "per_user"), ("global", "in_all")):
        limit = (definition.get("limits") or {}).get(key) or {}
        found |= {name: limit.get("count"), f"{name}_period": limit.get("period")}
    for key, name in (("starts_at", "starts"), ("ends_at", "ends")):
        moment = definition.get(key)
        found[name] = fields.on_clock(datetime.fromisoformat(moment), zone) if moment else ""
    for key in ("tags", "levels"):
        found[f"audience_{key}"] = ", ".join((definition.get("audience") or {}).get(key) or [])
    for key in ("points", "offers"):
        found[f"budget_{key}"] = (definition.get("budget") or {}).get(key)
    return {name: value for name, value in found.items() if value not in (None, "", False)}


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two definitions say the same; numbers count by their value's text, what is empty not at all."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            inner = {key: plain(each) for key, each in value.items()}
            return {key: each for key, each in inner.items() if each not in (None, "", [], {}, False)}
        if isinstance(value, list):
            return [plain(each) for each in value]
        return str(value) if type(value) is int else value

    def instants(value: Mapping[str, Any]) -> dict[str, Any]:
        named = {key: datetime.fromisoformat(value[key]) for key in ("starts_at", "ends_at") if value.get(key)}
        return {**value, **{key: moment.timestamp() for key, moment in named.items()}}

    return bool(plain(instants(one)) == plain(instants(other)))
