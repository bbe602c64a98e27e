"""Rewards purchases: gives what the rules want of a sale, follows its revisions, and takes back what no longer stands.

Everything happens under the member's lock, so two tills that carry one member over a threshold together wait for one
another. An outcome given is an Award row; a correction is a further row that points at it. What is given follows from
the difference between what the rules want of the sale now and what stands for it, so doing it twice changes nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.db import connection, transaction

from loyalty import award_standing, firing, members, points, rules, tiers
from loyalty.earning import (
    MemberFacts,
    Metric,
    PointsChanged,
    RuleFacts,
    Sale,
    TierEntered,
    TransactionClosed,
    Trigger,
    conditions,
    eligible_spend,
    evaluate,
    seen,
)
from loyalty.members import Person
from loyalty.models import Member, PointAccount, Purchase
from loyalty.runs import Result, Run
from offers.evaluation import durations
from offers.lib.actors import Actor

DEPTH_MOST = 5
RETURN_WINDOW = durations.Duration(months=12)
SURELY_WITHIN = timedelta(days=360)  # no calendar has to be asked
SKIPPED_RETURN_WINDOW = "skipped_return_window"
_PURCHASE = """
INSERT INTO loyalty_purchase AS p (member_id, occasion, closed_at, spend, voided, seen)
VALUES (%s, %s, %s, %s, %s, %s::jsonb)
ON CONFLICT (occasion, member_id) DO UPDATE
SET closed_at = excluded.closed_at, spend = excluded.spend, voided = excluded.voided,
    seen = coalesce(p.seen, excluded.seen)
