"""User offers: the entries of wallets, issued, used, given back, revoked and changed; `wallets` reads them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from offers import offer_dates, offer_limits, offer_templates, user_offer_counts, wallets
from offers.ledger import counters, entries
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.models import Offer, UserOffer, UserOfferEvent

Status = UserOffer.Status
MOST_AT_ONCE = 100
_ALIVE = ("active", "claimed")


class OfferNotAvailable(Refusal):
    """The offer cannot be issued now."""

    code = "offer_not_available"


class AlreadyRedeemed(Refusal):
    """The user offer was redeemed already."""

    code = "already_redeemed"


class NotRedeemed(Refusal):
    """The user offer is not redeemed."""

    code = "not_redeemed"


class OfferRevoked(Refusal):
    """The user offer was revoked."""

    code = "offer_revoked"


class OfferExpired(Refusal):
    """The user offer has expired."""

    code = "offer_expired"


class OfferNotStarted(Refusal):
    """The user offer cannot be used yet."""

    code = "offer_not_started"


class OfferLocked(Refusal):
    """The user offer is locked by a transaction."""

    code = "offer_locked"

    def __init__(self, until: datetime | None) -> None:
        moment = until.isoformat().replace("+00:00", "Z") if until else None
        detail = {"field": "user_offer_id", "code": self.code, "message": "", "until": moment}
        super().__init__(details=[detail])


def issue(
    *,
    retailer_id: int,
    offer: Offer | UUID | str,
    customer_id: int,
    actor: Actor,
    now: datetime,
    quantity: int = 1,
    source: dict[str, Any] | None = None,
    issue_key: str | None = None,
    exact: bool = False,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> list[UserOffer]:
    """Put copies of an offer (an object, an id of any revision, or its key) into a customer's wallet: all or none.

    The newest revision is issued unless `exact`. A second call with the same `issue_key` returns what the first one
    issued. Refuses offer_not_found, offer_not_available (status, acquisition window), inventory_exhausted and
    frequency_exceeded. Takes the offer's counters, so keep the transaction around it short.
    """
    assert 0 < quantity <= MOST_AT_ONCE, "quantity"
    if issue_key and (issued := _issued_under(issue_key)):
        return issued
    chosen = _issuable(retailer_id, offer, exact, now)
    start = max(starts_at or now, now)
    end = ends_at or offer_dates.end_of_entry(chosen, start)
    if end is not None and end <= start:
        raise OfferNotAvailable("The offer ends before it could be used")
    copies = [
        UserOffer(
            uuid=uuid4(),
            retailer_id=retailer_id,
            offer=chosen,
            customer_id=customer_id,
            acquired_at=now,
            starts_at=start,
            ends_at=end,
            source=source or {},
            issue_key=_issue_key(issue_key, number),
        )
        for number in range(quantity)
    ]
    try:
        with transaction.atomic():
            UserOffer.objects.bulk_create(copies)
            _tell(copies, "issued", actor, now, detail={"source": source or {}})
            user_offer_counts.count_issue(chosen, customer_id, copies, now)
    except IntegrityError:  # somebody issued under this key a moment ago
        if issue_key and (issued := _issued_under(issue_key)):
            return issued
        raise
    return copies


def check(*, user_offer: UserOffer, now: datetime, locked: Callable[[bool], int] = lambda of_customer: 0) -> None:
    """Refuse what `redeem` would refuse now, without taking anything.

    `locked` tells how many uses of the offer others have been promised: of this customer, or of everybody.
    """
    _refuse_unusable(user_offer, now)
    limits = user_offer_counts.use_limits(user_offer, now)
    if not limits:
        return
    # First what is promised: who uses one up meanwhile is counted twice rather than not at all.
    promised = {of_customer: locked(of_customer) for of_customer in {limit.name.subject != 0 for limit in limits}}
    states = counters.states(kinds=[offer_limits.USED], owners=[limits[0].name.owner], now=now)
    for limit in limits:
        state = states.get(limit.name, counters.UNTOUCHED)
        if state.settled + state.held + promised[limit.name.subject != 0] >= limit.count:
            raise user_offer_counts.FrequencyExceeded()


def refuse_gone(entry: UserOffer) -> None:
    """Refuse what is used or taken away for good: already_redeemed, offer_revoked."""
    if entry.status == Status.REDEEMED:
        raise AlreadyRedeemed()
    if entry.status == Status.REVOKED:
        raise OfferRevoked()


def redeem(
    *,
    user_offer_id: int | UUID,
    redeemed_in: str,
    amount: int,
    actor: Actor,
    now: datetime,
    promised: bool = False,
) -> UserOffer:
    """Use an entry, once: one conditional update from Issued to Redeemed, and the counters of its use restrictions.

    `promised`: a lock taken in time stands behind it, so what has ended since then does not matter.
    Refuses already_redeemed, offer_revoked, offer_expired, offer_not_started, frequency_exceeded,
    user_offer_not_found; then nothing has changed.
    """
    entry = _entry(user_offer_id)
    if promised:
        refuse_gone(entry)
    else:
        _refuse_unusable(entry, now)
    with transaction.atomic():
        usable = Q() if promised else Q(starts_at__lte=now) & (Q(ends_at=None) | Q(ends_at__gt=now))
        changed = UserOffer.objects.filter(usable, pk=entry.pk, status=Status.ISSUED).update(
            status=Status.REDEEMED, redeemed_at=now, redeemed_in=redeemed_in, redeemed_amount=amount, updated_at=now
        )
        if not changed:
            again = _entry(entry.pk)
            _refuse_unusable(again, now)
            raise AlreadyRedeemed()
        [event] = _tell([entry], "redeemed", actor, now, detail={"in": redeemed_in, "amount": amount})
        user_offer_counts.count_use(entry, event, now)
    entry.status, entry.redeemed_at, entry.redeemed_in = Status.REDEEMED, now, redeemed_in
    entry.redeemed_amount, entry.updated_at = amount, now
    return entry


def reinstate(
    *, user_offer_id: int | UUID, actor: Actor, now: datetime, extend_to: datetime | None = None, reason: str = ""
) -> UserOffer:
    """Give a redeemed entry back: Issued until its old end, or until `extend_to`; the use no longer counts.

    The redemption stays in the history as rolled back. Refuses not_redeemed and user_offer_not_found.
    """
    with transaction.atomic():
        entry = _locked(user_offer_id)
        if entry.status != Status.REDEEMED:
            raise NotRedeemed()
        used = UserOfferEvent.objects.filter(user_offer=entry, kind="redeemed").latest("id")
        used.detail = {**used.detail, "rolled_back_at": now.isoformat()}
        used.save(update_fields=["detail"])
        _tell([entry], "reinstated", actor, now, reason=reason, detail={"in": entry.redeemed_in})
        entry.status, entry.redeemed_at, entry.redeemed_in, entry.redeemed_amount = Status.ISSUED, None, "", 0
        entry.updated_at = now
        if extend_to is not None:
            entry.ends_at = extend_to
        entry.save()
        entries.reverse(references=[user_offer_counts.use_reference(used)], now=now, reason="reinstated")
    return entry


def revoke(
    *, user_offer_id: int | UUID, actor: Actor, now: datetime, reason: str = "", force: bool = False
) -> UserOffer:
    """Take an unused entry away for good; inventory and frequency get it back. Revoking again changes nothing.

    Refuses already_redeemed, offer_locked (while a transaction holds it, unless `force`), user_offer_not_found.
    """
    with transaction.atomic():
        entry = _locked(user_offer_id)
        if entry.status == Status.REVOKED:
            return entry
        if entry.status == Status.REDEEMED:
            raise AlreadyRedeemed()
        if not force:
            _refuse_locked(entry, now)
        entry.status, entry.updated_at = Status.REVOKED, now
        entry.save(update_fields=["status", "updated_at"])
        _tell([entry], "revoked", actor, now, reason=reason)
        entries.reverse(references=[user_offer_counts.issue_reference(entry)], now=now, reason="revoked")
    return entry


def update(
    *,
    user_offer_id: int | UUID,
    actor: Actor,
    now: datetime,
    custom_data: str | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> UserOffer:
    """Change an entry's own data or dates; a later end revives an expired one.

    Refuses already_redeemed and offer_revoked for new dates, offer_expired for an end before the start.
    """
    with transaction.atomic():
        entry = _locked(user_offer_id)
        if starts_at is not None or ends_at is not None:
            refuse_gone(entry)
        before = {"starts_at": entry.starts_at, "ends_at": entry.ends_at}
        entry.starts_at = starts_at or entry.starts_at
        entry.ends_at = ends_at or entry.ends_at
        if entry.ends_at is not None and entry.ends_at <= entry.starts_at:
            raise OfferExpired("The end would not be after the start")
        if custom_data is not None:
            entry.custom_data = custom_data
        entry.updated_at = now
        entry.save(update_fields=["starts_at", "ends_at", "custom_data", "updated_at"])
        moved = {name: value.isoformat() if value else None for name, value in before.items()}
        _tell([entry], "updated", actor, now, detail={"before": moved})
    return entry


def tell(
    *, user_offer: UserOffer, kind: str, actor: Actor, now: datetime, detail: dict[str, Any] | None = None
) -> None:
    """Write what happened to an entry into its story."""
    _tell([user_offer], kind, actor, now, detail=detail)


# --- what may be issued ---


def _issuable(retailer_id: int, offer: Offer | UUID | str, exact: bool, now: datetime) -> Offer:
    chosen = offer if isinstance(offer, Offer) else offer_templates.find(retailer_id=retailer_id, ident=offer)
    if chosen.retailer_id != retailer_id:
        raise offer_templates.OfferNotFound()
    if not exact and chosen.frozen_at is not None:
        chosen = offer_templates.newest(chosen)
    if offer_templates.status_of(chosen, now) != Offer.Status.PUBLISHED:
        raise OfferNotAvailable()
    if chosen.acquisition_start_at is not None and now < chosen.acquisition_start_at:
        raise OfferNotAvailable("The offer cannot be acquired yet")
    return chosen


def _issue_key(key: str | None, number: int) -> str | None:
    return key if key is None or number == 0 else f"{key}#{number}"


def _issued_under(key: str) -> list[UserOffer]:
    first = UserOffer.objects.select_related("offer").filter(issue_key=key).first()
    if first is None:
        return []
    more = [f"{key}#{number}" for number in range(1, MOST_AT_ONCE)]
    return [first, *UserOffer.objects.select_related("offer").filter(issue_key__in=more).order_by("id")]


# --- what may be used ---


def _refuse_unusable(entry: UserOffer, now: datetime) -> None:
    refuse_gone(entry)
    if entry.starts_at > now:
        raise OfferNotStarted()
    if wallets.status_of(entry, now) == Status.EXPIRED or entry.offer.status == Offer.Status.ARCHIVED:
        raise OfferExpired()


def _refuse_locked(entry: UserOffer, now: datetime) -> None:
    # Locks are the checkout's: they point here. Whoever locks owns this row first, so none appears meanwhile.
    for lock in entry.locks.filter(state__in=_ALIVE):
        if lock.state == "claimed" or lock.expires_at > now:
            raise OfferLocked(None if lock.state == "claimed" else lock.expires_at)


def _entry(user_offer_id: int | UUID) -> UserOffer:
    found = _rows(user_offer_id).first()
    if found is None:
        raise wallets.UserOfferNotFound()
    return found


def _locked(user_offer_id: int | UUID) -> UserOffer:
    found = _rows(user_offer_id).select_for_update(of=("self",), no_key=True).first()
    if found is None:
        raise wallets.UserOfferNotFound()
    return found


def _rows(user_offer_id: int | UUID) -> QuerySet[UserOffer]:
    rows = UserOffer.objects.select_related("offer")
    return rows.filter(pk=user_offer_id) if isinstance(user_offer_id, int) else rows.filter(uuid=user_offer_id)


def _tell(
    held: Sequence[UserOffer],
    kind: str,
    actor: Actor,
    now: datetime,
    *,
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> list[UserOfferEvent]:
    who = actor.name[:150]
    return UserOfferEvent.objects.bulk_create(
        UserOfferEvent(user_offer=one, kind=kind, at=now, actor=who, reason=reason, detail=detail or {}) for one in held
    )
