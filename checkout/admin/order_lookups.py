"""What staff find by an order's id, the shop's or ours: orders, and redemptions with those that failed."""

from django.db.models import Q

from checkout.models import Order, Redemption
from offers.admin import lookups


def order_ids(text: str) -> list[int]:
    """Return the orders with this id, be it the shop's or ours."""
    if text.startswith("ord_"):
        return list(Order.objects.filter(public_id=text).values_list("pk", flat=True))
    found = Order.objects.filter(retailer_id__in=lookups.retailer_ids(), source_id=text)
    return list(found.values_list("pk", flat=True))


def of_order(text: str) -> Q | None:
    """Return what narrows redemptions to an order by the shop's id or ours, None where there is no such order.

    A failed redemption leaves no order: it is found by the id it came with, and by those of an order stored later.
    """
    known = list(Order.objects.filter(pk__in=order_ids(text)).only("public_id", "source_id", "retailer_id"))
    found = Q(order_ident=text)
    if not known and not Redemption.objects.filter(found).exists():
        return None
    for one in known:
        found |= of(one)
    return found


def of(order: Order) -> Q:
    """Return what narrows redemptions to those of an order, failed ones too."""
    idents = [ident for ident in (order.source_id, order.public_id) if ident]
    return Q(order_id=order.pk) | Q(retailer_id=order.retailer_id, order_ident__in=idents)


def order_of(row: Redemption) -> Order | None:
    """Return the order of a redemption; of a failed one that which was stored later, if any."""
    if row.order or not row.order_ident:
        return row.order
    field = "public_id" if row.order_ident.startswith("ord_") else "source_id"
    return Order.objects.filter(retailer_id=row.retailer_id, **{field: row.order_ident}).first()
