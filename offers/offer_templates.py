"""Offers that marketers make: created, changed with revisions, published, paused, expired, archived, and found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q, QuerySet

from offers import audit, offer_limits, offer_terms
from offers.ledger import counters
from offers.lib import idents, loose
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.models import Offer, Retailer, Store, UserOffer

Status = Offer.Status
NAMES = {status.value: status.name.lower() for status in Status}
# Changes of these leave wallets as they are, so they are made in place.
HARMLESS = frozenset({"texts", "media", "key"})
STAMPED = ("id", "uuid", "root", "retailer", "status", "frozen_at", "expired_at", "created_at", "updated_at")
COLUMNS = tuple(column.name for column in Offer._meta.concrete_fields if column.name not in STAMPED)
ATTEMPTS = 3
_MOVES = {
    "published": ((Status.DRAFT, Status.PAUSED), Status.PUBLISHED),
    "paused": ((Status.PUBLISHED,), Status.PAUSED),
    "expired": ((Status.PUBLISHED, Status.PAUSED), Status.EXPIRED),
    "archived": ((Status.DRAFT, Status.PAUSED, Status.EXPIRED), Status.ARCHIVED),
}


class OfferNotFound(Refusal):
    """There is no such offer."""

    code = "offer_not_found"


class InvalidTransition(Refusal):
    """The offer's status does not allow this."""

    code = "invalid_transition"


class OfferInvalid(Refusal):
    """The terms of the offer are not valid."""

    code = "validation"

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(validation_errors=errors)


@dataclass(frozen=True, slots=True)
class Change:
    """What a verb did: the offer as it is, whether it is a new revision, and from which status to which."""

    offer: Offer
    transition: str
    revisioned: bool = False


def find(*, retailer_id: int, ident: UUID | str) -> Offer:
    """Return an offer by the id of any revision, or the current one by its key. Refuses offer_not_found."""
    rows = Offer.objects.filter(retailer_id=retailer_id)
    uuid = ident if isinstance(ident, UUID) else idents.as_uuid(ident)
    found = rows.filter(uuid=uuid).first() if uuid else rows.filter(key=ident, frozen_at=None).first()
    if found is None:
        raise OfferNotFound()
    return found


def many(*, retailer_id: int, offer_ids: Sequence[UUID]) -> list[Offer]:
    """Return the offers with these ids, in this order; unknown ones are left out."""
    found = {offer.uuid: offer for offer in Offer.objects.filter(retailer_id=retailer_id, uuid__in=offer_ids)}
    return [found[uuid] for uuid in dict.fromkeys(offer_ids) if uuid in found]


def for_sale(*, retailer_id: int, now: datetime) -> QuerySet[Offer]:
    """Return what the reward store shows now: published, within the acquisition window, newest first."""
    return (
        Offer.objects.filter(retailer_id=retailer_id, reward_store=True, status=Status.PUBLISHED, frozen_at=None)
        .filter(Q(acquisition_start_at=None) | Q(acquisition_start_at__lte=now))
        .filter(Q(acquisition_end_at=None) | Q(acquisition_end_at__gt=now))
        .order_by("-id")
    )


def revisions(offer: Offer) -> list[Offer]:
    """Return every revision of an offer, the first one first."""
    return list(Offer.objects.filter(root=offer.root).order_by("id"))


def newest(offer: Offer) -> Offer:
    """Return the revision that is in force."""
    return Offer.objects.get(root=offer.root, frozen_at=None)


def root_pk(offer: Offer) -> int:
    """Return the key of the first revision, which owns the counters of all."""
    return offer.pk if offer.root == offer.uuid else Offer.objects.values_list("pk", flat=True).get(uuid=offer.root)


def status_of(offer: Offer, now: datetime) -> int:
    """Return the status as of now: the end date decides, not the job that writes it down."""
    end = offer.acquisition_end_at
    if offer.status in (Status.PUBLISHED, Status.PAUSED) and end is not None and end <= now:
        return int(Status.EXPIRED)
    return offer.status


