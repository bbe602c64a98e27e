"""Validation rules: a definition is compiled once, then tested against the facts of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from offers.evaluation import items, logic, operators, reasons, scope
from offers.evaluation.conditions import Condition, FactCondition
from offers.evaluation.facts import FACTS
from offers.evaluation.items import LINE_FACTS, LineCondition, LineTest
from offers.evaluation.scene import Scene
from offers.evaluation.scope import Scope
from offers.evaluation.verdicts import Check, Reason, Target

MAX_CONDITIONS = 200
_UNDERSCORED = {name.replace(".", "_"): name for name in (*FACTS, *LINE_FACTS, *items.QUANTIFIERS)}


class InvalidRule(ValueError):
    """A rule definition that can't be understood; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class CountNeed:
    """A count a rule reads; `limit` (this redemption included) when the rule bounds it whatever else holds."""

    name: str
    limit: int | None


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A validation rule ready to be tested. `late` rules need the discount worked out first."""

    id: str
    conditions: Mapping[str, Condition]
    node: logic.Node | None = None  # None: always true
    error: str | None = None
    counts: tuple[CountNeed, ...] = ()
    scope: Scope | None = None
    late: bool = False

    def passes(self, scene: Scene) -> bool:
        node = self.node
        if node is None:
            return True
        if node.kind == "key":
            return self.conditions[node.key].test(scene)
        return logic.holds(node, lambda key: self.conditions[key].test(scene))

    def violation(self, scene: Scene) -> tuple[Reason, Check]:
        """Why a rule that does not pass doesn't: the first condition at fault."""
        assert self.node is not None, "a rule without logic always passes"
        key, wanted = logic.blame(self.node, lambda key: self.conditions[key].test(scene))
        condition = self.conditions[key]
        code = condition.lacks(scene) or condition.code
        error = (condition.sub_error(scene) if isinstance(condition, LineCondition) else None) or condition.error
        check = condition.explain(scene, rule=self.id, wanted=wanted, code=code)[0]
        return reasons.violated(code, scene.redeemable, self.id, error or self.error), check

    def explain(self, scene: Scene) -> list[Check]:
        """Every condition in order; the one at fault carries the reason's code."""
        if self.node is None:
            return []
        fault = None
        if not self.passes(scene):
            fault = logic.blame(self.node, lambda key: self.conditions[key].test(scene))
        checks: list[Check] = []
        for key, condition in self.conditions.items():
            blamed = fault is not None and fault[0] == key
            wanted = fault[1] if fault is not None and blamed else True
            code = (condition.lacks(scene) or condition.code) if blamed else None
            checks += condition.explain(scene, rule=self.id, wanted=wanted, code=code)
        return checks


def compile(definition: Mapping[str, Any]) -> CompiledRule:
    """Turn a rule as the API stores it (`id`, `rules`, `error`, `applicable_to`) into its tested form.

    Refuses with InvalidRule: unknown condition or operator, a missing `property`, bad logic.
    """
    rules = definition.get("rules") or {}
    if not isinstance(rules, Mapping):
        raise InvalidRule("'rules' must be an object")
    if definition.get("bundle_rules"):
        raise InvalidRule("'bundle_rules' are not supported")
    entries = {key: entry for key, entry in rules.items() if key != "logic"}
    if len(entries) > MAX_CONDITIONS:
        raise InvalidRule(f"a rule has at most {MAX_CONDITIONS} conditions")
    conditions = {key: _condition(key, entry) for key, entry in entries.items()}
    node = _logic(rules.get("logic"), entries)
    try:
        limits = scope.compile(definition.get("applicable_to"))
    except scope.BadScope as problem:
        raise InvalidRule(f"applicable_to: {problem}") from problem
    return CompiledRule(
        id=str(definition.get("id") or ""),
        conditions=conditions,
        node=node,
        error=_message(definition),
        counts=_counts(conditions, node),
        scope=_widened(limits, entries),
        late=any(condition.late for condition in conditions.values()),
    )


def _logic(text: Any, entries: Mapping[str, Any]) -> logic.Node | None:
    """Conditions without logic must all hold: a rule its author forgot to join should refuse, not wave through."""
    if text is not None and not isinstance(text, str):
        raise InvalidRule("'logic' must be text")
    try:
        return logic.parse((text or "").strip() or " and ".join(entries), entries)
    except logic.BadLogic as problem:
        raise InvalidRule(str(problem)) from problem


def _condition(path: str, entry: Any) -> Condition:
    if not isinstance(entry, Mapping):
        raise InvalidRule(f"rule {path} must be an object")
    name = _name(entry)
    conditions = entry.get("conditions")
    if not isinstance(conditions, Mapping) or not conditions:
        raise InvalidRule(f"Rule '{name}' must have 'conditions'")
    prop, error = _property(name, entry), _message(entry)
    sub_rules = _sub_rules(name, entry)
    sub_entries = {key: sub for key, sub in sub_rules.items() if key != "logic"}
    try:
        if name in FACTS:
            if sub_entries:
                raise InvalidRule(f"Rule '{name}' has no sub-rules")
            return FactCondition(name, path, FACTS[name], prop, conditions, error)
        subs = {key: _line_test(f"{path}.{key}", sub) for key, sub in sub_entries.items()}
        node = _logic(sub_rules.get("logic"), sub_entries)
        quantifier = items.QUANTIFIERS.get(name, "any")
        if any(sub.name == items.MATCH_ALL and _is_true(sub.conditions) for sub in subs.values()):
            quantifier = "every"
        if name in items.QUANTIFIERS:
            matches = items.covered_by(*_targets(name, conditions))
        else:
            matches = items.with_value(LINE_FACTS[name], prop, conditions)
        return LineCondition(name, path, quantifier, matches, conditions, subs, node, error)
    except operators.BadCondition as problem:
        raise InvalidRule(f"Rule '{name}': {problem}") from problem


