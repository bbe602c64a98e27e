"""Describes this dialect for /openapi.json: every route from the list of addresses, bodies and answers by their views.

Addresses, methods, scopes, words of the envelope and whether a store is needed are read from the views. What a body may
say and what an answer holds is written in schema_views.py.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern

from checkout.api.sessionm import loyalty, offers, reward_store, transactions, urls, user_offers
from checkout.api.sessionm.envelope import LONGEST_KEY, ConnectView, DialectView, PosView
from checkout.api.sessionm.schema_components import COMPONENTS
from checkout.api.sessionm.schema_views import VIEWS
from checkout.api.sessionm.schema_words import ID, NOTHING, TEXT, Fields, Schema, record, ref, whole

TAGS = {
    "Offers": "Make offers, change them, look at them.",
    "Wallets": "Who holds what; issue, revoke, change.",
    "Tills": "Look up a customer; lock, redeem, unlock and reinstate offers; send transactions.",
    "Loyalty": "Points and identities.",
}
_TAG_OF = {offers: "Offers", reward_store: "Offers", user_offers: "Wallets", loyalty: "Loyalty"}
PLACES = {"transaction_id": "The id under which the till sent it."}
RESPONSES = {
    "400": "The request cannot be understood; `details` name the places.",
    "401": "The credentials are missing or wrong.",
    "403": "The credential lacks the scope, or names a retailer, store or client that is not its own.",
    "404": "There is no such thing, for this retailer.",
    "409": "It is locked, used, or not in a state for that; or the request_id came before with another body.",
    "413": "The body is above 5 MiB.",
    "415": "Only application/json is read here.",
    "422": "It does not apply; `details` name the restriction.",
    "429": "Too many calls. `Retry-After` says when to come back.",
}
IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of yours, once per attempt at one thing. The same key and body get the first answer again "
    "(`X-Idempotent-Replay: true`) for seven days, and nothing happens twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
}


def routes() -> Iterator[tuple[str, type[DialectView]]]:
    """Yield every address, written as the samples write it, with its view."""
    for pattern in urls.urlpatterns:
        view = getattr(pattern.callback, "view_class", None) if isinstance(pattern, URLPattern) else None
        if view is not None and issubclass(view, DialectView):
            yield spelled(str(pattern.pattern)), view


def spelled(regex: str) -> str:
    """Return the address behind a route that takes any case and any slashes at the end."""
    path = re.sub(r"\[([a-z])[A-Z]\]", r"\1", regex.removeprefix("^").removesuffix("/*$").replace("\\.", "."))
    return "/" + re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", path)


def describe(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """Add this dialect to the document; a hook of drf-spectacular."""
    parts = result["components"]
    parts["schemas"].update(COMPONENTS)
    parts["securitySchemes"]["basic"] = {
        "type": "http",
        "scheme": "basic",
        "description": "The client id and its secret, as the offer and POS calls take them.",
    }
    result["tags"] = [*result.get("tags", []), *({"name": name, "description": text} for name, text in TAGS.items())]
    first: dict[type[DialectView], str] = {}
    for path, view in routes():
        main = first.setdefault(view, path)
        for method in view.methods:
            result["paths"].setdefault(path, {})[method.lower()] = operation(path, method, view, main)
    return result


def operation(path: str, method: str, view: type[DialectView], main: str) -> Schema:
    said = " ".join(inspect.cleandoc(view.__doc__ or "").split())
    summary, _, rest = said.partition(": ")
    scopes = " or ".join(f"`{scope}`" for scope in view.scopes)
    alias = f" Another address of `{main}`." if path != main else ""
    found: Schema = {
        "operationId": re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_"),
        "tags": [_TAG_OF.get(inspect.getmodule(view), "Tills")],  # type: ignore[arg-type]
        "summary": summary.rstrip("."),
        "description": f"{rest[:1].upper()}{rest[1:]}{alias}\n\nNeeds the scope {scopes}.".strip(),
        "parameters": parameters(path, view),
        "security": [{"basic": []}],
        "responses": responses(view),
    }
    if method != "GET":
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body(view)}}}
    return found


def parameters(path: str, view: type[DialectView]) -> list[Schema]:
    found = [
        {"name": name, "in": "path", "required": True, "description": PLACES[name], "schema": TEXT}
        for name in re.findall(r"{(\w+)}", path)
    ]
    if view is transactions.TransactionStatus:
        text = "The store whose transaction it is; each counts its own."
        found.append({"name": "store_id", "in": "query", "required": True, "description": text, "schema": ID})
    if issubclass(view, ConnectView) and view.writes:
        found.append(IDEMPOTENCY_KEY)
    return found


def body(view: type[DialectView]) -> Schema:
    """Return the schema of a request: flat for the offer family, in its envelope for tills."""
    needed, optional, _ = VIEWS[view]
    if issubclass(view, PosView):
        inner = ref("Transaction") if view is transactions.SendTransaction else record(needed, optional)
        store: Fields = {"store_id": ID}
        request = {"client_id": ID, "request_id": {"type": ["string", "integer"]}, "request_payload": inner}
        if view.store_optional:
            return record(request, {**store, "culture": TEXT})
        return record({**store, **request}, {"culture": TEXT})
    assert issubclass(view, ConnectView)
    flat = record({"retailer_id": ID, **needed}, optional)
    return {"allOf": [flat, ref("OfferTerms")]} if view in (offers.Create, offers.Update) else flat


def responses(view: type[DialectView]) -> Schema:
    payload = VIEWS[view][2]
    envelope = {"status": {"const": view.word}, "payload": payload}
    if issubclass(view, PosView):
        envelope["errors"] = NOTHING
    wrong = {"application/json": {"schema": ref("OfferError")}}
    right = {"description": "Done.", "content": {"application/json": {"schema": whole(**envelope)}}}
    return {"200": right} | {code: {"description": text, "content": wrong} for code, text in RESPONSES.items()}
