"""Reads the fields of a request: which ones were sent, and moments and dates in the forms clients use."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct

from checkout.api.common import filters
from offers.lib.errors import InvalidPayload

Money = Annotated[int, Meta(ge=0, le=10**15)]
Name = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=255)]
LongText = Annotated[str, Meta(max_length=10_000)]
Url = Annotated[str, Meta(max_length=1000)]
Metadata = dict[str, Any]

S = TypeVar("S", bound=Struct)


def read(body: dict[str, Any], form: type[S]) -> S:
    """Return a body as the Struct it should be; refuses by the path of the field, ignores fields it does not know."""
    return msgspec.convert(body, form)


def sent(body: Struct, *names: str) -> dict[str, Any]:
    """Return the named fields (all, if none is named) that the client sent, null included."""
    wanted = names or body.__struct_fields__
    return {name: value for name in wanted if (value := getattr(body, name)) is not UNSET}


def moment(text: str | None, path: str) -> datetime | None:
    """Return an ISO 8601 date or moment in UTC; one without a zone is UTC already."""
    if text is None:
        return None
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidPayload(f"Property {path} should be an ISO 8601 date") from None


def day(text: str | None, path: str) -> date | None:
    """Return the day of an ISO 8601 date; a time behind it is dropped, as clients send birthdays both ways."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise InvalidPayload(f"Property {path} should be a date such as 1990-12-31") from None


def period(params: Mapping[str, str]) -> tuple[datetime | None, datetime | None]:
    """Return `start_date` and `end_date` of a list's query."""
    start, end = params.get("start_date"), params.get("end_date")
    return (
        filters.moment(start, "start_date") if start else None,
        filters.moment(end, "end_date") if end else None,
    )
