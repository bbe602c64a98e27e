"""Runs a write at most once per Idempotency-Key: effect and answer are committed together or not at all."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from checkout import idempotency
from checkout.api.common import parse
from offers.lib.errors import InvalidPayload

HEADER = "HTTP_IDEMPOTENCY_KEY"
# Answers that ask for another try are not worth keeping; a refusal that was raised has undone its transaction anyway.
NOT_KEPT = frozenset({409, 429})


def run(
    request: HttpRequest,
    *,
    client_id: int,
    body: bytes,
    now: datetime,
    effect: Callable[[], HttpResponse],
) -> HttpResponse:
    """Return the effect's answer, or the stored one of the same request (with `Idempotency-Replayed: true`).

    What commits is kept: any answer the effect *returns* but 409, 429 and 5xx. What it *raises* undoes it and keeps
    nothing, so that a mended request may use its key again.
    """
    key = request.META[HEADER]
    if not parse.is_ident(key) or not key.isascii():
        raise InvalidPayload(f"Idempotency-Key should be 1 to {parse.MAX_IDENT} visible ASCII characters")
    method, path = request.method or "", request.path_info
    query = request.META.get("QUERY_STRING", "")
    request_print = idempotency.fingerprint(method.encode(), path.encode(), query.encode(), body)
    with transaction.atomic():
        stored = idempotency.claim(client_id=client_id, key=key, request=request_print)
        if stored is not None:
            return _replay(stored)
        response = effect()
        if response.status_code < 500 and response.status_code not in NOT_KEPT:
            idempotency.store(
                client_id=client_id,
                key=key,
                route=f"{method} {path}",
                request=request_print,
                status=response.status_code,
                body=response.content,
                now=now,
            )
        return response


def _replay(stored: idempotency.Stored) -> HttpResponse:
    response = HttpResponse(stored.body, status=stored.status, content_type="application/json")
    if stored.status == 204:
        del response["Content-Type"]
    response["Idempotency-Replayed"] = "true"
    return response
