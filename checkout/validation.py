"""Validations: do these redeemables apply to this order, with what total, and if asked: hold them for this cart."""

from datetime import datetime
from typing import Any

import orjson

from checkout import facts as facts_module
from checkout import lock_one, sessions, shopper_sessions, traces, tracking, wants
from checkout.asks import Ask
from checkout.facts import Confirm, Facts
from checkout.validated import Validated
from offers import customers
from offers.evaluation import engine
from offers.ledger import holds
from offers.ledger.holds import Shortage
from offers.lib.actors import Actor
from offers.lib.calls import call
from offers.lib.errors import Refusal
from offers.lib.ids import new_id
from offers.lib.retry import retrying

REDEEMABLES_LIMIT = 30
ROUNDS = 4  # a redeemable that came too late is judged again; each round can lose another one


class DuplicatedRedeemables(Refusal):
    """Redeemables are duplicated."""

    code = "duplicated_redeemables"


class InvalidRedeemables(Refusal):
    """The combination of redeemables is not allowed."""

    code = "invalid_redeemables"


def validate(*, retailer_id: int, ask: Ask, actor: Actor, now: datetime, confirm: Confirm | None = None) -> Validated:
    """Judge the redeemables for the order; with a session, hold what applies under its key.

    What doesn't apply is a verdict, also when it ran out while we looked. Two round trips: one read, one write.
    An invalid outcome holds nothing new and leaves what the key held before.
    Refuses `duplicated_redeemables`, `invalid_redeemables`, `invalid_payload`, `not_found`.
    """
    check_redeemables(ask)
    session = sessions.asked(ask.session, now=now)
    reference = sessions.reference(retailer_id, session.key) if session else ""
    facts = facts_module.gather(
        retailer_id=retailer_id, ask=ask, reference=reference, actor=actor, now=now, confirm=confirm
    )
    check_distinct(facts)
    if session and needs_customer(facts):
        customers.ensure(retailer_id=retailer_id, source_id=str(ask.customer and ask.customer.source_id))
        facts = facts_module.gather(retailer_id=retailer_id, ask=ask, reference=reference, actor=actor, now=now)
    outcome = engine.evaluate(facts.context)
    refused = [one.id for one in facts.context.redeemables if one.barred]
    shopper_sessions.note_refused(facts.config, ask, refused, now)
    tracking_id = tracking.of(ask, facts.config.retailer.public_id, facts.customer)
    made = Validated(new_id("valid_"), facts, outcome, tracking_id, session)
    for _ in range(ROUNDS):
        shortage = _write(retailer_id, made, reference)
        if shortage is None:
            return made
        facts.context = wants.after_shortage(facts, shortage)
        made = Validated(made.id, facts, engine.evaluate(facts.context), tracking_id, session)
    raise holds.Exceeded(Shortage("", "", 0))


def check_redeemables(ask: Ask) -> None:
    """Refuse requests whose redeemables can't be judged together."""
    if not ask.redeemables:
        raise InvalidRedeemables("Property .redeemables should have at least 1 item")
    if len(ask.redeemables) > REDEEMABLES_LIMIT:
        raise InvalidRedeemables(f"Property .redeemables should have at most {REDEEMABLES_LIMIT} items")
    if len({(one.object, one.id) for one in ask.redeemables}) < len(ask.redeemables):
        raise DuplicatedRedeemables
    if len(ask.redeemables) > 1 and any(one.object == "promotion_stack" for one in ask.redeemables):
        raise InvalidRedeemables("A promotion stack has to be the only redeemable")


def check_distinct(facts: Facts) -> None:
    """Refuse a voucher that was named twice, by its code and by its id."""
    items = [subject.item for subject in facts.subjects if subject.item]
    if len(set(items)) < len(items):
        raise DuplicatedRedeemables


def needs_customer(facts: Facts) -> bool:
    """Say whether a limit per customer has to be held for a customer who has no row yet."""
    if facts.customer is not None or facts.ask.customer is None or not facts.ask.customer.source_id:
        return False
    return any(
        "customer" in need.name
        for redeemable in facts.context.redeemables
        for rule in redeemable.rules
        for need in rule.counts
    )


def _write(retailer_id: int, made: Validated, reference: str) -> Shortage | None:
    """Record the validation and hold what applies under its session, in one call (checkout/sql/lock_v2.sql).

    Most hold one use of one voucher: that has a shorter call, which says no where it does not fit.
    """
    facts, session = made.facts, made.session
    applicable = made.outcome.applicable if session is not None and made.outcome.valid else ()
    claims = wants.of(facts, applicable)
    if (
        session is not None
        and lock_one.fits(facts, applicable, claims)
        and lock_one.write(made, session, reference, claims[0])
    ):
        return None
    written: dict[str, Any] = {"retailer": retailer_id, "now": facts.now, "wants": None, "record": _record(made)}
    if session is not None and applicable:
        written |= {
            "wants": claims,
            "reference": reference,
            "items": [facts.subject(verdict.redeemable).item for verdict in applicable],
            "expires": session.expires_at,
            "locks": sessions.rows(facts, session, applicable, tracking_id=made.tracking_id),
        }
    text = orjson.dumps(written, default=str).decode()

    row = retrying(lambda: call("SELECT ok, item, kind, available FROM checkout_lock(%s::jsonb)", text))
    assert row is not None, "the function answers every request"
    ok, item, kind, available = row
    return None if ok else Shortage(item, kind, available)


def _record(made: Validated) -> dict[str, Any]:
    facts, outcome = made.facts, made.outcome
    campaigns = {subject.campaign.id for subject in facts.subjects if subject.campaign}
    return {
        "public_id": made.id,
        "valid": outcome.valid,
        "tracking_id": made.tracking_id,
        "customer_id": facts.customer.id if facts.customer else None,
        "session_key": made.session.key if made.session else "",
        "amount": outcome.order.amount if outcome.order else None,
        "codes": [one.id for one in facts.ask.redeemables],
        "campaign_ids": sorted(campaigns),
        "trace": traces.all_of(outcome.verdicts),
        "channel_id": facts.actor.ident,
    }
