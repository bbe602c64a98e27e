"""Tracking ids: the same customer is tracked by the same opaque text in validations and redemptions."""

import base64
import hashlib

from checkout.asks import Ask
from offers.lib.ids import random_text

PREFIX = "track_"


def of(ask: Ask, retailer_public_id: str) -> str:
    """Return the request's own tracking id, one derived from the customer, or a random one for a stranger."""
    if ask.tracking_id and ask.tracking_id.startswith(PREFIX):
        return ask.tracking_id[:80]
    customer = ask.customer
    who = ask.tracking_id or (customer and (customer.source_id or customer.id)) or random_text(24)
    digest = hashlib.sha256(f"{retailer_public_id}:{who}".encode()).digest()
    return PREFIX + base64.b64encode(digest).decode()
