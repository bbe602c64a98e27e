"""What every address promises before its own method runs: JSON, transactions, methods, paths, CORS."""

import re

import pytest
from django.test import Client as DjangoClient

from offers.models import Category, Retailer
from tests.api.client import ApiClient

pytestmark = pytest.mark.django_db


def test_a_write_answers_json_with_moments_in_milliseconds(api: ApiClient) -> None:
    answer = api.post("/v1/items", {"name": "a"})
    assert (answer.status, answer["name"]) == (200, "a")
    assert answer.headers["Content-Type"] == "application/json"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer["at"])


def test_a_refusal_undoes_the_write_and_names_what_it_is_about(api: ApiClient) -> None:
    answer = api.post("/v1/items", {"name": "a", "refuse": True})
    assert answer.status == 400
    assert answer["code"] == 400
    assert answer["key"] == "invalid_payload"
    assert answer["message"] == "Invalid payload"
    assert answer["details"] == "Asked to refuse"
    assert answer["resource_type"] == "category"
    assert answer["resource_id"].startswith("cat_")
    assert answer["request_id"] == answer.headers["X-Request-Id"]
    assert not Category.objects.exists()


def test_an_empty_body_is_an_empty_object_with_any_content_type(api: ApiClient) -> None:
    assert api.post("/v1/items")["sent"] == {}
    assert api.call("POST", "/v1/items", Content_Type="")["sent"] == {}
    assert api.call("POST", "/v1/items", Content_Type="text/plain")["sent"] == {}


def test_get_and_delete_may_carry_a_json_content_type(api: ApiClient) -> None:
    assert api.call("GET", "/v1/items/x").status == 200
    answer = api.call("DELETE", "/v1/items/x")
    assert (answer.status, answer.text) == (204, "")


def test_an_unknown_method_is_405_json_with_allow(api: ApiClient) -> None:
    for method in ("PATCH", "PUT", "TRACE"):
        answer = api.call(method, "/v1/items")
        assert (answer.status, answer["key"]) == (405, "method_not_allowed")
        assert answer.headers["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_html_is_never_the_answer(api: ApiClient) -> None:
    assert api.get("/v1/items/x", Accept="text/html").status == 200
    answer = api.get("/v1/nowhere", Accept="text/html")
    assert (answer.status, answer["key"]) == (404, "not_found")


def test_head_is_get_without_a_body(api: ApiClient) -> None:
    answer = api.call("HEAD", "/v1/items/x")
    assert (answer.status, answer.text) == (200, "")
    assert answer.headers["Content-Length"] == str(len('{"code":"x"}'))


def test_options_needs_no_credential() -> None:
    response = DjangoClient().options("/v1/items")
    assert response.status_code == 204
    assert response["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_a_trailing_slash_is_forgiven_without_a_redirect(api: ApiClient) -> None:
    assert api.post("/v1/items/", {"name": "b"})["name"] == "b"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("a%2Fb", "a/b"),
        ("caf%C3%A9%20x", "café x"),
        ("100%25", "100%"),
        ("a%3Fb%23c", "a?b#c"),
        ("a+b", "a+b"),
        ("Summer%20sessions", "Summer sessions"),
    ],
)
def test_codes_in_paths_may_hold_any_visible_character(api: ApiClient, path: str, code: str) -> None:
    assert api.get(f"/v1/items/{path}")["code"] == code


def test_both_parts_of_a_longer_route_may_hold_slashes(api: ApiClient) -> None:
    answer = api.delete("/v1/items/a%2Fb/sessions/cart%2F17")
    assert (answer.status, answer.json) == (202, {"code": "a/b", "key": "cart/17"})


@pytest.mark.parametrize("path", ["a%00b", "a%0Ab", "%E2%80%AEabc", "a%E2%80%8Bb", "x" * 256])
def test_a_path_that_cannot_be_an_id_is_not_found(api: ApiClient, path: str) -> None:
    answer = api.get(f"/v1/items/{path}")
    assert (answer.status, answer["key"]) == (404, "not_found")


def test_bytes_that_are_not_utf8_stay_percent_encoded(api: ApiClient) -> None:
    assert api.get("/v1/items/%FF")["code"] == "%FF"


def test_a_hostile_query_string_is_refused(api: ApiClient) -> None:
    assert api.get("/v1/items?order=%00")["key"] == "invalid_query_params"
    assert api.get("/v1/items?x=" + "y" * 9000)["key"] == "query_too_large"


def test_a_preflight_is_answered_and_the_origin_allowed(browser: ApiClient) -> None:
    response = DjangoClient().options("/client/v1/hot", headers={"Origin": "https://shop.example"})
    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "POST" in response["Access-Control-Allow-Methods"]
    assert "X-Client-Token" in response["Access-Control-Allow-Headers"]
    answer = browser.post("/client/v1/hot", {"id": "a"})
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert answer.headers["Vary"] == "Origin"
    refused = browser.post("/client/v1/hot", {})
    assert refused.status == 400
    assert refused.headers["Access-Control-Allow-Origin"] == "https://shop.example"


def test_a_foreign_origin_gets_no_leave_to_read(browser: ApiClient) -> None:
    answer = browser.post("/client/v1/hot", {"id": "a"}, Origin="https://evil.example")
    assert answer.status == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_server_side_speaks_no_cors(api: ApiClient, shop_a: Retailer) -> None:
    answer = api.post("/v1/hot", {"id": "a"}, Origin="https://shop.example")
    assert answer.status == 200
    assert "Access-Control-Allow-Origin" not in answer.headers
