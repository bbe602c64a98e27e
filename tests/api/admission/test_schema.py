"""What /openapi.json says of admission: every route, who may call it, and no name twice."""

from typing import Any

from django.urls import URLPattern
from drf_spectacular.validation import validate_schema

from checkout.api.admission import urls


def test_every_route_is_documented_with_who_may_call_it(document: dict[str, Any]) -> None:
    validate_schema(document)  # type: ignore[no-untyped-call]
    paths = {path: one for path, one in document["paths"].items() if path.startswith("/admission/v1/")}
    routed = {
        (f"/admission/v1/{pattern.pattern}".replace("<", "{").replace(">", "}"), method)
        for pattern in urls.urlpatterns
        if isinstance(pattern, URLPattern)
        for method in pattern.callback.cls.methods()  # type: ignore[attr-defined]
    }
    assert {(path, method.upper()) for path, one in paths.items() for method in one} == routed
    names = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names))
    assert all(one["summary"] for methods in paths.values() for one in methods.values())
    assert paths["/admission/v1/queues/{ident}/admit"]["post"]["security"] == [{"secretKey": []}]
    assert paths["/admission/v1/queues/{ident}/serving"]["get"]["security"] == []
