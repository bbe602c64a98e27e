"""Describes the API as OpenAPI 3.1 from the code itself: routes, Structs, scopes, docstrings, and what a method reads.

What a view takes is read from its methods' source, so that the document cannot say anything else:
`bodies.read(self.read_object(), SomeStruct)` and `self.decode()` are the body, `request.GET.get("x")` is a parameter,
`lists.read(...)` is everything a list takes.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import msgspec
import orjson
from django.http import HttpRequest, HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentIdentity, ComponentRegistry, ResolvedComponent

from checkout.api.common import auth, lists
from checkout.api.common.views import SAFE, ApiView

SECURITY_SCHEMES = {
    "appId": {"type": "apiKey", "in": "header", "name": "X-App-Id", "description": "Public half of a server key."},
    "appToken": {"type": "apiKey", "in": "header", "name": "X-App-Token", "description": "Its secret, shown once."},
    "clientId": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Client-Application-Id",
        "description": "Public half of a browser key. It works from its listed origins only.",
    },
    "clientToken": {"type": "apiKey", "in": "header", "name": "X-Client-Token", "description": "Its token."},
}
ERROR = {
    "type": "object",
    "description": "Every error has this body, whatever its status.",
    "required": ["code", "key", "message", "details", "request_id"],
    "properties": {
        "code": {"type": "integer", "description": "The HTTP status."},
        "key": {"type": "string", "description": "Stable name of the reason.", "examples": ["quantity_exceeded"]},
        "message": {"type": "string"},
        "details": {"type": "string", "description": "What exactly is wrong, and where."},
        "request_id": {"type": "string", "description": "Stands in the log too; also in X-Request-Id."},
        "resource_id": {"type": "string"},
        "resource_type": {"type": "string"},
        "error": {"type": "object", "properties": {"message": {"type": "string"}}},
        "related_object_ids": {"type": "array", "items": {"type": "string"}},
        "related_object_type": {"type": "string"},
        "related_object_total": {"type": "integer"},
    },
}
RESPONSES = {
    "400": "The request cannot be understood, or the rules of the house say no.",
    "401": "The credentials are missing or wrong.",
    "403": "The credential lacks the scope, or is used from a foreign origin.",
    "404": "There is no such object, for this retailer.",
    "409": "It exists already, or the same Idempotency-Key is still being answered.",
    "413": "The body is too large.",
    "415": "Only application/json in UTF-8 is read here.",
    "422": "This Idempotency-Key came before with another request.",
    "429": "Too many requests. `Retry-After` says when to come back.",
}
ALWAYS = ("400", "401", "403", "429")
Parameter = tuple[str, dict[str, Any], str]
_LIST: list[Parameter] = [
    ("limit", {"type": "integer", "minimum": 1, "maximum": lists.MAX_LIMIT, "default": lists.LIMIT}, "Rows on a page."),
    ("page", {"type": "integer", "minimum": 1, "maximum": lists.MAX_PAGE, "default": 1}, "Which page."),
    ("order", {"type": "string"}, "Field to sort by, with a leading `-` for descending."),
    *(
        (f"{name}[{side}]", {"type": "string", "format": "date-time"}, f"Only rows whose `{name}` is {side} this.")
        for name in ("created_at", "updated_at")
        for side in ("before", "after")
    ),
]
_FILTERS: Parameter = (
    "filters",
    {"type": "object", "additionalProperties": True},
    "`filters[field][conditions][$op]=value`, and `filters[junction]=and` or `or`. Operators: `$is $is_not $in $not_in "
    "$has_value $is_unknown $contains $not_contain $starts_with $ends_with $more_than $less_than $more_than_equal "
    "$less_than_equal $after $before`; of dates also `$more_than_ago $less_than_ago $more_than_future "
    "$less_than_future $is_days_ago $is_days_in_future` with a number of days; of `active` and `status` the states "
    "themselves, such as `$expired`.",
)
# Query parameters that do more than narrow a list by their own name.
PARAMETERS = {
    "start_date": "Only what was made at this moment or later.",
    "end_date": "Only what was made before this moment.",
    "starting_after": "The `created_at` of the last row seen; pages by that instead of `page`.",
    "starting_after_id": "The id of the last row seen; pages by that instead of `page`.",
    "force": "Do it although something stands in the way.",
    "code": "The code, exactly as it was made.",
    "expand": "What to add to each row: `category`, `access_settings_assignments`; with commas between.",
    "ids": "Only the rows with these ids.",
    "campaign": "Only what belongs to the campaign of this name or id.",
    "customer": "Only what belongs to the customer with this id or source id.",
    "result": "Only attempts that ended like this: `SUCCESS` or `FAILURE`.",
    "rule": "Only assignments of the rule with this id.",
    "vouchers_count": "How many codes to make; without it one.",
    "is_available": "Only what is active and inside its window now.",
}
# What stands in an address behind these words, or under these names.
PLACES = {
    "vouchers": "The code, or the id of its voucher (`v_…`).",
    "campaigns": "The campaign's name or id (`camp_…`).",
    "promotions": "The campaign's name or id (`camp_…`).",
    "tiers": "The tier's id (`promo_…`).",
    "validation-rules": "The rule's id (`val_…`).",
    "assignments": "The assignment's id (`asgm_…`).",
    "categories": "The category's name or id (`cat_…`).",
    "customers": "The customer's source id or id (`cust_…`).",
    "orders": "The order's source id or id (`ord_…`).",
    "products": "The product's source id or id (`prod_…`).",
    "skus": "The variant's source id or id (`sku_…`).",
    "redemptions": "The redemption's id (`r_…`).",
    "sessions": "The key the lock was made with.",
    "async-actions": "The id that the answer 202 named (`aa_…`).",
    "authorizations": "The code, however it is spelt.",
    "codes": "The code on the cart.",
    "experiences": "The launch's id.",
    "queues": "The queue's id.",
    "draws": "The draw's id.",
    "auctions": "The auction's id.",
    "reservations": "The reservation's id.",
}
ENCODED = " Percent-encoded, slashes included."
# Addresses that belong under another one's heading.
TAGS = {"skus": "products", "validation-rules-assignments": "validation-rules"}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of yours, once per attempt at one thing. The same key brings the first answer again "
    "(`Idempotency-Replayed: true`) for seven days, and nothing happens twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


class ApiSchema(AutoSchema):
    """drf-spectacular's generator for our views; others keep its own way."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        view = self.view
        if not isinstance(view, ApiView):
            return super().get_operation(path, path_regex, path_prefix, method, registry)
        component(registry, "Error", ERROR)
        for name, scheme in SECURITY_SCHEMES.items():
            component(registry, name, scheme, ResolvedComponent.SECURITY_SCHEMA)
        handler = getattr(type(view), method.lower())
        reads = Reads(handler, type(view))
        summary, description = words(handler, type(view))
        if scope := view.needed_scope(method):
            description += f"\n\nNeeds the scope `{scope}`."
        operation: dict[str, Any] = {
            "operationId": operation_id(path, method, type(view)),
            "tags": [tag(path)],
            "summary": summary,
            "description": description.strip(),
            "parameters": [*path_parameters(path), *reads.parameters(), *([] if method in SAFE else [IDEMPOTENCY_KEY])],
            "security": [{"clientId": [], "clientToken": []} if is_client(path) else {"appId": [], "appToken": []}],
            "responses": responses(path, method, reads),
        }
        if (body := reads.body(registry)) is not None and method not in {*SAFE, "DELETE"}:
            operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
        return operation