def create(*, retailer_id: int, body: Mapping[str, Any], actor: Actor, now: datetime) -> Change:
    """Make an offer of what a body in the words of the wire says, published or as a draft.

    Refuses `validation` with `validation_errors`, and then stores nothing.
    """
    retailer = Retailer.objects.get(pk=retailer_id)
    columns, errors = offer_terms.read(body, currency=retailer.currency)
    publish = _publish(body, errors)
    offer = Offer(uuid=uuid4(), retailer=retailer, created_at=now)
    offer.root = offer.uuid
    offer.status = Status.PUBLISHED if publish else Status.DRAFT
    _apply(offer, columns, errors, publish=publish)
    with transaction.atomic():
        offer.save(force_insert=True)
        transition = f"created_new-(unknown_status>{NAMES[offer.status]})"
        _record(offer, "offer.create", None, {**_facts(offer), "status": NAMES[offer.status]}, actor, now)
    return Change(offer, transition)


def update(
    *, retailer_id: int, offer_id: UUID, body: Mapping[str, Any], actor: Actor, now: datetime, reason: str = ""
) -> Change:
    """Change the current revision of an offer; what is not sent stays. Locks it.

    Terms of an offer that somebody holds become a new revision, which the old wallets do not follow; texts, media and
    longer dates are changed in place. A later end date brings an expired offer back. Refuses offer_not_found,
    `validation`, and invalid_transition (archived).
    """
    with transaction.atomic():
        offer = _locked(retailer_id, offer_id)
        before, status = _facts(offer), status_of(offer, now)
        if status == Status.ARCHIVED:
            raise InvalidTransition(status=NAMES[status])
        columns, errors = offer_terms.read(body, currency=offer.retailer.currency, offer_type=offer.offer_type)
        publish = _publish(body, errors)
        inventory = offer_limits.inventory_of(offer)
        _apply(offer, columns, errors, publish=publish or status != Status.DRAFT)
        after = _facts(offer)
        changed = {name for name in after if after[name] != before[name]}
        if publish and status == Status.DRAFT:
            offer.status = Status.PUBLISHED
        if status == Status.EXPIRED and "acquisition_end_at" in changed and _open(offer, now):
            offer.status, offer.expired_at = Status.PUBLISHED, None
        revisioned = status != Status.DRAFT and _touches_wallets(offer, changed, before)
        if revisioned:
            _revise(offer, now)
        else:
            offer.updated_at = now
            offer.save()
        Offer.objects.filter(root=offer.root).exclude(pk=offer.pk).update(
            status=offer.status, expired_at=offer.expired_at
        )
        if offer_limits.inventory_of(offer) != inventory:
            _set_inventory(offer, now)
        transition = f"updated-({NAMES[status]}>{NAMES[status_of(offer, now)]})"
        _record(offer, "offer.update", before, after, actor, now, reason)
    return Change(offer, transition, revisioned)


def publish(*, retailer_id: int, offer_id: UUID, actor: Actor, now: datetime, reason: str = "") -> Change:
    """Let a draft or paused offer be issued. Refuses offer_not_found, invalid_transition, `validation` (no text)."""
    return _move("published", retailer_id, offer_id, actor, now, reason)


def pause(*, retailer_id: int, offer_id: UUID, actor: Actor, now: datetime, reason: str = "") -> Change:
    """Stop issuing; holders keep theirs. Refuses offer_not_found and invalid_transition."""
    return _move("paused", retailer_id, offer_id, actor, now, reason)


def expire(*, retailer_id: int, offer_id: UUID, actor: Actor, now: datetime, reason: str = "") -> Change:
    """End an offer now, for holders too unless it is valid after its end. Refuses as `pause`."""
    return _move("expired", retailer_id, offer_id, actor, now, reason)


def archive(*, retailer_id: int, offer_id: UUID, actor: Actor, now: datetime, reason: str = "") -> Change:
    """Put a draft, paused or expired offer away for good. Refuses as `pause`."""
    return _move("archived", retailer_id, offer_id, actor, now, reason)


def note_expired(*, now: datetime, limit: int = 500) -> int:
    """Write down the status of offers whose end has passed; what they allow never waits for this."""
    due = Offer.objects.filter(status__in=(Status.PUBLISHED, Status.PAUSED), acquisition_end_at__lte=now)
    keys = list(due.values_list("pk", flat=True)[:limit])
    return due.filter(pk__in=keys).update(status=Status.EXPIRED)


