"""Redemptions: use redeemables for an order, all or nothing, in one statement that can't be half done.

1. Read the facts (as a validation does; the request's own session does not count against it).
2. Judge again. What does not apply is refused by its reason and recorded as a failed redemption.
3. One statement takes from the ledger (using up the session's holds), ends the lock, stores customer, order,
   redemptions and events. If anything ran out meanwhile, nothing of it happened and step 2 is repeated.
"""

from contextlib import nullcontext
from datetime import datetime

from django.db import IntegrityError, connection, transaction

from checkout import facts as facts_module
from checkout import (
    order_lines,
    redemption_plan,
    redemption_write,
    session_offers,
    sessions,
    shopper_sessions,
    traces,
    tracking,
    validation,
    wants,
)
from checkout.asks import Ask
from checkout.facts import Confirm, Facts
from checkout.models import Redemption
from checkout.redemption_write import Redeemed
from offers import customers
from offers.evaluation import engine
from offers.evaluation.verdicts import Outcome, Reason, Verdict
from offers.ledger import holds
from offers.ledger.holds import Shortage
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.lib.ids import new_id

ROUNDS = 4


class NotRedeemable(Refusal):
    """The redeemable can't be redeemed."""

    code = "not_redeemable"

    def __init__(self, verdict: Verdict, failed_id: str) -> None:
        reason = verdict.reason
        assert reason is not None
        super().__init__(
            reason.message,
            resource_id=failed_id,
            resource_type="redemption",
            details=reason.details,
            error=_error(reason),
        )
        self.code = reason.code  # type: ignore[misc]  # speaks with the reason's own key


def _error(reason: Reason) -> dict[str, str] | None:
    return {"message": reason.rule_error} if reason.rule_error else None


class OrderBusy(Refusal):
    """Another request on the same order is in flight."""

    code = "multiple_requests"


def redeem(*, retailer_id: int, ask: Ask, actor: Actor, now: datetime, confirm: Confirm | None = None) -> Redeemed:
    """Redeem for an order; a session's key uses what the session holds and ends it.

    With `shopper`, the authorisations of its session stay locked until the redemption is done, and are then used up.

    Refuses with the first reason that speaks against it (the code of the reason: `quantity_exceeded`,
    `voucher_expired`, ...), then nothing is redeemed, the session stays and a failed redemption is recorded.
    Refuses `invalid_payload`, `duplicated_redeemables`, `invalid_redeemables`, `not_found`;
    `multiple_requests` when the same order keeps changing under our hands.
    """
    if ask.shopper is None:
        return _with_products(retailer_id, ask, actor, now, confirm)
    refused: NotRedeemable | None = None
    with transaction.atomic():
        held = shopper_sessions.lock(retailer_id, ask, actor, now)
        try:
            done = _with_products(retailer_id, ask, actor, now, confirm)
        except NotRedeemable as refusal:
            refused = refusal  # its record stays
        else:
            used = {subject.voucher.code for subject in done.facts.subjects if subject.voucher}
            for one in held:
                if one.code in used:
                    session_offers.mark_used(authorization=one, now=now)
    if refused is not None:
        raise refused
    return done


def _with_products(retailer_id: int, ask: Ask, actor: Actor, now: datetime, confirm: Confirm | None) -> Redeemed:
    """Redeem, and store the products that order lines bring with `override`: both or neither."""
    items = (ask.order and ask.order.items) or ()
    if not order_lines.overrides(items):
        return _for_order(retailer_id, ask, actor, now, confirm)
    try:
        with transaction.atomic():
            order_lines.store_sent(retailer_id=retailer_id, items=items, actor=actor, now=now)
            return _for_order(retailer_id, ask, actor, now, confirm)
    except NotRedeemable:
        # All of it is undone, the record of the failure too: that one is made again, without the products.
        return _for_order(retailer_id, ask, actor, now, confirm)


