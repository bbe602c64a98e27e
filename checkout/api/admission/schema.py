"""Describes the admission dialect for /openapi.json: who may call each method, what it takes, how it refuses."""

import inspect
from typing import Any

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from checkout.api.common.schema import SHOP_SCHEMES, ApiSchema, Reads, component, path_parameters, words
from checkout.api.common.views import SAFE

PUBLIC, PAGE, CONSUMER, SERVER = "public", "page", "consumer", "server"
SCHEMES = {
    **SHOP_SCHEMES,
    "consumer": {"type": "http", "scheme": "bearer", "description": "A shopper's access token, from POST /auth/guest."},
}
SECURITY: dict[str, list[dict[str, list[str]]]] = {
    PUBLIC: [],
    PAGE: [{"publishableKey": []}],
    CONSUMER: [{"publishableKey": [], "consumer": []}],
    SERVER: [{"secretKey": []}],
}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "retry_after"],
            "properties": {
                "code": {"type": "string", "examples": ["queue_full"]},
                "message": {"type": "string"},
                "retry_after": {"type": ["integer", "null"], "description": "Seconds; in Retry-After as well."},
            },
        }
    },
}
REFUSED = {
    "400": "The request cannot be understood.",
    "401": "The key or the consumer's token is missing or wrong.",
    "403": "The key may not be used from this origin.",
    "404": "There is no such thing, for this retailer.",
    "409": "Its state forbids it: closed, or not waiting.",
    "423": "Not open yet.",
    "429": "The line is full, or too many requests.",
    "503": "The waiting line cannot be reached; places are kept.",
}


class AdmissionSchema(ApiSchema):
    """drf-spectacular's generator for the dialect's views."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        view: Any = type(self.view)
        component(registry, "AdmissionError", ERROR)
        for name, scheme in SCHEMES.items():
            component(registry, name, scheme, ResolvedComponent.SECURITY_SCHEMA)
        handler = getattr(view, method.lower())
        summary, description = words(handler, view)
        resource = path.removeprefix("/admission/v1/").split("/")[0]
        kind = inspect.getmodule(view).__name__.rpartition(".")[2]  # type: ignore[union-attr]
        reference = {"application/json": {"schema": {"$ref": "#/components/schemas/AdmissionError"}}}
        done = {"description": "Done.", "content": {"application/json": {"schema": {"type": "object"}}}}
        operation: dict[str, Any] = {
            "operationId": f"admission_{method.lower()}_{kind}_{view.__name__.lower()}",
            "tags": [f"Admission: {resource}"],
            "summary": summary,
            "description": description,
            "parameters": path_parameters(path),
            "security": SECURITY[view.who.get(method, SERVER)],
            "responses": {
                "200": done,
                **{status: {"description": text, "content": reference} for status, text in REFUSED.items()},
            },
        }
        if method not in {*SAFE, "DELETE"} and (body := Reads(handler, view).body(registry)) is not None:
            operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
        return operation
