"""Locks of wallet entries: one entry bound to one transaction of one store, priced anew on every call.

    (none) --lock--> active --lock again--> active (priced anew, timer restarted)
    active --unlock--> released      active --time passes--> expired (judged at use; a job only tidies)
    active --accepted transaction--> claimed --worker--> consumed, or released
    active --redeem by the same transaction--> consumed

Whoever locks, unlocks or redeems owns the entry's row first; a unique index stands behind that.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.db.transaction import atomic

from checkout import lock_pricing, offer_pricing
from checkout.lock_pricing import Outcome
from checkout.models import OfferLock
from checkout.shops import StoreFacts, Till
from offers import user_offers, wallets
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.models import UserOffer

State = OfferLock.State
LIVE = (State.ACTIVE, State.CLAIMED)
CALLS_WITHOUT_WARNING = 10
CALLS_AT_MOST = 60
CALLS_WINDOW = timedelta(minutes=10)


class OfferLocked(Refusal):
    """The offer is locked by another transaction."""

    code = "offer_locked"

    def __init__(self, until: datetime | None) -> None:
        moment = until.isoformat().replace("+00:00", "Z") if until else None
        detail = {"field": "request_payload.offer_lookup_code", "code": self.code, "message": "", "until": moment}
        super().__init__(details=[detail])


class LockClaimed(Refusal):
    """The offer belongs to a transaction that was accepted."""

    code = "lock_claimed"


class LockNotFound(Refusal):
    """This transaction holds no lock of the offer."""

    code = "lock_not_found"


class LockExpired(Refusal):
    """The lock has expired."""

    code = "lock_expired"


class TransactionMismatch(Refusal):
    """The offer is locked by another transaction than the one named."""

    code = "transaction_mismatch"


class TooManyCalls(Refusal):
    """The offer was locked too often for this transaction; lock once, at the end of the purchase."""

    code = "too_many_calls"


def lock(
    *, till: Till, user_offer_id: UUID, transaction: Mapping[str, Any], now: datetime, existing_only: bool = False
) -> Outcome:
    """Bind an entry to a transaction and price it, or price anew what this transaction holds; the timer starts again.

    `existing_only` (PATCH): the lock must be there, and `transaction` may hold only what has changed.
    Refuses user_offer_not_found, offer_locked (another transaction), lock_claimed, lock_not_found and lock_expired
    (`existing_only`), too_many_calls, restriction_failed, offer_not_applicable and what `user_offers.check` refuses.
    A lock that is there stays through a refusal to price it, with amount 0 and its timer as it was (Outcome.refusal).
    """
    transaction_id = lock_pricing.transaction_id(transaction)
    sale = None if existing_only else lock_pricing.read(till.shop, transaction)
    entry = _own(till.shop.retailer_id, user_offer_id)
    held, beside = _live(entry, till.store, transaction_id)
    mine = _mine(held, till.store, transaction_id, now)
    if mine is None and existing_only:
        raise _missing(entry, till.store, transaction_id)
    if held is not None and mine is None:
        _end(held, State.EXPIRED, now)
    if existing_only and mine is not None:
        transaction = {**mine.request, **transaction}
    sale = sale or lock_pricing.read(till.shop, transaction)
    if mine is None:
        user_offers.check(user_offer=entry, now=now, locked=partial(_promised, entry, now))
        mine = OfferLock(user_offer=entry, store_id=till.store.id, transaction_id=transaction_id, locked_at=now)
        mine.retailer_id, mine.actor = till.shop.retailer_id, _who(till.actor)
        return _keep(mine, lock_pricing.price(till, entry, sale, beside, now), transaction, till, now)
    _count_call(mine, now)
    try:
        user_offers.refuse_gone(entry)
        priced = lock_pricing.price(till, entry, sale, beside, now)
    except Refusal as refusal:
        mine.amount, mine.discount, mine.request = 0, {"parts": []}, dict(transaction)
        mine.save(update_fields=["amount", "discount", "request", "calls", "locked_at"])
        return Outcome(entry, 0, (), 0, (), mine, refusal)
    return _keep(mine, priced, transaction, till, now)


def redeem(*, till: Till, user_offer_id: UUID, transaction: Mapping[str, Any], now: datetime) -> Outcome:
    """Use an entry at once, for good until it is reinstated; a lock of the same transaction becomes this redemption.

    Refuses as `lock` does, and already_redeemed.
    """
    transaction_id = lock_pricing.transaction_id(transaction)
    sale = lock_pricing.read(till.shop, transaction)
    entry = _own(till.shop.retailer_id, user_offer_id)
    held, beside = _live(entry, till.store, transaction_id)
    mine = _mine(held, till.store, transaction_id, now)
    if mine is None:
        user_offers.check(user_offer=entry, now=now, locked=partial(_promised, entry, now))
    else:
        user_offers.refuse_gone(entry)
    priced = lock_pricing.price(till, entry, sale, beside, now)
    if held is not None:
        _end(held, State.EXPIRED if mine is None else State.CONSUMED, now)
    entry = user_offers.redeem(
        user_offer_id=entry.pk,
        redeemed_in=place_of(till.store.uuid, transaction_id),
        amount=priced.amount,
        actor=till.actor,
        now=now,
        promised=mine is not None,
    )
    return replace(priced, user_offer=entry)


def redeem_by_hand(*, retailer_id: int, user_offer_id: UUID, location: str, actor: Actor, now: datetime) -> UserOffer:
    """Use an entry without a basket: only offers that staff hand over or tills compute themselves.

    Refuses offer_not_applicable (other types), offer_locked, lock_claimed and what `user_offers.redeem` refuses.
    """
    entry = _own(retailer_id, user_offer_id)
    if entry.offer.offer_type not in offer_pricing.NO_AMOUNT:
        raise lock_pricing.NotApplicable("This offer needs a basket to be worth anything")
    held = _held(entry)
    if held is not None:
        _mine(held, None, "", now)
        _end(held, State.EXPIRED, now)
    return user_offers.redeem(
        user_offer_id=entry.pk, redeemed_in=f"manual:{location}"[:140], amount=0, actor=actor, now=now
    )


def unlock(*, retailer_id: int, store_id: int, user_offer_id: UUID, transaction_id: str | None, now: datetime) -> None:
    """Give up a lock; an entry that is not locked stays as it is.

    Refuses user_offer_not_found, already_redeemed, lock_claimed, offer_locked (another store's), transaction_mismatch.
    """
    entry = _own(retailer_id, user_offer_id)
    if entry.status == UserOffer.Status.REDEEMED:
        raise user_offers.AlreadyRedeemed()
    held = _held(entry)
    if held is None:
        return
    if held.state == State.CLAIMED:
        raise LockClaimed()
    if held.expires_at <= now:
        _end(held, State.EXPIRED, now)
        return
    if held.store_id != store_id:
        raise OfferLocked(held.expires_at)
    if transaction_id is not None and transaction_id != held.transaction_id:
        raise TransactionMismatch()
    _end(held, State.RELEASED, now)


def settle_claimed(*, lock: OfferLock, amount: int, actor: Actor, now: datetime) -> UserOffer:
    """Redeem what an accepted transaction claimed; what has ended since it was locked does not matter.

    Refuses what `user_offers.redeem` refuses; then the lock is as it was.
    """
    with atomic():
        entry = user_offers.redeem(
            user_offer_id=lock.user_offer_id,
            redeemed_in=place_of(lock.store.uuid, lock.transaction_id),
            amount=amount,
            actor=actor,
            now=now,
            promised=True,
        )
        _end(lock, State.CONSUMED, now)
    return entry


def release(*, lock: OfferLock, now: datetime) -> None:
    """Let go of a lock, claimed or not; one that has ended stays as it is."""
    if OfferLock.objects.filter(pk=lock.pk, state__in=LIVE).update(state=State.RELEASED, ended_at=now):
        lock.state, lock.ended_at = State.RELEASED, now


def give_up_claims(*, store_id: int, transaction_id: str, now: datetime) -> list[UUID]:
    """Let go of what a transaction claimed that will never be worked on; return the user offers that are free again."""
    claimed = OfferLock.objects.select_for_update(of=("self",), no_key=True).select_related("user_offer")
    claimed = claimed.filter(store_id=store_id, transaction_id=transaction_id, state=State.CLAIMED).order_by("pk")
    found = list(claimed)
    for held in found:
        _end(held, State.RELEASED, now)
    return [held.user_offer.uuid for held in found]


def expire(*, now: datetime, most: int = 5000) -> int:
    """Note on locks whose time has passed that it has; they bind nobody any more anyway."""
    due = OfferLock.objects.filter(state=State.ACTIVE, expires_at__lte=now).order_by("expires_at")
    with atomic():
        found = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:most])
        return OfferLock.objects.filter(pk__in=found, state=State.ACTIVE).update(state=State.EXPIRED, ended_at=now)


def place_of(store: UUID, transaction_id: str) -> str:
    """Return how an entry names the transaction it was redeemed in."""
    return f"{store}:{transaction_id}"


# --- who holds what ---


def _own(retailer_id: int, user_offer_id: UUID) -> UserOffer:
    """Return the entry, ours until the transaction ends."""
    rows = UserOffer.objects.select_related("offer", "customer__member")
    found = rows.select_for_update(of=("self",), no_key=True).filter(retailer_id=retailer_id, uuid=user_offer_id)
    entry = found.first()
    if entry is None:
        raise wallets.UserOfferNotFound()
    return entry


def _held(entry: UserOffer) -> OfferLock | None:
    """Return the entry's live lock, ours until the transaction ends: nobody claims it meanwhile."""
    return entry.locks.select_for_update(no_key=True).filter(state__in=LIVE).first()


def _live(entry: UserOffer, store: StoreFacts, transaction_id: str) -> tuple[OfferLock | None, list[OfferLock]]:
    """Return the live lock of the entry, and the transaction's locks of others that were taken before it.

    All are ours until the transaction ends, so that none is claimed while it is priced.
    """
    rows = OfferLock.objects.select_related("user_offer__offer").select_for_update(of=("self",), no_key=True)
    rows = rows.filter(Q(user_offer=entry) | Q(store_id=store.id, transaction_id=transaction_id), state__in=LIVE)
    found = list(rows.order_by("pk"))
    held = next((one for one in found if one.user_offer_id == entry.pk), None)
    return held, [one for one in found if one.user_offer_id != entry.pk and (held is None or one.pk < held.pk)]


def _promised(entry: UserOffer, now: datetime, of_customer: bool) -> int:
    """Return how many other entries of the offer stand under a lock, of this customer or of everybody.

    A use limit counts them: what was locked at a till is not refused when its sale is processed. Whoever counts is
    alone with the offer until his transaction ends, so that two tills cannot both count none.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"offer-use:{entry.offer.root}"])
    rows = OfferLock.objects.filter(user_offer__offer__root=entry.offer.root).exclude(user_offer=entry)
    rows = rows.filter(Q(state=State.CLAIMED) | Q(state=State.ACTIVE, expires_at__gt=now))
    return (rows.filter(user_offer__customer_id=entry.customer_id) if of_customer else rows).count()


def _mine(held: OfferLock | None, store: StoreFacts | None, transaction_id: str, now: datetime) -> OfferLock | None:
    """Return the live lock if it is this transaction's, None if there is none; refuses what others hold."""
    if held is None:
        return None
    same = store is not None and (held.store_id, held.transaction_id) == (store.id, transaction_id)
    if held.state == State.CLAIMED:
        raise LockClaimed() if same else OfferLocked(None)
    if held.expires_at <= now:
        return None
    if not same:
        raise OfferLocked(held.expires_at)
    return held


def _missing(entry: UserOffer, store: StoreFacts, transaction_id: str) -> Refusal:
    """Return why there is nothing to price anew."""
    last = entry.locks.filter(store_id=store.id, transaction_id=transaction_id).order_by("-pk").first()
    return LockExpired() if last is not None and last.state in (State.ACTIVE, State.EXPIRED) else LockNotFound()


def _end(held: OfferLock, state: OfferLock.State, now: datetime) -> None:
    held.state, held.ended_at = state, now
    held.save(update_fields=["state", "ended_at"])


def _count_call(held: OfferLock, now: datetime) -> None:
    if held.calls >= CALLS_AT_MOST:
        if now - held.locked_at < CALLS_WINDOW:
            raise TooManyCalls(retry_after=int((held.locked_at + CALLS_WINDOW - now).total_seconds()) + 1)
        held.calls, held.locked_at = CALLS_WITHOUT_WARNING, now
    held.calls += 1


def _keep(mine: OfferLock, priced: Outcome, transaction: Mapping[str, Any], till: Till, now: datetime) -> Outcome:
    """Store the lock as it was priced now, its timer started again; one whose entry has ended keeps its timer."""
    ends_at = priced.user_offer.ends_at
    if mine.pk is None or ends_at is None or ends_at > now:
        mine.expires_at = now + timedelta(seconds=till.shop.settings.lock_ttl_seconds)
    mine.amount, mine.priced_at, mine.request = priced.amount, now, dict(transaction)
    mine.discount = {"parts": [{"line_id": part.line_id, "amount": part.amount} for part in priced.parts]}
    mine.save()
    warnings = priced.warnings
    if mine.calls > CALLS_WITHOUT_WARNING:
        warnings = (*warnings, "lock_call_rate")
    return replace(priced, lock=mine, warnings=warnings)


def _who(actor: Actor) -> str:
    return actor.name[:150]