def _move(what: str, retailer_id: int, offer_id: UUID, actor: Actor, now: datetime, reason: str) -> Change:
    with transaction.atomic():
        offer = _locked(retailer_id, offer_id)
        status, (sources, target) = status_of(offer, now), _MOVES[what]
        if status not in sources:
            raise InvalidTransition(
                f"An offer that is {NAMES[status]} cannot become {NAMES[target]}", status=NAMES[status]
            )
        if target == Status.PUBLISHED and not offer.texts:
            raise OfferInvalid({"text_config": ["a published offer needs at least one text"]})
        offer.status, offer.updated_at = target, now
        if target == Status.EXPIRED:
            offer.expired_at = now
        # All revisions: what holders of an earlier one may do follows the offer.
        Offer.objects.filter(root=offer.root).update(
            status=target, expired_at=offer.expired_at, updated_at=offer.updated_at
        )
        _record(offer, f"offer.{what}", {"status": NAMES[status]}, {"status": NAMES[target]}, actor, now, reason)
    return Change(offer, f"{what}-({NAMES[status]}>{NAMES[target]})")


def _apply(offer: Offer, columns: dict[str, Any], errors: offer_terms.Errors, *, publish: bool) -> None:
    """Set the columns, or refuse with everything that is wrong with them."""
    key = columns.get("key")
    if (
        key
        and Offer.objects.filter(retailer_id=offer.retailer_id, key=key, frozen_at=None)
        .exclude(root=offer.root)
        .exists()
    ):
        errors.add("common_config.key", "is used by another offer")
    stores = {store for line in columns.get("location_restrictions") or () for store in line["store_ids"]}
    known = Store.objects.filter(retailer_id=offer.retailer_id, uuid__in=stores).count() if stores else 0
    if known != len(stores):
        errors.add("location_restrictions", "names a store that is not there")
    offer_terms.together({**_facts(offer), **columns}, errors, publish=publish)
    if errors.found:
        raise OfferInvalid(errors.found)
    for name, value in columns.items():
        setattr(offer, name, value)


def _publish(body: Mapping[str, Any], errors: offer_terms.Errors) -> bool:
    raw = body.get("publish")
    return raw is not None and bool(errors.read("publish", loose.boolean, raw))


def _touches_wallets(offer: Offer, changed: set[str], before: dict[str, Any]) -> bool:
    serious = changed - HARMLESS
    if "acquisition_end_at" in serious and _not_earlier(offer.acquisition_end_at, before["acquisition_end_at"]):
        serious.discard("acquisition_end_at")
    if "acquisition_start_at" in serious and _not_earlier(before["acquisition_start_at"], offer.acquisition_start_at):
        serious.discard("acquisition_start_at")
    return bool(serious) and UserOffer.objects.filter(offer_id=offer.pk).exists()


def _not_earlier(one: datetime | None, other: datetime | None) -> bool:
    return one is None or (other is not None and one >= other)


def _open(offer: Offer, now: datetime) -> bool:
    return offer.acquisition_end_at is None or offer.acquisition_end_at > now


def _revise(offer: Offer, now: datetime) -> None:
    """Freeze the stored row and save what was changed as a new one."""
    Offer.objects.filter(pk=offer.pk).update(frozen_at=now)
    offer.pk, offer.uuid, offer.created_at, offer.updated_at = None, uuid4(), now, None
    offer._state.adding = True
    offer.save(force_insert=True)


def _set_inventory(offer: Offer, now: datetime) -> None:
    issued = UserOffer.objects.filter(offer__root=offer.root).exclude(status=UserOffer.Status.REVOKED).count()
    counters.set_limit(
        offer_limits.inventory_name(root_pk(offer)),
        offer_limits.inventory_of(offer),
        reference=f"offer.inventory:{uuid4()}",
        now=now,
        reason="offer.update",
        retailer_id=offer.retailer_id,
        opening=issued,
    )


def _locked(retailer_id: int, offer_id: UUID) -> Offer:
    named = Offer.objects.filter(retailer_id=retailer_id, uuid=offer_id).values("root")
    rows = Offer.objects.select_related("retailer").select_for_update(of=("self",))
    # Once more after somebody froze the row we waited for: there is a newer revision then.
    for _ in range(ATTEMPTS):
        found = rows.filter(retailer_id=retailer_id, root__in=named, frozen_at=None).first()
        if found is not None:
            return found
    raise OfferNotFound()


def _facts(offer: Offer) -> dict[str, Any]:
    return {name: getattr(offer, name) for name in COLUMNS}


def _record(
    offer: Offer,
    action: str,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> None:
    old, new = (None, after) if before is None else audit.changes(before, after)
    audit.record(
        retailer_id=offer.retailer_id,
        actor=actor,
        action=action,
        object_type="offer",
        object_id=str(offer.uuid),
        before=None if old is None else _plain(old),
        after=_plain(new),
        reason=reason,
        now=now,
    )


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in facts.items()}
