"""Writes answers: JSON by orjson, moments as 2022-01-17T08:03:25.029Z, never HTML."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import orjson
from django.http import HttpResponse
from django.utils.functional import Promise

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS


def moment(value: datetime) -> str:
    """Return an aware moment in UTC with milliseconds and a Z."""
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(timespec="milliseconds")[:-6] + "Z"


def plain(value: Any) -> Any:
    """Return what orjson cannot write itself in a form that it can."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date | Promise):
        return str(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else orjson.Fragment(format(value.normalize(), "f"))
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dumps(value: Any) -> bytes:
    """Return the JSON text of plain values, moments, dates, decimals and Structs."""
    return orjson.dumps(value, plain, _OPTIONS)


def answer(value: Any, status: int = 200) -> HttpResponse:
    """Return a JSON response; None is 204 without a body."""
    if value is None:
        response = HttpResponse(status=204)
        del response["Content-Type"]
        return response
    return HttpResponse(dumps(value), status=status, content_type="application/json")
