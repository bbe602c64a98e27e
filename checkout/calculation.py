"""An order as calculated, as plain values under the field's standard names: what is stored and what is answered."""

from typing import Any

from checkout.models import Order
from offers.evaluation.verdicts import LineTotals, OrderTotals


def order(totals: OrderTotals) -> dict[str, Any]:
    """Return an order's amounts in cents and its lines; discounts of a kind that does not occur are left out."""
    calculated: dict[str, Any] = {"amount": totals.amount}
    if totals.items or totals.initial_amount != totals.amount:
        calculated["initial_amount"] = totals.initial_amount
    by_items = bool(totals.items_discount_amount or totals.items_applied_discount_amount)
    if totals.discount_amount or totals.applied_discount_amount or not by_items:
        calculated["discount_amount"] = totals.discount_amount
        calculated["applied_discount_amount"] = totals.applied_discount_amount
    if by_items:
        calculated["items_discount_amount"] = totals.items_discount_amount
        calculated["items_applied_discount_amount"] = totals.items_applied_discount_amount
    calculated["total_discount_amount"] = totals.total_discount_amount
    calculated["total_applied_discount_amount"] = totals.total_applied_discount_amount
    calculated["total_amount"] = totals.total_amount
    if totals.items:
        calculated["items"] = [line(one) for one in totals.items]
    return calculated


def line(totals: LineTotals) -> dict[str, Any]:
    """Return one order line; zero discounts are left out."""
    item = totals.line
    calculated: dict[str, Any] = {
        "object": "order_item",
        "id": item.id,
        "source_id": item.source_id,
        "related_object": item.related_object,
        "product_id": item.product_id,
        "sku_id": item.sku_id,
        "quantity": totals.quantity,
        "initial_quantity": totals.initial_quantity,
        "amount": totals.amount,
        "initial_amount": totals.initial_amount,
        "price": totals.price,
        "subtotal_amount": totals.subtotal_amount,
    }
    discounts = {
        "discount_amount": totals.discount_amount,
        "discount_quantity": totals.discount_quantity,
        "applied_discount_amount": totals.applied_discount_amount,
        "applied_discount_quantity": totals.applied_discount_quantity,
        "applied_quantity": totals.applied_quantity,
    }
    calculated |= {name: value for name, value in discounts.items() if value}
    if item.product_id or item.product_source_id or item.product_name:
        calculated["product"] = {
            "id": item.product_id,
            "source_id": item.product_source_id,
            "name": item.product_name,
            "metadata": dict(item.product_metadata),
        }
    if item.sku_id or item.sku_source_id or item.sku_name:
        calculated["sku"] = {
            "id": item.sku_id,
            "source_id": item.sku_source_id,
            "sku": item.sku_name,
            "metadata": dict(item.sku_metadata),
        }
    calculated["metadata"] = dict(item.metadata)
    return {
        name: value
        for name, value in calculated.items()
        if value is not None or name in ("source_id", "product_id", "quantity")
    }


def restore(order: Order) -> None:
    """Put an order back to what it was before any discount: amounts, lines, added units."""
    items = []
    for item in order.items:
        if item.get("initial_quantity") == 0:
            continue
        kept = {name: value for name, value in item.items() if "discount" not in name and "applied" not in name}
        if "initial_quantity" in kept:
            kept["quantity"] = kept["initial_quantity"]
        if "initial_amount" in kept:
            kept["amount"] = kept["subtotal_amount"] = kept["initial_amount"]
        items.append(kept)
    order.items = items
    if order.initial_amount is not None:
        order.amount = order.initial_amount
    order.discount_amount = order.items_discount_amount = order.total_discount_amount = 0
    order.total_amount = order.amount


def take_off(order: Order, calculated: dict[str, Any]) -> None:
    """Take one redemption's own discounts and free units, as it was answered, off an order that keeps others.

    A line that only it brought stays with nothing in it: other redemptions' lines are told by their place. What it took
    off lines that are there no more, the order bears.
    """
    lines: list[dict[str, Any]] = calculated.get("items") or []
    for item, answered in zip(order.items, lines, strict=False):
        if not same_line(item, answered):
            continue
        added = item["quantity"] - item.get("initial_quantity", item["quantity"])
        units = min(answered.get("applied_quantity") or 0, added)
        if units:
            worth = min(units * _unit_price(answered), item["amount"])
            item["quantity"] -= units
            item["amount"] -= worth
            order.amount = (order.amount or 0) - worth
        for name in ("discount_amount", "discount_quantity"):
            off = answered.get(f"applied_{name}") or 0
            if off:
                item[name] = max(0, (item.get(name) or 0) - off)
        item["subtotal_amount"] = item["amount"] - (item.get("discount_amount") or 0)
    of_items = calculated.get("items_applied_discount_amount") or 0
    on_items = min(of_items, order.items_discount_amount)
    order.items_discount_amount -= on_items
    of_order = (calculated.get("applied_discount_amount") or 0) + of_items - on_items
    order.discount_amount = max(0, order.discount_amount - of_order)
    order.total_discount_amount = order.discount_amount + order.items_discount_amount
    order.total_amount = None if order.amount is None else order.amount - order.total_discount_amount


def same_line(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Say whether two lines, stored or answered, are of the same thing."""
    return all(one.get(name) == other.get(name) for name in ("product_id", "sku_id", "source_id"))


def _unit_price(item: dict[str, Any]) -> int:
    price = item.get("price")
    if price is not None:
        return int(price)
    return int(item["amount"]) // int(item["quantity"]) if item.get("quantity") else 0
