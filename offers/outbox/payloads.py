"""Makes the body of a webhook from an event; what stands under `data` is written by whoever speaks the wire dialect."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson

from offers.outbox.models import Event

T = TypeVar("T")
Renderer = Callable[[Event], Any]
Envelope = Callable[[Event, Any], dict[str, Any]]
_renderers: dict[str, Renderer] = {}
_envelopes: dict[str, Envelope] = {}


def register(prefix: str, renderer: Renderer) -> None:
    """Have `renderer` write the data of every event type that begins with `prefix`; the longest prefix wins.

    Called once per process, from an app's ready(). An event nobody renders is sent with its data as it is.
    """
    _renderers[prefix] = renderer


def register_envelope(prefix: str, envelope: Envelope) -> None:
    """Have `envelope` write what stands around the data of every event type that begins with `prefix`.

    Every envelope has `id`, `type` and `data`, so that a receiver of all of them can tell one from the other.
    """
    _envelopes[prefix] = envelope


def body(event: Event) -> bytes:
    """Return the compact JSON that is sent and signed. `id` is the same at every attempt and every endpoint."""
    envelope = _fitting(_envelopes, event.type, _plain)
    return orjson.dumps(envelope(event, _fitting(_renderers, event.type, _as_it_is)(event)))


def shown(moment: datetime) -> str:
    """Return a moment as webhooks write it: UTC, to the millisecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def _plain(event: Event, data: Any) -> dict[str, Any]:
    moment = shown(event.created_at)
    return {
        "id": event.public_id,
        "project_id": event.retailer.public_id,
        "created_at": moment,
        "type": event.type,
        "data": data,
        "source": event.source,
        "event": {"id": event.public_id, "created_at": moment},
    }


def _as_it_is(event: Event) -> Any:
    return event.data


def _fitting(table: dict[str, T], kind: str, otherwise: T) -> T:
    found = [prefix for prefix in table if kind.startswith(prefix)]
    return table[max(found, key=len)] if found else otherwise
