"""Every address with every kind of caller: nobody, a stranger, one without rights, one with exactly the right."""

import pytest

from offers.clients import SCOPES
from offers.models import Retailer
from tests.api.client import ApiClient
from tests.api.common.test_schema import served

pytestmark = pytest.mark.django_db
ROUTES = served()


def address(path: str) -> str:
    for name in ("code", "key"):
        path = path.replace(f"{{{name}}}", "UNKNOWN")
    return path.replace("{", "").replace("}", "")


def side(path: str) -> str:
    return "browser" if path.startswith("/client/") else "server"


def test_nobody_and_strangers_get_401_everywhere(shop_a: Retailer) -> None:
    stranger = ApiClient({"X-App-Id": "app_x", "X-App-Token": "y", "X-Client-Application-Id": "web_x"})
    stranger.headers |= {"X-Client-Token": "y", "Origin": "https://shop.example"}
    for method, path, _ in ROUTES:
        for caller in (ApiClient({}), stranger):
            answer = caller.call(method, address(path), {})
            assert (answer.status, answer["key"]) == (401, "unauthorized"), (method, path)


def test_a_caller_without_rights_gets_403_everywhere(shop_a: Retailer) -> None:
    callers = {kind: ApiClient.of(shop_a, kind, scopes=[]) for kind in ("server", "browser")}
    for method, path, _ in ROUTES:
        answer = callers[side(path)].call(method, address(path), {})
        assert (answer.status, answer["key"]) == (403, "missing_required_permission"), (method, path)


def test_a_caller_with_all_rights_but_one_gets_403(shop_a: Retailer) -> None:
    for method, path, view in ROUTES:
        needed = view.needed_scope(method)
        others = sorted(SCOPES - {needed, "*"})
        answer = ApiClient.of(shop_a, side(path), scopes=others).call(method, address(path), {})
        assert (answer.status, answer["key"]) == (403, "missing_required_permission"), (method, path)


def test_a_caller_with_exactly_the_right_is_let_in(shop_a: Retailer) -> None:
    for method, path, view in ROUTES:
        caller = ApiClient.of(shop_a, side(path), scopes=[view.needed_scope(method)])
        answer = caller.call(method, address(path), {})
        assert answer.status not in {401, 403, 405, 429, 500}, (method, path, answer)


def test_other_methods_are_405_json_everywhere(shop_a: Retailer) -> None:
    callers = {kind: ApiClient.of(shop_a, kind, scopes=["*"]) for kind in ("server", "browser")}
    for path, view in {path: view for _, path, view in ROUTES}.items():
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - set(view.methods()):
            answer = callers[side(path)].call(method, address(path))
            assert (answer.status, answer["key"]) == (405, "method_not_allowed"), (method, path)


def test_broken_json_is_400_on_every_address_that_reads_a_body(shop_a: Retailer) -> None:
    callers = {kind: ApiClient.of(shop_a, kind, scopes=["*"]) for kind in ("server", "browser")}
    for method, path, _ in ROUTES:
        if method in {"POST", "PUT"}:
            answer = callers[side(path)].call(method, address(path), raw=b'{"a":1,"a":2}')
            assert answer.status in {200, 400, 404}, (method, path, answer)
            assert answer.status != 200 or address(path).endswith(("able",)), (method, path, answer)
