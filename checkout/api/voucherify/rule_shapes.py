"""How validation rules and their assignments look on the wire."""

from collections.abc import Iterable
from typing import Any

from checkout.api.common import lists
from offers.models import RuleAssignment, ValidationRule


def rule_json(rule: ValidationRule) -> dict[str, Any]:
    """Return a rule. `applicable_to` is always there: clients insist on it."""
    return {
        "id": rule.public_id,
        "name": rule.name,
        "rules": rule.rules,
        "bundle_rules": rule.bundle_rules,
        "error": rule.error,
        "applicable_to": _applicable_to(rule.applicable_to or {}),
        "type": rule.type,
        "context_type": rule.context_type,
        "created_at": rule.created_at,
        "updated_at": rule.updated_at,
        "assignments_count": getattr(rule, "assignments_count", 0),
        "object": "validation_rules",
    }


def assignment_json(assignment: RuleAssignment) -> dict[str, Any]:
    """Return what binds a rule to an object."""
    return {
        "id": assignment.public_id,
        "rule_id": assignment.rule.public_id,
        "related_object_id": assignment.target_public_id,
        "related_object_type": assignment.target,
        "created_at": assignment.created_at,
        "object": "validation_rules_assignment",
    }


def assignments_json(assignments: Iterable[RuleAssignment]) -> dict[str, Any]:
    """Return an object's assignments as the list inside it."""
    data = [assignment_json(assignment) for assignment in assignments]
    return lists.envelope("data", data, len(data))


def _applicable_to(scope: dict[str, Any]) -> dict[str, Any]:
    # Clients insist on an effect, also where none was said or null was.
    included, excluded = (
        [{**target, "effect": target.get("effect") or "APPLY_TO_EVERY"} for target in scope.get(name) or []]
        for name in ("included", "excluded")
    )
    # Naming nothing means everything.
    everything = scope.get("included_all", not included)
    return {"excluded": excluded, "included": included, "included_all": bool(everything)}
