"""Turns refusals into this dialect's HTTP statuses, code words and error envelope."""

from typing import Any

from django.http import HttpResponse

from checkout.api.common import errors, render
from offers.lib.errors import NotFound, Refusal

# The house's words that have another name here.
WORDS = {
    "unauthorized": "not_authorized",
    "forbidden": "access_denied",
    "missing_required_permission": "access_denied",
    "invalid_payload": "argument_error",
    "too_many_requests": "too_many_calls",
    "idempotency_key_in_use": "pending_processing",
    "idempotency_key_reused": "request_id_conflict",
    "duplicate_found": "validation",
    "not_enough_left": "inventory_exhausted",
    "bad_request": "argument_error",
    "service_unavailable": "unavailable",
}
# Where the house's status differs from this dialect's.
STATUSES = {"not_authorized": 401, "access_denied": 403, "request_id_conflict": 409, "validation": 400}
STATUSES |= {"inventory_exhausted": 422}


def code_of(refusal: Refusal) -> str:
    """Return the dialect's word for a refusal; what is not found is named after what it is."""
    if isinstance(refusal, NotFound):
        return f"{refusal.data['resource_type']}_not_found"
    return WORDS.get(refusal.code, refusal.code)


def status_of(refusal: Refusal) -> int:
    return STATUSES.get(code_of(refusal), errors.status_of(refusal))


def body(code: str, message: str, details: list[dict[str, Any]], payload: Any = None) -> bytes:
    """Return the error envelope as JSON text."""
    inner = {"code": code, "message": message, "details": details}
    return render.dumps({"status": "error", "payload": payload, "errors": inner})


def answer(refusal: Refusal) -> HttpResponse:
    """Return the response to a refusal.

    Its data may bring `details` (list of field, code, message), `payload` (what stands beside the errors) and
    `retry_after` (seconds).
    """
    status = status_of(refusal)
    details = refusal.data.get("details")
    if details is None and isinstance(refusal.data.get("field"), str):
        details = [{"field": refusal.data["field"], "code": code_of(refusal), "message": refusal.message}]
    text = body(
        code_of(refusal), refusal.message, details if isinstance(details, list) else [], refusal.data.get("payload")
    )
    response = HttpResponse(text, status=status, content_type="application/json")
    if status == 401:
        response["WWW-Authenticate"] = 'Basic realm="Offerkeep", charset="UTF-8"'
    errors.add_headers(response, refusal)
    return response
