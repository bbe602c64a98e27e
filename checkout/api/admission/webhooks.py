"""Admission's webhooks: the envelope {id, type, timestamp, organizationId, data}, and what /openapi.json says of it.

Only this one key is camelCase.
"""

from typing import Any

from offers.outbox import payloads
from offers.outbox.models import Event
from offers.outbox.types import TYPES

PREFIXES = ("queue.", "draw.", "auction.", "order.")
SIGNATURE = "Offerkeep-Signature"

TEXT = {"type": "string"}
MOMENT = {"type": "string", "format": "date-time"}
AMOUNT = {"type": "string", "examples": ["10.00"], "description": "A decimal text."}
DATA: dict[str, Any] = {
    "type": "object",
    "required": ["distribution", "experience_id"],
    "description": "Never an admission token. What does not apply is left out.",
    "properties": {
        "distribution": {
            "type": "object",
            "required": ["type", "id"],
            "properties": {"type": {"enum": ["queue", "draw", "auction"]}, "id": TEXT},
        },
        "experience_id": TEXT,
        "consumer_id": TEXT,
        "entry_id": TEXT,
        "number": {"type": "integer", "description": "The place in a queue's order; it only tells who is before whom."},
        "entered_at": MOMENT,
        "admission_id": TEXT,
        "expires_at": MOMENT,
        "reason": TEXT,
        "amount": {**AMOUNT, "description": "The bid, or the price won."},
        "currency": TEXT,
        "close_at": {"type": ["string", "null"], "format": "date-time"},
        "order_id": TEXT,
        "order_amount": AMOUNT,
        "entries": {"type": "integer"},
        "winners": {"type": "integer"},
        "bids": {"type": "integer"},
        "highest_bid": {"type": ["string", "null"]},
    },
}

# What happened, by the last word of a kind.
SENT = {
    "entered": "somebody took a place",
    "admitted": "somebody was admitted",
    "won": "somebody won and was admitted",
    "lost": "a draw was run that somebody did not win",
    "completed": "an order used an admission up, or a draw was run",
    "left": "somebody gave the place, or the admission, up",
    "denied": "somebody was taken out, or an admission revoked",
    "expired": "an admission ran out unused",
    "placed": "a bid was placed",
    "outbid": "a bidder fell out of those who would win",
    "settled": "an auction was settled",
    "created": "an order was placed with an admission",
    "cancelled": "a shop told that an order was cancelled",
}


def envelope(event: Event, data: Any) -> dict[str, Any]:
    """Return what is sent of an event of admission."""
    return {
        "id": event.public_id,
        "type": event.type,
        "timestamp": payloads.shown(event.created_at),
        "organizationId": event.retailer.public_id,
        "data": data,
    }


def register() -> None:
    """Have webhooks of admission speak this dialect; called once per process, when the app is ready."""
    for prefix in PREFIXES:
        payloads.register_envelope(prefix, envelope)


def describe(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the webhooks to the document (a hook of drf-spectacular)."""
    result["components"]["schemas"]["AdmissionEventData"] = DATA
    result["webhooks"] = {kind: {"post": _operation(kind)} for kind in TYPES if kind.startswith(PREFIXES)}
    return result


def _operation(kind: str) -> dict[str, Any]:
    body = {
        "type": "object",
        "required": ["id", "type", "timestamp", "organizationId", "data"],
        "properties": {
            "id": {**TEXT, "description": "The same at every attempt: whoever has seen it ignores the repeat."},
            "type": {"const": kind},
            "timestamp": MOMENT,
            "organizationId": TEXT,
            "data": {"$ref": "#/components/schemas/AdmissionEventData"},
        },
    }
    header = {
        "name": SIGNATURE,
        "in": "header",
        "required": True,
        "schema": TEXT,
        "description": '`t=<Unix second>,v1=<hex HMAC-SHA256(secret, t + "." + body)>`; two `v1` in a rotation.',
    }
    return {
        "operationId": kind.replace(".", "_"),
        "tags": ["Admission: webhooks"],
        "summary": kind,
        "description": f"Sent at least once to every webhook that asks for it, after {SENT[kind.rpartition('.')[2]]}.",
        "parameters": [header],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"2XX": {"description": "Taken. Anything else is tried again, later and later."}},
    }
