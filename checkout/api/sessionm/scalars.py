"""Reads the values tills send, as text or as numbers alike, and writes those we answer."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from offers.lib import idents, money
from offers.lib.errors import Refusal

MOST_DIGITS = 30
MOST_WHOLE_DIGITS = 12
_UUID = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[T ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,7}))?)? ?(Z|z|[+-][0-9]{2}:?[0-9]{2})?)?"
)


class ArgumentError(Refusal):
    """A value of the request cannot be read."""

    code = "argument_error"

    def __init__(self, field: str, message: str, code: str = "argument_error") -> None:
        super().__init__(f"{field}: {message}", details=[{"field": field, "code": code, "message": message}])


class MissingData(Refusal):
    """A value the request needs is missing."""

    code = "missing_data"

    def __init__(self, field: str) -> None:
        message = "is required"
        super().__init__(f"{field} {message}", details=[{"field": field, "code": self.code, "message": message}])


def needed(body: dict[str, Any], name: str, path: str = "") -> Any:
    """Return a value of an object; refuses `missing_data` for one that is absent, null or an empty text."""
    value = body.get(name)
    if value is None or value == "":
        raise MissingData(f"{path}{name}")
    return value


def is_uuid(value: Any) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def uuid(value: Any, field: str) -> UUID:
    """Return a UUID, whatever its case."""
    if not is_uuid(value):
        raise ArgumentError(field, "is not a UUID", "not_a_uuid")
    return UUID(value)


def text(value: Any, field: str, *, most: int = 255, least: int = 1) -> str:
    """Return a visible text of the given length; a whole number stands for its digits."""
    if type(value) is int:
        value = str(value)
    if not isinstance(value, str) or not least <= len(value) <= most or not idents.visible(value):
        raise ArgumentError(field, f"is not a text of {least} to {most} visible characters", "not_a_text")
    return value


def decimal(value: Any, field: str, *, places: int = 2) -> Decimal:
    """Return a number, sent as one or as text (".77", "10", "-5.00"), of at most so many decimal places."""
    if isinstance(value, str) and _NUMBER.fullmatch(value) and len(value) <= MOST_DIGITS:
        number = Decimal(value)
    elif type(value) is int or isinstance(value, Decimal):
        number = _exact(value)
    else:
        raise ArgumentError(field, "is not a number", "not_a_number")
    if not number.is_finite() or len(number.as_tuple().digits) > MOST_DIGITS or number.adjusted() >= MOST_WHOLE_DIGITS:
        raise ArgumentError(field, "is out of range", "out_of_range")
    if number and -int(number.normalize().as_tuple().exponent) > places:
        raise ArgumentError(field, f"has more than {places} decimal places", "too_many_decimals")
    return number


def _exact(value: int | Decimal) -> Decimal:
    try:
        return Decimal(value) if isinstance(value, Decimal) or abs(value) < 10**MOST_DIGITS else Decimal("Infinity")
    except (InvalidOperation, ValueError):
        return Decimal("NaN")


def amount(value: Any, field: str, currency: str) -> int:
    """Return money in minor units."""
    return money.to_minor(decimal(value, field, places=money.exponent(currency)), currency)


def integer(value: Any, field: str, *, least: int = 0, most: int = 2**31 - 1) -> int:
    number = decimal(value, field, places=0)
    if not least <= number <= most:
        raise ArgumentError(field, f"is not a whole number from {least} to {most}", "out_of_range")
    return int(number)


def boolean(value: Any, field: str) -> bool:
    """Return true or false, also from "true" and "false" in any case; nothing else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise ArgumentError(field, "is neither true nor false", "not_a_boolean")


def objects(value: Any, field: str) -> list[dict[str, Any]]:
    """Return a list of objects; null and absent are none."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ArgumentError(field, "is not a list of objects", "not_a_list")
    return value


def mapping(value: Any, field: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ArgumentError(field, "is not an object", "not_an_object")
    return value


def moment(value: Any, field: str, zone: tzinfo = UTC) -> datetime:
    """Return a moment in UTC; a text without a zone is meant in `zone`."""
    found = _MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ArgumentError(field, "is not a date and time", "not_a_datetime")
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        local = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0").ljust(6, "0")[:6]),
            _zone(offset) if offset else zone,
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ArgumentError(field, "is not a date and time", "not_a_datetime") from None


def _zone(offset: str) -> tzinfo:
    if offset in {"Z", "z"}:
        return UTC
    sign = -1 if offset[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:])))


def stamp(value: datetime | None) -> str | None:
    """Return a moment as it is answered: ISO 8601 in UTC with Z, fractions only where there are any."""
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def number(minor: int, currency: str) -> Decimal:
    """Return money as the JSON number it is answered as."""
    return money.to_major(minor, currency)


def storable(value: Any) -> Any:
    """Return what came in a form a JSON column takes: numbers that are no whole ones become their text."""
    if isinstance(value, Decimal) or (type(value) is int and not -(2**63) <= value < 2**63):
        return str(value)
    if isinstance(value, dict):
        return {key: storable(inner) for key, inner in value.items()}
    return [storable(inner) for inner in value] if isinstance(value, list) else value
