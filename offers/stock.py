"""Stock: how many of a variant there are, are held for somebody, and are sold; one ledger counter each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from offers.ledger import counters, holds
from offers.ledger.counters import Name
from offers.lib.errors import InvalidPayload, NotFound
from offers.lib.ids import new_id
from offers.models import Sku

KIND = "stock.units"
MOST = 10**9


@dataclass(frozen=True, slots=True)
class Figures:
    """What came in, what is held at the moment (without holds that ran out), and what was sold of it."""

    on_hand: int
    held: int
    sold: int

    @property
    def available(self) -> int:
        return max(0, self.on_hand - self.held - self.sold)


def set_on_hand(*, sku: Sku, on_hand: int, now: datetime, reason: str = "") -> Figures:
    """Say how many came in altogether, sold ones included. Refuses `invalid_payload` below 0."""
    if not 0 <= on_hand <= MOST:
        raise InvalidPayload(f"on_hand should be from 0 to {MOST}", field="on_hand")
    counters.set_limits(
        {Name(kind=KIND, owner=sku.pk): on_hand},
        reference=new_id("stock_"),
        now=now,
        reason=reason,
        retailer_id=sku.retailer_id,
    )
    return figures(sku=sku, now=now)


def figures(*, sku: Sku, now: datetime) -> Figures:
    """Return the figures of a variant; one nobody counted has none of it."""
    return figures_of(skus=[sku.pk], now=now)[sku.pk]


def figures_of(*, skus: Sequence[int], now: datetime) -> dict[int, Figures]:
    """Return the figures of many variants by their key, in one statement."""
    found = counters.states(kinds=[KIND], owners=skus, now=now)
    made = {name.owner: Figures(state.granted or 0, state.held, state.settled) for name, state in found.items()}
    return {pk: made.get(pk, Figures(0, 0, 0)) for pk in skus}


def is_counted(*, sku: Sku) -> bool:
    """Whether anybody ever said how many there are."""
    return bool(counters.counted(kinds=[KIND], owners=[sku.pk]))


def wanted(*, sku: Sku, quantity: int, entry: str) -> holds.Want:
    """Return the claim on so many of a variant, for `holds.use`; a variant nobody counted is sold out."""
    return holds.Want(kind=KIND, owner=sku.pk, amount=quantity, item=f"sku:{sku.pk}", granted=0, entry=entry)


def find(*, retailer_id: int, sku: object) -> Sku:
    """Return the variant a shop calls by this sku. Refuses `not_found`."""
    rows = Sku.objects.filter(retailer_id=retailer_id).select_related("product").order_by("pk")
    found = rows.filter(sku=sku).first() if isinstance(sku, str) and "\0" not in sku else None
    if found is None:
        raise NotFound("sku", sku)
    return found
