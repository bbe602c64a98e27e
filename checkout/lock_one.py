"""A validation that holds one use of one voucher under its session: one short call (checkout/sql/lock_one_v1.sql)."""

from collections.abc import Sequence

import orjson

from checkout import traces
from checkout.facts import Facts
from checkout.sessions import Session
from checkout.validated import Validated
from offers.evaluation.verdicts import Verdict
from offers.ledger.holds import Want
from offers.lib.calls import call
from offers.lib.ids import new_id
from offers.lib.retry import retrying

ARGUMENTS = 23
_CALL = f"SELECT checkout_lock_one({', '.join(['%s'] * ARGUMENTS)})"


def fits(facts: Facts, applicable: Sequence[Verdict], claims: Sequence[Want]) -> bool:
    """Say whether one use of one voucher is all there is to hold, and that voucher, no card, all that was asked about.

    A counter that has to be opened takes the long way, unless it is a row of its own with a limit.
    """
    if len(claims) != 1 or len(facts.subjects) != 1 or applicable[0].from_card is not None:
        return False
    want = claims[0]
    simple = want.granted is not None and want.shards == 1
    return want.kind == "voucher.uses" and (simple or not want.fresh)


def write(made: Validated, session: Session, reference: str, want: Want) -> bool:
    """Hold it and record the validation; False, and nothing was done, where it takes more than a glance."""
    facts, outcome = made.facts, made.outcome
    subject, order = facts.subjects[0], outcome.order
    assert subject.voucher is not None
    arguments = (
        facts.config.retailer.pk,
        facts.now,
        reference,
        subject.item,
        session.expires_at,
        want.owner,
        want.granted,
        want.shards,
        want.fresh,
        new_id("lock_"),
        session.key,
        subject.voucher.code,
        subject.campaign.id if subject.campaign else None,
        facts.customer.id if facts.customer else None,
        made.tracking_id,
        outcome.applicable[0].discount_amount,
        str(session.ttl),
        session.unit,
        facts.actor.ident,
        made.id,
        order.amount if order else None,
        orjson.dumps([facts.ask.redeemables[0].id]).decode(),
        orjson.dumps(traces.all_of(outcome.verdicts), default=str).decode(),
    )
    row = retrying(lambda: call(_CALL, *arguments))
    assert row is not None, "the function answers every request"
    return bool(row[0])
