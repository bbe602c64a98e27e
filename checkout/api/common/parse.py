"""Reads request bodies strictly: what two readers could understand differently never gets past here."""

import json
import re
from typing import Annotated, Any

import msgspec
import orjson
from django.conf import settings
from django.http import HttpRequest

from offers.lib import idents
from offers.lib.errors import InvalidPayload, Refusal

MAX_INTEGER = 2**63 - 1  # what a bigint column holds
MAX_DEPTH = 32
MAX_IDENT = 255
READ_AT_ONCE = 64 * 1024

# A key before its colon; also met in a string that holds an escaped quote, so it counts keys or more, never fewer.
_KEY = re.compile(rb'"[ \t\n\r]*:')

# For msgspec Structs: a string that becomes an id, a code or a key.
Ident = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_IDENT, pattern=idents.VISIBLE)]


class BodyTooLarge(Refusal):
    """The body is larger than this address takes."""

    code = "payload_too_large"


class UnsupportedMediaType(Refusal):
    """Only application/json in UTF-8 is read here."""

    code = "unsupported_media_type"


def read(request: HttpRequest, limit: int | None = None) -> bytes:
    """Return the raw body, b"" for none; refuses what is too large (payload_too_large) or not JSON by its type.

    A missing Content-Type is forgiven, as is one without a body: official clients send both.
    """
    body = _take(request, settings.API_MAX_BODY_BYTES if limit is None else limit)
    if body and (content_type := request.META.get("CONTENT_TYPE")) and content_type != "application/json":
        _check_type(content_type)
    return body


def _take(request: HttpRequest, limit: int) -> bytes:
    meta = request.META
    length = meta.get("CONTENT_LENGTH")
    if not length and "chunked" in meta.get("HTTP_TRANSFER_ENCODING", "") and meta.get("wsgi.input_terminated"):
        # Django takes a body without a length for an empty one.
        chunks, left = [], limit + 1
        while left > 0 and (chunk := meta["wsgi.input"].read(min(left, READ_AT_ONCE))):
            chunks.append(chunk)
            left -= len(chunk)
        body = b"".join(chunks)
    elif length and length.isdigit() and (len(length) > 12 or int(length) > limit):
        raise BodyTooLarge(limit=limit)
    else:
        body = request.body
    if len(body) > limit:
        raise BodyTooLarge(limit=limit)
    return body


def _check_type(content_type: str) -> None:
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType()
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedMediaType()


def check(body: bytes) -> Any:
    """Return the plain value of a JSON text; refuses (invalid_payload) whatever is not exact:

    bad UTF-8, a BOM, NaN and infinities, lone surrogates, U+0000, integers outside 64 bits, floats that cannot be
    exact, nesting deeper than 32, the same key twice in an object.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidPayload(f"The body is not valid JSON: {error.msg} (position {error.pos})") from None
    kind = type(value)
    keys = _count(value, MAX_DEPTH) if kind is dict or kind is list else _scalar(value)
    # A duplicate shows as fewer keys than colons; the dearer looks are only taken where texts hold colons themselves.
    if keys != body.count(b":") and keys != len(_KEY.findall(body)):
        _refuse_duplicates(body)
    if b"\\u0000" in body:
        refuse_nul(value)
    return value


def _count(value: dict[str, Any] | list[Any], depth: int) -> int:
    """Return how many keys stand in the value and below, looking at every number on the way."""
    if not depth:
        raise InvalidPayload(f"The body is nested deeper than {MAX_DEPTH} levels")
    if type(value) is dict:
        keys, items = len(value), list(value.values())
    else:
        keys, items = 0, value  # type: ignore[assignment]
    for item in items:
        kind = type(item)
        if kind is str or kind is bool:
            continue
        if kind is dict or kind is list:
            keys += _count(item, depth - 1)
        elif item is not None:
            _scalar(item)
    return keys


def _scalar(item: Any) -> int:
    # orjson reads integers beyond 64 bits as floats: such a float is no longer the number that was sent.
    if (type(item) is int and item > MAX_INTEGER) or (type(item) is float and not -(2**53) < item < 2**53):
        raise InvalidPayload("A number is out of range")
    return 0


def _refuse_duplicates(body: bytes) -> None:
    def pairs(found: list[tuple[str, Any]]) -> None:
        seen = set()
        for key, _ in found:
            if key in seen:
                raise InvalidPayload(f"The key '{key[:100]}' occurs twice in one object")
            seen.add(key)

    # The standard library's reader: slower, but it shows an object's pairs before they become a dict.
    json.loads(body, object_pairs_hook=pairs, parse_int=len, parse_float=len)


def refuse_nul(value: Any) -> None:
    """Refuse (invalid_payload) a text with the one character PostgreSQL cannot store."""
    if isinstance(value, str) and "\x00" in value:
        raise InvalidPayload("A text holds the character U+0000")
    if isinstance(value, list):
        for item in value:
            refuse_nul(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            refuse_nul(key)
            refuse_nul(item)


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; no body at all is an empty one."""
    if not body:
        return {}
    value = check(body)
    if type(value) is not dict:
        raise InvalidPayload("The body should be a JSON object")
    return value


def read_array(body: bytes, *, most: int = 2000) -> list[Any]:
    """Return the JSON array of a body, refusing more than `most` items."""
    value = check(body) if body else None
    if type(value) is not list:
        raise InvalidPayload("The body should be a JSON array")
    if len(value) > most:
        raise InvalidPayload(f"The body should have no more than {most} items")
    return value


def is_ident(text: str) -> bool:
    """Whether a text may become an id, a code or a key: 1 to 255 characters, none of them invisible."""
    return 0 < len(text) <= MAX_IDENT and idents.visible(text)


def ident(value: Any, name: str) -> str:
    """Return the value as an id, code or key; refuses what `is_ident` does not like, because stripping merges two."""
    if type(value) is not str or not is_ident(value):
        raise InvalidPayload(f"Property .{name} should be a text of 1 to {MAX_IDENT} visible characters")
    return value
