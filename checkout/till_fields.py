"""Reads fields as tills send them (numbers as texts, local times, words for yes); says of a wrong one where it is."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any

from offers.lib import idents, money
from offers.lib.errors import Refusal

_MONEY = re.compile(r"[+-]?(?:[0-9]{1,12}(?:\.[0-9]{1,2})?|\.[0-9]{1,2})")
_FINE_MONEY = re.compile(r"[+-]?(?:[0-9]{1,12}(?:\.[0-9]{1,3})?|\.[0-9]{1,3})")  # of currencies with three places
QUANTITY = re.compile(r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{1,4})?|\.[0-9]{1,4})")
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})[T ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,7}))?)?"
    r" ?(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))?"
)
_WORDS = {"true": True, "false": False}


class MissingData(Refusal):
    """A required field is missing."""

    code = "missing_data"


class ArgumentError(Refusal):
    """A field cannot be read."""

    code = "argument_error"


class Fields:
    """Reads fields and says of a wrong one where it stands."""

    def __init__(self, path: str, zone: tzinfo | None, currency: str) -> None:
        self.path, self.zone, self.currency = path, zone, currency
        self.places = money.exponent(currency)
        self.money = _FINE_MONEY if self.places > money.DEFAULT_EXPONENT else _MONEY
        self.warnings: list[str] = []

    def detail(self, place: str, code: str, message: str) -> list[dict[str, str]]:
        return [{"field": ".".join(part for part in (self.path, place) if part), "code": code, "message": message}]

    def wrong(self, place: str, code: str, message: str) -> ArgumentError:
        details = self.detail(place, code, message)
        return ArgumentError(f"{details[0]['field']} {message}", details=details)

    def missing(self, place: str) -> MissingData:
        details = self.detail(place, "missing", "is required")
        return MissingData(f"{details[0]['field']} is required", details=details)

    def rows(self, payload: Mapping[str, Any], name: str, most: int, refusal: type[Refusal]) -> list[dict[str, Any]]:
        rows = payload.get(name)
        if rows is None:
            return []
        if not isinstance(rows, list):
            raise self.wrong(name, "not_a_list", "should be a list")
        if any(isinstance(row, list) for row in rows):  # the seed's own sample prints [[...]]
            rows = [inner for row in rows for inner in (row if isinstance(row, list) else [row])]
            self.warnings.append(f"nested_{name}")
        if len(rows) > most:
            raise refusal(details=self.detail(name, refusal.code, f"{len(rows)} of at most {most}"))
        for at, row in enumerate(rows):
            if not isinstance(row, dict):
                raise self.wrong(f"{name}[{at}]", "not_an_object", "should be an object")
        return rows

    def truth(self, row: Mapping[str, Any], name: str) -> bool:
        value = row.get(name)
        if value is None:
            return False
        found = value if isinstance(value, bool) else _WORDS.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            raise self.wrong(name, "not_a_boolean", "should be true or false")
        return found

    def text(self, row: Mapping[str, Any], name: str, place: str = "", most: int = 255) -> str:
        value = row.get(name)
        if value is None:
            return ""
        if type(value) is str and len(value) <= most:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or len(value) > most:
            raise self.wrong(place + name, "not_a_text", f"should be a text of at most {most} characters")
        return value

    def ident(self, row: Mapping[str, Any], name: str, place: str = "", most: int = 255) -> str:
        value = self.text(row, name, place, most)
        if row.get(name) is None:
            raise self.missing(place + name)
        if not value or not idents.visible(value):
            raise self.wrong(place + name, "not_an_id", f"should be a text of 1 to {most} visible characters")
        return value

    def number(self, row: Mapping[str, Any], name: str, form: re.Pattern[str], place: str = "") -> Decimal | None:
        value = row.get(name)
        if value is None:
            return None
        written = "" if isinstance(value, bool | dict | list) else str(value)
        if not form.fullmatch(written):
            raise self.wrong(place + name, "not_a_number", "should be a number such as 12.50")
        return Decimal(written)

    def amount(self, row: Mapping[str, Any], name: str, place: str = "") -> int:
        value = row.get(name)
        if type(value) is str and self.money.fullmatch(value):
            return _minor(value, self.places)
        found = self.number(row, name, self.money, place)
        return 0 if found is None else money.round_half_up(found.scaleb(self.places))

    def moment(self, row: Mapping[str, Any], name: str, place: str = "") -> datetime | None:
        value = row.get(name)
        if value is None or value == "":
            return None
        found = _moment(value) if isinstance(value, str) else None
        if found is None:
            raise self.wrong(place + name, "not_a_moment", "should be a date and time such as 2018-09-01 10:20:00.000")
        return found.replace(tzinfo=self.zone) if found.tzinfo is None and self.zone else found


def _minor(written: str, places: int) -> int:
    """Return an amount in minor units, without a detour where it has no more places than its currency."""
    whole, _, rest = written.partition(".")
    if len(rest) <= places:
        return int(whole + rest.ljust(places, "0"))
    return money.round_half_up(Decimal(written).scaleb(places))


@lru_cache(maxsize=1024)  # a sale says when it was three times, and tills beside one another say the same
def _moment(value: str) -> datetime | None:
    found = _MOMENT.fullmatch(value)
    if found is None or not "1970" <= found[1] < "2200":
        return None
    zone: tzinfo | None = None
    if found[8]:
        zone = UTC
    elif found[9]:
        offset = timedelta(hours=int(found[10]), minutes=int(found[11]))
        if offset >= timedelta(hours=16):
            return None
        zone = timezone(-offset if found[9] == "-" else offset)
    year, month, day, hour, minute = (int(part) for part in found.group(1, 2, 3, 4, 5))
    micro = int((found[7] or "").ljust(7, "0")[:6])
    try:
        return datetime(year, month, day, hour, minute, int(found[6] or 0), micro, zone)
    except ValueError:
        return None
