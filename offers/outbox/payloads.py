"""Makes the body of a webhook from an event; what stands under `data` is written by whoever speaks the wire dialect."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from offers.outbox.models import Event

Renderer = Callable[[Event], Any]
_renderers: dict[str, Renderer] = {}


def register(prefix: str, renderer: Renderer) -> None:
    """Have `renderer` write the data of every event type that begins with `prefix`; the longest prefix wins.

    Called once per process, from an app's ready(). An event nobody renders is sent with its data as it is.
    """
    _renderers[prefix] = renderer


def body(event: Event) -> bytes:
    """Return the compact JSON that is sent and signed. `id` is the same at every attempt and every endpoint."""
    moment = _shown(event.created_at)
    return orjson.dumps(
        {
            "id": event.public_id,
            "project_id": event.retailer.public_id,
            "created_at": moment,
            "type": event.type,
            "data": _renderer_of(event.type)(event),
            "source": event.source,
            "event": {"id": event.public_id, "created_at": moment},
        }
    )


def _renderer_of(kind: str) -> Renderer:
    fitting = [prefix for prefix in _renderers if kind.startswith(prefix)]
    return _renderers[max(fitting, key=len)] if fitting else _as_it_is


def _as_it_is(event: Event) -> Any:
    return event.data


def _shown(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
