"""Admissions: issued to those whose turn it is, each with holds on the places and the stock it takes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from checkout.admission.models import Admission, Distribution, Entry
from offers.ledger import counters, expiry, holds
from offers.models import Sku

TOTAL, ACTIVE, STOCK = "admission.total", "admission.active", "stock.units"
GRACE = timedelta(seconds=120)  # a payment begun in time may end this long after the admission has

_EXPIRE = """
WITH due AS (
    SELECT id FROM admission_admission
    WHERE distribution_id = %(distribution)s AND state IN ('ISSUED', 'CLAIMED') AND expires_at <= %(now)s
      AND (payment_started_at IS NULL OR expires_at <= %(graced)s)
    ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED
), ended AS (
    UPDATE admission_admission a SET state = 'EXPIRED', ended_at = %(now)s FROM due WHERE a.id = due.id
    RETURNING a.entry_id
)
UPDATE admission_entry e SET state = 'EXPIRED', ended_at = %(now)s FROM ended
WHERE e.id = ended.entry_id AND e.state = 'ADMITTED'
"""


def issue(
    *, distribution: Distribution, entries: Sequence[Entry], now: datetime, amounts: dict[int, int] | None = None
) -> list[Admission]:
    """Admit these entries: rows in bulk, one ledger call for all places and stock, entries marked ADMITTED.

    All or nothing: refuses quantity_exceeded when not everybody finds room (`room` tells before). The caller owns the
    entries' rows. `amounts`: entry id -> the price won.
    """
    if not entries:
        return []
    expires_at = now + timedelta(seconds=distribution.admission_ttl_seconds)
    made = [
        Admission(
            retailer_id=distribution.retailer_id,
            distribution_id=distribution.pk,
            consumer_id=entry.consumer_id,
            entry=entry,
            issued_at=now,
            expires_at=expires_at,
            quantity=distribution.max_units,
            sku=distribution.sku,
            currency=distribution.currency,
            amount=(amounts or {}).get(entry.pk),
        )
        for entry in entries
    ]
    Admission.objects.bulk_create(made)
    Entry.objects.filter(id__in=[entry.pk for entry in entries]).update(
        state=Entry.State.ADMITTED, admitted_at=now, ended_at=None
    )
    stocked = _stock_owner(distribution) if distribution.reserve_on_admission else None
    if wants := [want for one in made for want in _wants(distribution, one, stocked)]:
        holds.hold(
            retailer_id=distribution.retailer_id,
            wants=wants,
            reference=reference(distribution),
            ttl_seconds=distribution.admission_ttl_seconds,
            now=now,
        )
    return made


def room(*, distribution: Distribution) -> int | None:
    """Return how many can be admitted; None is any number. What is due counts as taken until `expire_due` swept it."""
    stocked = _stock_owner(distribution) if distribution.reserve_on_admission else None
    limits = [(ACTIVE, distribution.max_active), (TOTAL, distribution.total_admissions)]
    kinds = [kind for kind, limit in limits if limit is not None]
    owners = [distribution.pk] if kinds else []
    if stocked is not None:
        kinds.append(STOCK)
        owners.append(stocked)
    found = counters.counted(kinds=kinds, owners=owners) if kinds else {}
    free: list[int] = []
    for kind, limit in limits:
        if limit is not None:
            free.append(limit - found.get((kind, distribution.pk), (None, 0))[1])
    if distribution.reserve_on_admission:
        granted, taken = found.get((STOCK, stocked or 0), (0, 0))
        free.append(((granted or 0) - taken) // distribution.max_units)
    return max(0, min(free)) if free else None


def reference(distribution: Distribution) -> str:
    """Return the ledger's name for all holds of a distribution; items tell its admissions apart."""
    return f"admission:{distribution.uuid}"


def live(*, distribution: Distribution, consumer_id: int) -> Admission | None:
    """Return the consumer's latest admission, whatever its state."""
    return Admission.objects.filter(distribution=distribution, consumer_id=consumer_id).order_by("-id").first()


def expire_due(*, distribution: Distribution, now: datetime) -> int:
    """Write down which admissions have run out and free what they held. A begun payment has two minutes more."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE, {"distribution": distribution.pk, "now": now, "graced": now - GRACE})
        ended = int(cursor.rowcount)
    if ended:
        expiry.sweep(now=now)
    return ended


def _wants(distribution: Distribution, one: Admission, stocked: int | None) -> list[holds.Want]:
    found = [
        holds.Want(
            kind=kind, owner=distribution.pk, amount=1, item=f"{letter}{one.uuid.hex}", granted=limit, fixed=True
        )
        for kind, letter, limit in (
            (ACTIVE, "a", distribution.max_active),
            (TOTAL, "t", distribution.total_admissions),
        )
        if limit is not None
    ]
    if stocked is not None:
        found.append(holds.Want(kind=STOCK, owner=stocked, amount=one.quantity, item=f"s{one.uuid.hex}"))
    return found


def _stock_owner(distribution: Distribution) -> int | None:
    return (
        Sku.objects.filter(retailer_id=distribution.retailer_id, sku=distribution.sku)
        .values_list("pk", flat=True)
        .first()
    )
