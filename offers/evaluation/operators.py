"""The comparisons of rule conditions: `{"$operator": values}` compiled to a function of the actual value."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from offers.evaluation import durations
from offers.evaluation.context import Context

Comparison = Callable[[Any, Context], bool]
Number = int | Decimal
Kind = Literal["number", "text", "ids", "flag", "any"]


class BadCondition(ValueError):
    """An operator that does not exist, does not fit the kind of value, or has the wrong operand."""


ALIASES = {
    "$greater_than": "$more_than",
    "$greater_than_or_equal": "$more_than_or_equal",
    "$more_than_equal": "$more_than_or_equal",
    "$less_than_equal": "$less_than_or_equal",
    "$not_contains": "$not_contain",
}
_EQUALITY = frozenset({"$is", "$is_not", "$in", "$not_in"})
_PRESENCE = frozenset({"$has_value", "$is_unknown"})
_ORDER = frozenset({"$more_than", "$more_than_or_equal", "$less_than", "$less_than_or_equal"})
_TEXT = frozenset({"$starts_with", "$ends_with", "$contains", "$not_contain"})
_COUNT = frozenset({"$count", "$count_more", "$count_less"})
_DATES = frozenset({"$after", "$before"})
_RELATIVE = frozenset({"$more_than_ago", "$less_than_ago", "$more_than_future", "$less_than_future"})
_DAYS = frozenset({"$is_days_ago", "$is_days_in_future"})
ALLOWED: Mapping[Kind, frozenset[str]] = {
    "number": _EQUALITY | _ORDER | _PRESENCE,
    "text": _EQUALITY | _TEXT | _PRESENCE,
    "ids": _EQUALITY | _PRESENCE | _COUNT,
    "flag": frozenset({"$is", "$is_not"}),
    "any": _EQUALITY | _ORDER | _PRESENCE | _TEXT | _COUNT | _DATES | _RELATIVE | _DAYS,
}
_MOST_DIGITS = 40
_NUMERIC = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)


def number(value: Any) -> Number | None:
    """A number, also one written as text; None for anything else. A leading zero is a code, not a number."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        # 1E+999999 is short to write and a million digits to compute with.
        return value if value.is_finite() and value.adjusted() < _MOST_DIGITS else None
    if isinstance(value, float):
        return number(Decimal(str(value)))
    if isinstance(value, str) and _NUMERIC.fullmatch(value):
        return Decimal(value) if len(value) < _MOST_DIGITS else None
    return None


def moment(value: Any, time_zone: str) -> datetime | None:
    """A date or date-time; without an offset it is read in the zone."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime) or not MINYEAR < value.year < MAXYEAR:
        return None  # at the ends of the calendar a change of zone would fall off it
    return value if value.tzinfo else value.replace(tzinfo=ZoneInfo(time_zone))


def compile_all(conditions: Mapping[str, Any], kind: Kind) -> Comparison:
    """All operators of one condition must agree."""
    comparisons = [compile_one(operator, values, kind) for operator, values in conditions.items()]
    if not comparisons:
        raise BadCondition("a condition needs an operator")
    if len(comparisons) == 1:
        return comparisons[0]
    return lambda value, context: all(compare(value, context) for compare in comparisons)


def compile_one(operator: str, values: Any, kind: Kind) -> Comparison:
    """The test of `operator`; refuses unknown ones and operands that don't fit with BadCondition."""
    operator = ALIASES.get(operator, operator)
    if operator not in ALLOWED[kind]:
        known = any(operator in names for names in ALLOWED.values())
        raise BadCondition(f"operator '{operator}' " + ("does not fit this condition" if known else "is unknown"))
    operands = _as_list(values)
    if operator in _EQUALITY:
        return _equality(operands, wanted=operator in ("$is", "$in"))
    if operator in _PRESENCE:
        wanted = (operands[0] if operands else True) is not False
        return _presence(wanted if operator == "$has_value" else not wanted)
    if not operands:
        raise BadCondition(f"operator '{operator}' needs a value")
    return _BUILDERS[operator](operator, operands)


def bound(conditions: Mapping[str, Any]) -> int | None:
    """The highest whole number these conditions let through; None when they set no upper bound."""
    bounds = []
    for name, values in conditions.items():
        operator = ALIASES.get(name, name)
        numbers = [value for value in map(number, _as_list(values)) if value is not None]
        if not numbers:
            continue
        if operator in ("$is", "$in"):
            bounds.append(int(max(numbers)))
        elif operator == "$less_than_or_equal":
            bounds.append(_floor(numbers[0]))
        elif operator == "$less_than":
            bounds.append(-_floor(-numbers[0]) - 1)
    return min(bounds, default=None)


def distance(conditions: Mapping[str, Any], actual: Any) -> dict[str, int] | None:
    """The smallest whole change of a number that satisfies the first comparison it fails."""
    value = number(actual)
    if value is None or not isinstance(value, int):
        return None
    for name, values in conditions.items():
        operator = ALIASES.get(name, name)
        operand = next((n for n in map(number, _as_list(values)) if n is not None), None)
        if operand is None:
            continue
        lowest, highest = -_floor(-operand), _floor(operand)
        if operator == "$more_than_or_equal" and value < operand:
            return {"missing": lowest - value}
        if operator == "$more_than" and value <= operand:
            return {"missing": highest + 1 - value}
        if operator == "$less_than_or_equal" and value > operand:
            return {"excess": value - highest}
        if operator == "$less_than" and value >= operand:
            return {"excess": value - (lowest - 1)}
    return None


def _as_list(values: Any) -> list[Any]:
    return list(values) if isinstance(values, list | tuple) else [values]


