"""Describes for /openapi.json the dialects of a shop's own pages and servers, with publishable and secret keys."""

import inspect
from typing import Any, ClassVar

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from checkout.api.common.schema import ApiSchema, Reads, component, path_parameters, words
from checkout.api.common.views import SAFE

SHOP_SCHEMES = {
    "publishableKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Publishable-Key",
        "description": "Of a shop's pages: read and take part.",
    },
    "secretKey": {"type": "http", "scheme": "bearer", "description": "`sk_…`, of a shop's server; never in a browser."},
}
NOTHING = {"description": "Done; no body."}


class ShopSchema(ApiSchema):
    """Base of such a dialect's generator: a subclass says how it refuses, who calls, and under which heading."""

    dialect: ClassVar[str]
    error: ClassVar[tuple[str, dict[str, Any]]]  # the component's name, and its schema
    schemes: ClassVar[dict[str, Any]]
    refusals: ClassVar[dict[str, str]]
    done: ClassVar[dict[str, Any]]  # the schema of an answer

    def tag(self, path: str) -> str:
        """Return the heading an address stands under."""
        raise NotImplementedError

    def callers(self, view: Any, method: str) -> list[dict[str, list[str]]]:
        """Return who may call a method of a view."""
        raise NotImplementedError

    def called_by(self, view: Any, method: str) -> str:
        """Return in words who may call a method of a view."""
        raise NotImplementedError

    def query(self, view: Any) -> list[dict[str, Any]]:
        """Return the query parameters of a view."""
        return []

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        view: Any = type(self.view)
        name, error = self.error
        component(registry, name, error)
        for scheme, described in self.schemes.items():
            component(registry, scheme, described, ResolvedComponent.SECURITY_SCHEMA)
        handler = getattr(view, method.lower())
        summary, description = words(handler, view)
        kind = inspect.getmodule(view).__name__.rpartition(".")[2]  # type: ignore[union-attr]
        reference = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
        reads = Reads(handler, view)
        done = {"description": "Done.", "content": {"application/json": {"schema": self.done}}}
        operation: dict[str, Any] = {
            "operationId": f"{self.dialect}_{method.lower()}_{kind}_{view.__name__.lower()}",
            "tags": [self.tag(path)],
            "summary": summary,
            "description": "\n\n".join(filter(None, [description, f"Called {self.called_by(view, method)}."])),
            "parameters": [*path_parameters(path), *self.query(view)],
            "security": self.callers(view, method),
            "responses": {
                **{status: done if status != "204" else NOTHING for status in sorted(reads.statuses())},
                **{status: {"description": text, "content": reference} for status, text in self.refusals.items()},
            },
        }
        if method not in {*SAFE, "DELETE"} and (body := reads.body(registry)) is not None:
            operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
        return operation
