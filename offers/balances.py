"""What is on a card: credits or points added and removed by hand, and everything that ever moved on one card."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from offers import audit, voucher_figures, vouchers, worth
from offers.ledger import counters
from offers.ledger.models import Counter, Entry
from offers.lib import ids
from offers.lib.actors import Actor
from offers.lib.errors import Duplicate, Refusal
from offers.models import Voucher
from offers.outbox import events

MOST = worth.MOST_ON_CARD
SOURCE_LIMIT = 128
BY_HAND = "balance:"
BY_SOURCE = "source:"

# One line per movement with the balance after it. The opening grant is the card itself, not a movement.
_MOVEMENTS = """
WITH lines AS (
    SELECT e.id, e.kind, e.delta, e.reference, e.reason, e.created_at,
           'vtx_' || left(encode(sha256(convert_to(e.counter_id || ':' || e.id, 'UTF8')), 'hex'), 24) AS ident,
           sum(CASE WHEN e.kind IN ('grant', 'withdraw') THEN e.delta ELSE -e.delta END) OVER upto AS balance,
           sum(CASE WHEN e.kind = 'grant' THEN e.delta ELSE 0 END) OVER upto AS total
    FROM ledger_entry e
    WHERE e.counter_id IN (SELECT id FROM ledger_counter WHERE owner = %(owner)s AND kind = %(kind)s)
    WINDOW upto AS (ORDER BY e.id)
)
SELECT l.*, (SELECT s.ident FROM lines s WHERE l.kind = 'reverse' AND s.kind = 'settle'
             AND s.reference = l.reference LIMIT 1) AS related
FROM lines l
WHERE l.reference <> 'open' AND l.kind <> 'open'
  AND (%(after)s::text IS NULL OR ({beyond}))
ORDER BY l.id {order} LIMIT %(limit)s
"""
_BEYOND = "l.id {sign} (SELECT a.id FROM lines a WHERE a.ident = %(after)s)"
_STATEMENTS = {
    False: _MOVEMENTS.format(beyond=_BEYOND.format(sign=">"), order="ASC"),
    True: _MOVEMENTS.format(beyond=_BEYOND.format(sign="<"), order="DESC"),
}
TYPES = {
    Entry.Kind.GRANT: "ADDITION",
    Entry.Kind.WITHDRAW: "REMOVAL",
    Entry.Kind.SETTLE: "REDEMPTION",
    Entry.Kind.REVERSE: "REFUND",
}


class InvalidBalance(Refusal):
    """The balance cannot be changed like this."""

    code = "invalid_add_balance_params"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One line of a card: `amount` is signed, `balance` and `total` are the card's after it.

    `type` is ADDITION, REMOVAL, REDEMPTION or REFUND.
    """

    id: str
    type: str
    amount: int
    balance: int
    total: int
    source_id: str | None
    redemption_id: str | None
    reason: str | None
    related_id: str | None
    created_at: datetime


