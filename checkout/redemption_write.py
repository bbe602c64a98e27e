"""The one statement that takes from the ledger and stores everything a redemption leaves behind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection

from checkout import wants
from checkout.facts import Facts
from checkout.models import Order, Redemption
from checkout.redemption_plan import Plan
from offers.evaluation.verdicts import Outcome
from offers.ledger import holds
from offers.ledger.holds import Shortage
from offers.lib.ids import new_id

FIGURES = ["voucher.uses", "voucher.credits"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a voucher's counters say after the redemption."""

    granted: int | None
    withdrawn: int
    settled: int


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A redemption's answer. `rows` are the children (or the only one) in applied order, `parent` that of a stack."""

    facts: Facts
    outcome: Outcome
    rows: list[Redemption]
    parent: Redemption | None
    order: Order | None
    customer_public_id: str | None
    figures: Mapping[int, Mapping[str, Figures]]


_GATE = "gate AS MATERIALIZED (SELECT id FROM checkout_order WHERE id = %s AND revision = %s FOR UPDATE)"
_OPEN_GATE = "gate AS (SELECT 1 AS id)"
_NEW_CUSTOMER = """
cust AS (
    INSERT INTO offers_customer (public_id, retailer_id, source_id, name, description, email, phone, birthdate, address,
                                 metadata, segments, created_at)
    SELECT %s, %s, %s, %s, %s, %s, %s, %s::date, %s::jsonb, %s::jsonb, '[]', %s FROM took WHERE took.ok
    ON CONFLICT (retailer_id, source_id) WHERE source_id IS NOT NULL DO UPDATE SET source_id = excluded.source_id
    RETURNING id, public_id
)"""
_CHANGED_CUSTOMER = """
cust AS (
    UPDATE offers_customer c SET name = coalesce(%s, c.name), description = coalesce(%s, c.description),
        email = coalesce(%s, c.email), phone = coalesce(%s, c.phone), birthdate = coalesce(%s::date, c.birthdate),
        address = coalesce(%s::jsonb, c.address), metadata = c.metadata || coalesce(%s::jsonb, '{}'), updated_at = %s
    FROM took WHERE took.ok AND c.id = %s RETURNING c.id, c.public_id
)"""
_SAME_CUSTOMER = "cust AS (SELECT %s::bigint AS id, %s::text AS public_id)"
_NEW_ORDER = """
stored AS (
    INSERT INTO checkout_order (public_id, retailer_id, source_id, status, customer_id, referrer_id, amount,
        initial_amount, discount_amount, items_discount_amount, total_discount_amount, total_amount, items, redemptions,
        metadata, revision, created_at)
    SELECT %s, %s, %s, %s, (SELECT id FROM cust), %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s::jsonb, 1, %s
    FROM took WHERE took.ok RETURNING id
)"""
_CHANGED_ORDER = """
stored AS (
    UPDATE checkout_order o SET status = %s, customer_id = coalesce((SELECT id FROM cust), o.customer_id),
        amount = %s, initial_amount = %s, discount_amount = %s, items_discount_amount = %s, total_discount_amount = %s,
        total_amount = %s, items = %s::jsonb, redemptions = %s::jsonb, metadata = %s::jsonb,
        revision = o.revision + 1, updated_at = %s
    FROM took WHERE took.ok AND o.id = %s RETURNING o.id
)"""
_NO_ORDER = "stored AS (SELECT NULL::bigint AS id)"
_PARENT = """
parent AS (
    INSERT INTO checkout_redemption (public_id, retailer_id, kind, succeeded, customer_id, order_id, code, tracking_id,
        session_key, discount_amount, metadata, failure_code, failure_message, reason, detail, channel_type,
        channel_id, created_at)
    SELECT %s, %s, 'redemption', true, (SELECT id FROM cust), (SELECT id FROM stored), '', %s, %s, %s, %s::jsonb, '',
           '', '', %s::jsonb, %s, %s, %s
    FROM took WHERE took.ok RETURNING id
)"""
_NO_PARENT = "parent AS (SELECT NULL::bigint AS id)"
_ROWS = """
redeemed AS (
    INSERT INTO checkout_redemption (public_id, retailer_id, kind, succeeded, parent_id, voucher_id, tier_id,
        campaign_id, code, customer_id, order_id, tracking_id, session_key, amount, discount_amount, metadata,
        failure_code, failure_message, reason, detail, trace, channel_type, channel_id, created_at)
    SELECT r.public_id, %s, 'redemption', true, (SELECT id FROM parent), r.voucher_id, r.tier_id, r.campaign_id, r.code,
        (SELECT id FROM cust), (SELECT id FROM stored), %s, %s, r.amount, r.discount_amount, r.metadata, '', '', '',
        r.detail, r.trace, %s, %s, %s
    FROM jsonb_to_recordset(%s::jsonb) AS r(public_id text, voucher_id bigint, tier_id bigint, campaign_id bigint,
        code text, amount bigint, discount_amount bigint, metadata jsonb, detail jsonb, trace jsonb), took
    WHERE took.ok
)"""
_UNLOCK = """
unlocked AS (
    UPDATE checkout_locksession l SET ended_at = %s, ended_by = %s,
        state = CASE WHEN l.expires_at <= %s THEN 'expired' ELSE 'redeemed' END
    FROM took, jsonb_to_recordset(%s::jsonb) AS o(object text, id bigint)
    WHERE took.ok AND l.object = o.object AND l.object_id = o.id AND l.key = %s AND l.state = 'live'
)"""
_EVENTS = """
told AS (
    INSERT INTO outbox_event (public_id, retailer_id, type, data, source, created_at)
    SELECT e.public_id, %s, 'redemption.succeeded', jsonb_build_object('redemption', e.redemption), '{}', %s
    FROM jsonb_to_recordset(%s::jsonb) AS e(public_id text, redemption text), took WHERE took.ok
)"""


