"""Loyalty rules: checked and saved as versions, switched on and off, and read as they were in force at a moment.

A definition is the model of docs/loyalty.md. What is stored is canonical: accounts by id, tier systems and levels by
key, so that a rename changes no rule.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import orjson
from django.db import connection, transaction
from django.db.models import Max

from loyalty import points, rule_terms, tiers
from loyalty.earning import RuleFacts
from loyalty.models import Rule, RuleVersion
from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import NotFound

_UNTIL = """
SELECT v.in_force_from, v.active, v.rule_id, v.id, r.name, r.scope, v.definition::text
FROM loyalty_ruleversion v JOIN loyalty_rule r ON r.id = v.rule_id
WHERE r.retailer_id = %s AND v.in_force_from <= %s
ORDER BY v.rule_id, v.in_force_from DESC, v.number DESC
"""


def save(
    *,
    retailer_id: int,
    name: str,
    scope: str,
    definition: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    rule_uuid: str | None = None,
    active: bool = True,
    in_force_from: datetime | None = None,
    reason: str = "",
) -> Rule:
    """Make a rule, or a further version of one: it counts for sales closed from `in_force_from` on (now).

    Refuses `validation` (every fault with its place), and `not_found` for an unknown rule. Locks the rule.
    """
    if not name.strip() or len(name) > 200:
        raise rule_terms.InvalidRule([("name", "should be a text of 1 to 200 characters")])
    checked = canonical(retailer_id=retailer_id, scope=scope, definition=definition)
    with transaction.atomic():
        rule = _locked(retailer_id, rule_uuid) if rule_uuid else Rule(retailer_id=retailer_id, scope=scope)
        if rule.scope != scope:
            raise rule_terms.InvalidRule([("scope", "cannot change; make another rule")])
        rule.name, rule.active = name.strip(), active
        rule.save()
        _add_version(rule, checked, actor, now, in_force_from or now, reason)
    return rule


def set_active(
    *, retailer_id: int, rule_uuid: str, active: bool, actor: Actor, now: datetime, reason: str = ""
) -> Rule:
    """Switch a rule on or off for sales closed from now on; what it gave stays. Refuses `not_found`. Locks the rule."""
    with transaction.atomic():
        rule = _locked(retailer_id, rule_uuid)
        if rule.active != active:
            rule.active = active
            rule.save(update_fields=["active"])
            newest = rule.versions.order_by("-number")[:1].get()
            _add_version(rule, newest.definition, actor, now, now, reason)
    return rule


def canonical(*, retailer_id: int, scope: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition checked and ready to be judged by. Refuses `validation`."""
    checked = rule_terms.check(definition, scope)
    faults = []
    for place, part in rule_terms.accounts_in(checked):
        try:
            part["account"] = str(points.account(retailer_id=retailer_id, named=str(part.get("account") or "")).uuid)
        except points.NoSuchAccount:
            faults.append((f"{place}.account", "is no point account of this retailer"))
    faults += tiers.name_levels(retailer_id=retailer_id, definition=checked)
    if faults:
        raise rule_terms.InvalidRule(faults)
    return checked


def in_force(*, retailer_id: int, at: datetime) -> list[RuleFacts]:
    """Return the rules as they were in force at a moment, in one statement; those switched off then are left out."""
    newest = (
        RuleVersion.objects.filter(rule__retailer_id=retailer_id, in_force_from__lte=at)
        .order_by("rule_id", "-in_force_from", "-number")
        .distinct("rule_id")
        .select_related("rule")
    )
    return [facts(version) for version in newest if version.active]


def in_force_then(*, retailer_id: int, moments: Collection[datetime]) -> dict[datetime, list[RuleFacts]]:
    """Return for each of these moments what `in_force` would, in one statement for all."""
    with connection.cursor() as cursor:
        cursor.execute(_UNTIL, [retailer_id, max(moments)])
        versions = [
            (
                since,
                active,
                RuleFacts(rule_id=rule, version_id=pk, name=name, scope=scope, definition=orjson.loads(text)),
            )
            for since, active, rule, pk, name, scope, text in cursor.fetchall()
        ]
    found: dict[datetime, list[RuleFacts]] = {}
    for at in moments:
        then: dict[int, tuple[bool, RuleFacts]] = {}
        for since, active, fact in versions:
            if since <= at:
                then.setdefault(fact.rule_id, (active, fact))
        found[at] = [fact for active, fact in then.values() if active]
    return found


def facts(version: RuleVersion) -> RuleFacts:
    """Return a version as the pure engine takes it."""
    return RuleFacts(
        rule_id=version.rule_id,
        version_id=version.pk,
        name=version.rule.name,
        scope=version.rule.scope,
        definition=version.definition,
    )


def _facts(rule_id: int, version_id: int, name: str, scope: str, definition: str) -> RuleFacts:
    return RuleFacts(
        rule_id=rule_id, version_id=version_id, name=name, scope=scope, definition=orjson.loads(definition)
    )


def _locked(retailer_id: int, rule_uuid: str) -> Rule:
    rule = Rule.objects.select_for_update(no_key=True).filter(retailer_id=retailer_id, uuid=rule_uuid).first()
    if rule is None:
        raise NotFound("rule", rule_uuid)
    return rule


def _add_version(
    rule: Rule, definition: dict[str, Any], actor: Actor, now: datetime, in_force_from: datetime, reason: str = ""
) -> None:
    before = rule.versions.order_by("-number").first()
    last = rule.versions.aggregate(last=Max("number"))["last"] or 0
    RuleVersion.objects.create(
        rule=rule,
        number=last + 1,
        definition=definition,
        active=rule.active,
        in_force_from=in_force_from,
        created_at=now,
        created_by=actor.name,
    )
    audit.record(
        retailer_id=rule.retailer_id,
        actor=actor,
        action="loyalty_rule.change" if before else "loyalty_rule.create",
        object_type="loyalty_rule",
        object_id=str(rule.uuid),
        before={"active": before.active, "definition": before.definition} if before else None,
        after={"active": rule.active, "definition": definition, "in_force_from": in_force_from.isoformat()},
        reason=reason,
        now=now,
    )
