"""Reads the query of a list (limit, page, order, dates, filters), applies it, and answers in the list envelope.

`total` is exact as far as pages reach (1000 pages of 100): up to there it is counted over an index. Beyond, it is the
planner's estimate, because counting a million rows for every page would cost more than the page.
"""

import ast
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar

import orjson
from django.db import connection
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy

from checkout.api.common.parse import MAX_INTEGER
from offers.lib.errors import Refusal

LIMIT = 10
MAX_LIMIT = 100
MAX_PAGE = 1000
COUNTED = MAX_LIMIT * MAX_PAGE
MAX_CONDITIONS = 30
DATES = ("created_at", "updated_at")

M = TypeVar("M", bound=Model)


class InvalidQuery(Refusal):
    """The query parameters are not what this list takes."""

    code = "invalid_query_params"


class PageOverLimit(Refusal):
    """Pages go up to 1000."""

    code = "page_over_limit"


@dataclass(frozen=True, slots=True)
class Condition:
    """One `filters[field][conditions][$op]=values`."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked of a list."""

    limit: int = LIMIT
    page: int = 1
    order: str = "-created_at"
    after: Mapping[str, datetime] = field(default_factory=dict)
    before: Mapping[str, datetime] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    junction: str = "and"
    starting_after_id: str | None = None

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit


def read(
    params: Mapping[str, Any],
    *,
    order: Collection[str] = DATES,
    default_order: str = "-created_at",
    filters: Collection[str] = (),
) -> Query:
    """Return the query of a list from request.GET.

    Refuses invalid_query_params (a limit outside 1..100, an unknown order, a date or filter that cannot be read) and
    page_over_limit. Parameters that no list knows are left to the caller, who may have his own.
    """
    pairs = [(_path(name), value) for name in params for value in _values(params, name)]
    plain = {path[0]: value for path, value in pairs if len(path) == 1}
    dates: dict[str, dict[str, datetime]] = {"after": {}, "before": {}}
    for path, value in pairs:
        if len(path) == 2 and path[0] in DATES and path[1] in dates:
            dates[path[1]][path[0]] = moment(value, f"{path[0]}[{path[1]}]")
    return Query(
        limit=_number(plain.get("limit"), "limit", LIMIT, MAX_LIMIT),
        page=_page(plain.get("page")),
        order=_order(plain.get("order"), order, default_order),
        after=dates["after"],
        before=dates["before"],
        conditions=_conditions(pairs, filters),
        junction=_junction(pairs),
        starting_after_id=plain.get("starting_after_id") or None,
    )


def _values(params: Mapping[str, Any], name: str) -> list[str]:
    return params.getlist(name) if hasattr(params, "getlist") else [params[name]]


def _path(name: str) -> tuple[str, ...]:
    """Split `a[b][c]` and `[a][b][c]` into (a, b, c)."""
    return tuple(part for part in re.split(r"[\[\]]+", name) if part)


def _number(text: str | None, name: str, default: int, most: int) -> int:
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10) or not 1 <= int(text) <= most:
        raise InvalidQuery(f"Query parameter {name} should be a whole number from 1 to {most}")
    return int(text)


def _page(text: str | None) -> int:
    page = _number(text, "page", 1, 10**9)
    if page > MAX_PAGE:
        raise PageOverLimit()
    return page


def _order(text: str | None, allowed: Collection[str], default: str) -> str:
    if not text:
        return default
    if text.removeprefix("-") not in allowed:
        raise InvalidQuery(f"Query parameter order should be one of {', '.join(allowed)}, with a - for descending")
    return text


def _junction(pairs: Iterable[tuple[tuple[str, ...], str]]) -> str:
    found = next((value.lower() for path, value in pairs if path == ("filters", "junction")), "and")
    if found == _UNSAID.lower():
        return "and"
    if found not in {"and", "or"}:
        raise InvalidQuery("Query parameter filters[junction] should be and or or")
    return found


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


def words(text: str) -> tuple[str, ...]:
    """Return the texts of `a`, `['a', 'b']` (a Python list as its repr), `["a"]` or `a,b`."""
    if text.startswith("[") and text.endswith("]"):
        try:
            found = ast.literal_eval(text)
            return tuple(str(item) for item in found)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            raise InvalidQuery("A list in the query string cannot be read") from None
    return tuple(text.split(",")) if "," in text else (text,)


_MANY = frozenset({"$in", "$not_in"})
# What the official Python client sends for every operator of a filter that was read from a dict and says nothing.
_UNSAID = "None"


def _conditions(pairs: Iterable[tuple[tuple[str, ...], str]], allowed: Collection[str]) -> tuple[Condition, ...]:
    found: dict[tuple[str, str], list[str]] = {}
    for path, value in pairs:
        if path[:1] != ("filters",) or len(path) < 4 or path[2] != "conditions":
            continue
        if value == _UNSAID and len(path) == 4:
            continue
        if path[1] not in allowed:
            raise InvalidQuery(f"This list has no filter {path[1][:100]}")
        texts = words(value) if path[3] in _MANY and len(path) == 4 else (value,)
        found.setdefault((path[1], path[3]), []).extend(texts)
    if len(found) > MAX_CONDITIONS or any(len(values) > MAX_LIMIT for values in found.values()):
        raise InvalidQuery("Too many filter conditions")
    return tuple(Condition(name, operator, tuple(values)) for (name, operator), values in found.items())


# --- applying it ---

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