def adjust(
    *,
    retailer_id: int,
    ident: str,
    amount: int,
    actor: Actor,
    now: datetime,
    source_id: str | None = None,
    reason: str = "",
    request_id: str = "",
) -> tuple[Voucher, voucher_figures.Figures]:
    """Add to what is on a card or, with a negative amount, take free credits or points off it; return its new figures.

    The same source id again does nothing. Refuses `not_found`; `invalid_add_balance_params` for what is no
    card, for nothing, and for more than is free; `duplicate_found` for a source id used with another amount.
    """
    if not amount or abs(amount) > MOST:
        raise InvalidBalance("amount should be a whole number other than zero")
    if source_id and len(source_id) > SOURCE_LIMIT:
        raise InvalidBalance(f"source_id should have no more than {SOURCE_LIMIT} characters")
    with transaction.atomic():
        voucher = vouchers.get(retailer_id=retailer_id, ident=ident, for_update=True)
        if voucher.type not in vouchers.CARDS:
            raise InvalidBalance(
                "Only a gift card or a loyalty card has a balance", resource_id=voucher.code, resource_type="voucher"
            )
        reference = BY_SOURCE + source_id if source_id else ids.new_id(BY_HAND)
        if source_id and _seen(voucher, reference, amount):
            return voucher, voucher_figures.of([voucher], now=now)[voucher.pk]
        before = voucher_figures.of([voucher], now=now)[voucher.pk]
        _move(voucher, amount, reference=reference, reason=reason, now=now)
        after = voucher_figures.of([voucher], now=now)[voucher.pk]
        audit.record(
            retailer_id=retailer_id,
            actor=actor,
            action="voucher.balance",
            object_type="voucher",
            object_id=voucher.public_id,
            before={"balance": before.balance},
            after={"balance": after.balance, "amount": amount, "source_id": source_id},
            reason=reason,
            now=now,
            request_id=request_id,
        )
        data = {"id": voucher.public_id, "code": voucher.code, "amount": amount, "balance": after.balance}
        gift = voucher.type == Voucher.Type.GIFT
        kind = "voucher.gift.balance_added" if gift else "voucher.loyalty_card.points_added"
        events.record(retailer_id=retailer_id, type=kind, data=data, now=now, actor=actor)
    return voucher, after


def movements(
    voucher: Voucher, *, limit: int, after: str | None = None, newest_first: bool = True
) -> tuple[list[Movement], bool]:
    """Return what moved on a card beyond the movement `after`, and whether more follows."""
    with connection.cursor() as cursor:
        cursor.execute(
            _STATEMENTS[newest_first],
            {"owner": voucher.pk, "kind": vouchers.CREDITS, "after": after, "limit": limit + 1},
        )
        rows = cursor.fetchall()
    return [_movement(row) for row in rows[:limit]], len(rows) > limit


def _movement(row: tuple[object, ...]) -> Movement:
    _, kind, delta, reference, reason, created_at, ident, balance, total, related = row
    by_hand = kind in {Entry.Kind.GRANT, Entry.Kind.WITHDRAW}
    text = str(reference)
    return Movement(
        id=str(ident),
        type=TYPES[Entry.Kind(str(kind))],
        amount=int(str(delta)) if by_hand else -int(str(delta)),
        balance=int(str(balance)),
        total=int(str(total)),
        source_id=text.removeprefix(BY_SOURCE) if text.startswith(BY_SOURCE) else None,
        redemption_id=None if by_hand else text,
        reason=str(reason) or None,
        related_id=None if related is None else str(related),
        created_at=created_at,  # type: ignore[arg-type]
    )


def _seen(voucher: Voucher, reference: str, amount: int) -> bool:
    """Whether this source moved this card already. The voucher's row is locked: nobody does it at the same moment."""
    card = Counter.objects.filter(owner=voucher.pk, kind=vouchers.CREDITS)
    entry = Entry.objects.filter(counter_id__in=card.values("pk"), reference=reference).first()
    if entry is not None and entry.delta != amount:
        raise Duplicate(
            "This source_id was used with another amount", resource_id=voucher.code, resource_type="voucher"
        )
    return entry is not None


def _move(voucher: Voucher, amount: int, *, reference: str, reason: str, now: datetime) -> None:
    name = counters.Name(kind=vouchers.CREDITS, owner=voucher.pk)
    counters.open_counter(name, retailer_id=voucher.retailer_id, granted=voucher.gift_amount or 0, now=now)
    if amount > 0:
        counters.grant(name, amount, reference=reference, now=now, reason=reason)
        if voucher_figures.of([voucher], now=now)[voucher.pk].amount > MOST:
            raise InvalidBalance(f"A card cannot take more than {MOST} in all")
        return
    try:
        counters.withdraw(name, -amount, reference=reference, now=now, reason=reason)
    except counters.NotEnoughLeft as error:
        raise InvalidBalance(
            "There is not that much free on the card", resource_id=voucher.code, resource_type="voucher"
        ) from error
