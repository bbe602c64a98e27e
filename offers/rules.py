"""Validation rules and what they are assigned to: a campaign, a voucher or a promotion tier."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypedDict

from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet

from offers import audit
from offers.evaluation import rules as evaluation
from offers.evaluation import scope as scope_of
from offers.lib import lookups
from offers.lib.actors import Actor
from offers.lib.errors import Duplicate, NotFound, Refusal
from offers.models import Campaign, PromotionTier, RuleAssignment, ValidationRule, Voucher
from offers.outbox import events

ORDERS = ("created_at", "updated_at", "name")
ASSIGNMENT_ORDERS = ("created_at",)
AUDITED = ("name", "rules", "applicable_to", "error")

Target = Voucher | Campaign | PromotionTier
TARGETS: dict[type[Any], RuleAssignment.Target] = {
    Voucher: RuleAssignment.Target.VOUCHER,
    Campaign: RuleAssignment.Target.CAMPAIGN,
    PromotionTier: RuleAssignment.Target.PROMOTION_TIER,
}


class InvalidValidationRules(Refusal):
    """The rule can't be understood."""

    code = "invalid_validation_rules"


class Fields(TypedDict, total=False):
    """What a caller may set of a rule; a key left out stays as it is."""

    name: str
    rules: dict[str, Any]
    bundle_rules: dict[str, Any] | None
    applicable_to: dict[str, Any] | None
    error: dict[str, Any] | None
    type: str
    context_type: str


def get(*, retailer_id: int, ident: str) -> ValidationRule:
    """Return the rule with this id, with its `assignments_count`. Refuses `not_found`."""
    return _found(_counted(ValidationRule.objects.filter(retailer_id=retailer_id)), ident)


def search(
    *, retailer_id: int, since: datetime | None = None, until: datetime | None = None, order: str = "-created_at"
) -> QuerySet[ValidationRule]:
    """Return the retailer's rules made in [since, until), ordered by one of ORDERS (- for descending).

    Each has its `assignments_count`.
    """
    rows = _counted(ValidationRule.objects.filter(retailer_id=retailer_id))
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    if until is not None:
        rows = rows.filter(created_at__lt=until)
    return lookups.ordered(rows, order)


def create(*, retailer_id: int, fields: Fields, actor: Actor, now: datetime) -> ValidationRule:
    """Make a rule. Refuses `invalid_validation_rules` for one that could not be evaluated."""
    rule = ValidationRule(retailer_id=retailer_id, **fields)
    _check(rule)
    with transaction.atomic():
        rule.save(force_insert=True)
        _record(rule, "rule.create", actor, now, after=_audited(rule))
        _tell(rule, "created", actor, now)
    rule.assignments_count = 0  # type: ignore[attr-defined]
    return rule


def update(
    *, retailer_id: int, ident: str, fields: Fields, actor: Actor, now: datetime, reason: str = ""
) -> ValidationRule:
    """Change the sent fields; the next request is judged by the new rule. Refuses as `create` does, and `not_found`."""
    with transaction.atomic():
        rule = _found(ValidationRule.objects.filter(retailer_id=retailer_id).select_for_update(), ident)
        before = _audited(rule)
        for name, value in fields.items():
            setattr(rule, name, value)
        _check(rule)
        rule.updated_at = now
        rule.save(update_fields=[*fields, "updated_at"])
        old, new = audit.changes(before, _audited(rule))
        if new:
            _record(rule, "rule.update", actor, now, before=old, after=new, reason=reason)
        _tell(rule, "updated", actor, now)
    return get(retailer_id=retailer_id, ident=rule.public_id)


