"""Reads a till's transaction strictly: what it is made of, how much of it, and that its lines hang together."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from checkout import custom_data
from checkout.till_fields import QUANTITY, Fields
from offers.lib import money
from offers.lib.errors import Refusal

MOST_ITEMS = 1000
MOST_DISCOUNTS = 100
MOST_PAYMENTS = 100
OUR_SOURCE = "sessionm"  # what the seeds' clients compare with; a retailer may call it otherwise
OFFER_REFERENCE = "userofferid"


class TooManyItems(Refusal):
    """A transaction has at most 1,000 items."""

    code = "too_many_items"


class TooManyDiscounts(Refusal):
    """A transaction has at most 100 discounts."""

    code = "too_many_discounts"


class TooManyPayments(Refusal):
    """A transaction has at most 100 payments."""

    code = "too_many_payments"


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
    custom_data.check(reader, payload, found)
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
    reader.number(payload, "guest_count", QUANTITY)
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


class _Reader(Fields):
    """Reads the parts of a transaction."""

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
        quantity = self.number(row, "quantity", QUANTITY, place)
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
