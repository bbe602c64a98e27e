"""Answers what no view answered: JSON under the APIs' addresses, a plain page elsewhere."""

import logging

import orjson
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from checkout.api.sessionm import errors as offer_dialect

log = logging.getLogger("offerkeep.errors")

OFFER_PREFIXES = ("/api/2.0/", "/incentives/api/")
API_PREFIXES = ("/v1", "/client/v1", "/api", "/incentives/api", "/session-offers", "/admission")
WORDS = {
    400: ("bad_request", "Bad request", "The request could not be understood."),
    401: ("unauthorized", "Unauthorized", "The credentials are missing or wrong."),
    403: ("forbidden", "Forbidden", "The credentials do not permit this."),
    404: ("not_found", "Resource not found", "Nothing has this address."),
    405: ("method_not_allowed", "Method not allowed", "This address does not take this method."),
    406: ("not_acceptable", "Not acceptable", "Only application/json is spoken here."),
    413: ("payload_too_large", "Payload too large", "The body is larger than this address takes."),
    414: ("uri_too_long", "URI too long", "The address is longer than is read."),
    415: ("unsupported_media_type", "Unsupported media type", "Only application/json is read here."),
    429: ("too_many_requests", "Too many requests", "Slow down and try again later."),
    500: ("internal_server_error", "Internal server error", "Something broke on our side; nothing was changed."),
    503: ("service_unavailable", "Service unavailable", "The database cannot be reached or is too slow. Try again."),
}
RETRY_AFTER_SECONDS = "2"


def is_api(path: str) -> bool:
    """Whether answers under this path are JSON whatever happens."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in API_PREFIXES)


def envelope(status: int, request: HttpRequest) -> HttpResponse:
    """Return the JSON error with this status, in the words of the address's dialect."""
    key, message, details = WORDS.get(status) or WORDS[400 if status < 500 else 500]
    if request.path_info.startswith(OFFER_PREFIXES):
        text = offer_dialect.body(offer_dialect.WORDS.get(key, key), details, [])
        return HttpResponse(text, status=status, content_type="application/json")
    body = {
        "code": status,
        "key": key,
        "message": message,
        "details": details,
        "request_id": getattr(request, "request_id", ""),
    }
    return HttpResponse(orjson.dumps(body), status=status, content_type="application/json")


def answer_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """Return the answer to an exception a view let through: 503 for the database, 413, 400; None for the rest."""
    if isinstance(error, OperationalError | InterfaceError):
        log.error("database unavailable: %s", error)
        status = 503
    elif isinstance(error, RequestDataTooBig):
        status = 413
    elif isinstance(error, SuspiciousOperation):
        status = 400
    else:
        if isinstance(error, DatabaseError):
            log.error("database refused: %s", error)
        return None
    return finish(request, plain(status)) if status != 503 else unavailable(request)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Return 503 with a time to come back."""
    response = finish(request, plain(503))
    response["Retry-After"] = RETRY_AFTER_SECONDS
    return response


def plain(status: int) -> HttpResponse:
    """Return a page that says no more than it must."""
    _, message, details = WORDS[status]
    return HttpResponse(f"<!doctype html><title>{message}</title><h1>{message}</h1><p>{details}</p>", status=status)


def finish(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Turn an error answer that is not JSON into the envelope when the address belongs to an API."""
    if response.status_code < 400 or not is_api("/" + request.path_info.lstrip("/")):
        return response
    if response.get("Content-Type", "").partition(";")[0].endswith("json"):
        return response
    changed = envelope(response.status_code, request)
    for header in ("Allow", "Retry-After", "WWW-Authenticate"):
        if header in response:
            changed[header] = response[header]
    return changed
