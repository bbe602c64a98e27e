"""What becomes of an admission after it was issued: claimed, paid for, given up, completed. The row decides.

ISSUED -> CLAIMED -> COMPLETED; exits EXPIRED, RELEASED, REVOKED; final states never change. Every verb that changes
something owns the admission's row while it does, so of many at once one goes first and the others see what it did.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from checkout.admission import admissions, payments, told
from checkout.admission.models import Admission, Distribution, Entry, Reservation
from offers import audit
from offers.ledger import holds
from offers.lib.actors import Actor
from offers.lib.errors import NotFound, Refusal

MOST_DECLINES = 1000  # are counted
# What becomes of what is reserved when the admission ends.
RESERVED = {
    Admission.State.COMPLETED: Reservation.State.COMMITTED,
    Admission.State.EXPIRED: Reservation.State.EXPIRED,
    Admission.State.RELEASED: Reservation.State.RELEASED,
    Admission.State.REVOKED: Reservation.State.RELEASED,
}


class AdmissionExpired(Refusal):
    """The time of this admission is up."""

    code = "admission_expired"


class AdmissionOver(Refusal):
    """This admission was given up or withdrawn."""

    code = "admission_over"


class BoundElsewhere(Refusal):
    """This admission is used in another checkout."""

    code = "admission_bound_elsewhere"


class PaymentUnderWay(Refusal):
    """A payment has begun: what is held stays so until it is known how it went."""

    code = "payment_under_way"


class NoExtension(Refusal):
    """This admission cannot be given more time."""

    code = "extension_refused"


class AlreadyCompleted(Refusal):
    """An order was placed with this admission."""

    code = "admission_already_completed"


def reason(admission: Admission, *, session: str | None, now: datetime) -> str:
    """Return why an admission does not admit (expired, bound_elsewhere, or its state); "" if it does."""
    if admission.state not in Admission.OPEN:
        return admission.state.lower()
    if is_over(admission, now):
        return "expired"
    bound = admission.session_hash
    return "bound_elsewhere" if session is not None and bound and bound != fingerprint(session) else ""


def fingerprint(session: str) -> str:
    """Return what is kept of a checkout's session."""
    return hashlib.sha256(session.encode("utf-8", "surrogatepass")).hexdigest()


def claim(*, admission_id: int, session: str, now: datetime) -> Admission:
    """Bind an admission to a checkout's session; the same session again changes nothing.

    Refuses admission_bound_elsewhere, admission_expired, admission_over, admission_already_completed.
    """
    with owned(admission_id) as row:
        refuse_unless_open(row, session, now)
        if row.state == Admission.State.ISSUED:
            row.state, row.session_hash, row.claimed_at = Admission.State.CLAIMED, fingerprint(session), now
            row.save(update_fields=["state", "session_hash", "claimed_at"])
    return row


def begin_payment(*, admission_id: int, session: str, now: datetime, payment: str = "") -> Admission:
    """Note that money is about to move: what the admission holds stays its own until two minutes after its end.

    An admission nobody has claimed is claimed by this checkout, so that a copy of its token pays nowhere else. Several
    payments may be under way at once, each with a name: its decline lets go of nothing but itself. All without a name
    are one. One that is under way already stays as it is, until it fails: announcing it again changes nothing.
    Refuses what `claim` does; payment_under_way after the last decline it may have, while another may still succeed.
    """
    with owned(admission_id) as row:
        refuse_unless_open(row, session, now)
        if payments.is_under_way(row, name=payment):
            return row
        if now >= row.expires_at:
            raise AdmissionExpired()
        if row.declines >= settings.ADMISSION_DECLINES and row.payment_started_at is not None:
            raise PaymentUnderWay()
        if row.state == Admission.State.ISSUED:
            row.state, row.session_hash, row.claimed_at = Admission.State.CLAIMED, fingerprint(session), now
            row.save(update_fields=["state", "session_hash", "claimed_at"])
        payments.begin(row, name=payment, now=now)
        keep(row, now)
    return row


def payment_failed(*, admission_id: int, now: datetime, payment: str = "") -> Admission:
    """Count a decline. The admission stays valid until its end; ADMISSION_DECLINES of them give it up.

    A payment that fails after the end leaves nothing to wait for: the admission has expired. Neither happens while
    another payment is under way. The decline of a named payment counts once. Refuses what `claim` does.
    """
    with owned(admission_id) as row:
        refuse_unless_open(row, None, now)
        if payments.end(row, name=payment, now=now):
            row.declines = min(row.declines + 1, MOST_DECLINES)
            row.save(update_fields=["declines"])
        if row.payment_started_at is not None:
            keep(row, now)
        elif now >= row.expires_at:
            _end(row, Admission.State.EXPIRED, Entry.State.EXPIRED, now)
        elif row.declines >= settings.ADMISSION_DECLINES:
            _end(row, Admission.State.RELEASED, Entry.State.LEFT, now)
        else:
            keep(row, now)
    return row


def release(*, admission_id: int, now: datetime, by_shopper: bool = False) -> Admission:
    """Give an open admission up at once, with all it holds; a second time changes nothing.

    Refuses admission_expired, admission_over (taken away), admission_already_completed; and payment_under_way to the
    shopper himself, who cannot know whether money moves.
    """
    with owned(admission_id) as row:
        if row.state == Admission.State.RELEASED:
            return row
        refuse_unless_open(row, None, now)
        if by_shopper and row.payment_started_at is not None:
            raise PaymentUnderWay()
        _end(row, Admission.State.RELEASED, Entry.State.LEFT, now)
    return row


