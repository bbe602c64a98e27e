"""What a positive verdict takes from the ledger, and what a shortage of it means."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from checkout.facts import Facts
from checkout.subjects import Subject
from offers.evaluation.context import Context, Gift, Points, Redeemable
from offers.evaluation.verdicts import Verdict
from offers.ledger import holds
from offers.ledger.holds import Shortage, Want

Frozen = TypeVar("Frozen", Context, Redeemable, Gift, Points)


def of(facts: Facts, verdicts: Sequence[Verdict], *, entries: Mapping[int, str] | None = None) -> list[Want]:
    """Return the claims of applicable verdicts: one use each, of a card, of a budget, and the counts its rules bound.

    `entries` names the journal reference per redeemable key, for claims that are settled.
    """
    wants: list[Want] = []
    for verdict in verdicts:
        subject = facts.subject(verdict.redeemable)
        entry = entries[int(verdict.redeemable.key)] if entries else ""
        wants += _own(subject, verdict, entry)
        wants += _counted(subject, verdict, entry)
    return wants


def _own(subject: Subject, verdict: Verdict, entry: str) -> list[Want]:
    voucher = subject.voucher
    if voucher is None:
        return []
    limit = voucher.redemption_limit
    wants = [
        Want(
            kind="voucher.uses",
            owner=voucher.id,
            amount=1,
            item=subject.item,
            granted=limit,
            shards=holds.shards_for(limit, hot=voucher.hot),
            entry=entry,
            fresh=not any(one.kind == "voucher.uses" for one in voucher.counters),
        )
    ]
    if taken := verdict.from_card:
        wants.append(
            Want(
                kind="voucher.credits",
                owner=voucher.id,
                amount=taken,
                item=subject.item,
                granted=voucher.gift_amount or 0,
                entry=entry,
            )
        )
    return wants


def _counted(subject: Subject, verdict: Verdict, entry: str) -> list[Want]:
    limits = {limit.name: limit for limit in verdict.limits}
    wants = []
    for counted in subject.counted:
        limit = limits.get(counted.count)
        if limit is None:
            continue
        granted = limit.limit
        if counted.name.kind == "campaign.budget":
            granted = subject.campaign.budget if subject.campaign else None
        elif counted.name.kind.endswith(".customer_uses"):
            granted = subject.voucher.customer_limit if subject.voucher else None
        wants.append(
            Want(
                kind=counted.name.kind,
                owner=counted.name.owner,
                subject=counted.name.subject,
                scope=counted.name.scope,
                period=counted.name.period,
                amount=limit.take,
                item=subject.item,
                granted=granted,
                # The counter follows the limit in force, whoever opened it with an older one.
                fixed=granted is not None,
                counted=True,
                opening=counted.opening,
                entry=entry,
            )
        )
    return wants


def after_shortage(facts: Facts, shortage: Shortage) -> Context:
    """Return the facts as the ledger has just found them: the redeemable that came too late sees what is left."""
    changed = tuple(
        _short(redeemable, shortage) if facts.subject(redeemable).item == shortage.item else redeemable
        for redeemable in facts.context.redeemables
    )
    return _replaced(facts.context, redeemables=changed)


def _short(redeemable: Redeemable, shortage: Shortage) -> Redeemable:
    if shortage.kind == "voucher.uses":
        return _replaced(redeemable, available=0)
    if shortage.kind == "voucher.credits" and redeemable.gift is not None:
        gift = _replaced(redeemable.gift, balance=shortage.available)
        return _replaced(redeemable, gift=gift)
    if shortage.kind == "voucher.credits" and redeemable.points is not None:
        points = _replaced(redeemable.points, balance=shortage.available)
        return _replaced(redeemable, points=points)
    # A count of its rules: as full as any bound, so that the rule itself refuses and says so.
    full = {need.name: 2**62 for rule in redeemable.rules for need in rule.counts if need.limit is not None}
    return _replaced(redeemable, usage={**redeemable.usage, **full})


def _replaced(value: Frozen, **changes: Any) -> Frozen:
    return type(value)(**{field.name: changes.get(field.name, getattr(value, field.name)) for field in fields(value)})