def _floor(value: Number) -> int:
    return int(value // 1) if value >= 0 or value == int(value) else int(value) - 1


class _Options:
    """The operands of an equality. Numbers and flags also match their usual spelling as text."""

    __slots__ = ("flags", "null", "numbers", "numbers_as_text", "texts")

    def __init__(self, operands: Sequence[Any]) -> None:
        operands = [value.get("id", value.get("source_id")) if isinstance(value, dict) else value for value in operands]
        self.texts = frozenset(value for value in operands if isinstance(value, str))
        self.flags = frozenset(value for value in operands if isinstance(value, bool))
        self.null = None in operands
        self.numbers = frozenset(
            n for value in operands if not isinstance(value, str) and (n := number(value)) is not None
        )
        self.numbers_as_text = frozenset(n for value in self.texts if (n := number(value)) is not None)

    def hold(self, value: Any) -> bool:
        if isinstance(value, str):
            if value in self.texts:
                return True
            if self.flags and value in ("true", "false"):
                return (value == "true") in self.flags
            return bool(self.numbers) and number(value) in self.numbers
        if isinstance(value, bool):
            return value in self.flags or ("true" if value else "false") in self.texts
        if value is None:
            return self.null
        if isinstance(value, list | tuple | set | frozenset):
            return any(self.hold(item) for item in value)
        actual = number(value)
        return actual is not None and (actual in self.numbers or actual in self.numbers_as_text)


def _equality(operands: Sequence[Any], *, wanted: bool) -> Comparison:
    options = _Options(operands)
    return lambda value, context: options.hold(value) is wanted


def _presence(wanted: bool) -> Comparison:
    return lambda value, context: (value is not None and value != "" and value != []) is wanted


def _order(operator: str, operands: list[Any]) -> Comparison:
    operand = number(operands[0])
    if operand is None:
        raise BadCondition(f"operator '{operator}' needs a number")
    limit = operand  # a name the closures know to be a number
    if operator == "$more_than":
        return lambda value, context: (actual := number(value)) is not None and actual > limit
    if operator == "$more_than_or_equal":
        return lambda value, context: (actual := number(value)) is not None and actual >= limit
    if operator == "$less_than":
        return lambda value, context: (actual := number(value)) is not None and actual < limit
    return lambda value, context: (actual := number(value)) is not None and actual <= limit


def _text(operator: str, operands: list[Any]) -> Comparison:
    pieces = tuple(str(value) for value in operands)
    options = _Options(operands)

    def contains(value: Any) -> bool:
        if isinstance(value, list | tuple | set | frozenset):
            return options.hold(value)
        return value is not None and any(piece in str(value) for piece in pieces)

    if operator == "$contains":
        return lambda value, context: contains(value)
    if operator == "$not_contain":
        return lambda value, context: not contains(value)
    if operator == "$starts_with":
        return lambda value, context: value is not None and str(value).startswith(pieces)
    return lambda value, context: value is not None and str(value).endswith(pieces)


def _count(operator: str, operands: list[Any]) -> Comparison:
    operand = number(operands[0])
    if operand is None:
        raise BadCondition(f"operator '{operator}' needs a number")
    wanted = operand

    def size(value: Any) -> int:
        if isinstance(value, Collection) and not isinstance(value, str):
            return len(value)
        return 0 if value is None else 1

    if operator == "$count":
        return lambda value, context: size(value) == wanted
    if operator == "$count_more":
        return lambda value, context: size(value) > wanted
    return lambda value, context: size(value) < wanted


def _date(operator: str, operands: list[Any]) -> Comparison:
    text = operands[0]
    if moment(text, "UTC") is None:
        raise BadCondition(f"operator '{operator}' needs a date")

    def compare(value: Any, context: Context) -> bool:
        actual, limit = moment(value, context.time_zone), moment(text, context.time_zone)
        if actual is None or limit is None:
            return False
        return actual > limit if operator == "$after" else actual < limit

    return compare


def _relative(operator: str, operands: list[Any]) -> Comparison:
    """Operands are ISO 8601 durations, or numbers of days."""
    days = number(operands[0])
    try:
        duration = durations.of_days(int(days)) if days is not None else durations.parse(str(operands[0]))
    except ValueError as problem:
        raise BadCondition(f"operator '{operator}' needs days or a duration: {problem}") from problem

    def compare(value: Any, context: Context) -> bool:
        actual, now, zone = moment(value, context.time_zone), context.now, ZoneInfo(context.time_zone)
        if actual is None:
            return False
        if operator == "$more_than_ago":
            return actual < duration.after(now, zone, -1)
        if operator == "$less_than_ago":
            return duration.after(now, zone, -1) < actual <= now
        if operator == "$more_than_future":
            return actual > duration.after(now, zone)
        return now <= actual < duration.after(now, zone)

    return compare


def _calendar_days(operator: str, operands: list[Any]) -> Comparison:
    operand = number(operands[0])
    if operand is None:
        raise BadCondition(f"operator '{operator}' needs a number of days")
    try:
        days = durations.of_days(int(operand)).days
    except ValueError as problem:
        raise BadCondition(f"operator '{operator}': {problem}") from problem
    shift = timedelta(days=days if operator == "$is_days_in_future" else -days)

    def compare(value: Any, context: Context) -> bool:
        zone = ZoneInfo(context.time_zone)
        actual = moment(value, context.time_zone)
        return actual is not None and actual.astimezone(zone).date() == context.now.astimezone(zone).date() + shift

    return compare


_BUILDERS: Mapping[str, Callable[[str, list[Any]], Comparison]] = {
    **dict.fromkeys(_ORDER, _order),
    **dict.fromkeys(_TEXT, _text),
    **dict.fromkeys(_COUNT, _count),
    **dict.fromkeys(_DATES, _date),
    **dict.fromkeys(_RELATIVE, _relative),
    **dict.fromkeys(_DAYS, _calendar_days),
}
