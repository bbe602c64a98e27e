"""The redemption of what a session holds on one voucher: one short call (checkout/sql/redeem_held_v1.sql).

Most checkouts lock one code and then redeem it. All that is left to do then is to use up the hold and to store rows;
anything else (a stack, a card, limits per customer, a stored order, a customer with news) is redemption_write's.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from checkout.redemption_plan import Plan
from offers.ledger.holds import Want
from offers.lib.calls import call
from offers.lib.ids import new_id
from offers.lib.retry import retrying

ARGUMENTS = 34
_CALL = f"""
SELECT checkout_redeem_held({", ".join(["%s"] * (ARGUMENTS - 1))}, %s::bigint[])
"""


def fits(plan: Plan, claims: Sequence[Want], customer: dict[str, Any] | None) -> bool:
    """Say whether the session holds all that this redemption takes, and the rows are new ones. `customer`: to store."""
    if len(plan.rows) != 1 or len(claims) != 1 or plan.rows[0].amount is not None:
        return False  # a stack, or a card, also where neither takes anything else that is counted
    if plan.facts.order is not None or (customer is not None and ("id" not in customer or "changed" in customer)):
        return False
    want, voucher = claims[0], plan.facts.subject(plan.applied[0].redeemable).voucher
    return (
        voucher is not None
        and voucher.held is not None
        and want.kind == "voucher.uses"
        and any(one.kind == want.kind and one.own == want.amount for one in voucher.counters)
    )


def write(
    retailer_id: int, plan: Plan, reference: str, customer: dict[str, Any] | None, figures_of: list[int]
) -> str | None:
    """Use up the hold and store what the redemption leaves behind; None when the session no longer holds it so.

    Returns the figures of the vouchers asked for, as ledger_figures tells them.
    """
    facts, row = plan.facts, plan.rows[0]
    subject = facts.subject(plan.applied[0].redeemable)
    assert subject.voucher is not None
    arguments = (
        retailer_id,
        facts.now,
        subject.voucher.held,
        reference,
        subject.item,
        facts.actor.kind,
        facts.actor.ident,
        facts.actor.name,
        plan.session_key,
        plan.tracking_id,
        customer["id"] if customer else None,
        *_order(plan),
        row.public_id,
        row.voucher_id,
        row.campaign_id,
        row.code,
        row.discount_amount,
        None if row.metadata is None else _json(row.metadata),
        _json(row.detail),
        None if row.trace is None else _json(row.trace),
        new_id("whs_") if facts.config.listened else None,
        figures_of,
    )
    found = retrying(lambda: call(_CALL, *arguments))
    assert found is not None, "the function answers every request"
    figures: str | None = found[0]
    return figures


def _order(plan: Plan) -> tuple[Any, ...]:
    order = plan.order
    if order is None:
        return (None,) * 13
    return (
        order.public_id,
        order.source_id,
        order.status,
        order.referrer_id,
        order.amount,
        order.initial_amount,
        order.discount_amount,
        order.items_discount_amount,
        order.total_discount_amount,
        order.total_amount,
        _json(order.items),
        _json(order.redemptions),
        _json(order.metadata),
    )


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
