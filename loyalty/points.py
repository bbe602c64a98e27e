"""Points of members: earned, spent, adjusted, taken back, expired; every movement a line of the ledger's journal.

An account is a counter of kind "points": earning grants, spending and expiry use, a return lowers what is granted,
below what is used where the account may go below zero. Every verb locks the member first and then the account, so two
tills that move one member's points wait for one another. A reference moves an account once: a second time does nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Subquery

from loyalty import lapsed, members
from loyalty.models import Member, MemberAccount, PointAccount, PointLot
from offers import audit
from offers.ledger import counters, holds
from offers.ledger.counters import Name
from offers.ledger.models import Counter, Entry
from offers.lib import idents
from offers.lib.actors import Actor
from offers.lib.errors import Refusal

KIND = "points"
MOST = 10**12
LONGEST_REFERENCE = 120
# What stands before the reference of a journal line.
EARN, SPEND, ADJUST, REVERSE, EXPIRE = "earn", "spend", "adjust", "reverse", "expire"
LAPSED = "lapsed"  # what a return need not take, because it had expired; and what is gone again when it is undone


class InsufficientPoints(Refusal):
    """There are not enough points."""

    code = "insufficient_points"


class NoSuchAccount(Refusal):
    """There is no such point account."""

    code = "argument_error"


class NotSpendable(Refusal):
    """Points of this account cannot be spent."""

    code = "argument_error"


class ReasonMissing(Refusal):
    """An adjustment needs a reason."""

    code = "validation"


@dataclass(frozen=True, slots=True)
class Moved:
    """How a movement changed an account; `done` is false for one that was made before."""

    account: PointAccount
    done: bool
    lifetime: int
    balance: int


@dataclass(slots=True)
class _Owned:
    """An account and its counter, owned until the transaction ends."""

    account: PointAccount
    row: MemberAccount
    counter: int
    granted: int
    taken: int
    known: bool = False  # the lot asked for is there already

    @property
    def balance(self) -> int:
        return self.granted - self.taken

    def moved(self, *, done: bool = True) -> Moved:
        return Moved(self.account, done, self.row.lifetime, self.balance)


def account(*, retailer_id: int, named: str = "") -> PointAccount:
    """Return a kind of points by id or name, whatever its case; without one the default. Refuses `argument_error`."""
    rows = PointAccount.objects.filter(retailer_id=retailer_id)
    if not named:
        found = rows.filter(default=True).first() or (rows.first() if rows.count() == 1 else None)
    elif ident := idents.as_uuid(named):
        found = rows.filter(uuid=ident).first()
    else:
        found = rows.filter(name=named).first() or rows.filter(name__iexact=named).first()
    if found is None:
        raise NoSuchAccount(field="point_account_id", account=named)
    return found


def earn(
    *,
    member: Member,
    account: PointAccount,
    amount: int,
    reference: str,
    now: datetime,
    reason: str = "",
    owned: bool = False,
    family: str = "",
) -> Moved:
    """Give points and count them as earned. Locks the member, unless the caller has (`owned`), and the account.

    `family` is what the references begin with of all that is given for the same: what expired of it, and was forgiven
    when it was returned, is expired still when the return is undone.
    """
    _check(amount, reference)
    with transaction.atomic(savepoint=False):
        own = _own(member, account, now, lot=reference, owned=owned)
        if own.known:
            return own.moved(done=False)
        gone = lapsed.expire_again(own.row, family=family, amount=amount) if family else 0
        _add(own, amount, f"{EARN}:{reference}", reference, reason, now, gone=gone)
        if gone:
            _limit(own, -gone, f"{LAPSED}:{EARN}:{reference}", reason, now)
        own.row.lifetime += amount
        own.row.save(update_fields=["lifetime"])
        _stay(own, now)
        return own.moved()


def spend(
    *,
    member: Member,
    account: PointAccount,
    amount: int,
    reference: str,
    now: datetime,
    actor: Actor | None = None,
    reason: str = "",
) -> Moved:
    """Take points, soonest to expire first, all or none; audited when somebody asked for it (`actor`).

    Refuses `insufficient_points`, `argument_error`. Locks the member and the account.
    """
    _check(amount, reference)
    if not account.spendable:
        raise NotSpendable(field="point_account_id")
    with transaction.atomic():
        own = _own(member, account, now)
        before = own.balance
        moved = _use(own, amount, f"{SPEND}:{reference}", now)
        _stay(own, now)
        if moved.done and actor is not None:
            note(moved, "points.spend", member=member, actor=actor, balance_before=before, reason=reason, now=now)
        return moved


def adjust(
    *,
    member: Member,
    account: PointAccount,
    amount: int,
    reference: str,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Moved:
    """Add points, or take some (a negative amount), by hand; they do not count as earned. Audited, with a reason.

    Refuses `validation` without a reason, `insufficient_points`.
    """
    _check(abs(amount), reference)
    if not reason.strip():
        raise ReasonMissing(field="reason")
    with transaction.atomic():
        own = _own(member, account, now)
        before = own.balance
        entry = f"{ADJUST}:{reference}"
        if _stands(own, entry):
            return own.moved(done=False)
        if amount > 0:
            _add(own, amount, entry, entry, reason, now)
        else:
            _use(own, -amount, entry, now)
        moved = own.moved()
        note(moved, "points.adjust", member=member, actor=actor, balance_before=before, reason=reason, now=now)
        return moved


def reverse(
    *,
    member: Member,
    account: PointAccount,
    amount: int,
    reference: str,
    lot: str,
    now: datetime,
    reason: str = "",
    family: str = "",
) -> Moved:
    """Take back points that were earned, from the lot `lot` first: they no longer count as earned.

    What had expired of them, of the lot or of all of its `family` (see `earn`), is gone already and not taken again.
    The balance may go below zero where the account allows it; where not, what is missing is booked as shortfall.
    """
    _check(amount, reference)
    with transaction.atomic():
        own = _own(member, account, now)
        before = own.row.lifetime
        entry = f"{REVERSE}:{reference}"
        if _stands(own, entry):
            return own.moved(done=False)
        gone = lapsed.forgive(own.row, lot=lot, family=family, amount=amount)
        owed = amount - gone
        taken = owed if account.allow_negative else min(owed, max(0, own.balance))
        if taken:
            _consume(own, min(taken, max(0, own.balance)), first=lot)
        if gone:
            _limit(own, gone, f"{LAPSED}:{REVERSE}:{reference}", reason, now)
        if taken or gone:
            _limit(own, -taken - gone, entry, reason, now)
        own.row.lifetime = max(0, before - amount)
        own.row.shortfall += owed - taken
        own.row.save(update_fields=["lifetime", "shortfall"])
        return own.moved()


def note(
    moved: Moved, action: str, *, member: Member, actor: Actor, balance_before: int, reason: str, now: datetime
) -> None:
    """Write a movement somebody asked for into the audit trail."""
    audit.record(
        retailer_id=member.retailer_id,
        actor=actor,
        action=action,
        object_type="member",
        object_id=str(member.uuid),
        before={"account": moved.account.name, "balance": balance_before},
        after={"account": moved.account.name, "balance": moved.balance},
        reason=reason,
        now=now,
    )


def open_accounts(*, member: Member, accounts: Iterable[PointAccount], now: datetime) -> None:
    """Open those accounts of a member that nothing was ever earned on. Locks the member."""
    with transaction.atomic():
        for account in accounts:
            _own(member, account, now)


def expire(*, now: datetime, limit: int = 500) -> int:
    """Take the points of lots whose time has come; return how many lots. Bounded, and safe to run twice.

    Nobody waits for this: whatever moves points of an account takes what is due there first.
    """
    due = PointLot.objects.filter(left__gt=0, expires_at__lte=now).order_by("expires_at")
    rows = list(due.select_related("member_account__member", "member_account__account")[:limit])
    for lot in rows:
        with transaction.atomic():
            own = _own(lot.member_account.member, lot.member_account.account, now)
            lot.refresh_from_db()
            if lot.left and lot.expires_at is not None and lot.expires_at <= now:
                _lapse(own, lot, now)
    return len(rows)


def _own(member: Member, account: PointAccount, now: datetime, *, lot: str = "", owned: bool = False) -> _Owned:
    """Own the member, the account (opened at first use) and so its counter; say whether the lot is known.

    Points whose time has come are gone first: no worker has to come by before they can be neither spent nor kept.
    """
    if not owned:
        members.lock([member.pk])
    counter = Counter.objects.filter(kind=KIND, owner=OuterRef("pk"), shard=0)
    rows = MemberAccount.objects.filter(member=member, account=account).annotate(
        counter_id=Subquery(counter.values("pk")[:1]),
        granted=Subquery(counter.values("granted")[:1]),
        taken=Subquery(counter.values("taken")[:1]),
        known=Exists(PointLot.objects.filter(member_account=OuterRef("pk"), reference=lot)),
    )
    row = rows.first()
    if row is None:
        made = MemberAccount.objects.create(member=member, account=account)
        name = Name(kind=KIND, owner=made.pk)
        counters.open_counter(name, retailer_id=member.retailer_id, granted=0, now=now)
        row = rows.get()
    own = _Owned(account, row, row.counter_id, row.granted, row.taken, row.known)
    if account.expiry != PointAccount.Expiry.NEVER:
        for due in row.lots.filter(left__gt=0, expires_at__lte=now).order_by("expires_at", "pk"):
            _lapse(own, due, now)
    return own


def _lapse(own: _Owned, lot: PointLot, now: datetime) -> None:
    """Take what is left of a lot whose time has come."""
    _settle(own, lot.left, f"{EXPIRE}:{lot.pk}", now)
    PointLot.objects.filter(pk=lot.pk).update(left=0, expired=F("left"))


def _limit(own: _Owned, amount: int, entry: str, reason: str, now: datetime) -> None:
    own.granted += amount
    counters.move_limit(counter_id=own.counter, limit=own.granted, reference=entry, reason=reason, now=now)


def _add(own: _Owned, amount: int, entry: str, lot: str, reason: str, now: datetime, *, gone: int = 0) -> None:
    """Grant points and keep them as a lot, less what a balance below zero swallows and what is gone already."""
    debt = max(0, -own.balance)
    _limit(own, amount, entry, reason, now)
    PointLot.objects.create(
        member_account=own.row,
        amount=amount,
        left=max(0, amount - debt - gone),
        earned_at=now,
        expires_at=expiry(own.account, now),
        reference=lot,
    )


def _use(own: _Owned, amount: int, entry: str, now: datetime) -> Moved:
    """Take points from the lots that expire first."""
    if _stands(own, entry):
        return own.moved(done=False)
    if own.balance < amount:
        raise InsufficientPoints(available=max(0, own.balance))
    _settle(own, amount, entry, now)
    _consume(own, amount)
    return own.moved()


def _settle(own: _Owned, amount: int, entry: str, now: datetime) -> None:
    want = holds.Want(kind=KIND, owner=own.row.pk, amount=amount, granted=0, entry=entry)
    holds.use(retailer_id=own.account.retailer_id, wants=[want], reference="", now=now)
    own.taken += amount


def _consume(own: _Owned, amount: int, first: str = "") -> None:
    """Empty lots: the one named first, then those that expire soonest."""
    lots = list(own.row.lots.filter(left__gt=0).order_by(F("expires_at").asc(nulls_last=True), "pk"))
    lots.sort(key=lambda lot: lot.reference != first)
    for lot in lots:
        part = min(lot.left, amount)
        if part:
            lot.left -= part
            lot.save(update_fields=["left"])
            amount -= part
    assert not amount, "lots and balance disagree"


def _stay(own: _Owned, now: datetime) -> None:
    """Whoever is active keeps all points longer, where they end by inactivity."""
    if own.account.expiry == PointAccount.Expiry.INACTIVITY:
        own.row.lots.filter(left__gt=0).update(expires_at=expiry(own.account, now))


def _stands(own: _Owned, entry: str) -> bool:
    return Entry.objects.filter(counter=own.counter, reference=entry).exists()


def expiry(account: PointAccount, now: datetime) -> datetime | None:
    """When points got now end: a number of days on, or, by a fixed date, at the end of the year of that day."""
    if account.expiry == PointAccount.Expiry.NEVER or not account.expiry_days:
        return None
    end = now + timedelta(days=account.expiry_days)
    if account.expiry != PointAccount.Expiry.FIXED_DATE:
        return end
    local = end.astimezone(ZoneInfo(account.retailer.timezone))
    return datetime(local.year + 1, 1, 1, tzinfo=local.tzinfo)


def _check(amount: int, reference: str) -> None:
    if not 0 < amount <= MOST:
        raise ValueError(f"points go from 1 to {MOST}")
    if not 0 < len(reference) <= LONGEST_REFERENCE:
        raise ValueError("a movement needs a reference")
