"""Tells webhooks what happened in a draw or an auction; never a token."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from checkout.admission.models import Consumer, Distribution, Entry
from offers.outbox import events


def of(distribution: Distribution, what: str, data: dict[str, Any], *, now: datetime) -> None:
    """Write an event of the distribution, in the caller's transaction."""
    said = {"distribution": {"type": distribution.mechanism, "id": str(distribution.uuid)}, **data}
    events.record(retailer_id=distribution.retailer_id, type=what, data=said, now=now)


def of_entries(
    distribution: Distribution,
    what: str,
    entries: Sequence[Entry],
    *,
    now: datetime,
    data: dict[int, Any] | None = None,
) -> None:
    """Write an event per entry, with whose it is; `data`: entry id -> more of it. Nothing where nobody listens."""
    if not entries or not events.listened(distribution.retailer_id):
        return
    people = dict(Consumer.objects.filter(pk__in=[one.consumer_id for one in entries]).values_list("pk", "uuid"))
    for entry in entries:
        who = {"consumer_id": str(people[entry.consumer_id]), "entry_id": str(entry.uuid)}
        of(distribution, what, {**who, **(data or {}).get(entry.pk, {})}, now=now)
