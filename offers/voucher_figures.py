"""What the ledger says of vouchers: uses, locks, and what is on a card."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from offers.ledger import counters
from offers.models import Voucher
from offers.vouchers import CREDITS, USES


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the ledger says of one voucher: uses redeemed and locked, and what is on a card: cents, or points."""

    redeemed: int = 0
    locked: int = 0
    amount: int = 0  # everything ever put on the card
    subtracted: int = 0
    spent: int = 0
    locked_credits: int = 0

    @property
    def balance(self) -> int:
        return self.amount - self.subtracted - self.spent


def of(vouchers: Iterable[Voucher], *, now: datetime) -> dict[int, Figures]:
    """Return what was used of each voucher, by its key, in one statement for all of them."""
    rows = list(vouchers)
    states = counters.states(kinds=[USES, CREDITS], owners=[row.pk for row in rows], now=now) if rows else {}
    return {row.pk: _figures(row, states) for row in rows}


def _figures(voucher: Voucher, states: Mapping[counters.Name, counters.State]) -> Figures:
    uses = states.get(counters.Name(kind=USES, owner=voucher.pk), counters.UNTOUCHED)
    card = states.get(counters.Name(kind=CREDITS, owner=voucher.pk))
    if card is None:
        return Figures(redeemed=uses.settled, locked=uses.held, amount=voucher.gift_amount or 0)
    return Figures(
        redeemed=uses.settled,
        locked=uses.held,
        amount=(card.granted or 0) + card.withdrawn,
        subtracted=card.withdrawn,
        spent=card.settled,
        locked_credits=card.held,
    )
