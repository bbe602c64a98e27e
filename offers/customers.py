"""Customers: found by our id or the shop's, changed field by field, erased without losing what they redeemed."""

from datetime import date, datetime
from typing import Any, TypedDict

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from offers import audit
from offers.lib import lookups, metadata
from offers.lib.actors import Actor
from offers.lib.errors import NotFound
from offers.models import Customer
from offers.outbox import events

ORDERS = ("created_at", "updated_at", "source_id")
PERSONAL = ("name", "description", "email", "phone", "birthdate", "address")


class Fields(TypedDict, total=False):
    """What a caller may set; a key left out stays as it is, None clears."""

    name: str | None
    description: str | None
    email: str | None
    phone: str | None
    birthdate: date | None
    address: dict[str, Any] | None
    metadata: dict[str, Any] | None


def get(*, retailer_id: int, ident: str) -> Customer:
    """Return the customer with this id or source id. Refuses `not_found`."""
    return _found(Customer.objects.filter(retailer_id=retailer_id), ident)


def search(
    *,
    retailer_id: int,
    email: str | None = None,
    name: str | None = None,
    city: str | None = None,
    segment: str | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    updated_after: datetime | None = None,
    updated_before: datetime | None = None,
    order: str = "-created_at",
) -> QuerySet[Customer]:
    """Return the retailer's customers that match everything given, ordered by one of ORDERS, - for descending."""
    wanted = {
        "email": email,
        "name": name,
        "address__city": city,
        "segments__contains": None if segment is None else [segment],
        "created_at__gt": created_after,
        "created_at__lt": created_before,
        "updated_at__gt": updated_after,
        "updated_at__lt": updated_before,
    }
    rows = Customer.objects.filter(
        retailer_id=retailer_id, **{key: value for key, value in wanted.items() if value is not None}
    )
    return lookups.ordered(rows, order, created="created_at")


def scroll(
    rows: QuerySet[Customer], *, after: datetime, limit: int, oldest_first: bool, by: str = "created_at"
) -> tuple[list[Customer], bool]:
    """Return the next customers beyond a moment of creation (or of their last change), and whether more follow.

    Callers know moments to the millisecond only. So a page takes in everybody of the millisecond of its last
    customer, even beyond `limit`: nobody is skipped or repeated.
    """
    if oldest_first:
        rows = rows.filter(**{f"{by}__gt": _end_of_millisecond(after)}).order_by(by, "id")
    else:
        rows = rows.filter(**{f"{by}__lt": _start_of_millisecond(after)}).order_by(f"-{by}", "-id")
    page = list(rows[:limit])
    if len(page) < limit:
        return page, False
    last = getattr(page[-1], by)
    start, end = _start_of_millisecond(last), _end_of_millisecond(last)
    same = Q(**{f"{by}__gte": start, f"{by}__lte": end})
    page += rows.filter(same).exclude(pk__in=[row.pk for row in page])
    beyond = Q(**{f"{by}__gt": end}) if oldest_first else Q(**{f"{by}__lt": start})
    return page, rows.filter(beyond).exists()


def upsert(
    *,
    retailer_id: int,
    actor: Actor,
    now: datetime,
    ident: str | None = None,
    source_id: str | None = None,
    fields: Fields | None = None,
) -> Customer:
    """Change the customer with this id or, without one, with this source id; make one where the shop knows no such.

    Only the sent fields change, metadata key by key. An id wins over a source id. Refuses `not_found` for an unknown
    id. Two first calls for one source id make one customer.
    """
    fields = fields or Fields()
    if ident:
        return update(retailer_id=retailer_id, ident=ident, fields=fields, actor=actor, now=now)
    with transaction.atomic():
        customer = _locked_source(retailer_id, source_id) if source_id else None
        if customer is None:
            customer = Customer(retailer_id=retailer_id, source_id=source_id or None)
            _apply(customer, fields)
            try:
                with transaction.atomic():
                    customer.save(force_insert=True)
                    _tell(customer, "created", actor, now)
            except IntegrityError:  # somebody made the same customer a moment ago
                customer = _locked_source(retailer_id, str(source_id))
                if customer is None:
                    raise
            else:
                return customer
        if fields:
            _change(customer, fields, now)
            _tell(customer, "updated", actor, now)
    return customer


def ensure(*, retailer_id: int, source_id: str) -> None:
    """Make a customer known by this source id, unless there is one: somebody for limits per customer to count."""
    Customer.objects.bulk_create([Customer(retailer_id=retailer_id, source_id=source_id)], ignore_conflicts=True)


def update(*, retailer_id: int, ident: str, fields: Fields, actor: Actor, now: datetime) -> Customer:
    """Change the sent fields of a customer; locks its row. Refuses `not_found`."""
    with transaction.atomic():
        customer = _found(Customer.objects.filter(retailer_id=retailer_id).select_for_update(), ident)
        if fields:
            _change(customer, fields, now)
            _tell(customer, "updated", actor, now)
    return customer


def erase(*, retailer_id: int, ident: str, actor: Actor, now: datetime, reason: str = "") -> Customer:
    """Forget who a customer was: every personal field goes, redemptions and orders keep a nameless customer.

    Afterwards nothing finds the customer, and its source id may be used anew. Refuses `not_found`.
    """
    with transaction.atomic():
        customer = _found(Customer.objects.filter(retailer_id=retailer_id).select_for_update(), ident)
        for name in PERSONAL:
            setattr(customer, name, None)
        customer.source_id = None
        customer.metadata = {}
        customer.segments = []
        customer.updated_at = customer.erased_at = now
        customer.save()
        _tell(customer, "deleted", actor, now)
        audit.record(
            retailer_id=retailer_id,
            actor=actor,
            action="customer.erase",
            object_type="customer",
            object_id=customer.public_id,
            reason=reason,
            now=now,
        )
    return customer


def _tell(customer: Customer, what: str, actor: Actor, now: datetime) -> None:
    data = {"id": customer.public_id, "object": "customer"}  # nothing personal: events outlive an erasure
    events.record(retailer_id=customer.retailer_id, type=f"customer.{what}", data=data, now=now, actor=actor)


def _found(rows: QuerySet[Customer], ident: str) -> Customer:
    customer = lookups.by_ident(rows, ident)
    if customer is None:
        raise NotFound("customer", ident)
    return customer


def _locked_source(retailer_id: int, source_id: str) -> Customer | None:
    return Customer.objects.filter(retailer_id=retailer_id, source_id=source_id).select_for_update().first()


def _change(customer: Customer, fields: Fields, now: datetime) -> None:
    _apply(customer, fields)
    customer.updated_at = now
    customer.save(update_fields=[*fields, "updated_at"])


def _apply(customer: Customer, fields: Fields) -> None:
    before = customer.address
    for name, value in fields.items():
        if name in PERSONAL:
            setattr(customer, name, value)
    if "metadata" in fields:
        customer.metadata = metadata.merged(customer.metadata, fields["metadata"])
    if address := fields.get("address"):
        customer.address = {**before, **address} if before else address


def _start_of_millisecond(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _end_of_millisecond(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000 + 999)