def write(retailer_id: int, plan: Plan, reference: str) -> Redeemed | Shortage | None:
    """Take and store everything. A Shortage when something ran out, None when the order changed under our hands."""
    facts = plan.facts
    claims = wants.of(facts, plan.applied, entries=plan.journal)
    parts: list[str] = []
    arguments: list[Any] = []

    def add(sql: str, *values: Any) -> None:
        parts.append(sql)
        arguments.extend(values)

    stored = facts.order
    if stored is None:
        add(_OPEN_GATE)
    else:
        add(_GATE, stored["id"], stored["revision"])
    take = holds.take_arguments(
        retailer_id=retailer_id,
        wants=claims,
        reference=reference,
        items=[facts.subject(verdict.redeemable).item for verdict in plan.applied],
        settle=True,
        expires_at=None,
        now=facts.now,
    )
    add(f"took AS MATERIALIZED (SELECT t.* FROM gate, {holds.TAKE} AS t)", *take)
    _add_customer(add, retailer_id, facts)
    _add_order(add, retailer_id, plan)
    _add_redemptions(add, retailer_id, plan)
    if plan.session_key:
        _add_unlock(add, plan)
    if facts.config.listened:
        told = [row.public_id for row in (*([plan.parent] if plan.parent else []), *plan.rows)]
        events = [{"public_id": new_id("whs_"), "redemption": public_id} for public_id in told]
        add(_EVENTS, retailer_id, facts.now, _json(events))
    owners = sorted({want.owner for want in claims if want.kind in FIGURES})
    statement = (
        f"WITH {', '.join(parts)} SELECT took.ok, took.item, took.kind, took.available, (SELECT id FROM cust),"
        " (SELECT public_id FROM cust), (SELECT id FROM stored), (SELECT id FROM parent),"
        " CASE WHEN took.ok THEN ledger_figures(%s::bigint[], %s::text[])::text END FROM took"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*arguments, owners, FIGURES])
        found = cursor.fetchone()
    if found is None:
        return None
    ok, item, kind, available, customer_id, customer_public_id, order_id, parent_id, figures = found
    if not ok:
        return Shortage(item, kind, available)
    for row in (*plan.rows, *([plan.parent] if plan.parent else [])):
        row.customer_id, row.order_id = customer_id, order_id
    for row in plan.rows:
        row.parent_id = parent_id
    if plan.order is not None:
        plan.order.pk, plan.order.customer_id = order_id, customer_id or plan.order.customer_id
    return Redeemed(facts, plan.outcome, plan.rows, plan.parent, plan.order, customer_public_id, _figures(figures))


