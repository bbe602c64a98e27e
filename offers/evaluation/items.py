"""Conditions about order lines: which lines they mean, and what sub-rules ask of those."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from offers.evaluation import logic, operators
from offers.evaluation.cart import Row
from offers.evaluation.conditions import needed, plain
from offers.evaluation.context import Context
from offers.evaluation.facts import ORDER
from offers.evaluation.operators import Kind
from offers.evaluation.scene import Scene
from offers.evaluation.scope import covers
from offers.evaluation.verdicts import Check, Target

Quantifier = Literal["any", "every", "none", "cheapest", "most_expensive"]
Matcher = Callable[[Row, Context], bool]


@dataclass(frozen=True, slots=True)
class LineFact:
    """A value of one line, or of all lines the condition means."""

    kind: Kind
    read: Callable[[Row, Sequence[Row], str], Any]
    with_property: bool = False
    aggregated: bool = False


QUANTIFIERS: Mapping[str, Quantifier] = {
    "order.items.any": "any",
    "order.items.every": "every",
    "order.items.none": "none",
    "order.items.cheapest": "cheapest",
    "order.items.most_expensive": "most_expensive",
    "product.id": "any",
    "sku.id": "any",
}
_quantity = LineFact("number", lambda row, group, _: row.quantity)
_price = LineFact("number", lambda row, group, _: row.unit_price)
_amount = LineFact("number", lambda row, group, _: row.amount)
_total_quantity = LineFact("number", lambda row, group, _: sum(row.quantity for row in group), aggregated=True)
_total_amount = LineFact("number", lambda row, group, _: sum(row.amount for row in group), aggregated=True)
# These widen the discount's scope to the lines meant (rules.py); as a condition they always hold.
_always = LineFact("flag", lambda row, group, _: True)
LINE_FACTS: Mapping[str, LineFact] = {
    "order.items.quantity": _quantity,
    "order.items.price": _price,
    "order.items.amount": _amount,
    "order.items.aggregated_quantity": _total_quantity,
    "order.items.aggregated_amount": _total_amount,
    "order.items.metadata": LineFact("any", lambda row, group, name: row.line.metadata.get(name), with_property=True),
    "product.metadata": LineFact(
        "any", lambda row, group, name: row.line.product_metadata.get(name), with_property=True
    ),
    "sku.metadata": LineFact("any", lambda row, group, name: row.line.sku_metadata.get(name), with_property=True),
    "product.price": _price,
    "product.quantity": _quantity,
    "product.aggregated_quantity": _total_quantity,
    "product.aggregated_amount": _total_amount,
    "product.discount_applicable": _always,
    "product.metadata.aggregated_quantity": _total_quantity,
    "product.metadata.aggregated_amount": _total_amount,
    "product.metadata.discount_applicable": _always,
    "product.metadata.match_all": _always,
    "sku.price": _price,
    "sku.quantity": _quantity,
    "sku.discount_applicable": _always,
}
DISCOUNT_APPLICABLE = frozenset({"product.discount_applicable", "sku.discount_applicable"})
MATCH_ALL = "product.metadata.match_all"


class LineTest:
    """A sub-rule: one value of a line against its operators."""

    __slots__ = ("compare", "conditions", "error", "fact", "name", "path", "property")

    def __init__(
        self, name: str, path: str, fact: LineFact, prop: str, conditions: Mapping[str, Any], error: str | None
    ) -> None:
        self.name, self.path, self.fact, self.property, self.error = name, path, fact, prop, error
        self.conditions = conditions
        self.compare = operators.compile_all(conditions, fact.kind)

    def test(self, row: Row, group: Sequence[Row], context: Context) -> bool:
        return self.compare(self.fact.read(row, group, self.property), context)

    def explain(self, group: Sequence[Row], context: Context, rule: str) -> Check:
        actual: Any
        if self.fact.aggregated:
            actual = self.fact.read(group[0], group, self.property) if group else 0
            ok = self.compare(actual, context)
            change = None if ok else operators.distance(self.conditions, actual)
        else:
            actual = [self.fact.read(row, group, self.property) for row in group]
            ok = any(self.compare(value, context) for value in actual)
            change = operators.distance(self.conditions, actual[0]) if len(actual) == 1 and not ok else None
        hint = {self.name: change} if change else None
        title = f"{self.name}[{self.property}]" if self.property else self.name
        return Check(title, ok, plain(self.conditions), plain(actual), rule, self.path, None, hint)


class LineCondition:
    """Lines that match, quantified; a line counts only if the sub-rules hold for it."""

    __slots__ = ("code", "conditions", "error", "late", "matches", "name", "node", "path", "quantifier", "subs")

    def __init__(
        self,
        name: str,
        path: str,
        quantifier: Quantifier,
        matches: Matcher,
        conditions: Mapping[str, Any],
        subs: Mapping[str, LineTest],
        node: logic.Node | None,
        error: str | None,
    ) -> None:
        self.name, self.path, self.quantifier, self.matches = name, path, quantifier, matches
        self.conditions, self.subs, self.node, self.error = conditions, subs, node, error
        self.code, self.late = ORDER, False

    def lacks(self, scene: Scene) -> str | None:
        return scene.lacks("items")

    def test(self, scene: Scene) -> bool:
        if scene.cart is None or not scene.cart.rows:
            return False
        rows, context = self._candidates(scene.cart.rows), scene.context
        group = [row for row in rows if self.matches(row, context)]
        sums = {
            key: sub.test(group[0], group, context) for key, sub in self.subs.items() if sub.fact.aggregated and group
        }
        met = (self._subs_hold(row, group, context, sums) for row in group)
        if self.quantifier == "none":
            return not any(met)
        if self.quantifier == "every":
            return len(group) == len(rows) and all(met)
        return any(met)

    def _candidates(self, rows: list[Row]) -> list[Row]:
        if self.quantifier == "cheapest":
            return [min(rows, key=lambda row: (row.unit_price, row.index))]
        if self.quantifier == "most_expensive":
            return [min(rows, key=lambda row: (-row.unit_price, row.index))]
        return rows

    def _subs_hold(self, row: Row, group: Sequence[Row], context: Context, sums: Mapping[str, bool]) -> bool:
        """`sums` are the sub-rules over all lines, which are the same for each."""
        if self.node is None:
            return True
        return logic.holds(
            self.node, lambda key: sums[key] if key in sums else self.subs[key].test(row, group, context)
        )

    def explain(self, scene: Scene, *, rule: str, wanted: bool, code: str | None) -> list[Check]:
        rows = self._candidates(scene.cart.rows) if scene.cart is not None and scene.cart.rows else []
        group = [row for row in rows if self.matches(row, scene.context)]
        ok = self.test(scene) is wanted
        subs = [sub.explain(group, scene.context, rule) for sub in self.subs.values()]
        hint = next((sub.hint for sub in subs if sub.hint), None) if not ok and wanted else None
        actual = [_shown(row) for row in (rows if self.quantifier in ("cheapest", "most_expensive") else group)]
        check = Check(self.name, ok, needed(self.conditions, wanted), actual, rule, self.path, code, hint)
        return [check, *subs]

    def sub_error(self, scene: Scene) -> str | None:
        """The message of the first sub-rule that no matching line satisfies."""
        rows = scene.cart.rows if scene.cart is not None else []
        group = [row for row in rows if self.matches(row, scene.context)]
        for sub in self.subs.values():
            if sub.error and not any(sub.test(row, group, scene.context) for row in group):
                return sub.error
        return None


def covered_by(targets: Sequence[Target], wanted: bool) -> Matcher:
    return lambda row, context: any(covers(target, row.line) for target in targets) is wanted


def with_value(fact: LineFact, prop: str, conditions: Mapping[str, Any]) -> Matcher:
    compare = operators.compile_all(conditions, fact.kind)
    return lambda row, context: compare(fact.read(row, (row,), prop), context)


def _shown(row: Row) -> dict[str, Any]:
    line = row.line
    key = line.sku_id or line.product_id or line.sku_source_id or line.product_source_id or line.source_id
    return {"index": row.index, "id": key, "quantity": row.quantity, "price": row.unit_price}
