"""Refusals in the words of the admission dialect: {"error": {"code", "message", "retry_after"}}."""

from django.http import HttpResponse

from checkout.api.common import errors, render
from offers.lib.errors import Refusal

# Words of other dialects, as this one says them.
CODES = {"too_many_requests": "rate_limited"}


def answer(refusal: Refusal) -> HttpResponse:
    """Return the response to a refusal; `retry_after` in its data (seconds) stands in the body and in the header."""
    after = refusal.data.get("retry_after")
    body = {"error": {"code": CODES.get(refusal.code, refusal.code), "message": refusal.message, "retry_after": after}}
    response = render.answer(body, errors.status_of(refusal))
    errors.add_headers(response, refusal)
    return response