def _figures(text: str | None) -> dict[int, dict[str, Figures]]:
    found = orjson.loads(text) if text else {}
    return {
        int(owner): {
            kind: Figures(granted, withdrawn, settled) for kind, (granted, withdrawn, settled) in kinds.items()
        }
        for owner, kinds in (found or {}).items()
    }


def _add_customer(add: Any, retailer_id: int, facts: Facts) -> None:
    ask, row = facts.ask.customer, facts.customer
    if ask is None or not (ask.id or ask.source_id):
        add(_SAME_CUSTOMER, None, None)
        return
    sent = [ask.name, ask.description, ask.email, ask.phone, ask.birthdate, _json_or_none(ask.address)]
    metadata = _json_or_none(ask.metadata)
    if row is None:
        add(_NEW_CUSTOMER, new_id("cust_"), retailer_id, ask.source_id, *sent, metadata or "{}", facts.now)
        return
    known = (ask.name in (None, row.name), ask.email in (None, row.email), ask.phone in (None, row.phone))
    same_metadata = not ask.metadata or all(row.metadata.get(name) == value for name, value in ask.metadata.items())
    if all(known) and same_metadata and not (ask.description or ask.birthdate or ask.address):
        add(_SAME_CUSTOMER, row.id, row.public_id)
        return
    add(_CHANGED_CUSTOMER, *sent, metadata, facts.now, row.id)


def _add_order(add: Any, retailer_id: int, plan: Plan) -> None:
    order, now = plan.order, plan.facts.now
    if order is None:
        add(_NO_ORDER)
        return
    amounts = [
        order.amount,
        order.initial_amount,
        order.discount_amount,
        order.items_discount_amount,
        order.total_discount_amount,
        order.total_amount,
        _json(order.items),
        _json(order.redemptions),
        _json(order.metadata),
    ]
    if plan.facts.order is None:
        head = [order.public_id, retailer_id, order.source_id, order.status, order.referrer_id]
        add(_NEW_ORDER, *head, *amounts, now)
    else:
        add(_CHANGED_ORDER, order.status, *amounts, now, order.pk)


def _add_redemptions(add: Any, retailer_id: int, plan: Plan) -> None:
    parent, actor, now = plan.parent, plan.facts.actor, plan.facts.now
    if parent is None:
        add(_NO_PARENT)
    else:
        add(
            _PARENT,
            parent.public_id,
            retailer_id,
            plan.tracking_id,
            plan.session_key,
            parent.discount_amount,
            _json_or_none(parent.metadata),
            _json(parent.detail),
            actor.kind,
            actor.ident,
            now,
        )
    rows = [
        {
            "public_id": row.public_id,
            "voucher_id": row.voucher_id,
            "tier_id": row.tier_id,
            "campaign_id": row.campaign_id,
            "code": row.code,
            "amount": row.amount,
            "discount_amount": row.discount_amount,
            "metadata": row.metadata,
            "detail": row.detail,
            "trace": row.trace,
        }
        for row in plan.rows
    ]
    add(_ROWS, retailer_id, plan.tracking_id, plan.session_key, actor.kind, actor.ident, now, _json(rows))


def _add_unlock(add: Any, plan: Plan) -> None:
    objects = [
        {
            "object": "voucher" if row.voucher_id else "promotion_tier",
            "id": row.voucher_id or row.tier_id,
        }
        for row in plan.rows
    ]
    now = plan.facts.now
    add(_UNLOCK, now, plan.facts.actor.label or plan.facts.actor.ident, now, _json(objects), plan.session_key)


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


def _json_or_none(value: Any) -> str | None:
    return None if value is None else _json(value)