def give_up(*, distribution: Distribution, consumer_id: int, now: datetime) -> bool:
    """Release, for the shopper himself, his open admission to a distribution; False without one.

    Refuses payment_under_way.
    """
    rows = Admission.objects.filter(distribution=distribution, consumer_id=consumer_id, state__in=Admission.OPEN)
    found = rows.first()
    try:
        return found is not None and bool(release(admission_id=found.pk, now=now, by_shopper=True))
    except (AdmissionExpired, AdmissionOver, AlreadyCompleted):
        return False  # it ended by itself


def extend(*, admission_id: int, now: datetime) -> Admission:
    """Give a claimed admission, and all it holds, more time: as often and as long as its distribution says.

    Never beyond the distribution's hard end. The new moment makes a new token of the same admission; the old text still
    names it, and the row decides. Refuses extension_refused, and what `claim` refuses.
    """
    with owned(admission_id) as row:
        refuse_unless_open(row, None, now)
        terms = row.distribution
        until = row.expires_at + timedelta(seconds=terms.extension_seconds)
        until = min(until, terms.hard_end_at) if terms.hard_end_at else until
        claimed = row.state == Admission.State.CLAIMED and now < row.expires_at
        if not claimed or row.extensions >= terms.max_extensions or until <= row.expires_at:
            raise NoExtension()
        row.extensions, row.expires_at = row.extensions + 1, until
        row.save(update_fields=["extensions", "expires_at"])
        keep(row, now)
    return row


def revoke(*, admission_id: int, actor: Actor, reason: str, now: datetime) -> Admission:
    """Take an open admission away, with an audit row; what it held is free for the next. A second time is the first.

    Refuses admission_expired, admission_over (given up), admission_already_completed.
    """
    with owned(admission_id) as row:
        if (state := row.state) == Admission.State.REVOKED:
            return row
        refuse_unless_open(row, None, now)
        _end(row, Admission.State.REVOKED, Entry.State.DENIED, now, reason)
        audit.record(
            retailer_id=row.retailer_id,
            actor=actor,
            action="admission.revoke",
            object_type="admission",
            object_id=str(row.uuid),
            before={"state": state},
            after={"state": row.state},
            reason=reason,
            now=now,
        )
    return row


def complete(*, admission_id: int, order_id: str, amount: int, currency: str, now: datetime) -> Admission:
    """Use an admission up for an order; the same order again is the first answer.

    The place goes free, stock and the count of admissions are settled, the entry is COMPLETED, in one transaction.
    Refuses admission_already_completed (another order), admission_expired (two minutes after its end where a payment
    had begun), admission_over.
    """
    with owned(admission_id) as row:
        if row.state == Admission.State.COMPLETED and row.order_id == order_id:
            return row
        refuse_unless_open(row, None, now)
        row.order_id, row.order_amount, row.currency, row.completed_at = order_id, amount, currency, now
        row.claimed_at = row.claimed_at or now
        _end(row, Admission.State.COMPLETED, Entry.State.COMPLETED, now)
    return row


@contextmanager
def owned(admission_id: int) -> Iterator[Admission]:
    """Own an admission's row until the end of the block, in one transaction. Refuses not_found."""
    with transaction.atomic():
        row = (
            Admission.objects.select_for_update(of=("self",))
            .select_related("distribution__sequence__experience", "entry")
            .filter(pk=admission_id)
            .first()
        )
        if row is None:
            raise NotFound("admission", admission_id)
        yield row


def refuse_unless_open(row: Admission, session: str | None, now: datetime) -> None:
    """Refuse what `claim` refuses, if there is a reason for it."""
    found = reason(row, session=session, now=now)
    refusals: dict[str, type[Refusal]] = {
        "expired": AdmissionExpired,
        "completed": AlreadyCompleted,
        "bound_elsewhere": BoundElsewhere,
    }
    if found:
        raise refusals.get(found, AdmissionOver)()


def is_over(row: Admission, now: datetime) -> bool:
    """Whether an admission's time is up, whatever its row says yet."""
    return now >= kept_until(row)


def kept_until(row: Admission) -> datetime:
    """Return until when an open admission keeps what it holds: its end, two minutes later once a payment began."""
    begun = row.payment_started_at is not None and row.payment_started_at < row.expires_at
    return row.expires_at + (admissions.GRACE if begun else timedelta())


def _end(row: Admission, state: Admission.State, entry: Entry.State, now: datetime, reason: str = "") -> None:
    row.state, row.ended_at = state, now
    row.save()
    kept = row.reservations.filter(state=Reservation.State.HELD)
    kept.update(state=RESERVED[state], ended_at=now)
    Entry.objects.filter(pk=row.entry_id, state=Entry.State.ADMITTED).update(state=entry, ended_at=now)
    place, part, units = admissions.items(row)
    is_done = state == Admission.State.COMPLETED
    with _unexpired():
        holds.finish(
            reference=reference(row),
            used=[part, units] if is_done else [],
            given=[place] if is_done else [place, part, units],
            entry=f"{row.uuid.hex}:done",
            now=now,
        )
    told.of_end(row, entry, now=now, reason=reason)


def keep(row: Admission, now: datetime) -> None:
    """Keep what the admission holds as long as itself: neither free for others before, nor taken any longer."""
    with _unexpired():
        holds.keep(reference=reference(row), items=admissions.items(row), until=kept_until(row), now=now)


@contextmanager
def _unexpired() -> Iterator[None]:
    """Somebody later by the clock may have found this admission's time up, and taken what it held, before we came."""
    try:
        yield
    except holds.HoldExpired as late:
        raise AdmissionExpired() from late


def reference(row: Admission) -> str:
    """Return the ledger's name for what an admission holds."""
    return admissions.reference(distribution_id=row.distribution_id, issued_at=row.issued_at)
