"""Refusals and other errors become one body. (That every code has its status is for test_house.py to say.)"""

from typing import Any

import msgspec
import pytest
from django.http import Http404
from rest_framework.exceptions import MethodNotAllowed, ValidationError

from checkout.api.common import errors
from offers.lib.errors import NotFound, Refusal


def test_not_found_names_what_was_sought() -> None:
    assert errors.body(NotFound("promotion_tier", "promo_1"), "v-1") == {
        "code": 404,
        "key": "not_found",
        "message": "Resource not found",
        "details": "Cannot find promotion tier with id promo_1",
        "request_id": "v-1",
        "resource_id": "promo_1",
        "resource_type": "promotion_tier",
    }


def test_data_that_is_not_for_the_wire_stays_inside() -> None:
    body = errors.body(Refusal("Sorry", secret="x", error={"message": "Not today"}, related_object_ids=["a"]))
    assert "secret" not in body
    assert body["error"] == {"message": "Not today"}
    assert body["related_object_ids"] == ["a"]


class _Line(msgspec.Struct):
    id: str


class _Body(msgspec.Struct):
    lines: list[_Line]


@pytest.mark.parametrize(
    ("text", "details"),
    [
        (b'{"lines":[{}]}', "Property .lines[0] should have required property 'id'"),
        (b'{"lines":[{"id":7}]}', "Property .lines[0].id: Expected `str`, got `int`"),
        (b"{}", "Payload should have required property 'lines'"),
    ],
)
def test_a_shape_that_does_not_fit_is_told_where(text: bytes, details: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.json.decode(text, type=_Body)
    refusal = errors.refusal_of(raised.value)
    assert refusal is not None
    assert (refusal.code, refusal.message) == ("invalid_payload", details)


def test_errors_of_django_and_drf_speak_the_same_language() -> None:
    detail: Any = {"name": ["Too long."], "items": [{}, {"id": ["Required."]}]}
    expected = {
        ValidationError(detail): ("invalid_payload", "Property .name: Too long.; Property .items[1].id: Required."),
        Http404(): ("not_found", "Resource not found"),
        MethodNotAllowed("PATCH"): ("method_not_allowed", 'Method "PATCH" not allowed.'),
    }
    for error, (code, message) in expected.items():
        refusal = errors.refusal_of(error)
        assert refusal is not None
        assert (refusal.code, refusal.message) == (code, message)
    assert errors.refusal_of(ZeroDivisionError()) is None
