"""Single values of an offer's terms: each reader returns what is stored, or raises ValueError with what is wrong."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import orjson

from offers.lib import loose
from offers.lib import money as coins

_CULTURE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
_HOUR = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
MOST_VALUES = 1000
MOST_COUNT = 1_000_000_000
CUSTOM_DATA_LIMIT = 65_536
WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


def first(line: Mapping[str, Any], *names: str) -> Any:
    return next((line[name] for name in names if line.get(name) is not None), None)


def values(raw: object) -> list[str]:
    listed = raw if isinstance(raw, list) else [raw] if isinstance(raw, str | int) else []
    if not listed or len(listed) > MOST_VALUES:
        raise ValueError(f"values must be a list of 1 to {MOST_VALUES} texts")
    return [named(255)(str(value) if type(value) is int else value) for value in listed]


def text(limit: int) -> Callable[[object], str]:
    def read_text(raw: object) -> str:
        if not isinstance(raw, str) or len(raw) > limit or _UNSTORABLE.search(raw):
            raise ValueError(f"must be a text of at most {limit} characters")
        return raw

    return read_text


def named(limit: int) -> Callable[[object], str]:
    def read_name(raw: object) -> str:
        said = text(limit)(raw)
        if not said.strip():
            raise ValueError("must not be empty")
        return said

    return read_name


def one_of(*words: str, name: str = "") -> Callable[[object], str]:
    def read_word(raw: object) -> str:
        word = raw.lower() if isinstance(raw, str) else raw
        if not isinstance(word, str) or word not in words:
            raise ValueError(f"{name} must be one of {', '.join(words)}".strip())
        return word

    return read_word


def culture(raw: object) -> str:
    text = raw.strip().replace("_", "-") if isinstance(raw, str) else ""
    if not _CULTURE.fullmatch(text):
        raise ValueError("must be a culture such as en or en-us")
    return text


def key(raw: object) -> str:
    if not isinstance(raw, str) or not _KEY.fullmatch(raw):
        raise ValueError("must consist of letters, digits, - and _")
    return raw


def custom_data(raw: object) -> str:
    """Return a text that holds JSON, as it came. Raises ValueError."""
    said = text(CUSTOM_DATA_LIMIT)(raw)
    try:
        orjson.loads(said)
    except ValueError:
        raise ValueError("must be a text that holds JSON") from None
    return said


def count(raw: object, name: str = "", least: int = 1) -> int:
    try:
        number = loose.whole(raw)
    except ValueError:
        raise ValueError(f"{name} must be a whole number".strip()) from None
    if not least <= number <= MOST_COUNT:
        raise ValueError(f"{name} must be from {least} to {MOST_COUNT}".strip())
    return number


def cost(raw: object) -> int:
    return count(raw, least=0)


def money(raw: object, currency: str, *, zero: bool = False) -> int:
    amount = loose.decimal(raw, places=coins.exponent(currency))
    minor = coins.to_minor(amount, currency)
    if minor < 0 or (minor == 0 and not zero) or minor > 10**15:
        raise ValueError("must be greater than 0" if minor <= 0 else "is too large")
    return minor


def percent(raw: object) -> Any:
    number = loose.decimal(raw)
    if not 0 < number <= 100:
        raise ValueError("must be greater than 0 and at most 100")
    return number


def weekday(raw: object) -> str:
    if type(raw) is int and 0 <= raw <= 6:
        return WEEKDAYS[raw]
    word = raw.lower() if isinstance(raw, str) else ""
    found = [day for day in WEEKDAYS if len(word) >= 3 and day.startswith(word)]
    if len(found) != 1:
        raise ValueError("days must be weekdays such as monday, or 0 (Sunday) to 6")
    return found[0]


def hour(raw: object) -> str:
    found = _HOUR.fullmatch(raw[:5].rstrip(":") if isinstance(raw, str) else "")
    if found is None:
        raise ValueError("start and end must be times such as 15:00")
    return f"{int(found[1]):02}:{found[2]}"


def uuid(raw: str) -> str:
    try:
        return str(UUID(raw))
    except ValueError:
        raise ValueError("store_ids must be UUIDs") from None
