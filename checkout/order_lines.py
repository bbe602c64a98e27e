"""Order lines as a shop sends them: resolved to products and variants, priced, and in the form they are stored in."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from checkout import calculation, order_facts
from checkout.asks import ItemAsk, ProductAsk, named
from offers import catalogue, configuration
from offers.evaluation.context import Line
from offers.evaluation.verdicts import LineTotals
from offers.lib.actors import Actor
from offers.lib.errors import InvalidPayload
from offers.lib.ids import new_id

MOST = 10**15
LONGEST_NAME = 255


def resolve(*, retailer_id: int, items: Sequence[ItemAsk], actor: Actor, now: datetime) -> list[dict[str, Any]]:
    """Return the lines with the catalogue's ids and prices where the shop sent none.

    Products and variants sent with `override` are stored first. Refuses `invalid_payload` for a sum that can't be
    counted.
    """
    store_sent(retailer_id=retailer_id, items=items, actor=actor, now=now)
    config = configuration.current(retailer_id, configuration.version(retailer_id))
    names = named(items)
    known = order_facts.look_up(config, names) if names else {}
    lines = [order_facts.line(item, index, known, config) for index, item in enumerate(items)]
    if sum(order_facts.line_amount(line) for line in lines) > MOST:
        raise InvalidPayload("Property .items adds up to more than can be counted")
    return [{**calculation.line(_undiscounted(line)), "id": line.id or new_id("ordli_")} for line in lines]


def carry_over(before: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]]) -> int:
    """Put the discounts of earlier lines on the lines of the same product; returns how much found its place."""
    kept = 0
    free = list(now)
    for old in before:
        off = old.get("discount_amount") or 0
        line = next((line for line in free if calculation.same_line(line, old)), None)
        if line is None:
            continue
        free.remove(line)
        if off:
            line["discount_amount"] = min(off, line["amount"])
            line["subtotal_amount"] = line["amount"] - line["discount_amount"]
            kept += line["discount_amount"]
            units = min(old.get("discount_quantity") or 0, line["quantity"])
            line |= {"discount_quantity": units} if units else {}
    return kept


def overrides(items: Iterable[ItemAsk]) -> bool:
    """Say whether any line brings a product or variant to be stored."""
    return any((item.product and item.product.override) or (item.sku and item.sku.override) for item in items)


def store_sent(*, retailer_id: int, items: Iterable[ItemAsk], actor: Actor, now: datetime) -> None:
    """Store the products and variants that lines bring along with `override`.

    In the order of their names, whatever that of the lines: two carts with the same products wait for one another.
    """
    for item in sorted(items, key=_turn):
        _override(retailer_id, item, actor, now)


def any_priced(items: Iterable[dict[str, Any]]) -> bool:
    """Say whether any stored line has a price or an amount."""
    return any(item.get("price") is not None or item.get("amount") for item in items)


def total(items: Iterable[dict[str, Any]]) -> int:
    """Return the sum of stored lines."""
    return sum(item.get("amount") or 0 for item in items)


def _override(retailer_id: int, item: ItemAsk, actor: Actor, now: datetime) -> None:
    """Store the product or variant data of a line that says so."""
    product, sku = item.product, item.sku
    if product is None or not (product.override or (sku is not None and sku.override)):
        return
    ident, source_id = _names(item, product, "product", item.product_id)
    if not (ident or source_id):
        raise InvalidPayload("Property .items: a product with override needs an id or a source_id")
    row = catalogue.upsert_product(
        retailer_id=retailer_id,
        ident=ident,
        source_id=source_id,
        fields=_sent(product, ("name", "price", "metadata")) if product.override else {},  # type: ignore[arg-type]
        actor=actor,
        now=now,
    )
    if sku is None or not sku.override:
        return
    ident, source_id = _names(item, sku, "sku", item.sku_id)
    if ident or source_id:
        catalogue.upsert_sku(
            product=row,
            ident=ident,
            source_id=source_id,
            fields=_sent(sku, ("sku", "price", "metadata")),  # type: ignore[arg-type]
            actor=actor,
            now=now,
        )


def _turn(item: ItemAsk) -> tuple[str, ...]:
    parts = ((item.product, "product", item.product_id), (item.sku, "sku", item.sku_id))
    return tuple(name or "" for part, kind, key in parts if part for name in _names(item, part, kind, key)[::-1])


def _names(item: ItemAsk, part: ProductAsk, kind: str, key: str | None) -> tuple[str | None, str | None]:
    """Return id and source id of what an override is about: its own names, else those of its line."""
    own = item.source_id if item.related_object == kind else None
    return part.id or key, part.source_id or own


def _sent(part: ProductAsk, names: tuple[str, ...]) -> dict[str, Any]:
    for name in ("name", "sku"):
        if len(getattr(part, name) or "") > LONGEST_NAME:
            raise InvalidPayload(f"Property .items: .{name} should have at most {LONGEST_NAME} characters")
    return {name: value for name in names if (value := getattr(part, name)) is not None}


def _undiscounted(line: Line) -> LineTotals:
    amount = order_facts.line_amount(line)
    return LineTotals(
        line=line,
        index=line.index,
        added=False,
        quantity=line.quantity,
        initial_quantity=line.quantity,
        amount=amount,
        initial_amount=amount,
        price=line.price,
        discount_amount=0,
        discount_quantity=0,
        applied_discount_amount=0,
        applied_quantity=0,
        applied_discount_quantity=0,
    )
