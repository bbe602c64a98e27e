"""Judges all redeemables of a request: checks, stacking and discounts, in applied order."""

from __future__ import annotations

from collections.abc import Mapping

from offers.evaluation import checks, credits, discounts, reasons, stacking, units
from offers.evaluation.cart import Cart, Plan
from offers.evaluation.context import NOTHING, Context, Discount, Redeemable
from offers.evaluation.facts import CAMPAIGN_COUNTS, taken_by
from offers.evaluation.scene import Scene
from offers.evaluation.stacking import Group
from offers.evaluation.verdicts import Check, CountLimit, Outcome, Reason, Verdict


def evaluate(context: Context) -> Outcome:
    """One verdict per redeemable in applied order, and the order's totals; never raises for a well-formed context."""
    ordered = stacking.arrange(context.redeemables, context.stacking)
    if not stacking.has_exclusive(ordered):
        return _Run(context).through(ordered)
    run = _Run(context, without_common=True)
    outcome = run.through(ordered)
    exclusive = [verdict for verdict, (_, group) in zip(outcome.verdicts, ordered, strict=True) if group == "exclusive"]
    if run.failed or any(verdict.applicable for verdict in exclusive):
        return outcome
    # Nothing that is never stackable applies after all, so it pushes nothing out.
    return _Run(context, settled={id(verdict.redeemable): verdict for verdict in exclusive}).through(ordered)


class _Run:
    """One pass over the redeemables, each judged on what the earlier ones left of the order."""

    def __init__(
        self, context: Context, *, without_common: bool = False, settled: Mapping[int, Verdict] | None = None
    ) -> None:
        self.context = context
        self.without_common = without_common
        self.settled = settled or {}  # verdicts that stand, by the identity of their redeemable
        self.cart = _cart(context)
        self.tally = stacking.Tally(context.stacking)
        self.taken: dict[str, dict[str, int]] = {}
        self.failed = False

    def through(self, ordered: list[tuple[Redeemable, Group]]) -> Outcome:
        verdicts = tuple([self._judge(redeemable, group) for redeemable, group in ordered])
        applied = [verdict for verdict in verdicts if verdict.status == "APPLICABLE"]
        valid = bool(applied) and not self.failed
        if not valid or self.cart is None:
            return Outcome(valid, verdicts)
        return Outcome(valid, verdicts, applied[0].order if len(applied) == 1 else self.cart.request_totals())

    def _judge(self, redeemable: Redeemable, group: Group) -> Verdict:
        if self.failed:
            return _skipped(redeemable, "preceding_validation_failed")
        if group == "common" and self.without_common:
            return _skipped(redeemable, "exclusion_rules_not_met")
        if group == "exclusive" and id(redeemable) in self.settled:
            return self.settled[id(redeemable)]
        full = self.tally.full(redeemable, group)
        if full is not None:
            return _skipped(redeemable, full[0], limit=full[1])
        taken = self.taken.get(redeemable.campaign, NOTHING) if redeemable.campaign is not None else NOTHING
        scene = Scene(self.context, redeemable, self.cart, taken)
        verdict = assess(scene)
        if verdict.status == "APPLICABLE":
            self.tally.count(redeemable, group)
            self._take(scene)
        elif verdict.status == "INAPPLICABLE":
            self.failed = self.context.stacking.redeemables_application_mode == "ALL"
        return verdict

    def _take(self, scene: Scene) -> None:
        """Redeemables of one campaign share its budgets within the request too."""
        campaign = scene.redeemable.campaign
        if campaign is None or len(self.context.redeemables) == 1:
            return
        before = self.taken.get(campaign, {})
        self.taken[campaign] = {name: before.get(name, 0) + taken_by(scene, name) for name in CAMPAIGN_COUNTS}


def assess(scene: Scene) -> Verdict:
    """The verdict on one redeemable at its turn; when it applies, its discount is taken off the scene's cart."""
    redeemable, explain = scene.redeemable, scene.context.explain
    trace: list[Check] = []
    reason = None
    for step in (checks.standing, checks.funds, _early_rules):
        found = step(scene, trace)
        reason = reason or found
        if reason is not None and not (explain and redeemable.found):
            break
    if reason is not None:
        return Verdict("INAPPLICABLE", redeemable, reason, trace=tuple(trace))
    plan = _plan(scene)
    if isinstance(plan, str):
        trace.append(Check("order", False, True, False, code=plan))
        details = "Amount is required when redeeming a GIFT_VOUCHER" if _pays_an_order_without_amount(scene) else None
        reason = reasons.because(plan, redeemable, details=details)
        return Verdict("INAPPLICABLE", redeemable, reason, trace=tuple(trace))
    scene.plan = plan
    reason = _rules(scene, trace, late=True)
    if reason is not None:
        return Verdict("INAPPLICABLE", redeemable, reason, trace=tuple(trace))
    if (
        not plan.has_effect
        and scene.cart is not None
        and stacking.skips_without_effect(redeemable, scene.context.stacking)
    ):
        trace.append(Check("effect", False, True, False, code="no_effect"))
        return Verdict("SKIPPED", redeemable, reasons.because("no_effect", redeemable), trace=tuple(trace))
    return _applied(scene, plan, trace)


