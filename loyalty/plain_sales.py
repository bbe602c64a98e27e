"""Rewards many sales at once, where all a sale brings is points: one read of all facts, one write of all effects.

The same outcome as `outcomes.reward`, sale by sale, at a small part of its cost. A sale is plain when nothing was given
for it before, the rules want nothing but points of it, and nothing follows from these: no level is reached, no
threshold crossed. Limits and budgets are taken rule by rule. The rest goes the long way.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from django.db import connection, transaction

from loyalty import firing, limits, outcomes, points
from loyalty.earning import (
    Metric,
    PointsChanged,
    RuleFacts,
    TransactionClosed,
    Wanted,
    conditions,
    eligible_spend,
    evaluate,
    seen,
)
from loyalty.models import MemberAccount, PointAccount
from loyalty.plain_facts import Earned, Facts, Purse
from loyalty.runs import Result
from loyalty.tier_standing import Gain
from offers.ledger import counters, holds

__all__ = ["Earned", "reward"]


class _NotPlain(Exception):
    """More follows from the sale than points."""


@dataclass(slots=True)
class _Written:
    """What is written at the end."""

    purchases: list[dict[str, Any]] = field(default_factory=list)
    awards: list[dict[str, Any]] = field(default_factory=list)
    purses: list[Purse] = field(default_factory=list)  # of the awards


def reward(*, retailer_id: int, timezone: str, sales: Sequence[Earned], now: datetime) -> None:
    """Give the members of plain sales what the rules want, once; the other sales keep no result. Locks the members.

    All or nothing: what fails undoes the whole, in the caller's savepoint, and then each sale goes the long way.
    """
    if not sales:
        return
    facts = Facts(retailer_id=retailer_id, timezone=timezone, sales=sales, now=now)
    written = _Written()
    left: set[int] = set()
    for one in sales:
        try:
            if one.member.pk in left:
                raise _NotPlain
            one.behind |= bool(left)
            _one(one, facts, written)
        except _NotPlain:
            left.add(one.member.pk)  # so that a member's sales count in the order they came
    if written.purchases:
        _write(written, facts)


def _one(one: Earned, facts: Facts, written: _Written) -> None:
    """Give one sale what the rules want, in memory but for limits. Raises when it is not plain, and undoes them."""
    sale, member = one.sale, one.member
    in_force = facts.rules[sale.closed_at]
    if member.pk not in facts.members or (sale.occasion, member.pk) in facts.given or outcomes.too_late(sale):
        raise _NotPlain
    before = facts.metrics(member.pk)
    known = facts.of(one, in_force, before)
    wanted = evaluate(trigger=TransactionClosed(), rules=in_force, member=known, sale=sale, now=facts.now).wanted
    if not all(_can_take(want, facts) for want in wanted):
        raise _NotPlain
    if one.behind and any(_shares(want.rule) for want in wanted):
        raise _NotPlain
    share, whole = sale.share
    spend = eligible_spend(sale) * share // whole
    result = Result()
    if any(want.rule.definition.get(name) for want in wanted for name in ("limits", "budget")):
        with transaction.atomic():
            wanted = _within_limits(one, wanted, facts, result)
            gain = _gain(one, wanted, spend)
            _nothing_follows(one, in_force, gain, before, facts)
    else:
        gain = _gain(one, wanted, spend)
        _nothing_follows(one, in_force, gain, before, facts)
    facts.note(one, gain)
    written.purchases.append(
        {
            "member": member.pk,
            "occasion": sale.occasion,
            "closed_at": sale.closed_at,
            "spend": spend,
            "seen": seen.keep(known, facts.asked[sale.closed_at]),
        }
    )
    for want in wanted:
        purse = facts.purses.setdefault((member.pk, facts.accounts[want.account].pk), Purse())
        written.purses.append(purse)
        written.awards.append(_award(one, want, facts, purse, result))
    one.result = result


def _can_take(want: Wanted, facts: Facts) -> bool:
    account = facts.accounts.get(want.account)
    if want.kind != "points" or not 0 < want.points <= points.MOST or account is None:
        return False
    return account.expiry != PointAccount.Expiry.INACTIVITY


def _shares(rule: RuleFacts) -> bool:
    """Whether a rule takes from what there is for all members together: first come, first served."""
    return bool((rule.definition.get("limits") or {}).get("global") or rule.definition.get("budget"))


def _within_limits(one: Earned, wanted: Sequence[Wanted], facts: Facts, result: Result) -> list[Wanted]:
    """Take what limits and budgets ask for, as `firing` does; leave out, with a note, what they no longer allow."""
    firings: dict[tuple[int, int], list[Wanted]] = defaultdict(list)
    for want in wanted:
        firings[want.rule.rule_id, want.occurrence].append(want)
    given: list[Wanted] = []
    for wants in firings.values():
        _, detail = firing.first_key(sale=one.sale, member=one.member, want=wants[0])
        claims = limits.wants(
            fired=wants,
            trigger=TransactionClosed(),
            customer_id=facts.members[one.member.pk][0],
            at=one.sale.closed_at,
            timezone=facts.timezone,
            entry=f"rule:{detail['firing']}",
        )
        try:
            if claims:
                with transaction.atomic():
                    holds.use(retailer_id=facts.retailer_id, wants=claims, reference="", now=facts.now)
        except holds.Exceeded as error:
            result.notes.append(f"limit_reached:{wants[0].rule.name}:{error.shortage.kind}")
        else:
            given += wants
    return given


def _gain(one: Earned, wanted: Sequence[Wanted], spend: int) -> Gain:
    earned: dict[str, int] = defaultdict(int)
    for want in wanted:
        earned[want.account] += want.points
    return Gain(spend=spend, closed_at=one.sale.closed_at, points=earned)


def _nothing_follows(
    one: Earned, in_force: Sequence[RuleFacts], gain: Gain, before: Mapping[str, Metric], facts: Facts
) -> None:
    """Make sure that neither a level nor a rule about changed points follows from what a sale gave."""
    after = {
        key: Metric(lifetime=old.lifetime + gain.points.get(key, 0), balance=old.balance + gain.points.get(key, 0))
        for key, old in before.items()
    }
    if facts.tiers.rises(one.member.pk, gain, {key: metric.lifetime for key, metric in after.items()}):
        raise _NotPlain
    fit = [rule for rule in in_force if rule.trigger == PointsChanged.name]
    if not fit or not gain.points:
        return
    known = facts.of(one, in_force, after)
    for key in gain.points:
        trigger = PointsChanged(key, before[key].lifetime, after[key].lifetime)
        for rule in fit:
            condition = conditions.threshold(rule)
            if condition is not None and conditions.crossings(condition, trigger.before, trigger.after) > 0:
                raise _NotPlain
        if evaluate(trigger=trigger, rules=fit, member=known, sale=one.sale, now=facts.now).wanted:
            raise _NotPlain


def _award(one: Earned, want: Wanted, facts: Facts, purse: Purse, result: Result) -> dict[str, Any]:
    """Return the award of one outcome as `loyalty_reward` writes it, and keep the member's purse up."""
    account = facts.accounts[want.account]
    key, detail = firing.first_key(sale=one.sale, member=one.member, want=want)
    debt = max(0, -purse.balance)
    purse.lifetime += want.points
    purse.balance += want.points
    result.add_points(account, want.points)
    return {
        "key": key,
        "retailer": facts.retailer_id,
        "member": one.member.pk,
        "rule": want.rule.rule_id,
        "version": want.rule.version_id,
        "occasion": one.sale.occasion,
        "account": account.pk,
        "points": want.points,
        "detail": detail,
        "reason": want.rule.name[:200],
        "left": max(0, want.points - debt),
        "expires": points.expiry(account, facts.now),
    }


def _write(written: _Written, facts: Facts) -> None:
    _open(facts)
    for award, purse in zip(written.awards, written.purses, strict=True):
        award |= {"row": purse.row, "counter": purse.counter}
    together = {"now": facts.now, "purchases": written.purchases, "awards": written.awards}
    with connection.cursor() as cursor:
        cursor.execute("SELECT loyalty_reward(%s::jsonb)", [orjson.dumps(together).decode()])


def _open(facts: Facts) -> None:
    """Open what members earn on for the first time; their locks are ours, so nobody else does."""
    new = {name: purse for name, purse in facts.purses.items() if not purse.row}
    if not new:
        return
    made = MemberAccount.objects.bulk_create(
        MemberAccount(member_id=member, account_id=account) for member, account in new
    )
    owners = [row.pk for row in made]
    opened = counters.open_many(points.KIND, owners, retailer_id=facts.retailer_id, granted=0, now=facts.now)
    for purse, owner in zip(new.values(), owners, strict=True):
        purse.row, purse.counter = owner, opened[owner]
