"""Rewards many sales at once, where all a sale brings is points: one read of all facts, one write of all effects.

The same outcome as `outcomes.reward`, sale by sale, at a small part of its cost. A sale is plain when nothing was given
for it before, the retailer has no tiers, and the rules in force give points for purchases, without limits or budgets.
The rest goes the long way.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from loyalty import firing, members, outcomes, points, rules
from loyalty.earning import MemberFacts, Metric, RuleFacts, Sale, TransactionClosed, Wanted, eligible_spend, evaluate
from loyalty.firing import Result
from loyalty.members import Person
from loyalty.models import MemberAccount, PointAccount, TierSystem
from offers.ledger import counters

GIVES = ("points_fixed", "points_per")
COUNTS_PAST = ("purchase_number", "level")

# With arrays the statements stay the same for batches of every size, and prepared.
_GIVEN = """
SELECT DISTINCT occasion, member_id FROM loyalty_award
WHERE occasion = ANY (%s::text[]) AND member_id = ANY (%s::bigint[])
"""
_PURSES = """
SELECT a.member_id, a.account_id, a.id, c.id, a.lifetime, c.granted - c.taken
FROM loyalty_memberaccount a CROSS JOIN LATERAL (
    SELECT k.id, k.granted, k.taken FROM ledger_counter k
    WHERE k.owner = a.id AND k.kind = %s AND k.subject = 0 AND k.scope = '' AND k.period = '' AND k.shard = 0
    OFFSET 0) c
WHERE a.member_id = ANY (%s::bigint[]) AND c.granted IS NOT NULL
"""


@dataclass(slots=True)
class Earned:
    """One sale of one member, and what came of it; no result: it has to go the long way."""

    member: Person
    sale: Sale
    result: Result | None = None


@dataclass(slots=True)
class _Purse:
    """One member's account of one kind as it stands after what was given so far; `row` is 0 until it is opened."""

    row: int = 0
    counter: int = 0
    lifetime: int = 0
    balance: int = 0


class _Facts:
    """What the plain sales of one retailer ask for, read at once."""

    def __init__(self, retailer_id: int, sales: Sequence[Earned]) -> None:
        owners = {one.member.pk for one in sales}
        self.tags = members.own(owners)
        kinds = PointAccount.objects.filter(retailer_id=retailer_id).select_related("retailer")
        self.accounts = {str(one.uuid): one for one in kinds}
        self.rules = rules.in_force_then(retailer_id=retailer_id, moments={one.sale.closed_at for one in sales})
        with connection.cursor() as cursor:
            cursor.execute(_GIVEN, [[one.sale.occasion for one in sales], list(owners)])
            self.given = set(cursor.fetchall())
        self.purses = _purses(owners)
        self.retailer_id = retailer_id

    def metrics(self, member: Person) -> dict[str, Metric]:
        """Return the member's points by the id of the account, as `Run.metrics` does."""
        found = {}
        for key, account in self.accounts.items():
            purse = self.purses.get((member.pk, account.pk))
            found[key] = Metric(lifetime=purse.lifetime, balance=purse.balance) if purse else Metric()
        return found


def reward(*, retailer_id: int, sales: Sequence[Earned], now: datetime) -> None:
    """Give the members of plain sales what the rules want, once; the other sales keep no result. Locks the members.

    All or nothing: what fails undoes the whole, in the caller's savepoint, and then each sale goes the long way.
    """
    if not sales or TierSystem.objects.filter(retailer_id=retailer_id, active=True).exists():
        return
    facts = _Facts(retailer_id, sales)
    purchases: list[dict[str, Any]] = []
    awards: list[dict[str, Any]] = []
    purses: list[_Purse] = []
    left: set[int] = set()
    for one in sales:
        wanted = None if one.member.pk in left else _wanted(one, facts, now)
        if wanted is None:
            left.add(one.member.pk)  # so that a member's sales count in the order they came
            continue
        share, whole = one.sale.share
        purchases.append(
            {
                "member": one.member.pk,
                "occasion": one.sale.occasion,
                "closed_at": one.sale.closed_at,
                "spend": eligible_spend(one.sale) * share // whole,
            }
        )
        one.result = Result()
        for want in wanted:
            purse = facts.purses.setdefault((one.member.pk, facts.accounts[want.account].pk), _Purse())
            purses.append(purse)
            awards.append(_award(one, want, facts, purse, now))
    if purchases:
        _open(facts, now)
        for award, purse in zip(awards, purses, strict=True):
            award |= {"row": purse.row, "counter": purse.counter}
        written = {"now": now, "purchases": purchases, "awards": awards}
        with connection.cursor() as cursor:
            cursor.execute("SELECT loyalty_reward(%s::jsonb)", [orjson.dumps(written).decode()])