def delete(*, retailer_id: int, ident: str, actor: Actor, now: datetime, reason: str = "") -> None:
    """Delete a rule and its assignments: what it bound is bound by it no more. Refuses `not_found`."""
    with transaction.atomic():
        rule = _found(ValidationRule.objects.filter(retailer_id=retailer_id).select_for_update(), ident)
        bound = [f"{target} {public_id}" for target, public_id in _pairs(rule)]
        before = _audited(rule) | {"assignments": bound}
        rule.delete()
        _record(rule, "rule.delete", actor, now, before=before, reason=reason)
        _tell(rule, "deleted", actor, now)


def assignments(
    *,
    retailer_id: int,
    rule: ValidationRule | None = None,
    rule_ident: str | None = None,
    related_object_id: str | None = None,
    order: str = "-created_at",
) -> QuerySet[RuleAssignment]:
    """Return assignments, newest first unless told otherwise, of one rule or one object if given."""
    rows = RuleAssignment.objects.filter(retailer_id=retailer_id).select_related("rule")
    wanted = {"rule": rule, "rule__public_id": rule_ident, "target_public_id": related_object_id}
    if any(isinstance(value, str) and "\x00" in value for value in wanted.values()):
        return rows.none()
    rows = rows.filter(**{key: value for key, value in wanted.items() if value is not None})
    return lookups.ordered(rows, order)


def of(targets: Iterable[Target]) -> dict[int, list[RuleAssignment]]:
    """Return the assignments of some objects of one kind, oldest first, by the objects' keys; one statement."""
    rows = list(targets)
    found: dict[int, list[RuleAssignment]] = {row.pk: [] for row in rows}
    if rows:
        kind = TARGETS[type(rows[0])]
        of_these = RuleAssignment.objects.filter(target=kind, target_id__in=found)
        for assignment in of_these.select_related("rule").order_by("id"):
            found[assignment.target_id].append(assignment)
    return found


def find_target(*, retailer_id: int, kind: str, ident: str) -> Target:
    """Return the voucher (by code or id), campaign (by name or id) or promotion tier named. Refuses `not_found`."""
    found: Target | None = None
    if kind == RuleAssignment.Target.VOUCHER:
        vouchers = Voucher.objects.filter(retailer_id=retailer_id, deleted_at=None)
        found = lookups.by_ident(vouchers, ident, other="code")
    elif kind == RuleAssignment.Target.CAMPAIGN:
        campaigns = Campaign.objects.filter(retailer_id=retailer_id, deleted_at=None)
        found = lookups.by_ident(campaigns, ident, other="name")
    elif kind == RuleAssignment.Target.PROMOTION_TIER:
        tiers = PromotionTier.objects.filter(retailer_id=retailer_id)
        found = lookups.by_ident(tiers, ident, other="public_id")
    if found is None:
        raise NotFound(kind, ident)
    return found


def assign(
    *,
    retailer_id: int,
    rule: ValidationRule,
    target: Target,
    actor: Actor,
    now: datetime,
    replace: bool = False,
    reason: str = "",
) -> RuleAssignment:
    """Bind a rule to an object, from the next request on; locks the rule.

    Refuses `not_found` when the rule has just gone, `duplicate_found` naming the assignment there is already; with
    `replace` that one is renewed instead.
    """
    kind = TARGETS[type(target)]
    try:
        with transaction.atomic():
            # Its row lock keeps a deletion out until the assignment stands.
            if not ValidationRule.objects.select_for_update(no_key=True).filter(pk=rule.pk).first():
                raise NotFound("validation_rules", rule.public_id)
            if replace:
                RuleAssignment.objects.filter(rule=rule, target=kind, target_id=target.pk).delete()
            assignment = RuleAssignment.objects.create(
                retailer_id=retailer_id, rule=rule, target=kind, target_id=target.pk, target_public_id=target.public_id
            )
            _record(rule, "rule.assign", actor, now, before={}, after={kind.value: target.public_id}, reason=reason)
            _tell(rule, "assignment.created", actor, now)
    except IntegrityError as error:
        there = RuleAssignment.objects.filter(rule=rule, target=kind, target_id=target.pk).first()
        if there is None:
            raise
        raise Duplicate(resource_id=there.public_id, resource_type="validation_rules_assignment") from error
    return assignment


