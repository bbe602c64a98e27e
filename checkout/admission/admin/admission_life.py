"""The life of one admission in words: its state by the clock, what happened to it and when, and what it holds."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.html import format_html

from checkout.admission import admissions, claims, reservations
from checkout.admission.models import Admission, Reservation
from offers import stock
from offers.admin import durations, show
from offers.admin.office import now
from offers.admin.page import Happening, Table, Timeline
from offers.ledger.models import Hold
from offers.models import AuditEntry

State = Admission.State
WORDS = {
    State.ISSUED: "Issued",
    State.CLAIMED: "Claimed",
    State.COMPLETED: "Completed",
    State.EXPIRED: "Expired",
    State.REVOKED: "Revoked",
    State.RELEASED: "Released",
}
TONES = {State.ISSUED: "info", State.CLAIMED: "info", State.COMPLETED: "good", State.REVOKED: "bad"}
ENDED = {
    State.EXPIRED: ("Its time was up", ""),
    State.RELEASED: ("Given up", "warn"),
}
HELD = {
    admissions.ACTIVE: "A place in the checkout",
    admissions.TOTAL: "One of all admissions",
    stock.KIND: "Units in stock",
}
HOLD_WORDS = {
    "live": ("Held", "info"),
    "settled": ("Used", "good"),
    "voided": ("Given back", ""),
    "expired": ("Lapsed", ""),
}
RESERVED = {
    Reservation.State.HELD: ("Held", "info"),
    Reservation.State.COMMITTED: ("Sold", "good"),
    Reservation.State.RELEASED: ("Given back", ""),
    Reservation.State.EXPIRED: ("Lapsed", ""),
}
MOST = 30


def state(row: Admission) -> State:
    """Return the state by the clock: one whose time is up has expired, written down or not."""
    return State.EXPIRED if claims.reason(row, session=None, now=now()) == "expired" else State(row.state)


def is_open(row: Admission) -> bool:
    return state(row) in Admission.OPEN


def chip(row: Admission) -> str:
    found = state(row)
    if found == State.CLAIMED and row.payment_started_at is not None:
        return show.chip("Claimed, paying", "info")
    return show.chip(WORDS[found], TONES.get(found, ""))


def linked(row: Admission | None) -> str:
    """Return an admission as a link with its state."""
    if row is None:
        return show.NOTHING
    return format_html("<span>{} {}</span>", show.to_page(row, str(row.uuid)[:8]), chip(row))


def left(row: Admission) -> str:
    """Return the time left of an open admission, or when it ended."""
    if is_open(row):
        return show.remaining(row.expires_at, now())
    return show.moment(row.ended_at or row.expires_at, row.retailer.timezone)


def timeline(row: Admission) -> Timeline:
    """Return what happened to an admission, newest first."""
    zone = row.retailer.timezone
    # Of one moment, what follows from the other was said later.
    found = sorted([*_moments(row), *_reservations(row), *_handoffs(row), *_by_staff(row)], key=lambda one: one[0])
    happenings = [
        Happening(at=at, when=show.moment(at, zone), text=text, by=by, note=note, tone=tone)
        for at, text, by, note, tone in reversed(found)
    ]
    return Timeline(title="Its life", happenings=happenings)


Said = tuple[datetime, str, str, str, str]  # when, what, by whom, note, tone


def _moments(row: Admission) -> Iterator[Said]:
    yield row.entry.entered_at, "Joined", "", "", ""
    given = durations.words(row.distribution.admission_ttl_seconds)
    yield row.issued_at, "Admitted", "", f"with {given} to check out", "info"
    if row.claimed_at:
        yield row.claimed_at, "Claimed", "", "bound to a checkout", "info"
    yield from _payments(row)
    if row.completed_at:
        paid = show.amount(row.order_amount, row.currency, empty="")
        yield row.completed_at, "Completed", "", f"order {row.order_id} {paid}".strip(), "good"
        return
    found = state(row)
    if found in ENDED:
        text, tone = ENDED[found]
        note = f"after {row.declines} declined payments" if found == State.RELEASED and row.declines else ""
        yield row.ended_at or row.expires_at, text, "", note, tone


def _payments(row: Admission) -> Iterator[Said]:
    rows = list(row.payments.order_by("-id")[:MOST])
    begun = {one.begun_at for one in rows}
    if row.payment_started_at and row.payment_started_at not in begun:
        yield row.payment_started_at, "Payment begun", "", "", "info"
    for one in rows:
        note = f"by the name {one.reference}" if one.reference else ""
        if one.begun_at:
            yield one.begun_at, "Payment begun", "", note, "info"
        if one.ended_at:
            yield one.ended_at, "Payment declined", "", note, "warn"


def _reservations(row: Admission) -> Iterator[Said]:
    for one in _reserved(row):
        yield one.created_at, "Stock reserved", "", f"{one.quantity} × {one.variant}", "info"
        if one.ended_at and one.state == Reservation.State.RELEASED and one.ended_at != row.ended_at:
            yield one.ended_at, "Stock given back", "", f"{one.quantity} × {one.variant}", ""


def _handoffs(row: Admission) -> Iterator[Said]:
    for one in row.handoffs.order_by("-id")[:MOST]:
        yield one.created_at, "Handed to a checkout", "", one.origin, ""
        if one.used_at:
            yield one.used_at, "Taken by the checkout", "", one.origin, ""


def _by_staff(row: Admission) -> Iterator[Said]:
    rows = AuditEntry.objects.filter(object_type="admission", object_id=str(row.uuid), retailer_id=row.retailer_id)
    for one in rows.order_by("-id")[:MOST]:
        if one.action == "admission.revoke":
            yield one.at, "Revoked", one.actor, one.reason, "bad"
        elif one.action == "admission.extend":
            seconds = (one.after or {}).get("seconds", 0)
            yield one.at, f"Extended by {seconds // 60} minutes", one.actor, one.reason, "warn"


def held(row: Admission, *, linked: bool) -> Table:
    """Return what the ledger holds, or held, for an admission."""
    reference = admissions.reference(distribution_id=row.distribution_id, issued_at=row.issued_at)
    items = [f"{letter}{row.uuid.hex}" for letter in "ats"]
    found = list(
        Hold.objects.filter(reference=reference, item__in=items).select_related("counter").order_by("id")[:MOST]
    )
    return Table(
        title="What it holds",
        headers=["What", "Amount", "State", "Until / ended"],
        rows=[_hold(one, row, linked) for one in found],
        empty="Nothing that can run out: its launch limits neither places nor stock.",
    )


def reserved(row: Admission) -> list[Table]:
    """Return what was reserved with an admission; none where nothing was."""
    rows = [
        [
            show.to_page(one.variant),
            show.count(one.quantity),
            show.chip(*RESERVED[Reservation.State(reservations.state_of(one, now()))]),
            show.mono(str(one.uuid)),
        ]
        for one in _reserved(row)
    ]
    return [Table(title="Reservations", headers=["Variant", "Units", "State", "Id"], rows=rows)] if rows else []


def _reserved(row: Admission) -> list[Reservation]:
    found = list(row.reservations.select_related("variant").order_by("-id")[:MOST])
    for one in found:
        one.admission = row
    return found


def _hold(one: Hold, row: Admission, linked: bool) -> list[Any]:
    word = HELD.get(one.counter.kind, one.counter.kind)
    lapsed = one.state == Hold.State.LIVE and not one.pinned and one.expires_at <= now()
    said, tone = HOLD_WORDS["expired" if lapsed else one.state]
    return [
        show.to_page(one, word) if linked else word,
        show.count(one.amount),
        show.chip(said, tone),
        show.moment(one.ended_at or one.expires_at, row.retailer.timezone),
    ]
