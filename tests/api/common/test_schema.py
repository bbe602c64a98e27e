"""The OpenAPI document and the code say the same: every route, every method, both ways."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import orjson
import pytest
from django.http import HttpRequest
from django.test import Client as DjangoClient
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.plumbing import ComponentRegistry
from drf_spectacular.validation import validate_schema

from checkout.api.common import schema
from checkout.api.common.views import ApiView
from project.errors import is_api

OTHERS = ("/admission/", "/session-offers/")  # dialects with a test of their own


def routes(resolver: URLResolver, prefix: str = "/") -> Iterator[tuple[str, type[ApiView]]]:
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, path)
        elif isinstance(pattern, URLPattern) and is_api(path) and "^" not in path and not path.startswith(OTHERS):
            yield re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path), pattern.callback.cls  # type: ignore[attr-defined]


def served() -> list[tuple[str, str, type[ApiView]]]:
    """Return every method, path and view under the APIs' addresses."""
    found = routes(get_resolver("project.urls"))
    return [(method, path, view) for path, view in found for method in view.methods()]


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return what is documented of /v1 and /client/v1; other dialects have their own tests."""
    own = {path: methods for path, methods in document["paths"].items() if path.startswith(("/v1/", "/client/v1/"))}
    for path, methods in own.items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_every_route_is_documented_and_nothing_else(document: dict[str, Any]) -> None:
    routed = {(method, path) for method, path, _ in served()}
    assert len(routed) > 40
    assert {(method, path) for method, path, _ in operations(document)} == routed


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    validate_schema(document)  # type: ignore[no-untyped-call]
    assert document["openapi"].startswith("3.1")


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    names = re.findall(r'"#/components/schemas/([^"]+)"', orjson.dumps(document).decode())
    assert set(names) - document["components"]["schemas"].keys() == set()


def test_every_operation_says_what_it_is_for(document: dict[str, Any]) -> None:
    seen = set()
    for method, path, operation in operations(document):
        assert operation["summary"], (method, path)
        assert operation["tags"], (method, path)
        assert operation["operationId"] not in seen, operation["operationId"]
        seen.add(operation["operationId"])
        assert {"401", "403", "429"} <= operation["responses"].keys()
        assert any(status.startswith("2") for status in operation["responses"])
        sides = {"clientId", "clientToken"} if path.startswith("/client/") else {"appId", "appToken"}
        assert set(operation["security"][0]) == sides
        in_path = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))


def test_every_address_of_every_dialect_is_told_with_its_parameters_and_errors(document: dict[str, Any]) -> None:
    headings = {one["name"] for one in document["tags"] if one["description"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            said = (operation["summary"], operation["description"], operation["tags"])
            assert all(said), (method, path, said)
            assert set(operation["tags"]) <= headings, (path, operation["tags"])
            assert all(one["description"] for one in operation["parameters"]), (method, path)
            assert any(status.startswith("4") for status in operation["responses"]), (method, path)
            assert all(one["description"] for one in operation["responses"].values()), (method, path)
    assert all(one["post"]["description"] for one in document["webhooks"].values())


def test_every_write_takes_an_idempotency_key(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        named = {parameter["name"] for parameter in operation["parameters"]}
        assert ("Idempotency-Key" in named) == (method != "GET"), (method, path)


def test_a_hot_view_is_described_by_its_struct(document: dict[str, Any]) -> None:
    body = document["paths"]["/v1/validations"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    form = document["components"]["schemas"][body["$ref"].rsplit("/", 1)[1]]
    assert "redeemables" in form["required"]


class _Form(msgspec.Struct):
    name: str
    price: int = 0


class bodies:
    """Stands for a dialect's module of that name."""

    @staticmethod
    def read(body: Any, form: type) -> Any:
        return msgspec.convert(body, form)


class _View(ApiView):
    """Keep things."""

    scope = "products"

    def post(self, request: HttpRequest, ident: str) -> Any:
        """Make a thing: it is there at once.

        More about it.
        """
        if request.GET.get("async"):
            return 202, {}
        return bodies.read(self.read_object(), _Form)

    def delete(self, request: HttpRequest, ident: str) -> Any:
        self.read_array()


def test_a_method_is_described_by_its_own_source() -> None:
    registry = ComponentRegistry()
    reads = schema.Reads(_View.post, _View)
    assert reads.body(registry) == {"$ref": "#/components/schemas/_Form"}
    assert [parameter["name"] for parameter in reads.parameters()] == ["async"]
    assert reads.statuses() == {"200", "202"}
    assert schema.Reads(_View.delete, _View).statuses() == {"204"}
    assert schema.words(_View.post, _View) == ("Make a thing", "It is there at once.\n\nMore about it.")
    assert schema.words(_View.delete, _View) == ("Keep things", "")


def test_two_structs_of_one_name_are_noticed() -> None:
    registry = ComponentRegistry()
    schema.component(registry, "Thing", {"type": "object"})
    schema.component(registry, "Thing", {"type": "object"})
    with pytest.raises(ValueError, match="Thing"):
        schema.component(registry, "Thing", {"type": "string"})


@pytest.mark.django_db
def test_document_and_page_are_served_without_foreign_hosts(document: dict[str, Any]) -> None:
    client = DjangoClient()
    answer = client.get("/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert orjson.loads(answer.content) == document
    page = client.get("/docs")
    assert page.status_code == 200
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert sources
    assert all(source.startswith("/") for source in sources)