def _wanted(one: Earned, facts: _Facts, now: datetime) -> list[Wanted] | None:
    """Return what the rules want of a plain sale, None where it is not plain."""
    sale, member = one.sale, one.member
    in_force = facts.rules[sale.closed_at]
    if (
        member.pk not in facts.tags
        or (sale.occasion, member.pk) in facts.given
        or not all(_is_plain(rule) for rule in in_force)
    ):
        return None
    if outcomes.too_late(sale):
        return None
    known = MemberFacts(tags=frozenset(facts.tags[member.pk]), points=facts.metrics(member))
    found = evaluate(trigger=TransactionClosed(), rules=in_force, member=known, sale=sale, now=now).wanted
    return found if all(_can_take(want, facts) for want in found) else None


def _can_take(want: Wanted, facts: _Facts) -> bool:
    account = facts.accounts.get(want.account)
    if want.kind != "points" or not 0 < want.points <= points.MOST or account is None:
        return False
    return account.expiry != PointAccount.Expiry.INACTIVITY


def _is_plain(rule: RuleFacts) -> bool:
    """Whether a rule gives points for purchases and nothing follows from it but these points."""
    definition = rule.definition
    asked = [one.get("metric") for one in definition.get("conditions") or []]
    return (
        rule.trigger == TransactionClosed.name
        and all(one["type"] in GIVES for one in definition["outcomes"])
        and not any(definition.get(name) for name in ("limits", "budget", "levels"))
        and not (definition.get("audience") or {}).get("levels")
        and not any(metric in COUNTS_PAST for metric in asked)
    )


def _award(one: Earned, want: Wanted, facts: _Facts, purse: _Purse, now: datetime) -> dict[str, Any]:
    """Return the award of one outcome as `loyalty_reward` writes it, and keep the member's purse up."""
    account = facts.accounts[want.account]
    key, detail = firing.first_key(sale=one.sale, member=one.member, want=want)
    debt = max(0, -purse.balance)
    purse.lifetime += want.points
    purse.balance += want.points
    assert one.result is not None
    one.result.add_points(account, want.points)
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
        "expires": points.expiry(account, now),
    }


def _open(facts: _Facts, now: datetime) -> None:
    """Open what members earn on for the first time; their locks are ours, so nobody else does."""
    new = {name: purse for name, purse in facts.purses.items() if not purse.row}
    if not new:
        return
    made = MemberAccount.objects.bulk_create(
        MemberAccount(member_id=member, account_id=account) for member, account in new
    )
    owners = [row.pk for row in made]
    opened = counters.open_many(points.KIND, owners, retailer_id=facts.retailer_id, granted=0, now=now)
    for purse, owner in zip(new.values(), owners, strict=True):
        purse.row, purse.counter = owner, opened[owner]


def _purses(owners: Iterable[int]) -> dict[tuple[int, int], _Purse]:
    """Return the opened accounts of the members, by member and kind. One read."""
    with connection.cursor() as cursor:
        cursor.execute(_PURSES, [points.KIND, list(owners)])
        return {(member, account): _Purse(*numbers) for member, account, *numbers in cursor.fetchall()}