class Reads:
    """What a method reads and returns, by its source."""

    def __init__(self, handler: Callable[..., Any], view: type[ApiView]) -> None:
        self.view = view
        self.names: dict[str, Any] = {}
        self.calls: list[ast.Call] = []
        self.tree = self.walk(handler, depth=2)

    def walk(self, function: Callable[..., Any], depth: int) -> ast.Module:
        """Collect the calls of a function, and of the dialect's own helpers that it hands `self` or the request to."""
        self.names = {**vars(inspect.getmodule(function)), **self.names}
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        self.calls += calls
        for call in calls if depth else []:
            helper = self.helper(call)
            if helper is not None and not helper.__module__.startswith(__package__):
                self.walk(helper, depth - 1)
        return tree

    def helper(self, call: ast.Call) -> Callable[..., Any] | None:
        target, found = call.func, None
        if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
            found = getattr(self.view, target.attr, None)
        elif isinstance(target, ast.Name) and any(
            ast.unparse(argument).startswith("request") for argument in call.args
        ):
            found = self.names.get(target.id)
        return found if inspect.isfunction(found) else None

    def of(self, dotted: str) -> Iterator[ast.Call]:
        return (call for call in self.calls if ast.unparse(call.func) == dotted)

    def body(self, registry: ComponentRegistry) -> dict[str, Any] | None:
        """Return the schema of the body, None for a method that reads none."""
        for call in self.of("bodies.read"):
            return struct(registry, self.names[ast.unparse(call.args[1])])
        if next(self.of("self.decode"), None):
            return struct(registry, getattr(self.view, "body", None) or dict)
        if next(self.of("self.read_object"), None):
            return {"type": "object", "additionalProperties": True}
        if next(self.of("self.read_array"), None):
            return {"type": "array", "items": {"type": "object", "additionalProperties": True}}
        return None

    def parameters(self) -> list[dict[str, Any]]:
        """Return the query parameters the method looks at."""
        found: list[Parameter] = []
        for call in self.of("lists.read"):
            found += [parameter for parameter in _LIST if parameter not in found]
            if any(keyword.arg == "filters" for keyword in call.keywords):
                found.append(_FILTERS)
        for call in self.calls:
            where = ast.unparse(call.func)
            named = call.args[:1] if where in {"request.GET.get", "params.get", "request.GET.getlist"} else []
            if call.args and ast.unparse(call.args[0]) in {"request.GET", "params"}:
                named = call.args[1:2]  # lists.flag(params, "is_available")
            names = [str(node.value) for node in named if isinstance(node, ast.Constant)]
            for name in ["start_date", "end_date"] if where == "bodies.period" else names:
                if name not in {name for name, _, _ in found}:
                    found.append((name, {"type": "string"}, PARAMETERS.get(name, f"Only rows with this `{name}`.")))
        return [
            {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
            | ({"style": "deepObject", "explode": True} if name == "filters" else {})
            for name, schema, text in found
        ]

    def is_list(self) -> bool:
        return next(self.of("lists.read"), None) is not None

    def statuses(self) -> set[str]:
        """Return the success statuses: 204 where nothing is returned, the number of a `return 202, ...`, else 200."""
        values = [node.value for node in ast.walk(self.tree) if isinstance(node, ast.Return) and node.value is not None]
        found = {
            str(value.elts[0].value)
            for value in values
            if isinstance(value, ast.Tuple) and isinstance(value.elts[0], ast.Constant)
        }
        plain = any(not isinstance(value, ast.Tuple) for value in values)
        return found | ({"200"} if plain else set()) or {"204"}


def responses(path: str, method: str, reads: Reads) -> dict[str, Any]:
    codes = set(ALWAYS)
    if "{" in path or reads.is_list() is False:
        codes.add("404")
    if method not in SAFE:
        codes |= {"409", "422", "413", "415"}
    found: dict[str, Any] = {status: success(status, reads) for status in sorted(reads.statuses())}
    reference = {"$ref": "#/components/schemas/Error"}
    for status in sorted(codes):
        found[status] = {"description": RESPONSES[status], "content": {"application/json": {"schema": reference}}}
    return found


def success(status: str, reads: Reads) -> dict[str, Any]:
    if status == "204":
        return {"description": "Done; no body."}
    if status == "202":
        asynchronous = {"type": "object", "properties": {"async_action_id": {"type": "string"}}}
        return {
            "description": "Accepted; `GET /v1/async-actions/{id}` tells how far it is.",
            "content": {"application/json": {"schema": asynchronous}},
        }
    schema: dict[str, Any] = {"type": "object", "additionalProperties": True}
    text = "The object as it is now."
    if reads.is_list():
        text = "One page. `data_ref` names the property that holds the rows; `total` is exact up to 100,000."
        schema["properties"] = {
            "object": {"const": "list"},
            "data_ref": {"type": "string"},
            "total": {"type": "integer"},
        }
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def struct(registry: ComponentRegistry, form: Any) -> dict[str, Any]:
    """Put a Struct and those inside it among the components and return its reference."""
    (schema,), parts = msgspec.json.schema_components([form], ref_template="#/components/schemas/{name}")
    for name, part in parts.items():
        component(registry, name, part)
    return schema


def component(
    registry: ComponentRegistry, name: str, schema: dict[str, Any], kind: str = ResolvedComponent.SCHEMA
) -> None:
    made = ResolvedComponent(name, kind, schema, ComponentIdentity(name))  # type: ignore[no-untyped-call]
    registry.register_on_missing(made)
    if registry[made].schema != schema:
        raise ValueError(f"two different Structs are named {name}")


def words(handler: Callable[..., Any], view: type[ApiView]) -> tuple[str, str]:
    """Return summary and description: the method's docstring, else the class's."""
    text = inspect.cleandoc(handler.__doc__ or view.__doc__ or "")
    head, _, rest = text.partition("\n\n")
    first, _, more = re.sub(r"\s+", " ", head).partition(": ")
    return first.rstrip("."), "\n\n".join(filter(None, [more[:1].upper() + more[1:], rest]))


def operation_id(path: str, method: str, view: type[ApiView]) -> str:
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", view.__name__).lower()
    return f"{'client_' if is_client(path) else ''}{method.lower()}_{name}"


def tag(path: str) -> str:
    if is_client(path):
        return "In the browser"
    part = path.strip("/").split("/")[1]
    return TAGS.get(part, part).replace("-", " ").capitalize()


def is_client(path: str) -> bool:
    return path.startswith(auth.CLIENT_SIDE)


def path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PLACES[before] + ENCODED,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
        for before, name in re.findall(r"([^/]+)/{(\w+)}", path)
    ]


@cache
def text() -> bytes:
    """Return the document; the code of a process does not change, so it is made once."""
    return orjson.dumps(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


def document(request: HttpRequest) -> HttpResponse:
    """Answer /openapi.json."""
    return HttpResponse(text(), content_type="application/json")
