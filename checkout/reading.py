"""The one read behind a validation or redemption: everything its facts need, in one round trip."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from checkout.asks import Ask, named
from offers.lib.calls import call
from offers.lib.normal_codes import folded

CAMPAIGN_KINDS = ["campaign.budget", "campaign.rule"]


@dataclass(frozen=True, slots=True)
class CounterRow:
    """A counter as the request sees it. `own`: held by its own session; `due`: held by sessions that have expired."""

    kind: str
    subject: int
    scope: str
    period: str
    granted: int | None
    taken: int
    withdrawn: int
    own: int
    due: int

    @property
    def taken_by_others(self) -> int:
        return self.taken - self.own - self.due


@dataclass(frozen=True, slots=True)
class CustomerRow:
    id: int
    public_id: str
    source_id: str | None
    name: str | None
    email: str | None
    phone: str | None
    metadata: dict[str, Any]
    segments: list[str]


@dataclass(frozen=True, slots=True)
class VoucherRow:
    """A voucher with its counters; the columns are those of offers.models.Voucher.

    `held`: the ledger's hold by which the request's own session holds it, when there is one and no other.
    """

    id: int
    public_id: str
    code: str
    type: str
    campaign_id: int | None
    category_id: int | None
    active: bool
    start_date: datetime | None
    expiration_date: datetime | None
    validity_timeframe: dict[str, Any] | None
    validity_day_of_week: list[int] | None
    validity_hours: dict[str, Any] | None
    discount: dict[str, Any] | None
    gift_amount: int | None
    gift_effect: str
    redemption_limit: int | None
    customer_limit: int | None
    hot: bool
    metadata: dict[str, Any]
    holder_id: int | None
    is_referral_code: bool
    additional_info: str | None
    publish_count: int
    created_at: datetime
    updated_at: datetime | None
    holder_public_id: str | None
    held: int | None
    rule_ids: list[int]
    counters: tuple[CounterRow, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything read; `vouchers` by code, and by id where the request names one so. `owner`: whose the order is."""

    version: int
    order: dict[str, Any] | None
    owner: CustomerRow | None
    referrer: str | None
    products: list[list[Any]]
    customer: CustomerRow | None
    vouchers: dict[str, VoucherRow]


_READ = """
SELECT checkout_read(%s, %s::text[], %s::text[], %s, %s, %s, %s, %s::text[], %s, %s, %s, %s::text[], %s)
"""

# Positions of the moments within a voucher's columns.
_MOMENTS = (7, 8, 23, 24)


def read(*, retailer_id: int, ask: Ask, reference: str, periods: list[str], now: datetime) -> Reading:
    """Read vouchers with their counters, the customer, a stored order and products (checkout/sql/read_v4.sql)."""
    customer, order, referrer = ask.customer, ask.order, ask.order and ask.order.referrer
    codes = [one.id for one in ask.redeemables if one.object == "voucher"]
    row = call(
        _READ,
        retailer_id,
        codes,
        # A channel's code works however it is spelt; which codes are a channel's is only known after this read.
        [folded(code) for code in codes],
        any(one.id.startswith("v_") for one in ask.redeemables),
        (customer.id or customer.source_id) if customer else None,
        bool(customer and customer.id),
        reference,
        periods,
        now,
        (order.id or order.source_id) if order else None,
        bool(order and order.id),
        sorted(named(order.items)) if order and order.items else None,
        (referrer.id or referrer.source_id) if referrer else None,
    )
    assert row is not None, "the function answers every request"
    found = orjson.loads(row[0])
    vouchers: dict[str, VoucherRow] = {}
    for row in found["vouchers"] or ():
        voucher = _voucher(row)
        vouchers[voucher.code] = voucher
        vouchers.setdefault(voucher.public_id, voucher)
    return Reading(
        version=found["version"],
        order=found["order"],
        owner=None if found["owner"] is None else CustomerRow(*found["owner"]),
        referrer=found["referrer"],
        products=found["products"] or [],
        customer=None if found["customer"] is None else CustomerRow(*found["customer"]),
        vouchers=vouchers,
    )


def _voucher(row: list[Any]) -> VoucherRow:
    for position in _MOMENTS:
        if row[position] is not None:
            row[position] = datetime.fromisoformat(row[position])
    counters = row.pop() or ()
    rules = row.pop() or []
    rows = tuple([CounterRow(*(*one[:7], one[7] or 0, one[8] or 0)) for one in counters])
    return VoucherRow(*(*row, rules, rows))
