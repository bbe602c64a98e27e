"""The terms of a loyalty rule: what a definition may say, checked place by place."""

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from numbers import Real
from typing import Any

from loyalty.earning.conditions import COMPARE, NUMBERS, SET_OPERATORS, SETS, WEEKDAYS
from offers.lib.errors import Refusal

SCOPES = ("economy", "campaign")
SECTIONS = ("entrance", "purchase", "event", "maintenance")
TRIGGERS = ("transaction_closed", "points_changed", "tier_entered", "custom_event")
RESTRICTIONS_MOST = 49  # a purchase rule has fewer than 50 catalog restrictions
CATALOG_MATCHES = ("item", "category", "brand", "tag")
EXCLUSION_MATCHES = (*CATALOG_MATCHES, "store", "channel", "tender", "user_tag")
PERIODS = ("day", "week", "month", "year", "lifetime")
BASES = ("eligible_spend", "quantity")
LIST_MOST = 1000
POINTS_MOST = 10**9
KEYS = {
    "section",
    "trigger",
    "match",
    "conditions",
    "catalog_restrictions",
    "exclusions",
    "limits",
    "outcomes",
    "priority",
    "stop_after",
    "exclusive_group",
    "tier_system",
    "levels",
    "starts_at",
    "ends_at",
    "audience",
    "budget",
}
CAMPAIGN_ONLY = ("starts_at", "ends_at", "audience", "budget")
ECONOMY_ONLY = ("section",)
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00", re.ASCII)

Fault = tuple[str, str]
Faults = list[Fault]


class InvalidRule(Refusal):
    """The rule says something that cannot be."""

    code = "validation"

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        super().__init__(
            "; ".join(f"{place} {what}" for place, what in faults)[:1000],
            details=[{"field": place, "code": "invalid", "message": what} for place, what in faults],
        )


def check(definition: Mapping[str, Any], scope: str) -> dict[str, Any]:
    """Return a copy of a definition with its defaults. Refuses `validation` naming every fault with its place."""
    faults: Faults = []
    if scope not in SCOPES:
        faults.append(("scope", f"should be one of {', '.join(SCOPES)}"))
    found = {key: copy.deepcopy(value) for key, value in definition.items() if value is not None}
    faults += [(key, "is not known") for key in found if key not in KEYS]
    foreign = CAMPAIGN_ONLY if scope == "economy" else ECONOMY_ONLY
    faults += [(key, f"has no place in a rule of scope {scope}") for key in foreign if found.get(key)]
    found.setdefault("trigger", "transaction_closed")
    found.setdefault("match", "all")
    for key in ("conditions", "catalog_restrictions", "exclusions", "levels"):
        found.setdefault(key, [])
    faults += _choice(found, "trigger", TRIGGERS) + _choice(found, "match", ("all", "any"))
    faults += _choice(found, "section", SECTIONS) if "section" in found else []
    faults += _plain(found)
    faults += _each(found, "conditions", _condition) + _crossing(found)
    faults += _each(found, "catalog_restrictions", _restriction) + _each(found, "exclusions", _exclusion)
    if isinstance(found["catalog_restrictions"], list) and len(found["catalog_restrictions"]) > RESTRICTIONS_MOST:
        faults.append(("catalog_restrictions", f"should be fewer than {RESTRICTIONS_MOST + 1}"))
    faults += _each(found, "outcomes", _outcome)
    if not found.get("outcomes"):
        faults.append(("outcomes", "should name at least one"))
    faults += _limits(found) + _window(found) + _targets(found)
    if faults:
        raise InvalidRule(faults)
    return found


