"""Tells webhooks what happened to the consumers of a distribution and to the orders of the admitted; never a token."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from checkout.admission.models import Admission, Distribution, Entry
from offers.lib import money
from offers.outbox import events

BATCH = 10_000  # a statement has at most 65,535 parameters, and a draw may have more entries
# What an entry's state is called where it is news; a winner is an admitted one.
ENDS = {
    Entry.State.COMPLETED: "completed",
    Entry.State.LEFT: "left",
    Entry.State.DENIED: "denied",
    Entry.State.EXPIRED: "expired",
}


def of(distribution: Distribution, what: str, data: Mapping[str, Any], *, now: datetime) -> None:
    """Write an event of the distribution as a whole (`completed`, `settled`), in the caller's transaction."""
    kind = f"{distribution.mechanism}.{what}"
    events.record(retailer_id=distribution.retailer_id, type=kind, data={**_where(distribution), **data}, now=now)


def of_entries(distribution: Distribution, what: str, more: Mapping[int, Mapping[str, Any]], *, now: datetime) -> None:
    """Write an event per entry (id -> what else to say of it), all in one statement; nothing where nobody listens."""
    if more and events.listened(distribution.retailer_id):
        said = _said(distribution, more)
        kind = f"{distribution.mechanism}.{what}"
        events.record_all(
            retailer_id=distribution.retailer_id, happened=[(kind, data) for data in said.values()], now=now
        )


def of_admitted(distribution: Distribution, made: Sequence[Admission], *, now: datetime) -> None:
    """Write that these were admitted: of a draw and an auction they have won."""
    what = "admitted" if distribution.mechanism == Distribution.Mechanism.QUEUE else "won"
    more = {one.entry_id: {**_about(one, distribution), "expires_at": _shown(one.expires_at)} for one in made}
    of_entries(distribution, f"consumer.{what}", more, now=now)


def of_end(admission: Admission, state: Entry.State, *, now: datetime, reason: str = "") -> None:
    """Write how an admission ended; of a completed one its order as well."""
    distribution = admission.distribution
    if not events.listened(distribution.retailer_id):
        return
    more = {**_about(admission, distribution), **({"reason": reason} if reason else {})}
    (said,) = _said(distribution, {admission.entry_id: more}).values()
    happened = [(f"{distribution.mechanism}.consumer.{ENDS[state]}", said)]
    if state == Entry.State.COMPLETED:
        happened += [(f"order.{what}", said) for what in ("created", "completed")]
    events.record_all(retailer_id=distribution.retailer_id, happened=happened, now=now)


def of_cancelled_order(admission: Admission, *, order_id: str, now: datetime) -> None:
    """Write that an order which an admission was for has been cancelled."""
    distribution = admission.distribution
    if events.listened(distribution.retailer_id):
        more = {**_about(admission, distribution), "order_id": order_id}
        (said,) = _said(distribution, {admission.entry_id: more}).values()
        events.record(retailer_id=distribution.retailer_id, type="order.cancelled", data=said, now=now)


def price(amount: int, currency: str) -> dict[str, str]:
    """Return an amount as webhooks write it."""
    return {"amount": money.text(amount, currency), "currency": currency}


def _about(admission: Admission, distribution: Distribution) -> dict[str, Any]:
    """Return the id of an admission with the price won and the order it was used for, where there are any."""
    found: dict[str, Any] = {"admission_id": str(admission.uuid)}
    if admission.amount is not None:
        found |= price(admission.amount, distribution.currency)
    if admission.order_amount is not None:
        currency = admission.currency or distribution.currency
        found |= {
            "order_id": admission.order_id,
            "order_amount": money.text(admission.order_amount, currency),
            "currency": currency,
        }
    return found


def _said(distribution: Distribution, more: Mapping[int, Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return the data of an event per entry, in the order given."""
    where = _where(distribution)
    who = _people(more)
    return {entry: {**where, **who[entry], **rest} for entry, rest in more.items()}


def _people(entries: Iterable[int]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    keys = list(entries)
    for at in range(0, len(keys), BATCH):
        rows = Entry.objects.filter(pk__in=keys[at : at + BATCH]).values_list("pk", "uuid", "consumer__uuid")
        found |= {pk: {"consumer_id": str(consumer), "entry_id": str(entry)} for pk, entry, consumer in rows}
    return found


def _where(distribution: Distribution) -> dict[str, Any]:
    return {
        "distribution": {"type": distribution.mechanism, "id": str(distribution.uuid)},
        "experience_id": str(distribution.sequence.experience.uuid),
    }


def _shown(moment: datetime) -> str:
    return moment.isoformat()
