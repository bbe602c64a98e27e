"""What a member was when a sale was first judged: its later revisions are judged by that, not by what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from loyalty.earning.facts import MemberFacts, Metric, RuleFacts, TransactionClosed

LEVELS, TAGS, POINTS = "levels", "tags", "points"
_METRICS = {"level": LEVELS, "user_tag": TAGS, "balance": POINTS, "earned_points": POINTS}


def asked(rules: Sequence[RuleFacts]) -> frozenset[str]:
    """Return which facts of a member the rules about sales ask for, of those that a sale itself may change."""
    found: set[str] = set()
    for rule in rules:
        if rule.trigger != TransactionClosed.name:
            continue
        definition = rule.definition
        audience = definition.get("audience") or {}
        if definition.get("levels") or audience.get("levels"):
            found.add(LEVELS)
        if audience.get("tags") or any(one["match"] == "user_tag" for one in definition.get("exclusions") or []):
            found.add(TAGS)
        if any(one["type"] == "auto_purchase" for one in definition["outcomes"]):
            found.add(POINTS)
        found |= {_METRICS[one["metric"]] for one in definition.get("conditions") or [] if one["metric"] in _METRICS}
    return frozenset(found)


def keep(member: MemberFacts, asked_for: frozenset[str]) -> dict[str, Any] | None:
    """Return what is kept with a sale of the facts asked for, None for nothing."""
    kept: dict[str, Any] = {}
    if LEVELS in asked_for:
        kept[LEVELS] = dict(member.levels)
    if TAGS in asked_for:
        kept[TAGS] = sorted(member.tags)
    if POINTS in asked_for:
        kept[POINTS] = {key: [one.lifetime, one.balance] for key, one in member.points.items()}
    return kept or None


def recall(member: MemberFacts, kept: Mapping[str, Any] | None) -> MemberFacts:
    """Return a member's facts with what was kept in the place of what is so now."""
    if not kept:
        return member
    return replace(
        member,
        levels=kept.get(LEVELS, member.levels),
        tags=frozenset(kept.get(TAGS, member.tags)),
        points={key: Metric(lifetime=lifetime, balance=balance) for key, (lifetime, balance) in kept[POINTS].items()}
        if POINTS in kept
        else member.points,
    )
