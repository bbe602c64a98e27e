"""User offers: the entries of wallets, issued, used, given back, revoked, changed, and listed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, QuerySet

from offers import offer_dates, offer_limits, offer_templates
from offers.ledger import counters, entries, holds
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.models import Offer, Retailer, UserOffer, UserOfferEvent

Status = UserOffer.Status
MOST_AT_ONCE = 100
_ALIVE = ("active", "claimed")


class UserOfferNotFound(Refusal):
    """There is no such user offer."""

    code = "user_offer_not_found"


class OfferNotAvailable(Refusal):
    """The offer cannot be issued now."""

    code = "offer_not_available"


class InventoryExhausted(Refusal):
    """No more of this offer are left."""

    code = "inventory_exhausted"


class FrequencyExceeded(Refusal):
    """The offer was issued or used as often as its terms allow."""

    code = "frequency_exceeded"


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
            _count_issue(chosen, customer_id, copies, now)
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
    limits = _use_limits(user_offer, now)
    if not limits:
        return
    # First what is promised: who uses one up meanwhile is counted twice rather than not at all.
    promised = {of_customer: locked(of_customer) for of_customer in {limit.name.subject != 0 for limit in limits}}
    states = counters.states(kinds=[offer_limits.USED], owners=[limits[0].name.owner], now=now)
    for limit in limits:
        state = states.get(limit.name, counters.UNTOUCHED)
        if state.settled + state.held + promised[limit.name.subject != 0] >= limit.count:
            raise FrequencyExceeded()


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
        _refuse_gone(entry)
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
        wants = offer_limits.wants(_use_limits(entry, now), [_use_reference(event)])
        _take(entry.retailer_id, wants, now)
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
        entries.reverse(references=[_use_reference(used)], now=now, reason="reinstated")
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
        entries.reverse(references=[_issue_reference(entry)], now=now, reason="revoked")
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
            _refuse_gone(entry)
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


def tell(
    *, user_offer: UserOffer, kind: str, actor: Actor, now: datetime, detail: dict[str, Any] | None = None
) -> None:
    """Write what happened to an entry into its story."""
    _tell([user_offer], kind, actor, now, detail=detail)


# --- what issuing counts ---


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


def _count_issue(offer: Offer, customer_id: int, copies: Sequence[UserOffer], now: datetime) -> None:
    if not offer.use_restrictions:
        return
    root_pk, zone = offer_templates.root_pk(offer), _zone(offer.retailer_id)
    limits = offer_limits.limits(offer, "issuance", root_pk=root_pk, customer_id=customer_id, now=now, zone=zone)
    references = [_issue_reference(copy) for copy in copies]
    inventory = offer_limits.inventory_wants(offer, root_pk, references)
    _take(offer.retailer_id, [*inventory, *offer_limits.wants(limits, references)], now)


def _take(retailer_id: int, wants: list[holds.Want], now: datetime) -> None:
    if not wants:
        return
    try:
        holds.use(retailer_id=retailer_id, wants=wants, reference="", now=now)
    except holds.Exceeded as short:
        found = InventoryExhausted if short.shortage.kind == offer_limits.INVENTORY else FrequencyExceeded
        raise found() from None


def _use_limits(entry: UserOffer, now: datetime) -> list[offer_limits.Limit]:
    if not any(line["kind"] == "redemption" for line in entry.offer.use_restrictions):
        return []
    return offer_limits.limits(
        entry.offer,
        "redemption",
        root_pk=offer_templates.root_pk(entry.offer),
        customer_id=entry.customer_id,
        now=now,
        zone=_zone(entry.retailer_id),
    )


def _zone(retailer_id: int) -> str:
    return Retailer.objects.values_list("timezone", flat=True).get(pk=retailer_id)


def _issue_reference(entry: UserOffer) -> str:
    return f"offer.issue:{entry.uuid}"


def _use_reference(event: UserOfferEvent) -> str:
    return f"offer.use:{event.pk}"


def _issue_key(key: str | None, number: int) -> str | None:
    return key if key is None or number == 0 else f"{key}#{number}"


def _issued_under(key: str) -> list[UserOffer]:
    first = UserOffer.objects.select_related("offer").filter(issue_key=key).first()
    if first is None:
        return []
    more = [f"{key}#{number}" for number in range(1, MOST_AT_ONCE)]
    return [first, *UserOffer.objects.select_related("offer").filter(issue_key__in=more).order_by("id")]


# --- what may be used ---


def _is_over(entry: UserOffer, now: datetime) -> bool:
    if entry.ends_at is not None and entry.ends_at <= now:
        return True
    offer = entry.offer
    return offer.expired_at is not None and offer.expired_at <= now and not offer.valid_after_end_date


def _refuse_gone(entry: UserOffer) -> None:
    if entry.status == Status.REDEEMED:
        raise AlreadyRedeemed()
    if entry.status == Status.REVOKED:
        raise OfferRevoked()


def _refuse_unusable(entry: UserOffer, now: datetime) -> None:
    _refuse_gone(entry)
    if entry.starts_at > now:
        raise OfferNotStarted()
    if status_of(entry, now) == Status.EXPIRED or entry.offer.status == Offer.Status.ARCHIVED:
        raise OfferExpired()


def _refuse_locked(entry: UserOffer, now: datetime) -> None:
    # Locks are the checkout's: they point here. Whoever locks owns this row first, so none appears meanwhile.
    for lock in entry.locks.filter(state__in=_ALIVE):
        if lock.state == "claimed" or lock.expires_at > now:
            raise OfferLocked(None if lock.state == "claimed" else lock.expires_at)


def _entry(user_offer_id: int | UUID) -> UserOffer:
    found = _rows(user_offer_id).first()
    if found is None:
        raise UserOfferNotFound()
    return found


def _locked(user_offer_id: int | UUID) -> UserOffer:
    found = _rows(user_offer_id).select_for_update(of=("self",), no_key=True).first()
    if found is None:
        raise UserOfferNotFound()
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
    who = (actor.label or actor.ident)[:150]
    return UserOfferEvent.objects.bulk_create(
        UserOfferEvent(user_offer=one, kind=kind, at=now, actor=who, reason=reason, detail=detail or {}) for one in held
    )
