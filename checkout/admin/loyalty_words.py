"""Says what a loyalty rule does in words that staff understand."""

from collections.abc import Iterable, Mapping
from typing import Any

from offers.admin import show

TRIGGERS = {
    "transaction_closed": "When a purchase is closed",
    "points_changed": "When points change",
    "tier_entered": "When a member enters a level",
    "custom_event": "When an event is told",
}
COMPARED = {
    ">=": "at least",
    ">": "more than",
    "<=": "at most",
    "<": "less than",
    "==": "exactly",
    "!=": "anything but",
}
MEASURED = {
    "subtotal": "the purchase is {}",
    "eligible_spend": "what counts of the purchase is {}",
    "quantity": "there are {} items that count",
    "purchase_number": "it is purchase number {}",
    "balance": "the balance is {} points",
    "earned_points": "the points earned so far are {}",
}
PERIODS = {"day": "a day", "week": "a week", "month": "a month", "year": "a year", "lifetime": "for ever"}


def sentence(
    definition: Mapping[str, Any], accounts: Mapping[str, str], offers: Mapping[str, str] | None = None
) -> str:
    """Say what a rule does; `accounts` and `offers` name what it refers to by id or key."""
    parts = [TRIGGERS.get(definition.get("trigger", "transaction_closed"), "When something happens")]
    asked = [condition(one) for one in definition.get("conditions") or []]
    if asked:
        parts.append("and " + (" or " if definition.get("match") == "any" else " and ").join(asked))
    if levels := definition.get("levels"):
        parts.append(f"for members of {', '.join(levels)}")
    parts += _audience(definition.get("audience") or {})
    restricted = definition.get("catalog_restrictions") or []
    if only := [named(one) for one in restricted if one.get("mode", "include") == "include"]:
        parts.append("counting only " + "; ".join(only))
    if without := [named(one) for one in restricted if one.get("mode") == "exclude"]:
        parts.append("leaving out " + "; ".join(without))
    if excluded := definition.get("exclusions"):
        parts.append("but not " + ", ".join(named(one) for one in excluded))
    given = " and ".join(outcome(one, accounts, offers or {}) for one in definition.get("outcomes") or [])
    return f"{' '.join(parts)}: {given or 'nothing yet'}." + "".join(_bounds(definition))


def _audience(audience: Mapping[str, Any]) -> list[str]:
    found = []
    if tags := audience.get("tags"):
        found.append(f"for members tagged {', '.join(tags)}")
    if levels := audience.get("levels"):
        found.append(f"for members of {', '.join(levels)}")
    return found


def _bounds(definition: Mapping[str, Any]) -> Iterable[str]:
    for who, limit in (definition.get("limits") or {}).items():
        whom = "per member" if who == "per_user" else "in all"
        yield f" At most {times(limit.get('count'))} {PERIODS.get(limit.get('period', 'lifetime'), '')} {whom}."
    budget = definition.get("budget") or {}
    if budget:
        yield " Until " + " or ".join(f"{many:,} {what}" for what, many in budget.items()) + " have been given."
    if definition.get("starts_at") or definition.get("ends_at"):
        start, end = definition.get("starts_at") or "now", definition.get("ends_at") or "further notice"
        yield f" From {_moment(start)} until {_moment(end)}."
    if definition.get("stop_after"):
        yield " No rule below it is looked at."
    if group := definition.get("exclusive_group"):
        yield f" Of the group {group} only the rule of the highest priority that fits rewards."


def times(count: Any) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def counted(points: Any) -> str:
    return f"{points} point" if str(points) == "1" else f"{points} points"


def _moment(said: Any) -> str:
    """Return a stored moment to the minute; other words as they are."""
    text = str(said)
    return f"{text[:10]} {text[11:16]} UTC" if text[4:5] == "-" and text[10:11] == "T" else text


def named(line: Mapping[str, Any]) -> str:
    return f"{line.get('match', '')} {', '.join(map(str, line.get('values') or []))}".strip()


def condition(one: Mapping[str, Any]) -> str:
    """Say what a condition asks for."""
    metric, op, value = str(one.get("metric", "")), one.get("op"), one.get("value")
    listed = ", ".join(map(str, value)) if isinstance(value, list) else show.plain(value)
    if op == "crosses":
        again = f" (again every {one['repeat_every']} points)" if one.get("repeat_every") else ""
        return f"the points earned reach {listed}{again}"
    if metric in MEASURED:
        return MEASURED[metric].format(f"{COMPARED.get(str(op), str(op))} {listed}".removeprefix("exactly "))
    if metric == "pairing":
        return f"{listed} are bought together"
    if metric == "time":
        return f"it is between {' and '.join(map(str, value or []))} at the store"
    if metric == "event":
        return f"the event is {listed}"
    words = {"in": "is", "not_in": "is not", "all": "is all of"}.get(str(op or "in"), str(op))
    return f"{metric.replace('_', ' ')} {words} {listed}"


def outcome(one: Mapping[str, Any], accounts: Mapping[str, str], offers: Mapping[str, str]) -> str:
    """Say what an outcome gives."""
    account = accounts.get(str(one.get("account") or ""), "")
    into = f" into {account}" if account else ""
    offer = offers.get(str(one.get("offer") or ""), str(one.get("offer") or ""))
    match one.get("type"):
        case "points_fixed":
            return f"{counted(one.get('points'))}{into}"
        case "points_per":
            unit = str(one.get("unit") or "1")
            if one.get("basis") == "quantity":
                what = "item" if unit == "1" else f"{unit} items"
                hurdle = f", from {one['hurdle']} items on" if one.get("hurdle") else ""
            else:
                what = f"{unit} spent"
                hurdle = f", from {one['hurdle']} spent on" if one.get("hurdle") else ""
            return f"{counted(one.get('rate'))} per {what}{hurdle}{into}"
        case "offer":
            return f"the offer {offer}"
        case "auto_purchase":
            return f"the offer {offer} for {one.get('points')} points{into}"
        case "tag":
            return f"the tag {one.get('tag')}"
        case "tier_move":
            return f"the level {one.get('level')}"
        case "event":
            return f"the event {one.get('event')} is told"
        case kind:
            rest = {name: value for name, value in one.items() if name != "type"}
            return f"{str(kind).replace('_', ' ')} {show.plain(rest)}"
