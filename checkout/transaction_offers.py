"""The offers a sale names: redeemed when this sale holds them, given back with a void, never taken from others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from checkout import lock_pricing, offer_locks
from checkout.models import OfferLock
from checkout.offer_pricing import NO_AMOUNT
from checkout.transaction_rows import Head
from checkout.transaction_shape import Discount, Sale
from offers import user_offers, wallets
from offers.lib.actors import SYSTEM
from offers.lib.errors import Refusal
from offers.models import UserOffer
from offers.retailer_settings import Settings

REINSTATE = "REINSTATE"
LIVE = offer_locks.LIVE


@dataclass(slots=True)
class Settled:
    """What became of a sale's offers, by the ids of the user offers; `amounts` as they are booked."""

    redeemed: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, str]] = field(default_factory=list)
    released: list[dict[str, str]] = field(default_factory=list)
    reinstated: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    amounts: dict[UUID, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Desk:
    """One sale at work."""

    head: Head
    where: str
    locks: Mapping[UUID, OfferLock]
    now: datetime
    told: Settled


def settle(head: Head, sale: Sale, *, settings: Settings, now: datetime) -> Settled:
    """Redeem what the sale names and holds, give back what it returns, free what it no longer names.

    An offer that this sale never locked or redeemed stays its owner's; what cannot be redeemed is told with its reason
    and the sale stands. Each redemption has its own savepoint.
    """
    where = offer_locks.place_of(head.store.uuid, head.transaction_id)
    source = settings.discount_source.lower()
    named = {} if sale.is_voided else {one.reference: one for one in sale.discounts if one.source == source}
    desk = _Desk(head, where, _locks(head), now, Settled())
    for reference, discount in named.items():
        if reference is None:
            continue
        if discount.status == REINSTATE:
            _give_back(desk, reference)
            continue
        try:
            with transaction.atomic():
                amount = _redeem(desk, reference, discount)
        except Refusal as refusal:
            desk.told.rejected.append({"user_offer_id": str(reference), "reason": refusal.code})
            _release(desk, reference)
            continue
        desk.told.amounts[reference] = amount or discount.amount
        _tell_redeemed(desk, reference, amount, discount)
    for reference, lock in desk.locks.items():
        # Only a claim is ours to end: an active lock the sale does not name ends by its time.
        if reference not in named and (lock.state == OfferLock.State.CLAIMED or sale.is_voided):
            _release(desk, reference)
    if sale.is_voided or (settings.reinstate_on_full_return and is_full_return(sale)):
        used = UserOffer.objects.filter(
            retailer_id=head.retailer_id, redeemed_in=where, status=UserOffer.Status.REDEEMED
        )
        for entry in used.order_by("pk"):
            _give_back(desk, entry.uuid)
    return desk.told


def is_full_return(sale: Sale) -> bool:
    """Whether nothing of the sale is left with the customer."""
    return sum(line.subtotal for line in sale.lines) <= 0


class NotHeld(Refusal):
    """This sale holds no lock on the offer."""

    code = "lock_missing"


def _locks(head: Head) -> dict[UUID, OfferLock]:
    """Return this sale's locks by user offer, of several the last."""
    rows = OfferLock.objects.filter(store_id=head.store_id, transaction_id=head.transaction_id)
    return {lock.user_offer.uuid: lock for lock in rows.select_related("user_offer__offer", "store").order_by("pk")}


def _redeem(desk: _Desk, reference: UUID, discount: Discount) -> int:
    """Redeem one offer and return its amount: that of the lock, which is what the customer was promised."""
    lock = desk.locks.get(reference)
    entry = wallets.get(retailer_id=desk.head.retailer_id, user_offer_id=reference)
    if entry.status == UserOffer.Status.REDEEMED and entry.redeemed_in == desk.where:
        return entry.redeemed_amount
    if lock is None or lock.state == OfferLock.State.RELEASED:
        raise NotHeld()
    if lock.amount == 0 and entry.offer.offer_type not in NO_AMOUNT:
        raise lock_pricing.NotApplicable()
    if lock.state not in LIVE:
        alive = Q(state=OfferLock.State.CLAIMED) | Q(state=OfferLock.State.ACTIVE, expires_at__gt=desk.now)
        if OfferLock.objects.filter(alive, user_offer=entry).exists():
            raise offer_locks.OfferLocked(None)
        desk.told.warnings.append(f"lock_expired:{reference}")
    amount = lock.amount or (discount.amount if entry.offer.offer_type in NO_AMOUNT else 0)
    offer_locks.settle_claimed(lock=lock, amount=amount, actor=SYSTEM, now=desk.now)
    return amount


def _tell_redeemed(desk: _Desk, reference: UUID, amount: int, discount: Discount) -> None:
    line: dict[str, Any] = {"user_offer_id": str(reference), "amount": amount}
    if amount != discount.amount:
        line["sent_amount"] = discount.amount
    desk.told.redeemed.append(line)


def _release(desk: _Desk, reference: UUID) -> None:
    lock = desk.locks.get(reference)
    if lock is not None and lock.state in LIVE:
        offer_locks.release(lock=lock, now=desk.now)
        desk.told.released.append({"user_offer_id": str(reference)})


def _give_back(desk: _Desk, reference: UUID) -> None:
    """Reinstate an offer that this sale redeemed; another's stays as it is."""
    try:
        with transaction.atomic():
            entry = wallets.get(retailer_id=desk.head.retailer_id, user_offer_id=reference)
            if entry.redeemed_in != desk.where:
                return
            user_offers.reinstate(user_offer_id=entry.pk, actor=SYSTEM, now=desk.now, reason="returned with its sale")
    except Refusal as refusal:
        desk.told.rejected.append({"user_offer_id": str(reference), "reason": refusal.code})
        return
    desk.told.reinstated.append(str(reference))
