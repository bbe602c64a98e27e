"""The order while it is being discounted: what each redeemable leaves for the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from offers.evaluation.context import CatalogueItem, Line, Order
from offers.evaluation.verdicts import LineTotals, OrderTotals, Target
from offers.lib import money


class Row:
    """An order line with its running numbers; `discount` never exceeds `amount`."""

    __slots__ = (
        "added",
        "amount",
        "discount",
        "discount_quantity",
        "index",
        "initial_amount",
        "initial_quantity",
        "line",
        "price",
        "quantity",
        "request_discount",
        "request_discount_quantity",
        "request_quantity",
    )

    def __init__(self, line: Line, index: int, price: int | None, amount: int, added: bool = False) -> None:
        self.line, self.index, self.price, self.amount, self.added = line, index, price, amount, added
        self.quantity = line.quantity
        self.discount = min(line.discount_amount, amount)
        self.discount_quantity = line.discount_quantity
        self.initial_quantity = line.quantity if line.initial_quantity is None else line.initial_quantity
        self.initial_amount = amount if line.initial_amount is None else line.initial_amount
        self.request_discount = self.request_discount_quantity = self.request_quantity = 0

    @property
    def remaining(self) -> int:
        return self.amount - self.discount

    @property
    def unit_price(self) -> int:
        if self.price is not None:
            return self.price
        return self.amount // self.quantity if self.quantity else 0

    @property
    def product(self) -> object:
        """What makes two lines the same product; a line of nothing known is its own."""
        line = self.line
        return (
            line.product_id
            or line.product_source_id
            or line.sku_id
            or line.sku_source_id
            or line.source_id
            or self.index
        )

    def worth(self, units: int) -> int:
        """What is left to discount on this many of its units."""
        if units >= self.quantity:
            return self.remaining
        return min(self.remaining, money.divide_half_up(self.amount * units, self.quantity))


@dataclass(slots=True)
class Off:
    """Money taken off a row; `units` are the units it made free or part of (0: the whole line)."""

    row: Row
    amount: int
    units: int = 0


@dataclass(slots=True)
class Raise:
    """Units added to a row of the cart, or a row added with them."""

    row: Row
    units: int
    amount: int


@dataclass(slots=True)
class Plan:
    """What one redeemable would do, before it is decided that it does."""

    effect: str | None = None
    order_off: int = 0
    offs: list[Off] = field(default_factory=list)
    raises: list[Raise] = field(default_factory=list)
    applicable_to: tuple[Target, ...] = ()
    inapplicable_to: tuple[Target, ...] = ()
    credits: int = 0
    points: int = 0

    @property
    def items_off(self) -> int:
        return sum(off.amount for off in self.offs) if self.offs else 0

    @property
    def total_off(self) -> int:
        return self.order_off + self.items_off

    @property
    def added(self) -> int:
        return sum(step.amount for step in self.raises) if self.raises else 0

    @property
    def has_effect(self) -> bool:
        return bool(self.total_off or self.raises or self.credits or self.points)


class Cart:
    """Amounts of the order after everything applied so far; changed by `apply` alone."""

    __slots__ = (
        "amount",
        "initial_amount",
        "items_discount",
        "order_discount",
        "request_items_off",
        "request_order_off",
        "rows",
        "touched",
    )

    def __init__(self, order: Order, catalogue: Mapping[str, CatalogueItem]) -> None:
        self.rows = [_row(line, index, catalogue) for index, line in enumerate(order.items)] if order.items else []
        self.amount = order.amount or 0
        if self.rows and (order.amount is None or any(_is_priced(row) for row in self.rows)):
            self.amount = sum(row.amount for row in self.rows) + order.beyond
        self.items_discount = sum(row.discount for row in self.rows) if self.rows else 0
        self.order_discount = min(order.discount_amount, self.amount - self.items_discount)
        self.initial_amount = self.amount if order.initial_amount is None else order.initial_amount
        self.request_order_off = self.request_items_off = 0
        self.touched = {row.product for row in self.rows if row.discount}

    @property
    def total(self) -> int:
        return self.amount - self.order_discount - self.items_discount

    @property
    def quantity(self) -> int:
        return sum(row.quantity for row in self.rows)

    def apply(self, plan: Plan) -> OrderTotals:
        """Carry the plan out; the order as it is then, with `applied_*` of this plan alone."""
        for step in plan.raises:
            if step.row.index == len(self.rows):
                self.rows.append(step.row)
            step.row.quantity += step.units
            step.row.amount += step.amount
            step.row.request_quantity += step.units
            self.amount += step.amount
        items_off = 0
        for off in plan.offs:
            off.row.discount += off.amount
            off.row.discount_quantity += off.units
            off.row.request_discount += off.amount
            off.row.request_discount_quantity += off.units
            items_off += off.amount
            if off.amount:
                self.touched.add(off.row.product)
        self.order_discount += plan.order_off
        self.items_discount += items_off
        self.request_order_off += plan.order_off
        self.request_items_off += items_off
        return self._totals(plan.order_off, items_off, self._lines_of(plan) if self.rows else ())

    def request_totals(self) -> OrderTotals:
        """The order with `applied_*` of everything this request applied."""
        lines = tuple(
            _line_totals(row, row.request_discount, row.request_quantity, row.request_discount_quantity)
            for row in self.rows
        )
        return self._totals(self.request_order_off, self.request_items_off, lines)

    def _totals(self, order_off: int, items_off: int, lines: tuple[LineTotals, ...]) -> OrderTotals:
        return OrderTotals(
            self.amount, self.initial_amount, self.order_discount, self.items_discount, order_off, items_off, lines
        )

    def _lines_of(self, plan: Plan) -> tuple[LineTotals, ...]:
        applied: dict[int, tuple[int, int]] = {}
        for off in plan.offs:
            amount, units = applied.get(off.row.index, (0, 0))
            applied[off.row.index] = (amount + off.amount, units + off.units)
        raised: dict[int, int] = {}
        for step in plan.raises:
            raised[step.row.index] = raised.get(step.row.index, 0) + step.units
        nothing = (0, 0)
        lines = []
        for row in self.rows:
            amount, units = applied.get(row.index, nothing)
            lines.append(_line_totals(row, amount, raised.get(row.index, 0), units))
        return tuple(lines)


def _line_totals(row: Row, off: int, raised: int, units_off: int) -> LineTotals:
    return LineTotals(
        row.line,
        row.index,
        row.added,
        row.quantity,
        row.initial_quantity,
        row.amount,
        row.initial_amount,
        row.price,
        row.discount,
        row.discount_quantity,
        off,
        raised,
        units_off,
    )


def _row(line: Line, index: int, catalogue: Mapping[str, CatalogueItem]) -> Row:
    price = line.price
    if price is None and line.amount is None:
        price = _catalogue_price(line, catalogue)
    amount = line.amount if line.amount is not None else (price or 0) * line.quantity
    return Row(line, index, price, amount)


def _catalogue_price(line: Line, catalogue: Mapping[str, CatalogueItem]) -> int | None:
    """The SKU's own price wins over its product's."""
    for key in (line.sku_id, line.sku_source_id, line.product_id, line.product_source_id, line.source_id):
        item = catalogue.get(key) if key else None
        if item is not None and item.price is not None:
            return item.price
    return None


def _is_priced(row: Row) -> bool:
    return row.price is not None or row.line.amount is not None
