"""The one call that takes from the ledger and stores all a redemption leaves behind (checkout/sql/redeem_v3.sql)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from checkout import redemption_held, wants
from checkout.facts import Facts
from checkout.redemption_plan import NewOrder, NewRedemption, Plan
from offers.evaluation.verdicts import Outcome
from offers.ledger.holds import Shortage
from offers.lib.calls import call
from offers.lib.ids import new_id
from offers.lib.retry import retrying


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
    rows: list[NewRedemption]
    parent: NewRedemption | None
    order: NewOrder | None
    customer_public_id: str | None
    figures: Mapping[int, Mapping[str, Figures]]


_REDEEM = """
SELECT ok, item, kind, available, customer_id, customer_public_id, order_id, parent_id, figures
FROM checkout_redeem(%s::jsonb)
"""


def write(retailer_id: int, plan: Plan, reference: str) -> Redeemed | Shortage | None:
    """Take and store everything. A Shortage when something ran out, None when the order changed under our hands.

    What one session holds on one voucher has a shorter call, which says no where it is not held so any more.
    """
    facts = plan.facts
    claims = wants.of(facts, plan.applied, entries=plan.journal)
    known = _known(plan)
    customer = _customer(facts)
    unknown = sorted({want.owner for want in claims if want.kind == "voucher.uses"} - known.keys())
    if redemption_held.fits(plan, claims, customer):
        told = redemption_held.write(retailer_id, plan, reference, customer, unknown)
        if told is not None:
            return _done(plan, customer["public_id"] if customer else None, {**known, **_figures(told)})
    written = {
        "retailer": retailer_id,
        "now": facts.now,
        "actor": {
            "kind": facts.actor.kind,
            "ident": facts.actor.ident,
            "name": facts.actor.name,
        },
        "wants": claims,
        "reference": reference,
        "items": [facts.subject(verdict.redeemable).item for verdict in plan.applied],
        "session_key": plan.session_key,
        "tracking_id": plan.tracking_id,
        "customer": customer,
        "order": _order(plan),
        "parent": _parent(plan),
        "rows": [_row(row) for row in plan.rows],
        "locked": [_locked(row) for row in plan.rows],
        "events": _events(plan) if facts.config.listened else None,
        "owners": unknown,
    }
    text = orjson.dumps(written, default=str).decode()

    found = retrying(lambda: call(_REDEEM, text))
    if found is None:
        return None
    ok, item, kind, available, _, customer_public_id, _, _, figures = found
    if not ok:
        return Shortage(item, kind, available)
    return _done(plan, customer_public_id, {**known, **_figures(figures)})


def _done(plan: Plan, customer_public_id: str | None, figures: Mapping[int, Mapping[str, Figures]]) -> Redeemed:
    return Redeemed(plan.facts, plan.outcome, plan.rows, plan.parent, plan.order, customer_public_id, figures)


def _known(plan: Plan) -> dict[int, dict[str, Figures]]:
    """Return the figures that need no look: of a code for one use that nobody else has taken anything of.

    Whoever gets that one use is the only one who ever did.
    """
    found: dict[int, dict[str, Figures]] = {}
    for verdict in plan.applied:
        voucher = plan.facts.subject(verdict.redeemable).voucher
        if voucher is None or voucher.redemption_limit != 1 or verdict.from_card is not None:
            continue
        rows = [one for one in voucher.counters if one.kind == "voucher.uses"]
        if all(one.granted == 1 and one.taken_by_others == 0 and not one.withdrawn for one in rows):
            found[voucher.id] = {"voucher.uses": Figures(granted=1, withdrawn=0, settled=1)}
    return found


def _figures(text: str | None) -> dict[int, dict[str, Figures]]:
    found: dict[int, dict[str, Figures]] = {}
    for owner, kind, *numbers in (orjson.loads(text) if text else None) or ():
        found.setdefault(owner, {})[kind] = Figures(*numbers)
    return found


def _customer(facts: Facts) -> dict[str, Any] | None:
    """Return whom to store: a new customer, a known one with the fields that came along, or nobody."""
    ask, row = facts.ask.customer, facts.customer
    if ask is None or not (ask.id or ask.source_id):
        return None
    sent = {
        "name": ask.name,
        "description": ask.description,
        "email": ask.email,
        "phone": ask.phone,
        "birthdate": ask.born,
        "address": ask.address,
        "metadata": ask.metadata,
    }
    if row is None:
        return {"public_id": new_id("cust_"), "source_id": ask.source_id, **sent}
    unchanged = (
        ask.name in (None, row.name)
        and ask.email in (None, row.email)
        and ask.phone in (None, row.phone)
        and not (ask.description or ask.born or ask.address)
        and all(row.metadata.get(name) == value for name, value in (ask.metadata or {}).items())
    )
    known = {"id": row.id, "public_id": row.public_id}
    return known if unchanged else {**known, "changed": True, **sent}


def _order(plan: Plan) -> dict[str, Any] | None:
    order, stored = plan.order, plan.facts.order
    if order is None:
        return None
    return {
        "stored_id": stored["id"] if stored else None,
        "revision": stored["revision"] if stored else None,
        "public_id": order.public_id,
        "source_id": order.source_id,
        "status": order.status,
        "referrer_id": order.referrer_id,
        "amount": order.amount,
        "initial_amount": order.initial_amount,
        "discount_amount": order.discount_amount,
        "items_discount_amount": order.items_discount_amount,
        "total_discount_amount": order.total_discount_amount,
        "total_amount": order.total_amount,
        "items": order.items,
        "redemptions": order.redemptions,
        "metadata": order.metadata,
    }


def _parent(plan: Plan) -> dict[str, Any] | None:
    parent = plan.parent
    if parent is None:
        return None
    return {
        "public_id": parent.public_id,
        "discount_amount": parent.discount_amount,
        "metadata": parent.metadata,
        "detail": parent.detail,
    }


def _row(row: NewRedemption) -> dict[str, Any]:
    return {
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


def _locked(row: NewRedemption) -> dict[str, Any]:
    return {"object": "voucher" if row.voucher_id else "promotion_tier", "id": row.voucher_id or row.tier_id}


def _events(plan: Plan) -> list[dict[str, str]]:
    told = [row.public_id for row in (*([plan.parent] if plan.parent else []), *plan.rows)]
    return [{"public_id": new_id("whs_"), "redemption": public_id} for public_id in told]
