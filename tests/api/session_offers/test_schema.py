"""What /openapi.json says of session offers: every call, and who may make it."""

from typing import Any

from drf_spectacular.validation import validate_schema

from checkout.api.session_offers import urls


def test_every_route_is_documented_with_who_may_call_it(document: dict[str, Any]) -> None:
    validate_schema(document)  # type: ignore[no-untyped-call]
    paths = {path: one for path, one in document["paths"].items() if path.startswith("/session-offers/")}
    routed = {
        (f"/session-offers/{pattern.pattern}".replace("<str:", "{").replace(">", "}"), method)
        for pattern in urls.urlpatterns
        if hasattr(pattern.callback, "cls")
        for method in pattern.callback.cls.methods()
    }
    assert len(routed) >= 6
    assert {(path, method.upper()) for path, one in paths.items() for method in one} == routed
    assert paths["/session-offers/v1/present"]["post"]["security"] == [{"secretKey": []}]
    assert all(one["summary"] for methods in paths.values() for one in methods.values())