RETURNING seen
"""


def reward(*, retailer_id: int, sale: Sale, member: Member | Person, now: datetime, actor: Actor) -> Result:
    """Give a member what the rules in force at the first close want of a sale, or of a later revision of it.

    Once per sale and member, whoever calls and how often; a revision books the difference. It is judged by the levels,
    tags and points the member had when the sale was first judged: what a sale led to does not raise it. More than 12
    calendar months after the first close nothing moves any more (`skipped_return_window`). Locks the member first.
    """
    with transaction.atomic():
        run = _begin(retailer_id, member, sale, now, actor)
        if too_late(sale):
            run.result.skipped = SKIPPED_RETURN_WINDOW
            return run.result
        share, whole = sale.share
        facts = _facts(run)
        spend = eligible_spend(sale) * share // whole
        kept = _keep_purchase(run, spend=spend, seen=seen.keep(facts, seen.asked(run.rules)))
        facts = seen.recall(facts, kept)
        found = evaluate(trigger=TransactionClosed(), rules=run.rules, member=facts, sale=sale, now=now)
        run.result.trace += found.trace
        before = _lifetimes(run)
        firing.settle(run, found.wanted)
        _follow(run, before)
        return run.result


def take_back(*, retailer_id: int, sale: Sale, member: Member | Person, now: datetime, actor: Actor) -> Result:
    """Take back everything a sale gave a member: it was voided, or somebody else paid it.

    Offers that are used or locked stay, with a note. The window of returns holds. Locks the member first.
    """
    with transaction.atomic():
        run = _begin(retailer_id, member, sale, now, actor)
        if too_late(sale):
            run.result.skipped = SKIPPED_RETURN_WINDOW
            return run.result
        _keep_purchase(run, spend=0, voided=True)
        before = _lifetimes(run)
        firing.settle(run, [])
        _follow(run, before)
        return run.result


def deposit(
    *,
    retailer_id: int,
    member: Member,
    account: PointAccount,
    amount: int,
    reference: str,
    now: datetime,
    actor: Actor,
    reason: str = "",
) -> Result:
    """Give a member points that count as earned, once per reference and account, and what crossing a threshold brings.

    Locks the member first.
    """
    with transaction.atomic():
        occasion = f"deposit:{account.uuid}:{reference}"
        run = Run(retailer_id, members.lock([member.pk])[member.pk], occasion, now, now, actor, None)
        before = _lifetimes(run)
        moved = points.earn(
            member=run.member, account=account, amount=amount, reference=f"deposit:{reference}", reason=reason, now=now
        )
        if moved.done:
            run.moved(moved)
            run.rules = rules.in_force(retailer_id=retailer_id, at=now)
            run.result.add_points(account, amount)
            points.note(
                moved,
                "points.deposit",
                member=run.member,
                actor=actor,
                balance_before=moved.balance - amount,
                reason=reason,
                now=now,
            )
            _follow(run, before)
        return run.result


def rewarded(*, occasion: str) -> list[Member]:
    """Return the members for whom a purchase counts: after a revision, those who no longer pay it give it back."""
    rows = Purchase.objects.filter(occasion=occasion, voided=False).select_related("member").order_by("member_id")
    return [row.member for row in rows]


def preview(*, member: Member | None, sale: Sale, rules: Sequence[RuleFacts], now: datetime) -> Result:
    """Say what rules would want of a sale, and of the points it brings, with the reason per rule. Stores nothing."""
    result = Result()
    facts = MemberFacts()
    accounts: dict[str, PointAccount] = {}
    if member is not None:
        run = Run(member.retailer_id, member, sale.occasion, now, sale.closed_at, firing.NOBODY, sale)
        run.rules = list(rules)
        facts, accounts = _facts(run), run.accounts
    waiting: list[Trigger] = [TransactionClosed()]
    for _ in range(DEPTH_MOST):
        gained: dict[str, int] = {}
        for trigger in waiting:
            found = evaluate(trigger=trigger, rules=rules, member=facts, sale=sale, now=now)
            result.trace += found.trace
            for one in found.wanted:
                if one.kind == "points":
                    gained[one.account] = gained.get(one.account, 0) + one.points
                elif one.kind in ("offer", "purchase"):
                    result.offers.append(one.value)
        waiting, metrics = [], dict(facts.points)
        for key, amount in gained.items():
            old = metrics.get(key, Metric())
            metrics[key] = Metric(lifetime=old.lifetime + amount, balance=old.balance + amount)
            waiting.append(PointsChanged(key, old.lifetime, old.lifetime + amount))
            result.points[key] = result.points.get(key, 0) + amount
            if key in accounts:
                result.names[key] = accounts[key].name
        facts = replace(facts, points=metrics)
        if not waiting:
            break
    return result


def _begin(retailer_id: int, member: Member | Person, sale: Sale, now: datetime, actor: Actor) -> Run:
    owned = members.lock([member.pk])[member.pk]
    run = Run(retailer_id, owned, sale.occasion, now, sale.closed_at, actor, sale)
    run.rules = rules.in_force(retailer_id=retailer_id, at=sale.closed_at)
    return run


def too_late(sale: Sale) -> bool:
    """Whether the window of returns has closed: exactly 12 months later it is still open."""
    if sale.modified_at - sale.closed_at < SURELY_WITHIN:
        return False
    return sale.modified_at > RETURN_WINDOW.after(sale.closed_at, ZoneInfo(sale.timezone))


def _keep_purchase(
    run: Run, *, spend: int, voided: bool = False, seen: dict[str, Any] | None = None
) -> dict[str, Any] | None:
    """Store what a sale counts for now, and what was seen of the member the first time; return the latter."""
    with connection.cursor() as cursor:
        kept = orjson.dumps(seen).decode() if seen else None
        cursor.execute(_PURCHASE, [run.member.pk, run.occasion, run.at, spend, voided, kept])
        (found,) = cursor.fetchone()
    first: dict[str, Any] | None = orjson.loads(found) if isinstance(found, str) else found
    return first


def _lifetimes(run: Run) -> dict[str, int]:
    return {key: metric.lifetime for key, metric in run.metrics().items()}


def _follow(run: Run, before: dict[str, int]) -> None:
    """Fire what changed points and entered tiers bring, which may bring more, five steps deep at most."""
    waiting = _changes(run, before)
    for depth in range(DEPTH_MOST + 1):
        if waiting or not depth:
            waiting += [TierEntered(*one) for one in tiers.rise(member=run.member, now=run.now)]
        waiting += run.take_triggers()
        run.result.levels += [f"{one.system}/{one.level}" for one in waiting if isinstance(one, TierEntered)]
        if not waiting:
            return
        if depth == DEPTH_MOST:
            run.result.notes.append("rules_too_deep")
            return
        before = _lifetimes(run)
        for trigger in waiting:
            _fire(run, trigger)
        waiting = _changes(run, before)


def _changes(run: Run, before: dict[str, int]) -> list[Trigger]:
    after = _lifetimes(run)
    return [
        PointsChanged(key, before.get(key, 0), points_now)
        for key, points_now in after.items()
        if points_now != before.get(key, 0)
    ]


def _fire(run: Run, trigger: Trigger) -> None:
    if isinstance(trigger, PointsChanged) and trigger.after < trigger.before:
        _fall(run, trigger)
        return
    fit = [rule for rule in run.rules if rule.trigger == trigger.name]
    if not fit:
        return
    found = evaluate(trigger=trigger, rules=fit, member=_facts(run, trigger), sale=run.sale, now=run.now)
    run.result.trace += found.trace
    firing.give_all(run, found.wanted, trigger)


def _fall(run: Run, trigger: PointsChanged) -> None:
    """Take back what thresholds gave that are no longer reached, the newest first."""
    for rule in run.rules:
        condition = conditions.threshold(rule)
        if condition is None or not conditions.same_account(condition, trigger):
            continue
        lost = conditions.crossings(condition, trigger.after, trigger.before)
        for firing_key in award_standing.standing(run.member, rule.rule_id)[:lost]:
            firing.undo(run, firing_key)


def _facts(run: Run, trigger: Trigger | None = None) -> MemberFacts:
    """Everything rules may ask about the member, as it stands now; what was given counts for thresholds crossed."""
    asked = {one.get("metric") for rule in run.rules for one in rule.definition.get("conditions") or []}
    purchases = 1
    if "purchase_number" in asked:
        others = Purchase.objects.filter(member=run.member, voided=False).exclude(occasion=run.occasion)
        purchases += others.filter(closed_at__lte=run.at).count()
    crossing = _crossed(run, trigger) if isinstance(trigger, PointsChanged) else []
    return MemberFacts(
        tags=frozenset(run.member.tags),
        levels=tiers.held(member=run.member) if run.asks_for_levels() else {},
        points=run.metrics(),
        purchases=purchases,
        standing=award_standing.count_standing(run.member, crossing) if crossing else {},
    )


def _crossed(run: Run, trigger: PointsChanged) -> list[int]:
    found = []
    for rule in run.rules:
        condition = conditions.threshold(rule)
        if condition is not None and conditions.crossings(condition, trigger.before, trigger.after) > 0:
            found.append(rule.rule_id)
    return found
