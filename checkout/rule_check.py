"""Whether a validation rule holds for an order, and what of it a discount under the rule may touch. Holds nothing."""

from dataclasses import replace
from datetime import datetime

from checkout import facts as facts_module
from checkout.asks import Ask
from checkout.facts import Confirm
from offers.evaluation import engine
from offers.evaluation.context import DEFAULT_STACKING, Discount, Redeemable
from offers.evaluation.verdicts import Verdict
from offers.lib.actors import Actor
from offers.models import ValidationRule

NOTHING_OFF = Discount(type="AMOUNT", amount_off=0, effect="APPLY_TO_ORDER")


def judge(
    *,
    retailer_id: int,
    rule: ValidationRule,
    ask: Ask,
    actor: Actor,
    now: datetime,
    confirm: Confirm | None = None,
) -> Verdict:
    """Return the verdict on something new under this rule alone, used by nobody yet, that takes nothing off.

    Refuses `not_found` as a validation does.
    """
    facts = facts_module.gather(retailer_id=retailer_id, ask=ask, reference="", actor=actor, now=now, confirm=confirm)
    tried = Redeemable(
        id=rule.public_id, object="promotion_tier", discount=NOTHING_OFF, rules=facts.config.rules_of([rule.pk])
    )
    context = replace(facts.context, redeemables=(tried,), stacking=DEFAULT_STACKING)
    (verdict,) = engine.evaluate(context).verdicts
    return verdict
