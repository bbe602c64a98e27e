"""The filters on `active` and `status` of vouchers and campaigns: by switch, by date, by state of code generation."""

from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from checkout.api.common.lists import InvalidQuery, Query

M = TypeVar("M", bound=Model)
NAMES = ("active", "status")


def apply(rows: "QuerySet[M]", query: Query, *, now: datetime, generated: str = "") -> "tuple[QuerySet[M], Query]":
    """Return the rows in the states asked for, and the query without these conditions.

    `generated` is the path to the state of code generation. Several operators together mean any of them.
    """
    found = Q()
    for condition in query.conditions:
        if condition.field in NAMES:
            found |= _state(condition.operator, now, generated)
    rest = tuple(condition for condition in query.conditions if condition.field not in NAMES)
    return rows.filter(found), replace(query, conditions=rest)


def _state(operator: str, now: datetime, generated: str) -> Q:
    expired, early = Q(expiration_date__lte=now), Q(start_date__gt=now)
    states = {
        "$enabled": Q(active=True),
        "$disabled": Q(active=False),
        "$expired": expired,
        "$before_start": early,
        "before_start": early,
        "$active": Q(active=True)
        & ~(Q(expiration_date__isnull=False) & expired)
        & ~(Q(start_date__isnull=False) & early),
    }
    if generated:
        states |= {"$in_progress": Q(**{generated: "IN_PROGRESS"}), "$failed": Q(**{generated: "FAILED"})}
    if operator not in states:
        raise InvalidQuery(f"Filter active does not know {operator[:50]}")
    return states[operator]
