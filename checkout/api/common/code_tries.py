"""A code that comes over a page of the shop, typed or by a link; who guesses at codes is stopped for a while."""

from datetime import datetime

from django.http import HttpRequest

from checkout import code_entry, code_words
from checkout.api.common import limits, shopper_limits
from checkout.cart_prices import Visit


def put_on(request: HttpRequest, *, whose: Visit, code: str, now: datetime, grant: str | None = None) -> str:
    """Put a code on the visit's cart; return what to tell the shopper."""
    try:
        shopper_limits.unknown_codes(request)
        said = code_entry.put_on(whose=whose, code=code, grant=grant, now=now)
        if said == code_words.UNKNOWN:
            shopper_limits.unknown_codes(request, more=1)
    except limits.TooManyRequests as refusal:
        return code_words.plain(refusal)
    return said