def accounts_in(definition: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every part of a definition that names an account, with its place."""
    for key, kinds in (("conditions", ("balance", "earned_points")), ("outcomes", _POINT_OUTCOMES)):
        for at, part in enumerate(definition.get(key) or []):
            if part.get("metric" if key == "conditions" else "type") in kinds:
                yield f"{key}[{at}]", part


def _plain(found: dict[str, Any]) -> Faults:
    faults = []
    if type(found.get("priority", 0)) is not int or abs(found.get("priority", 0)) > POINTS_MOST:
        faults.append(("priority", "should be a whole number"))
    if not isinstance(found.get("stop_after", False), bool):
        faults.append(("stop_after", "should be true or false"))
    for key in ("exclusive_group", "tier_system"):
        if not isinstance(found.get(key, ""), str) or len(found.get(key, "")) > 120:
            faults.append((key, "should be a text"))
    if not _texts(found["levels"], may_be_empty=True):
        faults.append(("levels", "should be a list of levels"))
    return faults


def _choice(found: Mapping[str, Any], key: str, allowed: tuple[str, ...], place: str = "") -> Faults:
    if isinstance(found.get(key), str) and found[key] in allowed:
        return []
    return [(f"{place}{key}", f"should be one of {', '.join(allowed)}")]


def _each(found: Mapping[str, Any], key: str, check_one: Callable[[dict[str, Any]], Faults]) -> Faults:
    lines = found.get(key)
    if lines is None:
        return []
    if not isinstance(lines, list) or len(lines) > LIST_MOST or not all(isinstance(one, dict) for one in lines):
        return [(key, "should be a list of objects")]
    return [(f"{key}[{at}].{place}", what) for at, one in enumerate(lines) for place, what in check_one(one)]


def _condition(one: dict[str, Any]) -> Faults:
    metric, op, value = one.get("metric"), one.get("op"), one.get("value")
    if op == "crosses" or (metric == "earned_points" and op is None):
        one["op"] = "crosses"
        faults = [] if metric == "earned_points" else [("metric", "of a crossing should be earned_points")]
        faults += _whole(one, "value")
        return faults + (_whole(one, "repeat_every") if one.get("repeat_every") is not None else [])
    if metric in NUMBERS:
        return _choice(one, "op", tuple(COMPARE)) + _exact(one, "value")
    if metric in ("pairing", "event"):
        return [] if _texts(value) else [("value", "should be a list of texts")]
    if metric == "time":
        fine = isinstance(value, list) and len(value) == 2 and all(_is_clock(text) for text in value)
        return [] if fine else [("value", 'should be two times such as ["15:00", "18:00"]')]
    if metric in SETS:
        if isinstance(value, str):
            value = one["value"] = [value]
        one["op"] = {"contains": "in", "==": "in", None: "in"}.get(op, op)
        faults = _choice(one, "op", SET_OPERATORS)
        if metric == "weekday" and isinstance(value, list):
            value = one["value"] = [str(day)[:3].lower() for day in value]
            faults += [] if set(value) <= set(WEEKDAYS) else [("value", "should be days such as mon")]
        return faults if _texts(value) else [*faults, ("value", "should be a list of texts")]
    return [("metric", f"should be one of {', '.join((*NUMBERS, *SETS, 'pairing', 'time', 'event'))}")]


def _crossing(found: Mapping[str, Any]) -> Faults:
    conditions = [one for one in found["conditions"] if isinstance(one, dict)] if _is_list(found["conditions"]) else []
    crossing = [one for one in conditions if one.get("op") == "crosses"]
    if len(crossing) > 1:
        return [("conditions", "should ask for one crossing at most")]
    if crossing and found["trigger"] != "points_changed":
        return [("trigger", "of a rule that asks for a crossing should be points_changed")]
    return []


def _restriction(one: dict[str, Any]) -> Faults:
    one.setdefault("mode", "include")
    faults = _choice(one, "mode", ("include", "exclude")) + _choice(one, "match", CATALOG_MATCHES)
    return faults if _texts(one.get("values")) else [*faults, ("values", "should be a list of texts")]


def _exclusion(one: dict[str, Any]) -> Faults:
    faults = _choice(one, "match", EXCLUSION_MATCHES)
    return faults if _texts(one.get("values")) else [*faults, ("values", "should be a list of texts")]


def _outcome(one: dict[str, Any]) -> Faults:
    kind = one.get("type")
    if not isinstance(kind, str) or kind not in _OUTCOMES:
        return [("type", f"should be one of {', '.join(_OUTCOMES)}")]
    return _OUTCOMES[kind](one)


def _points_per(one: dict[str, Any]) -> Faults:
    one.setdefault("basis", "eligible_spend")
    one.setdefault("unit", "1")
    faults = _choice(one, "basis", BASES)
    for key in ("rate", "unit", "hurdle"):
        if key != "hurdle" or one.get(key) is not None:
            faults += _exact(one, key)
            number = _number(one.get(key))
            if number is not None and (number < 0 or (key != "hurdle" and not number)):
                faults.append((key, "should be a number above 0"))
    return faults


def _points_fixed(one: dict[str, Any]) -> Faults:
    return _whole(one, "points")


def _text_of(key: str) -> Callable[[dict[str, Any]], Faults]:
    def check_text(one: dict[str, Any]) -> Faults:
        return [] if _is_text(one.get(key)) else [(key, "should be a text")]

    return check_text


def _purchase(one: dict[str, Any]) -> Faults:
    return _whole(one, "points") + _text_of("offer")(one)


_OUTCOMES: dict[str, Callable[[dict[str, Any]], Faults]] = {
    "points_fixed": _points_fixed,
    "points_per": _points_per,
    "auto_purchase": _purchase,
    "offer": _text_of("offer"),
    "tag": _text_of("tag"),
    "tier_move": _text_of("level"),
    "event": _text_of("event"),
}
_POINT_OUTCOMES = ("points_fixed", "points_per", "auto_purchase")


def _limits(found: dict[str, Any]) -> Faults:
    limits = found.setdefault("limits", {})
    if not isinstance(limits, dict):
        return [("limits", "should be an object")]
    faults = [(f"limits.{key}", "is not known") for key in limits if key not in ("per_user", "global")]
    for key, limit in limits.items():
        if not isinstance(limit, dict):
            faults.append((f"limits.{key}", "should be an object"))
            continue
        limit.setdefault("period", "lifetime")
        faults += [(f"limits.{key}.{place}", what) for place, what in _whole(limit, "count")]
        faults += _choice(limit, "period", PERIODS, f"limits.{key}.")
    return faults


def _window(found: dict[str, Any]) -> Faults:
    faults = []
    moments: dict[str, datetime] = {}
    for key in ("starts_at", "ends_at"):
        if found.get(key):
            try:
                moment = datetime.fromisoformat(found[key])
                moments[key] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
                found[key] = moments[key].isoformat()
            except (TypeError, ValueError):
                faults.append((key, "should be a date and time"))
    if len(moments) == 2 and moments["ends_at"] <= moments["starts_at"]:
        faults.append(("ends_at", "should be later than starts_at"))
    return faults


def _targets(found: Mapping[str, Any]) -> Faults:
    faults: Faults = []
    audience, budget = found.get("audience") or {}, found.get("budget") or {}
    if not isinstance(audience, dict) or not isinstance(budget, dict):
        return [("audience" if not isinstance(audience, dict) else "budget", "should be an object")]
    for key, value in audience.items():
        if key not in ("tags", "levels") or not _texts(value, may_be_empty=True):
            faults.append((f"audience.{key}", "should be a list of tags or levels"))
    for key in budget:
        if key not in ("offers", "points"):
            faults.append((f"budget.{key}", "is not known"))
        else:
            faults += [(f"budget.{place}", what) for place, what in _whole(budget, key)]
    return faults


def _whole(one: Mapping[str, Any], key: str) -> Faults:
    value = one.get(key)
    if type(value) is int and 0 < value <= POINTS_MOST:
        return []
    return [(key, f"should be a whole number from 1 to {POINTS_MOST}")]


def _exact(one: dict[str, Any], key: str) -> Faults:
    """Check a number, and keep one with a point as text: rules are judged without binary fractions."""
    value = one.get(key)
    if _number(value) is None:
        return [(key, "should be a number")]
    if type(value) is not int:
        one[key] = str(value)
    return []


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, Real | str | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number.adjusted() < 15 and _places(number) <= 6 else None


def _places(number: Decimal) -> int:
    return max(0, -int(number.as_tuple().exponent))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 255


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_clock(value: Any) -> bool:
    return isinstance(value, str) and _CLOCK.fullmatch(value) is not None


def _texts(value: Any, *, may_be_empty: bool = False) -> bool:
    return _is_list(value) and len(value) <= LIST_MOST and (may_be_empty or bool(value)) and all(map(_is_text, value))