@dataclass(frozen=True, slots=True)
class Field:
    """Where a filter's field stands in the model and how its texts become values (text, integer, moment, boolean).

    A field of kind "presence" can only be there or not.

    `blank`: the column is never null, an empty text says that there is nothing.
    """

    path: str
    kind: str = "text"
    blank: bool = False


def value_of(text: str, kind: str, name: str) -> Any:
    if kind == "presence":
        raise InvalidQuery(f"Filter {name} knows $has_value and $is_unknown")
    if kind == "moment":
        return moment(text, name)
    if kind == "boolean":
        if text.lower() not in {"true", "false"}:
            raise InvalidQuery(f"Filter {name} should be true or false")
        return text.lower() == "true"
    if kind == "integer":
        if not re.fullmatch(r"-?[0-9]{1,19}", text) or abs(int(text)) > MAX_INTEGER:
            raise InvalidQuery(f"Filter {name} should be a whole number")
        return int(text)
    return text


def condition_q(condition: Condition, target: Field) -> Q:
    """Return the condition as a Q; refuses an operator that this field does not know."""
    if condition.operator in {"$has_value", "$is_unknown"}:
        unknown = Q(**({target.path: ""} if target.blank else {f"{target.path}__isnull": True}))
        return unknown if condition.operator == "$is_unknown" else ~unknown
    if condition.operator not in _OPERATORS:
        raise InvalidQuery(f"Filter {condition.field} does not know {condition.operator[:50]}")
    lookup, negated, many = _OPERATORS[condition.operator]
    values = [value_of(text, target.kind, condition.field) for text in condition.values]
    found = Q()
    for value in [values] if many else values:
        found |= Q(**{f"{target.path}__{lookup}": value})  # one of several, as lists are sent by index
    return ~found if negated else found


def apply(
    queryset: QuerySet[M],
    query: Query,
    *,
    fields: Mapping[str, Field | str] | None = None,
    paths: Mapping[str, str] | None = None,
) -> QuerySet[M]:
    """Return the queryset narrowed and ordered; `fields` says where filters look, `paths` renames orders.

    The order ends with the primary key, so that pages neither overlap nor leave anything out.
    """
    paths = paths or {}
    columns = {column.name for column in queryset.model._meta.fields}
    for lookup, dates in (("gt", query.after), ("lt", query.before)):
        for name, when in dates.items():
            if name not in columns:
                raise InvalidQuery(f"This list does not know {name}")
            queryset = queryset.filter(**{f"{name}__{lookup}": when})
    found = Q()
    for condition in query.conditions:
        target = (fields or {})[condition.field]
        part = condition_q(condition, Field(target) if isinstance(target, str) else target)
        found = found | part if query.junction == "or" else found & part
    sign = "-" if query.order.startswith("-") else ""
    name = query.order.removeprefix("-")
    path = paths.get(name, name)
    first: str | OrderBy = f"{sign}{path}"
    if sign and any(column.null for column in queryset.model._meta.fields if path in (column.name, column.attname)):
        first = F(path).desc(nulls_last=True)  # what was never changed is not what changed last
    return queryset.filter(found).order_by(first, *([] if path == "pk" else [f"{sign}pk"]))


def total(queryset: QuerySet[Any]) -> int:
    """Return how many rows there are: exact up to 100,000, an estimate of at least 100,001 beyond."""
    plain = queryset.order_by()
    counted = plain.values("pk")[: COUNTED + 1].count()
    return counted if counted <= COUNTED else max(counted, estimate(plain))


def estimate(queryset: QuerySet[Any]) -> int:
    """Return the planner's guess of the number of rows, without reading them."""
    sql, params = queryset.values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        plan = cursor.fetchone()[0]
    plan = orjson.loads(plan) if isinstance(plan, str) else plan
    return int(plan[0]["Plan"]["Plan Rows"])


def envelope(name: str, items: list[Any], count: int, **more: Any) -> dict[str, Any]:
    """Return {object: "list", data_ref: name, name: items, total, ...}."""
    return {"object": "list", "data_ref": name, name: items, "total": count, **more}


def answer(
    queryset: QuerySet[M], query: Query, name: str, shape: Callable[[M], Any], *, has_more: bool = False
) -> dict[str, Any]:
    """Return one page of an applied queryset in the envelope; past the end it is empty."""
    rows = list(queryset[query.offset : query.offset + query.limit + 1])
    shown = rows[: query.limit]
    # On the first page the end shows itself, and nothing needs counting.
    known = query.page == 1 and len(rows) <= query.limit
    more = {"has_more": len(rows) > query.limit} if has_more else {}
    return envelope(name, [shape(row) for row in shown], len(rows) if known else total(queryset), **more)


def answer_after(
    queryset: QuerySet[M], query: Query, name: str, shape: Callable[[M], Any], *, ident: str = "public_id"
) -> dict[str, Any]:
    """Return the rows after `starting_after_id` (by primary key, newest first unless the order ascends).

    An id that is not in the list is refused (invalid_query_params).
    """
    ascending = not query.order.startswith("-")
    if query.starting_after_id:
        last = queryset.filter(**{ident: query.starting_after_id}).values_list("pk", flat=True).first()
        if last is None:
            raise InvalidQuery("Query parameter starting_after_id names nothing in this list")
        queryset = queryset.filter(**{"pk__gt" if ascending else "pk__lt": last})
    rows = list(queryset.order_by("pk" if ascending else "-pk")[: query.limit + 1])
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return {
        "object": "list",
        "data_ref": name,
        name: [shape(row) for row in shown],
        "has_more": more,
        "more_starting_after": getattr(shown[-1], ident) if more else None,
    }
