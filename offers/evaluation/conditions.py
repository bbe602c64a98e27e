"""One condition of a rule: tested against a scene, and explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from offers.evaluation import operators
from offers.evaluation.context import Context
from offers.evaluation.facts import Fact
from offers.evaluation.scene import Scene
from offers.evaluation.verdicts import Check


class Condition(Protocol):
    """What a rule needs of its conditions."""

    path: str
    name: str
    code: str
    error: str | None
    late: bool

    def lacks(self, scene: Scene) -> str | None:
        """The reason key when the request lacks what is asked about."""

    def test(self, scene: Scene) -> bool: ...

    def explain(self, scene: Scene, *, rule: str, wanted: bool, code: str | None) -> list[Check]:
        """The check, then those of its sub-rules. `wanted` is False under a `not`."""


class FactCondition:
    """A single value, or a list of them of which any or each must do."""

    __slots__ = ("code", "compare", "conditions", "error", "fact", "late", "name", "path", "property")

    def __init__(
        self, name: str, path: str, fact: Fact, prop: str, conditions: Mapping[str, Any], error: str | None
    ) -> None:
        self.name, self.path, self.fact, self.property, self.conditions = name, path, fact, prop, conditions
        self.code, self.error, self.late = fact.code, error, fact.late
        self.compare = operators.compile_all(conditions, fact.kind)

    def lacks(self, scene: Scene) -> str | None:
        return scene.lacks(self.fact.needs)

    def test(self, scene: Scene) -> bool:
        fact = self.fact
        if fact.needs is not None and scene.lacks(fact.needs):
            return False
        value, context = fact.read(scene, self.property), scene.context
        if fact.quantifier is None:
            return self.compare(value, context)
        return quantified(fact.quantifier, value, self.compare, context)

    def explain(self, scene: Scene, *, rule: str, wanted: bool, code: str | None) -> list[Check]:
        lacking = self.lacks(scene)
        actual = None if lacking else self.fact.read(scene, self.property)
        hint = None
        ok = self.test(scene) is wanted
        if not ok and wanted and self.fact.quantifier is None and self.fact.kind == "number":
            change = operators.distance(self.conditions, actual)
            hint = {self.name: change} if change else None
        title = f"{self.name}[{self.property}]" if self.property else self.name
        return [Check(title, ok, needed(self.conditions, wanted), plain(actual), rule, self.path, code, hint)]


def quantified(quantifier: str, values: Sequence[Any], compare: operators.Comparison, context: Context) -> bool:
    """`each` of nothing does not hold: a rule about items is not met by an order without any."""
    if quantifier == "any":
        return any(compare(value, context) for value in values)
    return bool(values) and all(compare(value, context) for value in values)


def needed(conditions: Mapping[str, Any], wanted: bool) -> Any:
    value = plain(conditions)
    return value if wanted else {"$not": value}


def plain(value: Any) -> Any:
    """The value as JSON can carry it."""
    if isinstance(value, Decimal):
        return int(value) if operators.number(value) is not None and value == int(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | str | float):
        return value
    return str(value)
