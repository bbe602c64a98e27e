"""The one statement that reads everything a request's facts need."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from checkout.asks import Ask

VOUCHER_KINDS = ["voucher.uses", "voucher.customer_uses", "voucher.credits", "voucher.rule"]
CAMPAIGN_KINDS = ["campaign.budget", "campaign.rule"]

_CUSTOMER = """
cust AS MATERIALIZED (
    SELECT id, public_id, source_id, name, email, phone, metadata::text AS metadata, segments::text AS segments
    FROM offers_customer
    WHERE retailer_id = %(retailer)s AND {key} = %(customer)s AND erased_at IS NULL
),"""
_NO_CUSTOMER = """
cust AS (SELECT NULL::bigint AS id, NULL AS public_id, NULL AS source_id, NULL AS name, NULL AS email, NULL AS phone,
                NULL AS metadata, NULL AS segments WHERE false),"""
# What this request's own session holds does not count against it; what is due counts as free, but is only looked for
# when it matters: an expiry scan has no place on the happy path.
_OWN = """(SELECT sum(h.amount) FROM ledger_hold h WHERE h.reference = %(reference)s AND h.state = 'live'
     AND h.item = 'v' || v.id AND (h.pinned OR h.expires_at > %(now)s) AND h.counter_id = ANY (n.ids))"""
_COUNTERS = """
(SELECT json_agg(json_build_array(n.kind, n.subject, n.scope, n.period, n.granted, n.taken, n.withdrawn, {own},
    CASE WHEN n.taken >= n.granted OR n.kind IN ('voucher.credits', 'campaign.budget') OR n.kind LIKE '%%rule'
         THEN (SELECT sum(h.amount) FROM ledger_hold h WHERE h.counter_id = ANY (n.ids) AND h.state = 'live'
               AND NOT h.pinned AND h.expires_at <= %(now)s) END))
 FROM (
    SELECT c.kind, c.subject, c.scope, c.period, sum(c.granted) AS granted, sum(c.taken) AS taken,
           sum(c.withdrawn) AS withdrawn, array_agg(c.id) AS ids
    FROM ledger_counter c
    WHERE c.owner = v.id AND c.kind = ANY (%(voucher_kinds)s) AND c.subject IN (0, (SELECT id FROM cust))
      AND c.period = ANY (%(periods)s) GROUP BY c.kind, c.subject, c.scope, c.period
    UNION ALL
    SELECT c.kind, c.subject, c.scope, c.period, sum(c.granted), sum(c.taken), sum(c.withdrawn), array_agg(c.id)
    FROM ledger_counter c
    WHERE c.owner = v.campaign_id AND c.kind = ANY (%(campaign_kinds)s) AND c.subject IN (0, (SELECT id FROM cust))
      AND c.period = ANY (%(periods)s) GROUP BY c.kind, c.subject, c.scope, c.period
 ) n)"""
_STATEMENT = """
WITH {customer} head AS MATERIALIZED (
    SELECT (SELECT number FROM offers_retailerversion WHERE retailer_id = %(retailer)s) AS version,
           {order} AS stored_order, {products} AS products
)
SELECT head.version, head.stored_order::text, head.products::text,
       cust.id, cust.public_id, cust.source_id, cust.name, cust.email, cust.phone, cust.metadata, cust.segments,
       v.*
FROM head LEFT JOIN cust ON true LEFT JOIN LATERAL (
    SELECT v.id, v.public_id, v.code, v.type, v.campaign_id, v.category_id, v.active, v.start_date, v.expiration_date,
           v.validity_timeframe::text, v.validity_day_of_week, v.validity_hours::text, v.discount::text, v.gift_amount,
           v.gift_effect, v.redemption_limit, v.customer_limit, v.hot, v.metadata::text, v.holder_id,
           v.is_referral_code, v.additional_info, v.publish_count, v.created_at, v.updated_at,
           (SELECT public_id FROM offers_customer h WHERE h.id = v.holder_id) AS holder_public_id,
           (SELECT json_agg(a.rule_id ORDER BY a.id)::text FROM offers_ruleassignment a
            WHERE a.target = 'voucher' AND a.target_id = v.id) AS rule_ids,
           {counters}::text AS counters
    FROM offers_voucher v
    WHERE v.retailer_id = %(retailer)s AND v.deleted_at IS NULL AND {codes}
) v ON true
"""
_ORDER = """(SELECT json_build_object('id', o.id, 'public_id', o.public_id, 'source_id', o.source_id,
    'revision', o.revision, 'status', o.status, 'customer_id', o.customer_id, 'amount', o.amount,
    'initial_amount', o.initial_amount, 'discount_amount', o.discount_amount,
    'items_discount_amount', o.items_discount_amount, 'items', o.items, 'metadata', o.metadata,
    'redemptions', o.redemptions, 'created_at', o.created_at)
  FROM checkout_order o WHERE o.retailer_id = %(retailer)s AND {key})"""
_PRODUCTS = """(SELECT json_agg(json_build_array(kind, public_id, source_id, name, price, metadata, product_id,
    product_source_id)) FROM (
    SELECT 'product' AS kind, p.public_id, p.source_id, p.name, p.price, p.metadata, NULL AS product_id,
           NULL AS product_source_id
    FROM offers_product p WHERE p.retailer_id = %(retailer)s
     AND (p.public_id = ANY (%(products)s) OR p.source_id = ANY (%(products)s))
    UNION ALL
    SELECT 'sku', s.public_id, s.source_id, coalesce(s.sku, p.name), coalesce(s.price, p.price), s.metadata,
           p.public_id, p.source_id
    FROM offers_sku s JOIN offers_product p ON p.id = s.product_id WHERE s.retailer_id = %(retailer)s
     AND (s.public_id = ANY (%(products)s) OR s.source_id = ANY (%(products)s))
    UNION ALL
    SELECT 'product', p.public_id, p.source_id, p.name, p.price, p.metadata, NULL, NULL
    FROM offers_sku s JOIN offers_product p ON p.id = s.product_id WHERE s.retailer_id = %(retailer)s
     AND (s.public_id = ANY (%(products)s) OR s.source_id = ANY (%(products)s))) AS found)"""


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
    """A voucher with its counters; the columns are those of offers.models.Voucher."""

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
    rule_ids: list[int]
    counters: tuple[CounterRow, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything read; `vouchers` by code, and by id where the request names one so."""

    version: int
    order: dict[str, Any] | None
    products: list[list[Any]]
    customer: CustomerRow | None
    vouchers: dict[str, VoucherRow]


