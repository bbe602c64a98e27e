"""Turns refusals into HTTP: the table from code to status, and the error body every dialect with a JSON face uses."""

import re
from typing import Any

import msgspec
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from rest_framework.exceptions import APIException, ValidationError

from checkout.api.common import render
from offers.lib.errors import NotFound, Refusal

# Every Refusal.code of the source stands here (test_house.py looks); the key on the wire is the code itself.
STATUS: dict[str, int] = {
    "refused": 400,
    # who you are, what you may do
    "unauthorized": 401,
    "forbidden": 403,
    "missing_required_permission": 403,
    "unknown_scope": 400,
    "unknown_purpose": 400,
    # the request itself
    "invalid_payload": 400,
    "bad_document": 400,
    "unknown_ref": 400,
    "invalid_query_params": 400,
    "page_over_limit": 400,
    "query_too_large": 400,
    "not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "duplicate_found": 409,
    "duplicate_resource_key": 409,
    "duplicate_key": 400,
    "duplicate_source_id": 400,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "idempotency_key_in_use": 409,
    "idempotency_key_reused": 422,
    "too_many_requests": 429,
    # session offers
    "bad_code": 400,
    "code_required": 400,
    "code_not_authorized": 422,
    "grant_invalid": 403,
    "unknown_code": 404,
    "channel_prefix_required": 409,
    "campaign_ended": 410,
    "campaign_not_started": 422,
    "daily_cap_reached": 422,
    "too_many_codes": 409,
    "invalid_channel": 400,
    "prefix_reserved": 409,
    "prefix_used": 409,
    # the shop's own carts
    "sold_out": 409,
    "empty_cart": 409,
    "total_changed": 409,
    # a redeemable that cannot be used
    "voucher_disabled": 400,
    "voucher_not_active": 400,
    "voucher_expired": 400,
    "voucher_not_active_now": 400,
    "promotion_inactive": 400,
    "promotion_not_active_now": 400,
    "quantity_exceeded": 400,
    "gift_amount_exceeded": 400,
    "customer_rules_violated": 400,
    "order_rules_violated": 400,
    "redemption_rules_violated": 400,
    "missing_order": 400,
    "missing_amount": 400,
    "missing_order_items": 400,
    "missing_order_items_amount": 400,
    "missing_customer": 400,
    "multiple_requests": 400,
    "not_redeemable": 400,
    "duplicated_redeemables": 400,
    "invalid_redeemables": 400,
    # counters and holds
    "not_enough_left": 400,
    "hold_not_found": 404,
    "hold_already_settled": 409,
    "hold_already_voided": 409,
    "hold_expired": 409,
    # redemptions
    "already_rolled_back": 400,
    "invalid_redemption_parent": 400,
    "invalid_redemption": 400,
    "invalid_rollback_params": 400,
    # catalogue
    "invalid_voucher": 400,
    "invalid_campaign": 400,
    "invalid_campaign_params": 400,
    "invalid_code_config": 400,
    "invalid_validation_rules": 400,
    "invalid_customer": 400,
    "invalid_order": 400,
    "invalid_product": 400,
    "invalid_sku": 400,
    "invalid_amount": 400,
    "invalid_gift": 400,
    "invalid_add_balance_params": 400,
    "invalid_expiration_date": 400,
    "invalid_balance": 400,
    "resource_protected": 400,
    "resource_in_use": 400,
    "metadata_validation_failed": 400,
    "unknown_product": 400,
    "changed_meanwhile": 409,
    "level_in_use": 409,
    # the back office's own
    "not_yourself": 403,
    "too_fine": 400,
    # offers, tills and loyalty
    "invalid_settings": 400,
    "malformed_json": 400,
    "missing_data": 400,
    "argument_error": 400,
    "validation": 400,
    "too_many_items": 400,
    "too_many_discounts": 400,
    "too_many_payments": 400,
    "too_many_custom_elements": 400,
    "custom_data_too_deep": 400,
    "custom_data_too_large": 400,
    "duplicate_discount": 400,
    "unsupported_lookup_type": 400,
    "access_denied": 403,
    "offer_not_found": 404,
    "user_offer_not_found": 404,
    "user_not_found": 404,
    "lock_not_found": 404,
    "transaction_not_found": 404,
    "store_not_found": 404,
    "offer_locked": 409,
    "lock_claimed": 409,
    "lock_missing": 409,
    "lock_expired": 409,
    "already_redeemed": 409,
    "not_redeemed": 409,
    "invalid_transition": 409,
    "transaction_mismatch": 409,
    "stale_transaction": 409,
    "request_id_conflict": 409,
    "ambiguous_customer": 409,
    "offer_not_available": 422,
    "offer_not_applicable": 422,
    "offer_not_started": 422,
    "offer_expired": 422,
    "offer_revoked": 422,
    "restriction_failed": 422,
    "frequency_exceeded": 422,
    "inventory_exhausted": 422,
    "insufficient_points": 422,
    "too_many_calls": 429,
    # admission
    "invalid_consumer": 401,
    "closed": 409,
    "not_open_yet": 423,
    "queue_full": 429,
    "paused": 423,
    "needs_access_code": 403,
    "needs_auth": 403,
    "bid_too_low": 400,
    "draw_not_closed": 409,
    "bid_increment": 400,
    "guest_too_young": 429,
    "too_many_accounts": 409,
    "challenge_failed": 403,
    "challenge_unavailable": 503,
    "no_room": 409,
    "not_waiting": 409,
    "line_unavailable": 503,
    "invalid_signature": 401,
    "unknown_admission": 404,
    "admission_expired": 410,
    "admission_over": 409,
    "extension_refused": 409,
    "admission_bound_elsewhere": 409,
    "admission_already_completed": 409,
    "wrong_distribution": 409,
    "wrong_consumer": 409,
    "sku_not_admitted": 409,
    "quantity_not_admitted": 409,
    "payment_under_way": 409,
    "return_url_refused": 400,
    "handoff_code_refused": 404,
    "frame_refused": 403,
    # webhooks
    "webhook_address_refused": 400,
    "webhook_secret_still_rotating": 409,
}
# What `message` says; without an entry the refusal speaks for itself.
MESSAGES = {
    "unauthorized": "Unauthorized",
    "forbidden": "Forbidden",
    "missing_required_permission": "Missing required permission",
    "invalid_payload": "Invalid payload",
    "invalid_query_params": "Invalid query params",
    "page_over_limit": "Page over limit",
    "not_found": "Resource not found",
    "method_not_allowed": "Method not allowed",
    "duplicate_found": "Duplicate resource found",
    "payload_too_large": "Payload too large",
    "unsupported_media_type": "Unsupported media type",
    "idempotency_key_in_use": "Idempotency key in use",
    "idempotency_key_reused": "Idempotency key reused",
    "too_many_requests": "Too many requests",
}
# Data of a refusal that stands beside the message in the body.
BESIDE = (
    "resource_id",
    "resource_type",
    "error",
    "related_object_ids",
    "related_object_type",
    "related_object_total",
)


