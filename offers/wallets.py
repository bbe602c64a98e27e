"""Wallets: one entry, what a customer can use now, and all he ever held. Reads only; `user_offers` changes entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q

from offers.lib.errors import Refusal
from offers.models import Offer, UserOffer, UserOfferEvent

Status = UserOffer.Status


class UserOfferNotFound(Refusal):
    """There is no such user offer."""

    code = "user_offer_not_found"


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the history: an entry as it is now, or a redemption of it that was given back."""

    user_offer: UserOffer
    status: int
    undone: UserOfferEvent | None = None


def get(*, retailer_id: int, user_offer_id: UUID, customer_id: int | None = None) -> UserOffer:
    """Return an entry with its offer. Refuses user_offer_not_found, also for another retailer's or customer's."""
    found = UserOffer.objects.select_related("offer").filter(retailer_id=retailer_id, uuid=user_offer_id).first()
    if found is None or (customer_id is not None and found.customer_id != customer_id):
        raise UserOfferNotFound()
    return found


def status_of(user_offer: UserOffer, now: datetime) -> int:
    """Return the status as of now: Expired by the clock, or because its offer was ended for its holders too."""
    if user_offer.status == Status.ISSUED and _is_over(user_offer, now):
        return int(Status.EXPIRED)
    return user_offer.status


def wallet(
    *, retailer_id: int, customer_id: int, now: datetime, skip: int = 0, take: int | None = None
) -> tuple[list[UserOffer], int]:
    """Return what a customer can use now, soonest end first, then newest; and how many there are altogether."""
    ended = Q(offer__expired_at__lte=now, offer__valid_after_end_date=False) | Q(offer__status=Offer.Status.ARCHIVED)
    rows = (
        UserOffer.objects.select_related("offer")
        .filter(Q(ends_at=None) | Q(ends_at__gt=now), retailer_id=retailer_id, customer_id=customer_id)
        .filter(status=Status.ISSUED, starts_at__lte=now)
        .exclude(ended)
        .order_by(F("ends_at").asc(nulls_last=True), "-acquired_at", "-id")
    )
    page = list(rows[skip:] if take is None else rows[skip : skip + take])
    whole = skip == 0 and (take is None or len(page) < take)
    return page, len(page) if whole else rows.count()


_ENTRIES = """
SELECT u.id, NULL::bigint AS event_id, u.acquired_at FROM offers_useroffer u
WHERE u.retailer_id = %(retailer)s AND u.customer_id = ANY (%(customers)s::bigint[])
"""
_UNDONE = """
SELECT u.id, e.id, u.acquired_at FROM offers_useroffer u JOIN offers_userofferevent e ON e.user_offer_id = u.id
WHERE u.retailer_id = %(retailer)s AND u.customer_id = ANY (%(customers)s::bigint[]) AND e.kind = 'redeemed'
  AND e.detail ->> 'rolled_back_at' IS NOT NULL
"""
_TOLD = {0: _ENTRIES, 1: f"{_ENTRIES} UNION ALL {_UNDONE}", 2: _UNDONE}


def history(
    *,
    retailer_id: int,
    customer_ids: Sequence[int],
    now: datetime,
    rollback_option: int = 0,
    skip: int = 0,
    take: int = 50,
) -> tuple[list[Told], int]:
    """Return everything customers ever held, newest first, and how many lines there are altogether.

    `rollback_option` 0: the entries as they are now; 1: redemptions given back besides; 2: only those.
    """
    told = _TOLD[rollback_option]
    arguments: dict[str, Any] = {"retailer": retailer_id, "customers": list(customer_ids), "skip": skip, "take": take}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({told}) t", arguments)
        total = int(cursor.fetchone()[0])
        page: list[tuple[int, int | None]] = []
        if take and total > skip:
            cursor.execute(
                f"SELECT id, event_id FROM ({told}) AS t (id, event_id, acquired_at)"
                " ORDER BY acquired_at DESC, id DESC, event_id DESC NULLS FIRST LIMIT %(take)s OFFSET %(skip)s",
                arguments,
            )
            page = [(row[0], row[1]) for row in cursor.fetchall()]
    held = UserOffer.objects.select_related("offer").in_bulk({pk for pk, _ in page})
    undone = UserOfferEvent.objects.in_bulk({event for _, event in page if event})
    return [
        Told(held[pk], int(Status.REDEEMED), undone[event]) if event else Told(held[pk], status_of(held[pk], now))
        for pk, event in page
    ], total


def _is_over(entry: UserOffer, now: datetime) -> bool:
    if entry.ends_at is not None and entry.ends_at <= now:
        return True
    offer = entry.offer
    return offer.expired_at is not None and offer.expired_at <= now and not offer.valid_after_end_date
