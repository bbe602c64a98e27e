"""Describes the session-offer dialect for /openapi.json: who may call each address, what it takes, how it refuses."""

import inspect
from typing import Any

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from checkout.api.common.schema import ERROR, SHOP_SCHEMES, ApiSchema, Reads, component, path_parameters, words
from checkout.api.common.views import SAFE

COOKIE, SCRIPT, ENGINE = "cookie", "script", "engine"
SCHEMES = {
    "visit": {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "The visit in a shop's pages."},
    **SHOP_SCHEMES,
}
SECURITY: dict[str, list[dict[str, list[str]]]] = {
    COOKIE: [{"visit": []}],
    SCRIPT: [{"publishableKey": [], "visit": []}],
    ENGINE: [{"secretKey": []}],
}
REFUSED = {
    "400": "The request cannot be understood.",
    "401": "The key is missing or wrong.",
    "403": "No right to ask: a grant that is not good here, an origin, a CSRF token.",
    "404": "There is no such thing.",
    "409": "Its state forbids it.",
    "410": "The campaign is over.",
    "422": "The code is not available for this visit.",
    "429": "Too many requests.",
}
# What addresses take that are reached by a link as well.
QUERY = ("code", "grant")


class SessionOffersSchema(ApiSchema):
    """drf-spectacular's generator for the dialect's views."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        view: Any = type(self.view)
        component(registry, "Error", ERROR)
        for name, scheme in SCHEMES.items():
            component(registry, name, scheme, ResolvedComponent.SECURITY_SCHEMA)
        handler = getattr(view, method.lower())
        summary, description = words(handler, view)
        kind = inspect.getmodule(view).__name__.rpartition(".")[2]  # type: ignore[union-attr]
        reference = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        done = {"description": "Done.", "content": {"application/json": {"schema": {}}}}
        query = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in QUERY if view.who == COOKIE]
        operation: dict[str, Any] = {
            "operationId": f"session_offers_{method.lower()}_{kind}_{view.__name__.lower()}",
            "tags": ["Session offers"],
            "summary": summary,
            "description": description,
            "parameters": [*path_parameters(path), *query],
            "security": SECURITY[view.who],
            "responses": {
                "200": done,
                **{status: {"description": text, "content": reference} for status, text in REFUSED.items()},
            },
        }
        if method not in {*SAFE, "DELETE"} and (body := Reads(handler, view).body(registry)) is not None:
            operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
        return operation
