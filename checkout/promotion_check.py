"""Which promotion tiers apply to an order, each judged by itself on the whole of it. Holds and records nothing."""

from dataclasses import replace
from datetime import datetime

from checkout import facts as facts_module
from checkout.asks import Ask, RedeemableAsk
from checkout.facts import Confirm, Facts
from offers import promotions
from offers.evaluation import engine
from offers.evaluation.verdicts import Verdict
from offers.lib.actors import Actor

MOST = 100


def applicable(
    *, retailer_id: int, ask: Ask, actor: Actor, now: datetime, confirm: Confirm | None = None
) -> tuple[Facts, list[Verdict]]:
    """Return the verdicts of the tiers that apply, by their hierarchy; `ask` names the order, not the tiers.

    Of more than a hundred available tiers the first count. Refuses `not_found` as a validation does.
    """
    tiers = promotions.search(retailer_id=retailer_id, available_at=now).order_by("hierarchy", "id")
    ids = list(tiers.values_list("public_id", flat=True)[:MOST])
    wanted = [RedeemableAsk(ident, "promotion_tier") for ident in ids]
    facts = facts_module.gather(
        retailer_id=retailer_id,
        ask=Ask(
            redeemables=wanted,
            order=ask.order,
            customer=ask.customer,
            tracking_id=ask.tracking_id,
            metadata=ask.metadata,
        ),
        reference="",
        actor=actor,
        now=now,
        confirm=confirm,
    )
    verdicts = []
    for redeemable in facts.context.redeemables:
        (verdict,) = engine.evaluate(replace(facts.context, redeemables=(redeemable,))).verdicts
        if verdict.applicable:
            verdicts.append(verdict)
    return facts, verdicts
