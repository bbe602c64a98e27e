"""Orders as shops tell us of them: upserted by our id or theirs, priced from their lines, changed field by field."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from checkout import order_lines
from checkout.asks import ItemAsk, Metadata
from checkout.models import Order
from offers import audit, customers
from offers.lib import lookups, metadata
from offers.lib.actors import Actor
from offers.lib.errors import Duplicate, NotFound
from offers.models import Customer

ORDERS = ("created_at", "updated_at")
AUDITED = ("status", "amount", "total_amount")


@dataclass(frozen=True, slots=True)
class Person:
    """A customer named in an order: changed or made along with it."""

    ident: str | None = None
    source_id: str | None = None
    fields: customers.Fields = field(default_factory=lambda: customers.Fields())


class Fields(TypedDict, total=False):
    """What a caller may set; a key left out stays as it is. Discounts are never set: redemptions make them."""

    source_id: str | None
    status: str
    amount: int | None
    items: Sequence[ItemAsk]
    metadata: Metadata | None
    created_at: datetime
    customer: Person | None
    referrer: Person | None


def get(*, retailer_id: int, ident: str) -> Order:
    """Return the order with this id or source id. Refuses `not_found`."""
    return _found(Order.objects.filter(retailer_id=retailer_id).select_related("customer"), ident)


def search(*, retailer_id: int, order: str | None = None) -> QuerySet[Order]:
    """Return the retailer's orders by one of ORDERS (- for descending), else as they came in, newest first."""
    rows = Order.objects.filter(retailer_id=retailer_id).select_related("customer")
    if order is None:
        return rows.order_by("-id")  # the order of an index, however many there are
    return lookups.ordered(rows, order, created="created_at")


def upsert(
    *,
    retailer_id: int,
    actor: Actor,
    now: datetime,
    ident: str | None = None,
    source_id: str | None = None,
    fields: Fields | None = None,
) -> Order:
    """Change the order with this id or this source id, or make one (status CREATED unless told otherwise).

    An id wins; unknown, it falls back to the source id. Refuses `not_found` when only an unknown id is given, and
    for an unknown customer id; `invalid_payload` for lines that don't add up. Two first calls for one source id make
    one order.
    """
    fields = fields or Fields()
    with transaction.atomic():
        order = _locked(retailer_id, ident, source_id)
        if order is None and ident and not source_id:
            raise NotFound("order", ident)
        if order is None:
            order = Order(retailer_id=retailer_id, source_id=source_id or None, created_at=now)
            _apply(order, fields, actor, now)
            try:
                with transaction.atomic():
                    order.save(force_insert=True)
                return order
            except IntegrityError:  # somebody made the same order a moment ago
                order = _locked(retailer_id, None, source_id)
                if order is None:
                    raise
        return _change(order, fields, actor, now)


def update(*, retailer_id: int, ident: str, fields: Fields, actor: Actor, now: datetime) -> Order:
    """Change the sent fields of an order; locks its row.

    Refuses as `upsert` does, and `duplicate_found` for a source id that another order has.
    """
    with transaction.atomic():
        rows = Order.objects.filter(retailer_id=retailer_id).select_for_update(of=("self",))
        order = _found(rows.select_related("customer"), ident)
        return _change(order, fields, actor, now)


def _found(rows: QuerySet[Order], ident: str) -> Order:
    order = lookups.by_ident(rows, ident)
    if order is None:
        raise NotFound("order", ident)
    return order


def _locked(retailer_id: int, ident: str | None, source_id: str | None) -> Order | None:
    rows = Order.objects.filter(retailer_id=retailer_id).select_for_update(of=("self",)).select_related("customer")
    found = lookups.by_ident(rows, ident) if ident else None
    return found or (rows.filter(source_id=source_id).first() if source_id else None)


def _change(order: Order, fields: Fields, actor: Actor, now: datetime) -> Order:
    if not fields:
        return order
    before = {name: getattr(order, name) for name in AUDITED}
    _apply(order, fields, actor, now)
    order.updated_at = now
    order.revision += 1  # a redemption at work on this order notices, and reads it again
    try:
        with transaction.atomic():
            order.save()
    except IntegrityError as error:
        raise Duplicate(resource_id=order.source_id, resource_type="order") from error
    _record(order, before, actor, now)
    return order


def _apply(order: Order, fields: Fields, actor: Actor, now: datetime) -> None:
    if "source_id" in fields:
        order.source_id = fields["source_id"] or None
    if "status" in fields:
        order.status = fields["status"]
    if "created_at" in fields:
        order.created_at = fields["created_at"]
    if "metadata" in fields:
        order.metadata = metadata.merged(order.metadata, fields["metadata"])
    if "customer" in fields:
        order.customer = _person(order.retailer_id, fields["customer"], actor, now)
    if "referrer" in fields:
        referrer = _person(order.retailer_id, fields["referrer"], actor, now)
        order.referrer_id = referrer.public_id if referrer else None
    if "items" in fields:
        before = order.items
        order.items = order_lines.resolve(retailer_id=order.retailer_id, items=fields["items"], actor=actor, now=now)
        if order.items_discount_amount:
            kept = order_lines.carry_over(before, order.items)
            order.discount_amount += order.items_discount_amount - kept
            order.items_discount_amount = kept
    if "items" in fields or "amount" in fields:
        _add_up(order, fields.get("amount", order.amount))


def _person(retailer_id: int, person: Person | None, actor: Actor, now: datetime) -> Customer | None:
    if person is None:
        return None
    return customers.upsert(
        retailer_id=retailer_id,
        ident=person.ident,
        source_id=person.source_id,
        fields=person.fields,
        actor=actor,
        now=now,
    )


def _add_up(order: Order, amount: int | None) -> None:
    """Lines make the amount; without any that has a price it is what the shop says.

    Discounts granted before stay as far as they fit: on their lines, or on the order where those are gone.
    """
    told = order_lines.any_priced(order.items) or (amount is None and bool(order.items))
    order.amount = order_lines.total(order.items) if told else amount
    order.initial_amount = order.amount
    whole = order.amount or 0
    order.items_discount_amount = min(order.items_discount_amount, whole)
    order.discount_amount = min(order.discount_amount, whole - order.items_discount_amount)
    order.total_discount_amount = order.items_discount_amount + order.discount_amount
    order.total_amount = None if order.amount is None else order.amount - order.total_discount_amount


def _record(order: Order, before: dict[str, object], actor: Actor, now: datetime) -> None:
    """Leave an audit row when somebody changed the money or the status of an order that redemptions stand on."""
    old, new = audit.changes(before, {name: getattr(order, name) for name in AUDITED})
    if new and order.redemptions:
        audit.record(
            retailer_id=order.retailer_id,
            actor=actor,
            action="order.update",
            object_type="order",
            object_id=order.public_id,
            before=old,
            after=new,
            now=now,
        )