def attach(*, target: Target, rule_idents: Iterable[str], actor: Actor, now: datetime) -> list[RuleAssignment]:
    """Bind several rules to an object; those that bind it already stay. Refuses `not_found` for an unknown rule."""
    made = []
    with transaction.atomic():
        there = {assignment.rule.public_id for assignment in of([target])[target.pk]}
        for ident in dict.fromkeys(rule_idents):
            rule = get(retailer_id=target.retailer_id, ident=ident)
            if rule.public_id not in there:
                made.append(assign(retailer_id=target.retailer_id, rule=rule, target=target, actor=actor, now=now))
    return made


def unassign(
    *, retailer_id: int, rule: ValidationRule, ident: str, actor: Actor, now: datetime, reason: str = ""
) -> None:
    """Undo an assignment of a rule. Refuses `not_found`."""
    with transaction.atomic():
        rows = RuleAssignment.objects.filter(retailer_id=retailer_id, rule=rule).select_for_update()
        assignment = lookups.by_ident(rows, ident, other="public_id")
        if assignment is None:
            raise NotFound("validation_rules_assignment", ident)
        gone = {assignment.target: assignment.target_public_id}
        assignment.delete()
        _record(rule, "rule.unassign", actor, now, before=gone, reason=reason)
        _tell(rule, "assignment.deleted", actor, now)


def detach(*, target: Target) -> None:
    """Drop every assignment of an object that is deleted."""
    RuleAssignment.objects.filter(target=TARGETS[type(target)], target_id=target.pk).delete()


def _found(rows: QuerySet[ValidationRule], ident: str) -> ValidationRule:
    rule = lookups.by_ident(rows, ident, other="public_id")
    if rule is None:
        raise NotFound("validation_rules", ident)
    return rule


def _counted(rows: QuerySet[ValidationRule]) -> QuerySet[ValidationRule]:
    return rows.annotate(assignments_count=Count("assignments"))


def _check(rule: ValidationRule) -> None:
    rule.applicable_to = _plain_scope(rule.applicable_to)
    definition: Mapping[str, Any] = {
        "id": rule.public_id,
        "rules": rule.rules,
        "bundle_rules": rule.bundle_rules,
        "applicable_to": rule.applicable_to,
        "error": rule.error,
    }
    try:
        evaluation.compile(definition)
    except evaluation.InvalidRule as problem:
        raise InvalidValidationRules(str(problem)) from problem


def _plain_scope(scope: dict[str, Any] | None) -> dict[str, Any] | None:
    """Turn lists in the envelope of an answer, and ids that stand alone, into plain lists of objects."""
    if not scope:
        return None
    plain = dict(scope)
    for name in ("included", "excluded"):
        entries = plain.get(name)
        if isinstance(entries, dict):
            entries = entries.get("data")
        if isinstance(entries, list):
            entries = [
                {"object": scope_of.target(entry).object, "id": entry} if isinstance(entry, str) else entry
                for entry in entries
            ]
        plain[name] = entries or []
    return plain


def _pairs(rule: ValidationRule) -> list[tuple[str, str]]:
    return list(rule.assignments.order_by("id").values_list("target", "target_public_id"))


def _audited(rule: ValidationRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in AUDITED}


def _tell(rule: ValidationRule, what: str, actor: Actor, now: datetime) -> None:
    data = {"id": rule.public_id, "name": rule.name, "object": "validation_rules"}
    kind = f"business_validation_rule.{what}"
    events.record(retailer_id=rule.retailer_id, type=kind, data=data, now=now, actor=actor)


def _record(rule: ValidationRule, action: str, actor: Actor, now: datetime, **values: Any) -> None:
    audit.record(
        retailer_id=rule.retailer_id,
        actor=actor,
        action=action,
        object_type="validation_rules",
        object_id=rule.public_id,
        now=now,
        **values,
    )
