"""Reads a till's transaction strictly: numbers that come as texts, local times, limits, lines that hang together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from offers.lib import idents, money
from offers.lib.errors import Refusal

MOST_ITEMS = 1000
MOST_DISCOUNTS = 100
MOST_PAYMENTS = 100
MOST_CUSTOM_ELEMENTS = 1000
CUSTOM_DEPTH = 6
CUSTOM_BYTES = 256 * 1024
OUR_SOURCE = "sessionm"  # what the seeds' clients compare with; a retailer may call it otherwise
OFFER_REFERENCE = "userofferid"

_MONEY = re.compile(r"[+-]?(?:[0-9]{1,12}(?:\.[0-9]{1,2})?|\.[0-9]{1,2})")
_QUANTITY = re.compile(r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{1,4})?|\.[0-9]{1,4})")
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


class TooManyItems(Refusal):
    """A transaction has at most 1,000 items."""

    code = "too_many_items"


class TooManyDiscounts(Refusal):
    """A transaction has at most 100 discounts."""

    code = "too_many_discounts"


class TooManyPayments(Refusal):
    """A transaction has at most 100 payments."""

    code = "too_many_payments"


class TooManyCustomElements(Refusal):
    """The custom data of a transaction has at most 1,000 values."""

    code = "too_many_custom_elements"


class CustomDataTooDeep(Refusal):
    """Custom data is nested at most 6 levels deep."""

    code = "custom_data_too_deep"


class CustomDataTooLarge(Refusal):
    """The custom data of a transaction takes at most 256 KiB."""

    code = "custom_data_too_large"


class DuplicateDiscount(Refusal):
    """The same offer is named twice in `discounts`."""

    code = "duplicate_discount"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the receipt; money in minor units."""

    line_id: str
    item_id: str
    quantity: Decimal
    unit_price: int
    subtotal: int
    tax_included: int
    modifies: str | None


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment, and who is said to have made it."""

    payment_id: str
    amount: int
    type: str
    user_id: str
    user_id_type: str


@dataclass(frozen=True, slots=True)
class Discount:
    """A discount object as a till gives it back; `reference` where it may name a user offer of ours."""

    reference: UUID | None
    source: str
    status: str
    amount: int
    line_ids: tuple[str, ...]
    code: str = ""  # of a discount that is no user offer


@dataclass(frozen=True, slots=True)
class Sale:
    """A transaction as it was read. Times without a zone stay without one unless the reader was given it."""

    transaction_id: str
    is_closed: bool
    is_voided: bool
    channel: str
    subtotal: int
    tax_total: int
    opened_at: datetime | None
    modified_at: datetime | None
    receipt_code: str | None
    lines: tuple[Line, ...]
    payments: tuple[Payment, ...]
    discounts: tuple[Discount, ...]
    warnings: tuple[str, ...]


def read(
    payload: Any,
    *,
    path: str = "request_payload",
    zone: tzinfo | None = None,
    currency: str = "USD",
    finalizing: bool = True,
) -> Sale:
    """Return the transaction of a lock (`finalizing` off) or a send.

    Refuses missing_data and argument_error with `details[].field`, the limits' codes, duplicate_discount. Unknown keys
    are ignored; totals that do not add up are a warning, because tills disagree on whether `subtotal` has the tax in.
    """
    reader = _Reader(path, zone, currency)
    if not isinstance(payload, dict):
        raise reader.wrong("", "not_an_object", "should be an object") if payload is not None else reader.missing("")
    lists = {
        "items": (MOST_ITEMS, TooManyItems),
        "discounts": (MOST_DISCOUNTS, TooManyDiscounts),
        "payments": (MOST_PAYMENTS, TooManyPayments),
    }
    found = {name: reader.rows(payload, name, most, refusal) for name, (most, refusal) in lists.items()}
    _check_custom(reader, payload, found)
    voided = reader.truth(payload, "is_voided")
    if finalizing and payload.get("is_closed") is None and not voided:
        raise reader.missing("is_closed")
    lines = reader.lines(found["items"], negative=finalizing)
    sale = Sale(
        transaction_id=reader.ident(payload, "transaction_id", most=64),
        is_closed=reader.truth(payload, "is_closed") or voided,
        is_voided=voided,
        channel=reader.text(payload, "channel"),
        subtotal=reader.amount(payload, "subtotal"),
        tax_total=reader.amount(payload, "tax_total" if payload.get("tax_total") is not None else "TaxTotal"),
        opened_at=reader.moment(payload, "open_time"),
        modified_at=reader.moment(payload, "modified_time"),
        receipt_code=reader.text(payload, "receipt_code", most=120) or None,
        lines=lines,
        payments=tuple(reader.payment(row, at) for at, row in enumerate(found["payments"])),
        discounts=reader.discounts(found["discounts"]),
        warnings=(),
    )
    for name in ("pos_employee_id", "table_id"):
        reader.text(payload, name)
    reader.number(payload, "guest_count", _QUANTITY)
    return _with_warnings(sale, reader.warnings)


def content_hash(payload: Mapping[str, Any]) -> bytes:
    """Return what makes two revisions the same content: everything but when the till last touched it."""
    kept = {name: value for name, value in payload.items() if name != "modified_time"}
    return sha256(orjson.dumps(kept, default=str, option=orjson.OPT_SORT_KEYS)).digest()


def request_hash(payload: Mapping[str, Any], content: bytes) -> str:
    """Return what makes a request the same request: the content and when the till last touched it."""
    return sha256(content + str(payload.get("modified_time")).encode("utf-8", "surrogatepass")).hexdigest()


def _with_warnings(sale: Sale, warnings: list[str]) -> Sale:
    total = sum(line.subtotal for line in sale.lines)
    if sale.lines and sale.subtotal not in (0, total, total + sale.tax_total):
        warnings.append("totals_mismatch")
    known = {line.line_id for line in sale.lines}
    if any(not known.issuperset(discount.line_ids) for discount in sale.discounts):
        warnings.append("unknown_discounted_line")
    if not warnings:
        return sale
    return replace(sale, warnings=tuple(warnings))


def _check_custom(reader: "_Reader", payload: Mapping[str, Any], found: Mapping[str, list[dict[str, Any]]]) -> None:
    """Count the values of all custom data together; look at depth and size only where there is any."""
    holders = [("custom_data", payload)] if payload.get("custom_data") is not None else []
    for name in ("items", "payments"):
        rows = enumerate(found[name])
        holders += [(f"{name}[{at}].custom_data", row) for at, row in rows if row.get("custom_data") is not None]
    count = size = 0
    for place, holder in holders:
        data = holder["custom_data"]
        if not isinstance(data, dict):
            raise reader.wrong(place, "not_an_object", "should be an object")
        values, deep = _measure(data)
        if deep:
            raise CustomDataTooDeep(details=reader.detail(place, CustomDataTooDeep.code, f"at most {CUSTOM_DEPTH}"))
        count += values
        size += len(orjson.dumps(data, default=str))
    if size > CUSTOM_BYTES:
        raise CustomDataTooLarge(size=size)
    if count > MOST_CUSTOM_ELEMENTS:
        raise TooManyCustomElements(count=count)


def _measure(data: Any) -> tuple[int, bool]:
    """Return how many values hang on the data, and whether it is nested too deep."""
    level, count, depth = [data], 0, 0
    while level:
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.values()
            elif isinstance(value, list):
                below += value
            else:
                count += 1
        if any(isinstance(value, dict | list) for value in level):
            depth += 1
            if depth > CUSTOM_DEPTH:
                return count, True
        level = below
    return count, False


class _Reader:
    """Reads fields and says of a wrong one where it stands."""

    def __init__(self, path: str, zone: tzinfo | None, currency: str) -> None:
        self.path, self.zone, self.currency = path, zone, currency
        self.places = money.exponent(currency)
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
        if type(value) is str and _MONEY.fullmatch(value):
            return _minor(value, self.places)
        found = self.number(row, name, _MONEY, place)
        return 0 if found is None else money.round_half_up(found.scaleb(self.places))

    def moment(self, row: Mapping[str, Any], name: str, place: str = "") -> datetime | None:
        value = row.get(name)
        if value is None or value == "":
            return None
        found = _moment(value) if isinstance(value, str) else None
        if found is None:
            raise self.wrong(place + name, "not_a_moment", "should be a date and time such as 2018-09-01 10:20:00.000")
        return found.replace(tzinfo=self.zone) if found.tzinfo is None and self.zone else found

    def lines(self, rows: list[dict[str, Any]], *, negative: bool) -> tuple[Line, ...]:
        found: dict[str, Line] = {}
        for at, row in enumerate(rows):
            place = f"items[{at}]."
            line = self._line(row, place)
            if line.line_id in found:
                raise self.wrong(f"{place}line_id", "duplicate", "should be another than those before it")
            if line.quantity < 0 and not negative:
                raise self.wrong(f"{place}quantity", "negative", "should not be negative")
            found[line.line_id] = line
        self._check_modifiers(found)
        return tuple(found.values())

    def _line(self, row: dict[str, Any], place: str) -> Line:
        quantity = self.number(row, "quantity", _QUANTITY, place)
        quantity = Decimal(1) if quantity is None else quantity
        unit_price = self.amount(row, "unit_price", place)
        plain = row.get("subtotal") is None
        return Line(
            line_id=self.ident(row, "line_id", place),
            item_id=self.ident(row, "item_id", place),
            quantity=quantity,
            unit_price=unit_price,
            subtotal=money.round_half_up(unit_price * quantity) if plain else self.amount(row, "subtotal", place),
            tax_included=self.amount(row, "tax_included", place),
            modifies=self.text(row, "modifies_line_id", place) or None,
        )

    def _check_modifiers(self, lines: Mapping[str, Line]) -> None:
        settled: set[str] = set()
        for at, line in enumerate(lines.values()):
            seen: set[str] = set()
            step: Line | None = line
            while step is not None and step.modifies is not None and step.line_id not in settled:
                if step.line_id in seen or step.modifies not in lines:
                    what = "points in a circle" if step.line_id in seen else "names no line of this transaction"
                    raise self.wrong(f"items[{at}].modifies_line_id", "bad_modifier", what)
                seen.add(step.line_id)
                step = lines[step.modifies]
            settled |= seen

    def payment(self, row: dict[str, Any], at: int) -> Payment:
        place = f"payments[{at}]."
        self.moment(row, "payment_time", place)
        return Payment(
            payment_id=self.text(row, "payment_id", place),
            amount=self.amount(row, "amount", place),
            type=self.text(row, "type", place),
            user_id=self.text(row, "user_id", place),
            user_id_type=self.text(row, "user_id_type", place, most=40),
        )

    def discounts(self, rows: list[dict[str, Any]]) -> tuple[Discount, ...]:
        found, seen = [], set()
        for at, row in enumerate(rows):
            one = self._discount(row, f"discounts[{at}].")
            if one.reference is not None and one.reference in seen:
                raise DuplicateDiscount(
                    details=self.detail(f"discounts[{at}].reference_id", DuplicateDiscount.code, str(one.reference))
                )
            seen.add(one.reference)
            found.append(one)
        return tuple(found)

    def _discount(self, row: dict[str, Any], place: str) -> Discount:
        source = self.text(row, "discount_source", place) or OUR_SOURCE
        kind = self.text(row, "reference_id_type", place) or OFFER_REFERENCE
        line_ids = row.get("discounted_line_ids")
        if line_ids is not None and not isinstance(line_ids, list):
            raise self.wrong(f"{place}discounted_line_ids", "not_a_list", "should be a list")
        self.moment(row, "applied_time", place)
        entry = kind.lower() == OFFER_REFERENCE
        return Discount(
            reference=self._reference(row, place, source) if entry else None,
            source=source.lower(),
            status=self.text(row, "status", place).upper(),
            amount=self.amount(row, "amount", place),
            line_ids=tuple(str(line_id) for line_id in line_ids or ()),
            code="" if entry else self.text(row, "reference_id", place),
        )

    def _reference(self, row: dict[str, Any], place: str, source: str) -> UUID | None:
        """Read the id of a user offer; what another system calls its discounts is not ours to judge."""
        ours = source.lower() == OUR_SOURCE
        value = self.ident(row, "reference_id", place) if ours else str(row.get("reference_id"))
        try:
            return UUID(value)
        except ValueError:
            if ours:
                what = "should be the id of a user offer"
                raise self.wrong(f"{place}reference_id", "not_a_uuid", what) from None
            return None


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
