"""A shopper enters a code, by typing or by a link: on the cart with it, or the reason in plain words."""

from datetime import datetime

from django.db import transaction

from checkout import carts, code_refusals, code_words, session_offers
from checkout.cart_prices import Visit
from offers.lib.errors import Refusal

DONE = "Your code was applied."


def put_on(*, whose: Visit, code: str, now: datetime, grant: str | None = None) -> str:
    """Put a code on a visit's cart; return what to tell the shopper."""
    try:
        with transaction.atomic():
            if grant:
                session_offers.authorize(
                    retailer_id=whose.retailer.pk,
                    session_hash=whose.session_hash,
                    code=code,
                    grant=grant,
                    customer_key=whose.customer,
                    now=now,
                )
            carts.add_code(visit=whose, code=code, now=now)
    except Refusal as refusal:
        if refusal.code in {"code_not_authorized", "grant_invalid"}:
            code_refusals.note(retailer_id=whose.retailer.pk, session_hash=whose.session_hash, code=code, now=now)
            return code_words.NOT_HERE
        return code_words.plain(refusal)
    return DONE
