"""Wallet entries in words: their state and lock, who gave them, the sale they were used in, what happened."""

from checkout.models import OfferLock, Transaction
from offers import wallets
from offers.admin import show
from offers.admin.office import now
from offers.admin.page import Happening, Timeline
from offers.models import Store, UserOffer, UserOfferEvent

Status, State = UserOffer.Status, OfferLock.State
TONES = {Status.ISSUED: "info", Status.REDEEMED: "good", Status.REVOKED: "bad", Status.EXPIRED: ""}
EVENTS = {"issued": "info", "locked": "info", "redeemed": "good", "reinstated": "warn", "revoked": "bad"}
ISSUERS = {"rule": "a loyalty rule", "staff": "staff", "api": "the API", "reward_store": "the reward store"}


def status_chip(row: UserOffer) -> str:
    status = Status(wallets.status_of(row, now()))
    return show.chip(status.label, TONES[status])


def lock_of(row: UserOffer) -> OfferLock | None:
    """Return the lock that holds an entry at this moment: a claimed one, or one within its time."""
    for lock in OfferLock.objects.filter(user_offer=row, state__in=(State.ACTIVE, State.CLAIMED)):
        if lock.state == State.CLAIMED or lock.expires_at > now():
            return lock
    return None


def time_left(lock: OfferLock) -> str:
    if lock.state == State.CLAIMED:
        return show.chip("Held until its transaction is processed", "warn")
    return show.remaining(lock.expires_at, now())


def source(row: UserOffer) -> str:
    """Say who put an entry into the wallet: "a loyalty rule (“5 off at 200 points”, sale T-1)"."""
    kept = dict(row.source or {})
    kind = str(kept.pop("kind", "") or "")
    kept.pop("rule_id", None)
    rule, occasion = kept.pop("rule", None), str(kept.pop("occasion", "") or "")
    told = [f"“{rule}”"] if rule else []
    if occasion.startswith("transaction:"):
        told.append(f"sale {occasion.split(':', 2)[-1]}")
    elif occasion:
        told.append(occasion.replace("_", " "))
    told += [f"{name.replace('_', ' ')} {show.plain(value)}" for name, value in kept.items()]
    said = ISSUERS.get(kind, kind.replace("_", " "))
    return f"{said} ({', '.join(told)})" if said and told else said or ", ".join(told)


def sale(redeemed_in: str) -> str:
    """Return a link to the transaction an entry was used in, where it has arrived."""
    store, _, ident = redeemed_in.partition(":")
    uuid = show.uuid_of(store)
    if uuid is None:
        return redeemed_in
    row = Transaction.objects.filter(store__uuid=uuid, transaction_id=ident).first()
    place = Store.objects.filter(uuid=uuid).first()
    return show.to_page(row, f"{ident}, {place}") if row else f"{ident}, {place or store}"


def story(row: UserOffer) -> Timeline:
    happenings = [
        Happening(
            at=event.at,
            when=show.moment(event.at, row.retailer.timezone),
            text=event.kind.replace("_", " ").capitalize(),
            by=event.actor,
            note=event.reason,
            tone=EVENTS.get(event.kind, ""),
        )
        for event in UserOfferEvent.objects.filter(user_offer=row).order_by("-id")[:100]
    ]
    return Timeline(title="What happened", happenings=happenings)
