"""Reservations: stock kept for an admission, from the moment a checkout asks for it until the admission ends.

HELD -> COMMITTED (the admission is completed) | RELEASED (given back) | EXPIRED (its time is up). All the units of an
admission are holds of one item in the ledger, the one `reserve_on_admission` uses too: so the admission's own verbs
keep, sell and give back what is reserved, and this module only says how much that is.
"""

from collections.abc import Iterable
from datetime import datetime

from checkout.admission import admissions, claims, meant
from checkout.admission.models import Admission, Reservation
from offers import stock
from offers.ledger import holds
from offers.lib.errors import NotFound, Refusal


class QuantityNotAdmitted(Refusal):
    """This admission is for fewer units."""

    code = "quantity_not_admitted"


class SoldOut(Refusal):
    """There is not enough left of this product."""

    code = "sold_out"


def reserve(
    *, admission_id: int, sku: str, quantity: int, now: datetime, session: str | None = None
) -> tuple[Reservation, bool]:
    """Keep units of a variant for an admission; return the reservation and whether it is new.

    Again it is the same reservation, with the quantity asked for last. What `reserve_on_admission` took already counts.
    Refuses sku_not_admitted, quantity_not_admitted (of all it keeps together), not_found (no such product), sold_out
    (and then keeps what it had), payment_under_way (for fewer than before), and what `claims.claim` refuses.
    Owns the admission's row; the units are taken by one statement of the ledger.
    """
    with claims.owned(admission_id) as row:
        claims.refuse_unless_open(row, session, now)
        if now >= row.expires_at:
            raise claims.AdmissionExpired()
        meant.check(row, sku=sku)
        variant = stock.find(retailer_id=row.retailer_id, sku=sku)
        held = {one.variant_id: one for one in row.reservations.filter(state=Reservation.State.HELD)}
        mine = held.pop(variant.pk, None)
        free = row.quantity - sum(one.quantity for one in held.values())
        if quantity > free:
            raise QuantityNotAdmitted(available=max(0, free))
        is_new = mine is None
        if mine is None:
            mine = Reservation(retailer_id=row.retailer_id, admission=row, variant=variant, created_at=now)
        elif row.payment_started_at is not None and quantity < mine.quantity:
            raise claims.PaymentUnderWay()
        mine.quantity = quantity
        try:
            _hold(row, [*held.values(), mine], now)
        except holds.Exceeded as short:
            raise SoldOut(available=short.shortage.available) from short
        mine.save()
    return mine, is_new


def give_back(*, reservation: Reservation, now: datetime) -> Reservation:
    """Give back what a reservation keeps; one that has ended stays as it ended. Refuses payment_under_way."""
    with claims.owned(reservation.admission_id) as row:
        found = Reservation.objects.select_related("variant").get(pk=reservation.pk)
        found.admission = row
        if state_of(found, now) != Reservation.State.HELD:
            return found
        if row.payment_started_at is not None:
            raise claims.PaymentUnderWay()
        rest = list(row.reservations.filter(state=Reservation.State.HELD).exclude(pk=found.pk))
        _hold(row, rest, now)
        found.state, found.ended_at = Reservation.State.RELEASED, now
        found.save(update_fields=["state", "ended_at"])
    return found


def find(*, retailer_id: int, uuid: str) -> Reservation:
    """Return a reservation of the retailer. Refuses not_found, another's as well."""
    rows = Reservation.objects.select_related("admission", "variant")
    found = rows.filter(retailer_id=retailer_id, uuid=uuid).first()
    if found is None:
        raise NotFound("reservation", uuid)
    return found


def state_of(reservation: Reservation, now: datetime) -> str:
    """Return a reservation's state by the clock: nothing has to be written down for it to expire."""
    ran_out = reservation.state == Reservation.State.HELD and claims.is_over(reservation.admission, now)
    return Reservation.State.EXPIRED if ran_out else reservation.state


def _hold(row: Admission, wanted: Iterable[Reservation], now: datetime) -> None:
    _, _, item = admissions.items(row)
    wants = [
        holds.Want(kind=stock.KIND, owner=one.variant_id, amount=one.quantity, item=item, granted=0) for one in wanted
    ]
    holds.take(
        retailer_id=row.retailer_id,
        wants=wants,
        reference=claims.reference(row),
        items=[item],
        settle=False,
        ttl_seconds=(claims.kept_until(row) - now).total_seconds(),
        now=now,
    )
