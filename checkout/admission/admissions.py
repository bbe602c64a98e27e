"""Admissions: issued to those whose turn it is, each with holds on the places and the stock it takes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from checkout.admission import told
from checkout.admission.models import Admission, Distribution, Entry
from offers import stock
from offers.ledger import counters, expiry, holds
from offers.lib.errors import Refusal
from offers.models import Sku

TOTAL, ACTIVE = "admission.total", "admission.active"
GRACE = timedelta(seconds=120)  # a payment begun in time may end this long after the admission has

_EXPIRE = """
WITH due AS (
    SELECT id FROM admission_admission
    WHERE distribution_id = %(distribution)s AND state IN ('ISSUED', 'CLAIMED') AND expires_at <= %(now)s
      AND (payment_started_at IS NULL OR expires_at <= %(graced)s)
    ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED
), ended AS (
    UPDATE admission_admission a SET state = 'EXPIRED', ended_at = %(now)s FROM due WHERE a.id = due.id
    RETURNING a.id, a.uuid, a.entry_id
), unreserved AS (
    UPDATE admission_reservation r SET state = 'EXPIRED', ended_at = %(now)s FROM ended
    WHERE r.admission_id = ended.id AND r.state = 'HELD'
)
UPDATE admission_entry e SET state = 'EXPIRED', ended_at = %(now)s FROM ended
WHERE e.id = ended.entry_id AND e.state = 'ADMITTED'
RETURNING e.id, ended.uuid
"""

# In the order of the entries given, so that keys follow the line.
_NAMES = [field.attname for field in Admission._meta.concrete_fields]
_ISSUE = f"""
WITH given AS (
    SELECT * FROM unnest(%(entries)s::bigint[], %(amounts)s::bigint[]) WITH ORDINALITY AS g (entry_id, amount, place)
), marked AS (
    UPDATE admission_entry e SET state = 'ADMITTED', admitted_at = %(now)s, ended_at = NULL
    FROM given WHERE e.id = given.entry_id
    RETURNING e.id, e.consumer_id, given.amount, given.place
)
INSERT INTO admission_admission
    (uuid, retailer_id, distribution_id, consumer_id, entry_id, state, issued_at, expires_at, session_hash, declines,
     extensions, order_id, currency, quantity, sku, amount)
SELECT gen_random_uuid(), %(retailer)s, %(distribution)s, consumer_id, id, 'ISSUED', %(now)s, %(expires)s, '', 0, 0, '',
       %(currency)s, %(quantity)s, %(sku)s, amount
