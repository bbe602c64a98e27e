"""Reads scalars as tills and marketers write them: numbers and booleans in quotes, ".77", one-digit hours."""

import re
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]*)?|\.[0-9]+)", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)? ?(Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)


def boolean(raw: object) -> bool:
    """Return true or false, also of "True" and "FALSE". Raises ValueError for anything else."""
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.lower() in ("true", "false"):
        return raw.lower() == "true"
    raise ValueError("must be true or false")


def decimal(raw: object, *, places: int = 2) -> Decimal:
    """Return a number that was sent as one or in quotes. Raises ValueError, also for more places than these."""
    if isinstance(raw, bool) or (not isinstance(raw, str | int | Decimal) and type(raw).__name__ != "float"):
        raise ValueError("must be a number")
    text = str(raw)
    if not _NUMBER.fullmatch(text):
        raise ValueError("must be a number")
    number = Decimal(text)
    if len(text.partition(".")[2].rstrip("0")) > places:
        raise ValueError(f"must have at most {places} decimal places")
    return number


def whole(raw: object) -> int:
    """Return a whole number; "3" and 3.0 are 3. Raises ValueError."""
    number = decimal(raw, places=0)
    return int(number)


def moment(raw: object, *, zone: tzinfo = UTC) -> datetime:
    """Return an aware UTC moment; a text without a zone is meant in `zone`. Raises ValueError."""
    found = _MOMENT.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if found is None:
        raise ValueError("must be a date and time such as 2018-03-01 00:00:00.0")
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    naive = datetime(  # noqa: DTZ001 - the zone follows
        int(year),
        int(month),
        int(day),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        int((fraction or "0")[:6].ljust(6, "0")),
    )
    try:
        if offset is None:
            return naive.replace(tzinfo=zone).astimezone(UTC)
        text = "+00:00" if offset in ("Z", "z") else offset
        return datetime.fromisoformat(f"{naive.isoformat()}{text}").astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of range") from None
