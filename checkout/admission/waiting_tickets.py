"""Signed waiting tickets: what a shopper keeps of his place, so that an emptied Redis gets it back in order."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core import signing

SALT = "offerkeep.waiting"
LONGEST = 512


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place: number, when it was taken, and in which generation of the line."""

    number: int
    entered_at: datetime
    generation: int


def write(*, distribution_id: int, consumer_id: int, ticket: Ticket) -> str:
    """Return the ticket as a text that only its consumer can use, in this queue only."""
    entered = int(ticket.entered_at.timestamp())
    return signing.dumps([distribution_id, consumer_id, ticket.number, entered, ticket.generation], salt=SALT)


def read(text: str | None, *, distribution_id: int, consumer_id: int) -> Ticket | None:
    """Return the ticket; None for one that we did not write, or wrote for another queue or consumer."""
    if not text or len(text) > LONGEST:
        return None
    try:
        found: Any = signing.loads(text, salt=SALT)
    except signing.BadSignature:
        return None
    if found[:2] != [distribution_id, consumer_id]:
        return None
    return Ticket(found[2], datetime.fromtimestamp(found[3], UTC), found[4])
