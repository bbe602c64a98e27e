"""A redemption in words: whether it can be rolled back, what it took off a card, the lines of its order."""

from typing import Any

from checkout.models import Redemption
from offers.admin import show
from offers.admin.page import Table
from offers.models import Voucher


def is_stack(row: Redemption) -> bool:
    """Say whether a row stands for several codes that have rows of their own."""
    return row.succeeded and row.voucher_id is None and row.tier_id is None


def may_roll_back(row: Redemption) -> bool:
    return row.kind == Redemption.Kind.REDEMPTION and row.succeeded and row.rolled_back_at is None


def notice(row: Redemption) -> str:
    """Return why a redemption failed: as the shop was told, with plain words before it for a count that was full."""
    if row.succeeded:
        return ""
    full = show.full(row.ran_out) if row.ran_out else None
    return f"{full}. The shop was told: {row.failure_message}." if full else row.failure_message


def lines_table(items: Any, currency: str) -> Table:
    """Return order lines with their amounts."""
    rows = []
    for item in items if isinstance(items, list) else []:
        if not isinstance(item, dict):
            continue
        product, sku = item.get("product") or {}, item.get("sku") or {}
        named = (product.get("name"), sku.get("sku"), item.get("source_id"), item.get("product_id"), item.get("sku_id"))
        rows.append(
            [
                next((str(name) for name in named if name), show.NOTHING),
                show.count(item.get("quantity"), show.NOTHING),
                show.amount(item.get("price"), currency),
                show.amount(item.get("amount"), currency),
                show.amount(item.get("discount_amount") or item.get("total_discount_amount"), currency),
                show.amount(item.get("subtotal_amount", item.get("amount")), currency),
            ]
        )
    return Table(
        title="Order lines",
        headers=["Item", "Quantity", "Price", "Amount", "Money off", "To pay"],
        rows=rows,
        empty="The order came without lines.",
    )


def off_card(row: Redemption) -> str:
    """Say what a redemption took off a card, points with what they were spent on."""
    if not row.amount:
        return ""
    loyalty = row.voucher is not None and row.voucher.type == Voucher.Type.LOYALTY
    said = show.on_card(row.amount, row.retailer.currency, loyalty=loyalty)
    reward = row.detail.get("reward")
    return f"{said} for {reward}" if reward else said
