"""Says which rows a condition of a list's filter means: `filters[field][conditions][$op]=values` as a Q.

A field stands in a column (`Field`), or a list knows better and gives a function of the condition (`Judge`).
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from checkout.api.common.parse import MAX_INTEGER
from offers.evaluation import durations
from offers.lib.errors import Refusal


class InvalidQuery(Refusal):
    """The query parameters are not what this list takes."""

    code = "invalid_query_params"


@dataclass(frozen=True, slots=True)
class Condition:
    """One `filters[field][conditions][$op]=values`."""

    field: str
    operator: str
    values: tuple[str, ...]

    def unknown(self) -> InvalidQuery:
        return InvalidQuery(f"Filter {self.field} does not know {self.operator[:50]}")


@dataclass(frozen=True, slots=True)
class Field:
    """Where a filter's field stands in the model and how its texts become values (text, integer, moment, boolean).

    `blank`: the column is never null, an empty text says that there is nothing.
    """

    path: str
    kind: str = "text"
    blank: bool = False


@dataclass(frozen=True, slots=True)
class States:
    """A field whose operators are the names of states, such as `$expired`; several of them mean any of these."""

    of: Callable[[datetime], Mapping[str, Q]]


Judge = Callable[[Condition, datetime], Q]
Target = Field | States | Judge | str

# operator -> (lookup, negated, whether the value is a list)
_OPERATORS: dict[str, tuple[str, bool, bool]] = {
    "$is": ("exact", False, False),
    "$is_not": ("exact", True, False),
    "$in": ("in", False, True),
    "$not_in": ("in", True, True),
    "$contains": ("icontains", False, False),
    "$not_contain": ("icontains", True, False),
    "$starts_with": ("startswith", False, False),
    "$ends_with": ("endswith", False, False),
    "$more_than": ("gt", False, False),
    "$less_than": ("lt", False, False),
    "$more_than_equal": ("gte", False, False),
    "$less_than_equal": ("lte", False, False),
    "$after": ("gt", False, False),
    "$before": ("lt", False, False),
}
_TEXT_ONLY = frozenset({"$contains", "$not_contain", "$starts_with", "$ends_with"})
# Of a date these count days, back from now or on from now; `$more_than` and `$less_than` do when given a number.
_RELATIVE = frozenset({"$more_than_ago", "$less_than_ago", "$more_than_future", "$less_than_future"})
_DAYS = frozenset({"$is_days_ago", "$is_days_in_future"})
_AGO = {"$more_than": "$more_than_ago", "$less_than": "$less_than_ago"}


def joined(conditions: Iterable[Condition], junction: str, fields: Mapping[str, Target], *, now: datetime) -> Q:
    """Return all conditions as one Q; those on a field of states are one condition together."""
    parts: list[Q] = []
    states: dict[str, list[Condition]] = {}
    for condition in conditions:
        target = fields[condition.field]
        if isinstance(target, States):
            states.setdefault(condition.field, []).append(condition)
        else:
            parts.append(condition_q(condition, target, now=now))
    for field, asked in states.items():
        target = fields[field]
        assert isinstance(target, States)
        known = target.of(now)
        for condition in asked:
            if condition.operator not in known:
                raise condition.unknown()
        parts.append(reduce(or_, (known[condition.operator] for condition in asked)))
    found = Q()
    for part in parts:
        found = found | part if junction == "or" else found & part
    return found


def condition_q(condition: Condition, target: Field | Judge | str, *, now: datetime) -> Q:
    """Return the condition as a Q; refuses an operator that this field does not know."""
    if isinstance(target, str):
        target = Field(target)
    elif not isinstance(target, Field):
        return target(condition, now)
    operator = condition.operator
    if operator in {"$has_value", "$is_unknown"}:
        unknown = Q(**({target.path: ""} if target.blank else {f"{target.path}__isnull": True}))
        return unknown if operator == "$is_unknown" else ~unknown
    if target.kind == "moment" and condition.values and condition.values[0].isdigit():
        operator = _AGO.get(operator, operator)
    if operator in _RELATIVE | _DAYS and target.kind == "moment":
        return _around(target.path, operator, condition, now)
    if operator not in _OPERATORS or (operator in _TEXT_ONLY and target.kind != "text"):
        raise condition.unknown()
    lookup, negated, many = _OPERATORS[operator]
    values = [value_of(text, target.kind, condition.field) for text in condition.values]
    found = Q()
    for value in [values] if many else values:
        found |= Q(**{f"{target.path}__{lookup}": value})  # one of several, as lists are sent by index
    return ~found if negated else found


def chosen(condition: Condition, choices: Collection[str]) -> list[str]:
    """Return the choices that a condition on a text means: of a field that has no column, only some known values."""
    upper = [value.upper() for value in condition.values]
    tests: dict[str, Callable[[str], bool]] = {
        "$is": lambda choice: choice in upper,
        "$in": lambda choice: choice in upper,
        "$is_not": lambda choice: choice not in upper,
        "$not_in": lambda choice: choice not in upper,
        "$has_value": lambda choice: True,
        "$is_unknown": lambda choice: False,
        "$contains": lambda choice: any(value in choice for value in upper),
        "$not_contain": lambda choice: not any(value in choice for value in upper),
        "$starts_with": lambda choice: any(choice.startswith(value) for value in upper),
        "$ends_with": lambda choice: any(choice.endswith(value) for value in upper),
    }
    if condition.operator not in tests:
        raise condition.unknown()
    if condition.operator in {"$is", "$is_not", "$in", "$not_in"} and not set(upper) <= set(choices):
        raise InvalidQuery(f"Filter {condition.field} should be one of {', '.join(choices)}")
    return [choice for choice in choices if tests[condition.operator](choice)]


def value_of(text: str, kind: str, name: str) -> Any:
    """Return the value that a text of the query stands for."""
    if kind == "moment":
        return moment(text, name)
    if kind == "boolean":
        return truth(text, f"Filter {name}")
    if kind == "integer":
        if not re.fullmatch(r"-?[0-9]{1,19}", text) or abs(int(text)) > MAX_INTEGER:
            raise InvalidQuery(f"Filter {name} should be a whole number")
        return int(text)
    return text


def truth(text: str, name: str) -> bool:
    """Return what `true` and `false` say, in any case: clients write them as their language does."""
    if text.lower() not in {"true", "false"}:
        raise InvalidQuery(f"{name} should be true or false")
    return text.lower() == "true"


def moment(text: str, name: str) -> datetime:
    """Return an ISO 8601 date or moment in UTC; without a zone it is UTC already."""
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        # A plus sign that nobody encoded arrives as a blank.
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidQuery(f"Query parameter {name} should be an ISO 8601 date") from None


def _around(path: str, operator: str, condition: Condition, now: datetime) -> Q:
    """Dates so many days (or an ISO 8601 duration) before or after now; whole days are those of UTC."""
    found = Q()
    for text in condition.values:
        try:
            span = durations.of_days(int(text)) if re.fullmatch(r"[0-9]{1,6}", text) else durations.parse(text)
        except ValueError:
            raise InvalidQuery(f"Filter {condition.field} with {operator} should be a number of days") from None
        past, future = span.after(now, UTC, -1), span.after(now, UTC)
        if operator in _DAYS:
            day = (past if operator == "$is_days_ago" else future).replace(hour=0, minute=0, second=0, microsecond=0)
            found |= Q(**{f"{path}__gte": day, f"{path}__lt": day + timedelta(days=1)})
        elif operator == "$more_than_ago":
            found |= Q(**{f"{path}__lt": past})
        elif operator == "$less_than_ago":
            found |= Q(**{f"{path}__gt": past, f"{path}__lte": now})
        elif operator == "$more_than_future":
            found |= Q(**{f"{path}__gt": future})
        else:
            found |= Q(**{f"{path}__gte": now, f"{path}__lt": future})
    return found
