"""The JSON reader refuses whatever two readers could understand differently, and takes all that clients really send."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.api.common import parse, render
from offers.lib.errors import InvalidPayload
from tests.api.client import ApiClient
from tests.pace import quickest


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":1} x',
        b"\xef\xbb\xbf{}",
        '{"a":"é"}'.encode("latin-1"),
        '{"a":1}'.encode("utf-16"),
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e400}',
        b'{"a":"\\ud800"}',
        b'{"\\udc00":1}',
        b'{"a":"raw \x01"}',
        b'{"a":"\\u0000"}',
        b'{"\\u0000":1}',
        b'[{"b":["x\\u0000"]}]',
        b'{"a":9223372036854775808}',
        b'{"a":-9223372036854775809}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' + b"9" * 300 + b"}",
        b"9" * 100_000,
        b'{"a":9007199254740993.0}',
        b'{"a":1,"a":2}',
        b'{"a":1, "b":{"c" : 1,\n"c"\t:2}}',
        b'{"a":"x:y","b":1,"b":2}',
        b'{"a":"quote \\": here","b":1,"b":2}',
        b'{"a":1,"\\u0061":2}',
        b'[{"a":1},{"a":{"b":1,"b":1}}]',
        b"[" * 33 + b"]" * 33,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_it_refuses(text: bytes) -> None:
    with pytest.raises(InvalidPayload):
        parse.check(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"{}", {}),
        (b' {"a" : 1 }\n', {"a": 1}),
        (b'{"a":"x:y","b":"12:00:00","c":"\\": "}', {"a": "x:y", "b": "12:00:00", "c": '": '}),
        (b'{"a":"\\\\u0000"}', {"a": "\\u0000"}),
        (b'{"a":9223372036854775807,"b":-9223372036854775808}', {"a": 2**63 - 1, "b": -(2**63)}),
        (b'{"a":10.5,"b":1e3,"c":-0.1}', {"a": 10.5, "b": 1000.0, "c": -0.1}),
        ('{"é":"😀"}'.encode(), {"é": "😀"}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a":"tab\\tline\\n"}', {"a": "tab\tline\n"}),
        (b"[" * 32 + b"]" * 32, None),
        (b'[{"a":1},{"a":1}]', [{"a": 1}, {"a": 1}]),
        (b'{"a":{"a":{"a":null}}}', {"a": {"a": {"a": None}}}),
    ],
)
def test_it_takes(text: bytes, value: Any) -> None:
    assert parse.check(text) == value or value is None


_text = st.text(st.characters(codec="utf-8"))
_tricky = st.text(st.sampled_from('a":\\ {,'))
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | _text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4),
    max_leaves=15,
)


@given(_json)
def test_everything_exact_comes_through_unchanged(value: Any) -> None:
    text = msgspec.json.encode(value)
    if b"\\u0000" not in text:
        assert parse.check(text) == value


@given(
    st.dictionaries(st.text(st.sampled_from('a":\\ {,')), st.text(st.sampled_from('b":\\ {,')), min_size=1, max_size=5)
)
def test_a_repeated_key_is_found_in_any_disguise(value: dict[str, str]) -> None:
    text = msgspec.json.encode(value)
    assert parse.check(text) == value
    key = msgspec.json.encode(next(iter(value)))
    for colon in (b":", b" :", b"\t: "):
        with pytest.raises(InvalidPayload):
            parse.check(text[:-1] + b"," + key + colon + b"0}")


def test_a_hostile_body_is_refused_quickly() -> None:
    bodies = [b"[" * 1_000_000, b'{"a":' * 200_000, b'{"a":"' + b"x" * 1_000_000, b'{"":' + b"1" * 1_000_000 + b"}"]

    def refuse(_: int) -> None:
        for body in bodies:
            with pytest.raises(InvalidPayload):
                parse.check(body)

    quickest(refuse, within=1)


@pytest.mark.parametrize(
    "text", ["", "a\x00b", "a\nb", "a\x7f", "\x85", "a\u202eb", "\u200b", "\ufeffa", "\ud800", "a" * 256]
)
def test_a_text_that_hides_something_is_no_id(text: str) -> None:
    assert not parse.is_ident(text)
    with pytest.raises(InvalidPayload):
        parse.ident(text, "id")
    if "\ud800" not in text:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(text, parse.Ident)


@pytest.mark.parametrize("text", ["a", "SUMMER-2026", "a/b c", "é", "日本", "😀", "a" * 255])
def test_a_visible_text_is_an_id(text: str) -> None:
    assert parse.ident(text, "id") == msgspec.convert(text, parse.Ident) == text


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/v1/items", "/v1/hot"])
@pytest.mark.parametrize(
    ("raw", "content_type", "status"),
    [
        (b'{"id":"a"}', "application/json", 200),
        (b'{"id":"a"}', "application/json; charset=UTF-8", 200),
        (b'{"id":"a"}', "application/vnd.shop+json", 200),
        (b'{"id":"a"}', "", 200),
        (b'{"id":"a"}', "application/json; charset=latin-1", 415),
        (b'{"id":"a"}', "text/plain", 415),
        (b"id=a", "application/x-www-form-urlencoded", 415),
        (b"[]", "application/json", 400),
        (b'"a"', "application/json", 400),
        (b"null", "application/json", 400),
        (b'{"id":"a"', "application/json", 400),
        (b'{"id":"' + b"x" * 2_000_000 + b'"}', "application/json", 413),
    ],
)
def test_what_a_body_may_be(api: ApiClient, path: str, raw: bytes, content_type: str, status: int) -> None:
    answer = api.call("POST", path, raw=raw, Content_Type=content_type)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/json")
    if status != 200:
        assert answer["code"] == status


@pytest.mark.django_db
def test_a_claimed_length_is_refused_before_anything_is_read(api: ApiClient) -> None:
    for length in ("20000000", "9" * 400):
        assert api.call("POST", "/v1/hot", raw=b"{}", Content_Length=length).status == 413


def test_answers_are_written_as_the_wire_wants_them() -> None:
    moment = datetime(2022, 1, 17, 8, 3, 25, 29999, tzinfo=UTC)
    value = {
        "at": moment,
        "on": date(2022, 1, 17),
        "percent": Decimal("12.50"),
        "whole": Decimal("1E+2"),
        1: {"a", "b"},
    }
    assert render.dumps(value) == (
        b'{"at":"2022-01-17T08:03:25.029Z","on":"2022-01-17","percent":12.5,"whole":100,"1":["a","b"]}'
    )
    with pytest.raises(TypeError):
        render.dumps({"x": object()})
