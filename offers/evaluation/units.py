"""Free units: added to the order, topped up to a number, or more of what is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from offers.evaluation.cart import Cart, Off, Plan, Raise, Row
from offers.evaluation.context import CatalogueItem, Discount, Line, UnitOff
from offers.evaluation.scope import Scope, covers, of_line, select
from offers.evaluation.verdicts import Target


def plan(
    discount: Discount,
    effect: str,
    scopes: Sequence[Scope],
    cart: Cart,
    catalogue: Mapping[str, CatalogueItem],
    *,
    once: bool,
) -> Plan:
    """What a UNIT discount would add and make free. With several units each brings its own effect."""
    builder = _Builder(effect, cart, catalogue, once=once)
    for unit in discount.units:
        if unit.unit_off < 1:
            continue
        kind = unit.effect if effect == "ADD_MANY_ITEMS" else effect
        if kind == "ADD_SAME_ITEMS":
            builder.add_same(unit, scopes)
        elif kind == "ADD_MISSING_ITEMS":
            builder.add_missing(unit)
        else:
            builder.add_new(unit)
    return builder.finish()


class _Builder:
    """Collects the steps; rows it adds are not in the cart until the plan is applied."""

    def __init__(self, effect: str, cart: Cart, catalogue: Mapping[str, CatalogueItem], *, once: bool) -> None:
        self.cart, self.catalogue, self.once = cart, catalogue, once
        self.plan = Plan(effect=effect)
        self.rows = list(cart.rows)
        self.left = cart.total  # what may still be taken off units that are in the order already
        self.given: dict[int, tuple[int, int]] = {}  # by row: units that were there and are free now, and their money
        self.targets: list[Target] = []

    def finish(self) -> Plan:
        self.plan.applicable_to = tuple(self.targets)
        return self.plan

    def add_new(self, unit: UnitOff) -> None:
        rows = self._rows_of(unit.unit_type)
        row = self._row_to_raise(unit.unit_type, rows)
        self._give(row, unit.unit_off)
        self._list(unit.unit_type, [row])

    def add_missing(self, unit: UnitOff) -> None:
        """Units already there are free too; ONCE leaves those alone that something else discounted."""
        rows = self._rows_of(unit.unit_type)
        there = sum(row.quantity for row in rows)
        wanted = unit.unit_off
        for row in rows:
            if self.once and row.product in self.cart.touched:
                wanted -= min(row.quantity, wanted)
                continue
            given, paid = self.given.get(row.index, (0, 0))
            units = min(row.quantity - given, wanted)
            amount = min(row.worth(units), row.remaining - paid, self.left)
            if units > 0 and amount >= 0:
                self.plan.offs.append(Off(row, amount, units))
                self.given[row.index] = (given + units, paid + amount)
                self.left -= amount
                wanted -= units
        missing = unit.unit_off - there
        if missing > 0:
            row = self._row_to_raise(unit.unit_type, rows)
            self._give(row, missing)
            rows = rows if row in rows else [*rows, row]
        self._list(unit.unit_type, rows)

    def add_same(self, unit: UnitOff, scopes: Sequence[Scope]) -> None:
        selection = select(scopes, self.cart, once=self.once)
        wanted = _target(unit.unit_type) if unit.unit_type else None
        rows = [pick.row for pick in selection.picks if wanted is None or covers(wanted, pick.row.line)]
        for row in rows:
            self._give(row, unit.unit_off)
            self.targets.append(_listed(of_line(row.line), [row]))
        self.plan.inapplicable_to = selection.inapplicable_to

    def _give(self, row: Row, units: int) -> None:
        amount = row.unit_price * units
        self.plan.raises.append(Raise(row, units, amount))
        self.plan.offs.append(Off(row, amount, units))

    def _rows_of(self, unit_type: str) -> list[Row]:
        target = _target(unit_type)
        known = self.catalogue.get(unit_type)
        if known is not None and known.source_id:
            target = Target(known.kind, known.id, known.source_id)
        return [row for row in self.rows if covers(target, row.line)]

    def _row_to_raise(self, unit_type: str, rows: Sequence[Row]) -> Row:
        """The line of exactly this product or SKU, else a new line priced as the order or the catalogue has it."""
        sku = _target(unit_type).object == "sku"
        for row in rows:
            if sku or not (row.line.sku_id or row.line.sku_source_id):
                return row
        index = len(self.rows)
        item = self.catalogue.get(unit_type)
        price = (item.price if item else None) or 0
        row = Row(_line_for(unit_type, item, index, price), index, price, 0, added=True)
        self.rows.append(row)
        return row

    def _list(self, unit_type: str, rows: Sequence[Row]) -> None:
        item = self.catalogue.get(unit_type)
        target = _target(unit_type)
        if item is not None:
            target = Target(item.kind, item.id, item.source_id, item.product_id, item.product_source_id)
        self.targets.append(_listed(target, rows))


def _target(unit_type: str) -> Target:
    return Target("sku" if unit_type.startswith("sku_") else "product", unit_type)


def _listed(target: Target, rows: Sequence[Row]) -> Target:
    return Target(
        target.object,
        target.id,
        target.source_id,
        target.product_id,
        target.product_source_id,
        order_item_indices=tuple(row.index for row in rows),
    )


def _line_for(unit_type: str, item: CatalogueItem | None, index: int, price: int) -> Line:
    if item is None:
        sku = unit_type.startswith("sku_")
        return Line(
            index=index,
            quantity=0,
            price=price,
            product_id=None if sku else unit_type,
            sku_id=unit_type if sku else None,
            related_object="sku" if sku else "product",
        )
    sku = item.kind == "sku"
    return Line(
        index=index,
        quantity=0,
        price=price,
        source_id=item.source_id,
        product_id=item.product_id if sku else item.id,
        product_source_id=item.product_source_id if sku else item.source_id,
        sku_id=item.id if sku else None,
        sku_source_id=item.source_id if sku else None,
        related_object=item.kind,
        product_name=None if sku else item.name,
        sku_name=item.name if sku else None,
        product_metadata={} if sku else item.metadata,
        sku_metadata=item.metadata if sku else {},
        collections=item.collections,
    )
