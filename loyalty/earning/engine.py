"""Walks the rules over one trigger: which apply, and what they want."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from loyalty.earning import conditions, lines
from loyalty.earning.conditions import Case
from loyalty.earning.facts import (
    MemberFacts,
    PointsChanged,
    RuleFacts,
    Sale,
    TierEntered,
    TransactionClosed,
    Trigger,
    Wanted,
)
from offers.lib import money

MOST_AT_ONCE = 100


@dataclass(slots=True)
class Evaluation:
    """What is wanted, and for every rule that was looked at why it applied or did not."""

    wanted: list[Wanted] = field(default_factory=list)
    trace: list[dict[str, Any]] = field(default_factory=list)


def evaluate(
    *, trigger: Trigger, rules: Sequence[RuleFacts], member: MemberFacts, sale: Sale | None, now: datetime
) -> Evaluation:
    """Return what the rules want of this trigger: economy before campaign, higher priority first.

    Of rules that share an exclusive group, of whichever kind, only the one of the highest priority that applies counts
    (economy where they are equal); one with `stop_after` ends its scope.
    """
    judged: list[tuple[RuleFacts, list[Wanted], dict[str, Any]]] = []
    net = lines.net_lines(sale) if sale else []
    groups: set[str] = set()
    stopped: set[str] = set()
    for rule in sorted(rules, key=lambda one: (-one.priority, one.scope != "economy", one.rule_id)):
        if rule.trigger != trigger.name:
            continue
        case = Case(rule, trigger, member, sale.closed_at if sale else now, sale, lines.eligible(net, rule.definition))
        group = str(rule.definition.get("exclusive_group") or "")
        if rule.scope in stopped:
            why = "stopped_by_earlier_rule"
        elif group and group in groups:
            why = "exclusive_group"
        else:
            why = why_not(case)
        wants = [] if why else _outcomes(case)
        if not why:
            groups.add(group)
            if rule.definition.get("stop_after"):
                stopped.add(rule.scope)
        judged.append((rule, wants, _explain(case, why, wants)))
    judged.sort(key=lambda one: one[0].scope != "economy")  # within a scope they keep their order
    return Evaluation([want for _, wants, _ in judged for want in wants], [told for *_, told in judged])


def why_not(case: Case) -> str:
    """Return why a rule does not apply, by name, or nothing."""
    definition = case.rule.definition
    if reason := _outside(case):
        return reason
    if excluded := _excluded(case):
        return f"excluded_{excluded}"
    if isinstance(case.trigger, TransactionClosed) and lines.spend(case.lines) <= 0:
        return "no_eligible_lines"
    asked = definition.get("conditions") or []
    met = [conditions.holds(one, case) for one in asked]
    if asked and not (any(met) if definition.get("match") == "any" else all(met)):
        return f"condition_{asked[met.index(False)]['metric']}"
    return ""


def _outside(case: Case) -> str:
    """Dates, audience and levels."""
    definition, member = case.rule.definition, case.member
    for key, shut in (("starts_at", "not_started"), ("ends_at", "ended")):
        if definition.get(key):
            moment = datetime.fromisoformat(definition[key])
            if (case.now < moment) if key == "starts_at" else (case.now >= moment):
                return shut
    audience = definition.get("audience") or {}
    if audience.get("tags") and not _any_of(audience["tags"], member.tags):
        return "audience"
    if audience.get("levels") and not _any_of(audience["levels"], member.levels.values()):
        return "audience"
    system, levels = str(definition.get("tier_system") or ""), definition.get("levels") or []
    if isinstance(case.trigger, TierEntered):
        if system and system != case.trigger.system:
            return "tier"
        return "tier" if levels and case.trigger.level not in levels else ""
    if levels:
        held = [member.levels.get(system)] if system else list(member.levels.values())
        return "" if set(levels) & set(held) else "tier"
    return ""


def _excluded(case: Case) -> str:
    """Name the exclusion that keeps the whole sale from earning."""
    sale = case.sale
    for entry in case.rule.definition.get("exclusions") or []:
        match entry["match"]:
            case "store":
                shut = sale is not None and _any_of(entry["values"], [sale.store])
            case "channel":
                shut = sale is not None and _any_of(entry["values"], [sale.channel])
            case "tender":
                shut = sale is not None and _any_of(entry["values"], sale.tenders)
            case "user_tag":
                shut = _any_of(entry["values"], case.member.tags)
            case _:
                shut = False
        if shut:
            return str(entry["match"])
    return ""


def _outcomes(case: Case) -> list[Wanted]:
    wants = []
    for place, outcome in enumerate(case.rule.definition["outcomes"]):
        for occurrence in range(_times(case, outcome)):
            wanted = _outcome(case, place, occurrence, outcome)
            if wanted.kind != "points" or wanted.points > 0:
                wants.append(wanted)
    return wants


def _times(case: Case, outcome: Mapping[str, Any]) -> int:
    """How often at once: per threshold crossed, less what still stands from before; per price the balance pays."""
    condition = conditions.threshold(case.rule)
    trigger = case.trigger
    if outcome["type"] == "auto_purchase":
        points = case.member.points.get(str(outcome.get("account") or ""))
        return min(MOST_AT_ONCE, max(0, points.balance) // int(outcome["points"])) if points else 0
    if condition is None or not isinstance(trigger, PointsChanged):
        return 1
    given = max(conditions.reached(condition, trigger.before), case.member.standing.get(case.rule.rule_id, 0))
    return min(MOST_AT_ONCE, max(0, conditions.reached(condition, trigger.after) - given))


def _outcome(case: Case, place: int, occurrence: int, outcome: Mapping[str, Any]) -> Wanted:
    wanted = Wanted(
        rule=case.rule,
        outcome=place,
        occurrence=occurrence,
        kind=str(outcome["type"]),
        account=str(outcome.get("account") or ""),
    )
    match wanted.kind:
        case "points_fixed":
            return replace(wanted, kind="points", points=int(outcome["points"]))
        case "points_per":
            return replace(wanted, kind="points", points=_per(case, outcome))
        case "auto_purchase":
            return replace(wanted, kind="purchase", points=int(outcome["points"]), value=str(outcome["offer"]))
        case kind:
            return replace(wanted, value=str(outcome["level" if kind == "tier_move" else kind]))


def _per(case: Case, outcome: Mapping[str, Any]) -> int:
    """Points by money or pieces, rounded down once; nothing below the hurdle."""
    if case.sale is None:
        return 0
    rate, unit = Decimal(str(outcome["rate"])), Decimal(str(outcome.get("unit") or 1))
    hurdle = Decimal(str(outcome.get("hurdle") or 0))
    if outcome.get("basis", "eligible_spend") == "quantity":
        base = lines.quantity(case.lines)
    else:
        base = Decimal(lines.spend(case.lines)).scaleb(-money.exponent(case.sale.currency))
    if base < hurdle:
        return 0
    part, whole = case.sale.share
    return max(0, int((base * rate * part / (unit * whole)).to_integral_value(ROUND_FLOOR)))


def _any_of(named: Sequence[Any], found: Any) -> bool:
    return bool({str(one).casefold() for one in named} & {str(one).casefold() for one in found})


def _explain(case: Case, why: str, wants: Sequence[Wanted]) -> dict[str, Any]:
    """One line of the trace."""
    return {
        "rule_id": case.rule.rule_id,
        "rule": case.rule.name,
        "scope": case.rule.scope,
        "trigger": case.trigger.name,
        "applies": not why,
        "why_not": why,
        "lines": [line.line.line_id for line in case.lines],
        "spend": lines.spend(case.lines),
        "wanted": [
            {"kind": one.kind, "account": one.account, "points": one.points, "value": one.value} for one in wants
        ],
    }
