"""Reads the query of a list (limit, page, order, dates, filters), applies it, and answers in the list envelope.

`total` is exact as far as pages reach (1000 pages of 100): up to there it is counted over an index. Beyond, it is the
planner's estimate, because counting a million rows for every page would cost more than the page.
"""

import ast
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import orjson
from django.db import connection
from django.db.models import F, Model, QuerySet
from django.db.models.expressions import OrderBy

from checkout.api.common import filters
from checkout.api.common.filters import Condition, InvalidQuery, moment
from offers.lib import clock
from offers.lib.errors import Refusal

LIMIT = 10
MAX_LIMIT = 100
MAX_PAGE = 1000
COUNTED = MAX_LIMIT * MAX_PAGE
MAX_CONDITIONS = 30
DATES = ("created_at", "updated_at")

M = TypeVar("M", bound=Model)


class PageOverLimit(Refusal):
    """Pages go up to 1000."""

    code = "page_over_limit"


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
        if path[:1] and path[0] in DATES:
            if len(path) != 2 or path[1] not in dates:
                raise InvalidQuery(f"Query parameter {path[0]} should be {path[0]}[after] or {path[0]}[before]")
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


def several(params: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """Return the texts of a parameter that may be a list: repeated, by index, or written in one; None without one."""
    found = [value for key in params if _path(key)[:1] == (name,) for value in _values(params, key)]
    return tuple(text for value in found if value for text in words(value)) if any(found) else None


def flag(params: Mapping[str, Any], name: str) -> bool | None:
    """Return a parameter that is true or false, None without it. Refuses any other text."""
    text = params.get(name)
    return filters.truth(str(text), f"Query parameter {name}") if text else None


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
        if path[:1] != ("filters",) or path == ("filters", "junction"):
            continue
        name, steps = (path[1] if len(path) > 1 else ""), list(path[2:])
        if steps and steps[0] == "conditions":
            del steps[0]  # `filters[active][$enabled]` is documented without
        if value == _UNSAID and len(steps) < 2:
            continue
        if name not in allowed:
            raise InvalidQuery(f"This list has no filter {name[:100]}")
        if not steps or len(steps) > 2:
            raise InvalidQuery(f"Filter {name} should be filters[{name}][conditions][$is]=... or another operator")
        texts = words(value) if steps[0] in _MANY and len(steps) == 1 else (value,)
        found.setdefault((name, steps[0]), []).extend(texts)
    if len(found) > MAX_CONDITIONS or any(len(values) > MAX_LIMIT for values in found.values()):
        raise InvalidQuery("Too many filter conditions")
    return tuple(Condition(name, operator, tuple(values)) for (name, operator), values in found.items())


def apply(
    queryset: QuerySet[M],
    query: Query,
    *,
    fields: Mapping[str, filters.Target] | None = None,
    paths: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> QuerySet[M]:
    """Return the queryset narrowed and ordered; `fields` says where filters look, `paths` renames orders.

    `now` is what dates such as "ten days ago" are counted from. The order ends with the primary key, so that pages
    neither overlap nor leave anything out.
    """
    paths = paths or {}
    columns = {column.name for column in queryset.model._meta.fields}
    for lookup, dates in (("gt", query.after), ("lt", query.before)):
        for name, when in dates.items():
            if name not in columns:
                raise InvalidQuery(f"This list does not know {name}")
            queryset = queryset.filter(**{f"{name}__{lookup}": when})
    found = filters.joined(query.conditions, query.junction, fields or {}, now=now or clock.now())
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