def status_of(refusal: Refusal) -> int:
    return STATUS.get(refusal.code, 400)


def body(refusal: Refusal, request_id: str = "") -> dict[str, Any]:
    """Return {code, key, message, details, request_id} and what else the refusal names."""
    found: dict[str, Any] = {
        "code": status_of(refusal),
        "key": refusal.code,
        "message": MESSAGES.get(refusal.code, refusal.message),
        "details": _details(refusal),
        "request_id": request_id,
    }
    for name in BESIDE:
        if refusal.data.get(name) is not None:
            found[name] = refusal.data[name]
    return found


def _details(refusal: Refusal) -> str:
    if "details" in refusal.data:
        return str(refusal.data["details"])
    if isinstance(refusal, NotFound) and refusal.data.get("resource_id"):
        kind = str(refusal.data["resource_type"]).replace("_", " ")
        return f"Cannot find {kind} with id {refusal.data['resource_id']}"
    return refusal.message


def answer(refusal: Refusal, request_id: str = "") -> HttpResponse:
    """Return the response to a refusal."""
    response = render.answer(body(refusal, request_id), status_of(refusal))
    add_headers(response, refusal)
    return response


def add_headers(response: HttpResponse, refusal: Refusal) -> None:
    """Say in headers what the refusal's data bring for them: `retry_after` (seconds) and `allow` (methods)."""
    if refusal.data.get("retry_after") is not None:
        response["Retry-After"] = str(refusal.data["retry_after"])
    if "allow" in refusal.data:
        response["Allow"] = refusal.data["allow"]


_MISSING = re.compile(r"Object missing required field `(.+)`")


class _Stated(Refusal):
    """A refusal under a code known only at run time."""

    def __init__(self, code: str, message: str | None = None) -> None:
        self.code = code  # type: ignore[misc]
        super().__init__(message or MESSAGES.get(code))


def refusal_of(error: Exception) -> Refusal | None:
    """Return the refusal an exception of Django, DRF or msgspec stands for; None for one nobody expected."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, msgspec.ValidationError):
        return _Stated("invalid_payload", _in_words(str(error)))
    if isinstance(error, ValidationError):
        return _Stated("invalid_payload", "; ".join(_lines(error.detail)))
    if isinstance(error, Http404):
        return _Stated("not_found")
    if isinstance(error, PermissionDenied):
        return _Stated("forbidden")
    if isinstance(error, APIException) and error.status_code < 500:
        code = next((code for code, status in STATUS.items() if status == error.status_code and code != "refused"), "")
        return _Stated(code or "invalid_payload", str(error.detail))
    return None


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's EXCEPTION_HANDLER, for views that are not ours (the OpenAPI document)."""
    refusal = refusal_of(error)
    return answer(refusal, getattr(context.get("request"), "request_id", "")) if refusal else None


def _in_words(text: str) -> str:
    """Turn msgspec's "... - at `$.a[0].b`" into "Property .a[0].b: ..."."""
    what, found, where = text.rpartition(" - at `$")
    missing = _MISSING.fullmatch(what if found else text)
    if missing:
        return f"{f'Property {where[:-1]}' if found else 'Payload'} should have required property '{missing[1]}'"
    return f"Property {where[:-1]}: {what}" if found else text


def _lines(detail: Any, place: str = "") -> list[str]:
    if isinstance(detail, dict):
        return [line for name, inner in detail.items() for line in _lines(inner, f"{place}.{name}")]
    if isinstance(detail, list):
        nested = any(isinstance(inner, dict) for inner in detail)
        return [
            line for at, inner in enumerate(detail) for line in _lines(inner, f"{place}[{at}]" if nested else place)
        ]
    return [f"Property {place}: {detail}" if place else str(detail)]