FROM marked ORDER BY place
RETURNING {", ".join(_NAMES)}
"""


class NoRoom(Refusal):
    """There is no place in the checkout for one more."""

    code = "no_room"


def issue(
    *, distribution: Distribution, entries: Sequence[Entry], now: datetime, amounts: dict[int, int] | None = None
) -> list[Admission]:
    """Admit these entries: rows in bulk, one ledger call for all places and stock, entries marked ADMITTED, webhooks.

    All or nothing: refuses no_room when not everybody finds room (`room` tells before, but others take of the same
    stock). The caller owns the entries' rows. `amounts`: entry id -> the price won.
    """
    if not entries:
        return []
    prices = amounts or {}
    with connection.cursor() as cursor:
        cursor.execute(
            _ISSUE,
            {
                "retailer": distribution.retailer_id,
                "distribution": distribution.pk,
                "now": now,
                "expires": now + timedelta(seconds=distribution.admission_ttl_seconds),
                "quantity": distribution.max_units,
                "sku": distribution.sku,
                "currency": distribution.currency,
                "entries": [entry.pk for entry in entries],
                "amounts": [prices.get(entry.pk) for entry in entries],
            },
        )
        made = [Admission.from_db("default", _NAMES, row) for row in cursor.fetchall()]
    assert len(made) == len(entries), "an entry was not there to be admitted"
    for entry in entries:
        entry.state, entry.admitted_at, entry.ended_at = Entry.State.ADMITTED, now, None
    stocked = _stock_owner(distribution) if distribution.reserve_on_admission else None
    if distribution.reserve_on_admission and stocked is None:
        raise NoRoom()  # a product that nobody sells
    if wants := [want for one in made for want in _wants(distribution, one, stocked)]:
        try:
            holds.hold(
                retailer_id=distribution.retailer_id,
                wants=wants,
                reference=reference(distribution_id=distribution.pk, issued_at=now),
                ttl_seconds=distribution.admission_ttl_seconds,
                now=now,
            )
        except holds.Exceeded as short:
            raise NoRoom() from short
    told.of_admitted(distribution, made, now=now)
    return made


def room(*, distribution: Distribution) -> int | None:
    """Return how many can be admitted; None is any number. What is due counts as taken until `expire_due` swept it."""
    stocked = _stock_owner(distribution) if distribution.reserve_on_admission else None
    limits = [(ACTIVE, distribution.max_active), (TOTAL, distribution.total_admissions)]
    kinds = [kind for kind, limit in limits if limit is not None]
    owners = [distribution.pk] if kinds else []
    if stocked is not None:
        kinds.append(stock.KIND)
        owners.append(stocked)
    found = counters.counted(kinds=kinds, owners=owners) if kinds else {}
    free: list[int] = []
    for kind, limit in limits:
        if limit is not None:
            free.append(limit - found.get((kind, distribution.pk), (None, 0))[1])
    if distribution.reserve_on_admission:
        granted, taken = found.get((stock.KIND, stocked or 0), (0, 0))
        free.append(((granted or 0) - taken) // distribution.max_units)
    return max(0, min(free)) if free else None


def reference(*, distribution_id: int, issued_at: datetime) -> str:
    """Return the ledger's name for the holds of all that were issued together; items tell the admissions apart."""
    return f"admission:{distribution_id}:{issued_at:%Y%m%dT%H%M%S.%f}"


def items(one: Admission) -> tuple[str, str, str]:
    """Return the ledger's names, within the reference, for an admission's place in the checkout, its part of the count
    of admissions, and its units of stock.
    """
    return f"a{one.uuid.hex}", f"t{one.uuid.hex}", f"s{one.uuid.hex}"


def over(now: datetime) -> Q:
    """Return what narrows to the open admissions whose time is up, written down or not."""
    graced = Q(payment_started_at__isnull=True) | Q(expires_at__lte=now - GRACE)
    return Q(state__in=Admission.OPEN, expires_at__lte=now) & graced


def live(*, distribution: Distribution, consumer_id: int) -> Admission | None:
    """Return the consumer's latest admission, whatever its state."""
    return Admission.objects.filter(distribution=distribution, consumer_id=consumer_id).order_by("-id").first()


def expire_due(*, distribution: Distribution, now: datetime) -> int:
    """Write down which admissions have run out and free what they held. A begun payment has two minutes more."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_EXPIRE, {"distribution": distribution.pk, "now": now, "graced": now - GRACE})
        ended = {entry: {"admission_id": str(uuid)} for entry, uuid in cursor.fetchall()}
        told.of_entries(distribution, "consumer.expired", ended, now=now)
    if ended:
        expiry.sweep(now=now)
    return len(ended)


def expire_everywhere(*, now: datetime) -> int:
    """Do so wherever something has run out: in launches that nobody ticks or fills up any more, too."""
    due = Admission.objects.filter(over(now)).values("distribution_id")
    rows = Distribution.objects.filter(pk__in=due).select_related("sequence__experience")
    return sum(expire_due(distribution=row, now=now) for row in rows)


def _wants(distribution: Distribution, one: Admission, stocked: int | None) -> list[holds.Want]:
    place, part, units = items(one)
    found = [
        holds.Want(kind=kind, owner=distribution.pk, amount=1, item=item, granted=limit, fixed=True)
        for kind, item, limit in (
            (ACTIVE, place, distribution.max_active),
            (TOTAL, part, distribution.total_admissions),
        )
        if limit is not None
    ]
    if stocked is not None:
        found.append(holds.Want(kind=stock.KIND, owner=stocked, amount=one.quantity, item=units, granted=0))
    return found


def _stock_owner(distribution: Distribution) -> int | None:
    return (
        Sku.objects.filter(retailer_id=distribution.retailer_id, sku=distribution.sku)
        .values_list("pk", flat=True)
        .first()
    )
