"""Orders of the admitted: what they cost, the unit kept for them, and placing one while using the admission up."""

from datetime import datetime

from django.db import transaction

from checkout import orders
from checkout.admission import claims, reservations
from checkout.admission.models import Admission, Distribution, Reservation
from checkout.models import Order
from offers import stock
from offers.lib.actors import SYSTEM
from offers.models import Sku


def product_of(sells: Distribution | Admission) -> Sku | None:
    """Return what a launch, or one of its admissions, sells, if the catalogue has it."""
    rows = Sku.objects.filter(retailer_id=sells.retailer_id, sku=sells.sku).select_related("product")
    return rows.order_by("pk").first() if sells.sku else None


def price_of(admission: Admission) -> int:
    """Return what an admission's order costs, in minor units: the price won, else that of its product."""
    if admission.amount is not None:
        return admission.amount
    product = product_of(admission)
    return product.price or 0 if product else 0


def keep_unit(*, admission: Admission, session: str, now: datetime) -> bool:
    """Keep what the order will be for until the admission ends: a unit of its product; False where it is sold out.

    Where nobody counts the product, or there is none, nothing has to be kept. Refuses what `claims.claim` refuses.
    """
    if admission.reservations.filter(state=Reservation.State.HELD).exists():
        return True
    sold = Sku.objects.filter(retailer_id=admission.retailer_id, sku=admission.sku).order_by("pk").first()
    if not admission.sku or sold is None or not stock.is_counted(sku=sold):
        return True
    try:
        reservations.reserve(admission_id=admission.pk, sku=admission.sku, quantity=1, session=session, now=now)
    except reservations.SoldOut:
        return False
    return True


def place(*, admission: Admission, now: datetime) -> Order:
    """Store a paid order and complete the admission with it, in one transaction; again it is the same order.

    Refuses what `claims.complete` refuses, and then stores nothing: what was charged has to go back.
    """
    amount = price_of(admission)
    with transaction.atomic():
        order = orders.upsert(
            retailer_id=admission.retailer_id,
            source_id=f"admission-{admission.uuid}",
            fields=orders.Fields(amount=amount, status=Order.Status.PAID),
            actor=SYSTEM,
            now=now,
        )
        claims.complete(
            admission_id=admission.pk,
            order_id=order.public_id,
            amount=amount,
            currency=admission.currency,
            now=now,
        )
    return order
