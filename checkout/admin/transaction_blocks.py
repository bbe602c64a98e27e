"""What the page of one purchase transaction shows: the sale, what came of it, its revisions side by side, its lines."""

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from checkout.models import OfferLock, Revision, Transaction
from loyalty.models import Award
from offers.admin import callers, show
from offers.admin.page import Facts, Figure, Table
from offers.models import UserOffer

State = Revision.State
WAITING = (State.QUEUED, State.RETRY)
STATES: dict[str, tuple[str, str]] = {
    State.OPEN: ("Not closed yet", ""),
    State.STALE: ("Older than what is in force", ""),
    State.QUEUED: ("Waiting", "info"),
    State.RETRY: ("To be tried again", "warn"),
    State.PROCESSED: ("Processed", "good"),
    State.DEAD: ("Given up", "bad"),
}
NO_STATE = ("Nothing stored", "")
LINES = 100


def state_chip(state: str) -> str:
    words, tone = STATES.get(state, NO_STATE)
    return show.chip(words, tone)


def said_amount(value: Any) -> str:
    """Return an amount as the till wrote it, with two decimals at least."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return show.plain(value)
    return f"{amount:,.2f}" if amount.is_finite() and amount == amount.quantize(Decimal("0.01")) else str(value)


def body_of(row: Revision) -> dict[str, Any]:
    return row.payload if isinstance(row.payload, dict) else {}


def listed(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def zone_of(row: Transaction) -> str:
    return row.store.timezone or row.retailer.timezone


def figures(newest: Revision) -> list[Figure]:
    body = body_of(newest)
    discounts = listed(body.get("discounts"))
    return [
        Figure(label="Subtotal", value=said_amount(body.get("subtotal"))),
        Figure(label="Lines", value=show.count(len(listed(body.get("items"))))),
        Figure(label="Discounts", value=show.count(len(discounts))),
        Figure(label="Revision", value=str(newest.number)),
        Figure(label="Tries", value=str(newest.attempts), tone="warn" if newest.attempts > 1 else ""),
    ]


def facts(row: Transaction, revisions: Sequence[Revision]) -> Facts:
    zone, newest = zone_of(row), revisions[0] if revisions else None
    waits = newest.next_at if newest and newest.state in WAITING else None
    known = {
        "Receipt": show.mono(row.receipt_code) if row.receipt_code else "",
        "Store": show.to_page(row.store),
        "Channel": show.plain(body_of(newest).get("channel") or "") if newest else "",
        "First closed": show.moment(row.first_closed_at, zone, ""),
        "Changed at the till": show.moment(row.modified_at, zone, ""),
        "Received": show.moment(newest.received_at, zone) if newest else "",
        "Processed": show.moment(newest.processed_at, zone, "") if newest else "",
        "Next try": show.moment(waits, zone, ""),
        "Sent by": callers.said(newest.client_id) if newest else "",
    }
    return Facts(title="The sale", facts=[(name, value) for name, value in known.items() if value])


def outcome(row: Transaction) -> Table:
    """Return what the sale gave: every award and correction."""
    occasion = f"transaction:{row.store.uuid}:{row.transaction_id}"
    awards = list(
        Award.objects.filter(occasion=occasion).select_related("rule", "member__customer").order_by("-id")[:LINES]
    )
    offers = UserOffer.objects.select_related("offer").in_bulk(
        [one.user_offer_id for one in awards if one.user_offer_id]
    )
    cells = []
    for one in awards:
        given = f"{one.points:+,} points" if one.kind == "points" else one.kind
        if entry := offers.get(one.user_offer_id or 0):
            given = show.to_page(entry, entry.offer)
        who = show.to_page(one.member.customer, one.member)
        cells.append([who, one.rule.name, given, show.moment(one.created_at, zone_of(row))])
    return Table(
        title="What it earned",
        headers=["Member", "Rule", "Given", "When"],
        rows=cells,
        empty="Nothing has been given for it.",
    )


def locks(row: Transaction) -> Table:
    found = OfferLock.objects.filter(store=row.store, transaction_id=row.transaction_id)
    rows = found.select_related("user_offer__offer", "user_offer__customer").order_by("-id")[:LINES]
    cells = [
        [
            show.to_page(one.user_offer, one.user_offer.offer),
            show.to_page(one.user_offer.customer),
            OfferLock.State(one.state).label,
            show.amount(one.amount, row.retailer.currency),
        ]
        for one in rows
    ]
    return Table(
        title="Offers locked or used in it",
        headers=["Offer", "Customer", "State", "Money off"],
        rows=cells,
        empty="No offer was locked for it.",
    )


def compared(revisions: Sequence[Revision], zone: str) -> Table:
    """Return the revisions side by side: a column each, a row for all that differs or matters."""
    bodies = [body_of(row) for row in revisions]
    rows: list[list[str]] = [
        ["State", *(state_chip(row.state) for row in revisions)],
        ["Changed at the till", *(show.moment(row.modified_at, zone) for row in revisions)],
        ["Received", *(show.moment(row.received_at, zone) for row in revisions)],
        ["Closed", *("yes" if row.is_closed else "no" for row in revisions)],
        ["Voided", *("yes" if row.is_voided else "no" for row in revisions)],
        ["Subtotal", *(said_amount(body.get("subtotal")) for body in bodies)],
        ["Lines", *(show.lines(line_texts(body)) for body in bodies)],
        ["Discounts", *(show.lines(discount_texts(body)) for body in bodies)],
        ["Payments", *(show.lines(payment_texts(body)) for body in bodies)],
    ]
    headers = ["", *(f"Revision {row.number}" for row in revisions)]
    return Table(
        title="Revisions side by side",
        text="The newest first." if len(revisions) > 1 else "",
        headers=headers,
        rows=rows if revisions else [],
        empty="Nothing was stored of it.",
    )


def line_texts(body: dict[str, Any]) -> Iterable[str]:
    for one in listed(body.get("items"))[:20]:
        name = one.get("description") or one.get("name") or one.get("item_id") or one.get("line_id")
        yield f"{show.plain(one.get('quantity', 1))} × {show.plain(name)}: {said_amount(one.get('subtotal'))}"


def discount_texts(body: dict[str, Any]) -> Iterable[str]:
    for one in listed(body.get("discounts"))[:20]:
        name = one.get("display_name") or one.get("reference_id") or one.get("discount_source")
        yield f"{show.plain(name)}: {said_amount(one.get('amount'))}"


def payment_texts(body: dict[str, Any]) -> Iterable[str]:
    for one in listed(body.get("payments"))[:20]:
        yield f"{show.plain(one.get('type') or one.get('payment_type') or 'payment')}: {said_amount(one.get('amount'))}"


def items(newest: Revision) -> Table:
    body = body_of(newest)
    found = listed(body.get("items"))
    cells = [
        [
            show.plain(one.get("line_id")),
            show.plain(one.get("item_id")),
            show.plain(one.get("description") or one.get("name")),
            show.plain(one.get("quantity", 1)),
            said_amount(one.get("subtotal")),
        ]
        for one in found[:LINES]
    ]
    return Table(
        title="Lines of the newest revision",
        text=f"The first {LINES} of {len(found):,}." if len(found) > LINES else "",
        headers=["Line", "Item", "Name", "Quantity", "Subtotal"],
        rows=cells,
        empty="It has no lines.",
    )