_JSON_COLUMNS = {9, 11, 12, 18}  # positions within a voucher's columns


def read(
    *,
    retailer_id: int,
    ask: Ask,
    reference: str,
    periods: list[str],
    now: datetime,
) -> Reading:
    """Read vouchers with their counters, the customer, a stored order and products, in one statement."""
    codes = [one.id for one in ask.redeemables if one.object == "voucher"]
    arguments: dict[str, Any] = {
        "retailer": retailer_id,
        "codes": codes,
        "reference": reference,
        "now": now,
        "periods": periods,
        "voucher_kinds": VOUCHER_KINDS,
        "campaign_kinds": CAMPAIGN_KINDS,
    }
    statement = _STATEMENT.format(
        customer=_customer_part(ask, arguments),
        order=_order_part(ask, arguments),
        products=_products_part(ask, arguments),
        counters=_COUNTERS.format(own=_OWN if reference else "NULL"),
        codes="(v.code = ANY (%(codes)s) OR v.public_id = ANY (%(codes)s))"
        if any(code.startswith("v_") for code in codes)
        else "v.code = ANY (%(codes)s)",
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        rows = cursor.fetchall()
    head = rows[0]
    vouchers: dict[str, VoucherRow] = {}
    for row in rows:
        if row[11] is not None:
            voucher = _voucher(row[11:])
            vouchers[voucher.code] = voucher
            vouchers.setdefault(voucher.public_id, voucher)
    return Reading(
        version=head[0],
        order=_loads(head[1]),
        products=_loads(head[2]) or [],
        customer=None if head[3] is None else CustomerRow(*(*head[3:9], _loads(head[9]) or {}, _loads(head[10]) or [])),
        vouchers=vouchers,
    )


def _customer_part(ask: Ask, arguments: dict[str, Any]) -> str:
    customer = ask.customer
    if customer is None or not (customer.id or customer.source_id):
        return _NO_CUSTOMER
    arguments["customer"] = customer.id or customer.source_id
    return _CUSTOMER.format(key="public_id" if customer.id else "source_id")


def _order_part(ask: Ask, arguments: dict[str, Any]) -> str:
    order = ask.order
    if order is None or not (order.id or order.source_id):
        return "NULL::json"
    arguments["order"] = order.id or order.source_id
    return _ORDER.format(
        key="(o.public_id = %(order)s OR o.source_id = %(order)s)" if order.id else "o.source_id = %(order)s"
    )


def _products_part(ask: Ask, arguments: dict[str, Any]) -> str:
    names = set()
    for item in (ask.order and ask.order.items) or ():
        names |= {item.product_id, item.sku_id, item.source_id if item.related_object else None}
        for part in (item.product, item.sku):
            if part is not None:
                names |= {part.id, part.source_id}
    names -= {None, ""}
    if not names:
        return "NULL::json"
    arguments["products"] = sorted(str(name) for name in names)
    return _PRODUCTS


def _voucher(row: tuple[Any, ...]) -> VoucherRow:
    values = [_loads(value) if position in _JSON_COLUMNS else value for position, value in enumerate(row[:-2])]
    counters = _loads(row[-1]) or ()
    rows = tuple(CounterRow(*(*one[:7], one[7] or 0, one[8] or 0)) for one in counters)
    return VoucherRow(*(*values, _loads(row[-2]) or [], rows))


def _loads(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)