def _applied(scene: Scene, plan: Plan, trace: list[Check]) -> Verdict:
    redeemable = scene.redeemable
    limits = _limits(scene)
    off = plan.total_off
    if scene.context.explain:
        trace.append(Check("discount", True, None, off))
    return Verdict(
        "APPLICABLE",
        redeemable,
        None,
        scene.cart.apply(plan) if scene.cart is not None else None,
        plan.applicable_to,
        plan.inapplicable_to,
        _with_effect(redeemable.discount, plan.effect),
        plan.credits,
        redeemable.gift.balance if redeemable.gift is not None else None,
        plan.points,
        off,
        limits,
        tuple(trace),
    )


def _early_rules(scene: Scene, trace: list[Check]) -> Reason | None:
    return _rules(scene, trace, late=False) if scene.redeemable.rules else None


def _rules(scene: Scene, trace: list[Check], *, late: bool) -> Reason | None:
    reason = None
    for rule in scene.redeemable.rules:
        if rule.late is not late:
            continue
        passes = rule.passes(scene)
        if scene.context.explain:
            trace += rule.explain(scene)
        if passes:
            continue
        violation, check = rule.violation(scene)
        reason = reason or violation
        if not scene.context.explain:
            trace.append(check)
            return reason
    return reason


def _plan(scene: Scene) -> Plan | str:
    """What the redeemable would do, or the reason key for what the order lacks to tell."""
    redeemable, cart, context = scene.redeemable, scene.cart, scene.context
    scopes = tuple([rule.scope for rule in redeemable.rules if rule.scope is not None])
    once = context.stacking.redeemables_products_application_mode == "ONCE"
    if redeemable.kind == "gift" and redeemable.gift is not None:
        if cart is None:
            return "missing_amount"
        if redeemable.gift.effect != discounts.ORDER and not cart.rows:
            return "missing_order_items"
        return credits.plan_gift(redeemable.gift, scopes, cart, once=once) or "missing_order_items_amount"
    if redeemable.kind == "loyalty" and redeemable.points is not None:
        return "missing_amount" if cart is None else credits.plan_points(redeemable.points, cart)
    discount = redeemable.discount
    if discount is None:
        return Plan()
    effect = discounts.effect_of(discount, scopes)
    if effect.startswith(discounts.ITEMS) and (cart is None or not cart.rows):
        return "missing_order_items"
    if cart is None:
        return Plan(effect=effect)
    if discount.type == "UNIT":
        return units.plan(discount, effect, scopes, cart, context.catalogue, once=once)
    initial = stacking.counts_from_initial(redeemable, context.stacking)
    return discounts.plan(discount, effect, scopes, cart, initial=initial, once=once)


def _pays_an_order_without_amount(scene: Scene) -> bool:
    return scene.redeemable.kind == "gift" and scene.cart is None


def _limits(scene: Scene) -> tuple[CountLimit, ...]:
    """Every count its rules read, with the strictest bound any of them sets."""
    rules = scene.redeemable.rules
    if not rules:
        return ()
    limits: dict[str, int | None] = {}
    for rule in rules:
        for need in rule.counts:
            known = limits.get(need.name)
            limits[need.name] = need.limit if known is None else min(known, known if need.limit is None else need.limit)
    return tuple([CountLimit(name, limit, taken_by(scene, name)) for name, limit in limits.items()])


def _with_effect(discount: Discount | None, effect: str | None) -> Discount | None:
    if discount is None or discount.effect == effect or effect is None:
        return discount
    return Discount(
        type=discount.type,
        effect=effect,
        amount_off=discount.amount_off,
        percent_off=discount.percent_off,
        fixed_amount=discount.fixed_amount,
        amount_limit=discount.amount_limit,
        aggregated_amount_limit=discount.aggregated_amount_limit,
        units=discount.units,
    )


def _cart(context: Context) -> Cart | None:
    order = context.order
    if order is None or (order.amount is None and not order.items):
        return None
    return Cart(order, context.catalogue)


def _skipped(redeemable: Redeemable, code: str, **data: int) -> Verdict:
    return Verdict("SKIPPED", redeemable, reasons.because(code, redeemable, data))