def _line_test(path: str, entry: Any) -> LineTest:
    if not isinstance(entry, Mapping):
        raise InvalidRule(f"rule {path} must be an object")
    name = _name(entry)
    conditions = entry.get("conditions")
    if name not in LINE_FACTS:
        raise InvalidRule(f"Rule '{name}' can't be a sub-rule")
    if not isinstance(conditions, Mapping) or not conditions:
        raise InvalidRule(f"Rule '{name}' must have 'conditions'")
    if any(key != "logic" for key in _sub_rules(name, entry)):
        raise InvalidRule(f"Rule '{name}' has no sub-rules")
    return LineTest(name, path, LINE_FACTS[name], _property(name, entry), conditions, _message(entry))


def _sub_rules(name: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    rules = entry.get("rules") or {}
    if not isinstance(rules, Mapping):
        raise InvalidRule(f"Rule '{name}': 'rules' must be an object")
    return rules


def _name(entry: Mapping[str, Any]) -> str:
    name = entry.get("name")
    if not isinstance(name, str):
        raise InvalidRule("a rule needs a 'name'")
    name = _UNDERSCORED.get(name, name)
    if name not in FACTS and name not in LINE_FACTS and name not in items.QUANTIFIERS:
        raise InvalidRule(f"Rule '{name}' is unknown")
    return name


def _property(name: str, entry: Mapping[str, Any]) -> str:
    fact = FACTS.get(name) or LINE_FACTS.get(name)
    if fact is None or not fact.with_property:
        return ""
    prop = entry.get("property")
    if not isinstance(prop, str) or not prop:
        raise InvalidRule(f"Rule '{name}' must have a 'property'")
    return prop


def _targets(name: str, conditions: Mapping[str, Any]) -> tuple[tuple[Target, ...], bool]:
    """The items of `$is`, `$in` or `$from`; `$is_not` and `$not_in` mean all others."""
    if len(conditions) != 1:
        raise InvalidRule(f"Rule '{name}' takes one operator")
    ((operator, values),) = conditions.items()
    if operator not in ("$is", "$in", "$from", "$is_not", "$not_in"):
        raise operators.BadCondition(f"operator '{operator}' does not fit this condition")
    entries = values if isinstance(values, list | tuple) else [values]
    default = "sku" if name == "sku.id" else None
    try:
        targets = tuple(
            Target(default, entry) if default and isinstance(entry, str) else scope.target(entry) for entry in entries
        )
    except scope.BadScope as problem:
        raise operators.BadCondition(str(problem)) from problem
    if not targets:
        raise operators.BadCondition("at least one item is needed")
    return targets, operator not in ("$is_not", "$not_in")


def _message(entry: Mapping[str, Any]) -> str | None:
    error = entry.get("error")
    message = error.get("message") if isinstance(error, Mapping) else None
    return message if isinstance(message, str) and message else None


def _counts(conditions: Mapping[str, Condition], node: logic.Node | None) -> tuple[CountNeed, ...]:
    certain = frozenset(logic.certain(node)) if node is not None else frozenset()
    needs: dict[str, int | None] = {}
    for key, condition in conditions.items():
        if not isinstance(condition, FactCondition) or not condition.fact.counted:
            continue
        limit = operators.bound(condition.conditions) if key in certain else None
        known = needs.get(condition.name)
        needs[condition.name] = limit if known is None else known if limit is None else min(limit, known)
    return tuple(CountNeed(name, limit) for name, limit in needs.items())


def _is_true(conditions: Mapping[str, Any]) -> bool:
    values = conditions.get("$is")
    return values is True or (isinstance(values, list | tuple) and True in values)


def _widened(limits: Scope | None, entries: Mapping[str, Any]) -> Scope | None:
    """Older rules scope the discount by `product.discount_applicable` under a product they name."""
    named: list[Target] = []
    for entry in entries.values():
        subs = (entry.get("rules") or {}).values()
        if any(
            isinstance(sub, Mapping)
            and _UNDERSCORED.get(sub.get("name", ""), sub.get("name")) in items.DISCOUNT_APPLICABLE
            and _is_true(sub.get("conditions") or {})
            for sub in subs
        ) and _name(entry) in ("product.id", "sku.id"):
            targets, wanted = _targets(_name(entry), entry["conditions"])
            named += targets if wanted else ()
    if not named:
        return limits
    if limits is None:
        return Scope(tuple(named))
    return Scope((*limits.included, *named), limits.excluded, limits.included_all)