def _for_order(retailer_id: int, ask: Ask, actor: Actor, now: datetime, confirm: Confirm | None) -> Redeemed:
    validation.check_redeemables(ask)
    key = sessions.named(ask.session)
    reference = sessions.reference(retailer_id, key) if key else ""
    for _ in range(ROUNDS):
        facts = facts_module.gather(
            retailer_id=retailer_id, ask=ask, reference=reference, actor=actor, now=now, confirm=confirm
        )
        validation.check_distinct(facts)
        if validation.needs_customer(facts):
            customers.ensure(retailer_id=retailer_id, source_id=str(ask.customer and ask.customer.source_id))
            continue
        if (sender := _new_referrer(facts)) is not None:
            customers.ensure(retailer_id=retailer_id, source_id=sender)
            continue
        done = _redeem(retailer_id, facts, key, reference)
        if done is not None:
            return done
    raise OrderBusy


def _new_referrer(facts: Facts) -> str | None:
    """Return the source id of a referrer who is not known yet. A stored order keeps the one it has."""
    order = facts.ask.order
    if facts.order is not None or facts.referrer_id is not None or order is None or order.referrer is None:
        return None
    return order.referrer.source_id


def _redeem(retailer_id: int, facts: Facts, key: str, reference: str) -> Redeemed | None:
    tracking_id = tracking.of(facts.ask, facts.config.retailer.public_id, facts.customer)
    shortage: Shortage | None = None
    for _ in range(ROUNDS):
        outcome = engine.evaluate(facts.context)
        if not outcome.valid or not outcome.applicable:
            raise _failed(retailer_id, facts, outcome, tracking_id, key)
        plan = redemption_plan.plan(facts, outcome, tracking_id, key)
        try:
            # Inside a caller's transaction a clash must not spoil the whole of it.
            with transaction.atomic() if connection.in_atomic_block else nullcontext():
                written = redemption_write.write(retailer_id, plan, reference)
        except IntegrityError:
            # The same order was stored by another request a moment ago: read it and judge anew.
            if facts.ask.order is None or facts.ask.order.source_id is None:
                raise
            return None
        if written is None:
            return None
        if isinstance(written, Redeemed):
            return written
        shortage = written
        facts.context = wants.after_shortage(facts, shortage)
    raise holds.Exceeded(shortage or Shortage("", "", 0))


def _failed(retailer_id: int, facts: Facts, outcome: Outcome, tracking_id: str, key: str) -> NotRedeemable:
    first = next((one for one in outcome.verdicts if one.status == "INAPPLICABLE"), None)
    if first is None:
        first = next(one for one in outcome.verdicts if one.reason is not None)
    assert first.reason is not None
    refused = [one.id for one in facts.context.redeemables if one.barred]
    shopper_sessions.note_refused(facts.config, facts.ask, refused, facts.now)
    row = redemption_plan.row(facts, first, tracking_id, key)
    Redemption.objects.create(
        public_id=(failed_id := new_id("rf_")),
        retailer_id=retailer_id,
        succeeded=False,
        voucher_id=row.voucher_id,
        tier_id=row.tier_id,
        campaign_id=row.campaign_id,
        code=row.code,
        customer_id=facts.customer.id if facts.customer else None,
        tracking_id=tracking_id,
        session_key=key,
        order_ident=_order_ident(facts),
        metadata=row.metadata,
        failure_code=first.reason.code,
        ran_out=traces.ran_out(first),
        failure_message=first.reason.rule_error or first.reason.message,
        trace=traces.all_of(outcome.verdicts),
        channel_type=row.channel_type,
        channel_id=row.channel_id,
        created_at=facts.now,
    )
    if facts.config.listened:
        _tell_failure(retailer_id, failed_id, facts.now)
    return NotRedeemable(first, failed_id)


def _order_ident(facts: Facts) -> str | None:
    """Return what the shop calls the order that stays without a row, or with the one it had; else what we call it."""
    ask, stored = facts.ask.order, facts.order or {}
    if ask is None:
        return None
    return stored.get("source_id") or ask.source_id or stored.get("public_id") or ask.id


def _tell_failure(retailer_id: int, failed_id: str, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_event (public_id, retailer_id, type, data, source, created_at)"
            " VALUES (%s, %s, 'redemption.failed', jsonb_build_object('redemption', %s::text), '{}', %s)",
            [new_id("whs_"), retailer_id, failed_id, now],
        )
