"""Tracking ids: the same customer is tracked by the same opaque text in validations and redemptions."""

import base64
import hashlib

from checkout.asks import Ask, CustomerAsk
from checkout.reading import CustomerRow
from offers.lib.ids import random_text

PREFIX = "track_"


def of(ask: Ask, retailer_public_id: str, known: CustomerRow | None) -> str:
    """Return the request's own tracking id, one derived from the customer, or a random one for a stranger.

    A customer who is known has the same one by whichever id he is named.
    """
    if ask.tracking_id and ask.tracking_id.startswith(PREFIX):
        return ask.tracking_id[:80]
    customer = known or ask.customer
    who = ask.tracking_id or (customer and (customer.source_id or _id(customer))) or random_text(24)
    digest = hashlib.sha256(f"{retailer_public_id}:{who}".encode()).digest()
    return PREFIX + base64.b64encode(digest).decode()


def _id(customer: CustomerRow | CustomerAsk) -> str | None:
    return customer.public_id if isinstance(customer, CustomerRow) else customer.id
