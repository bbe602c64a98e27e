"""Log lines are JSON, carry the request's id, and hold nothing that opens a door or is worth money."""

import json
import logging
from datetime import UTC, datetime

import pytest

from project import logs


def line(message: str, *args: object, **extra: object) -> dict[str, object]:
    record = logging.getLogger("t").makeRecord("t", logging.INFO, "f", 1, message, args, None, extra=extra)
    logs.Context().filter(record)
    shown = json.loads(logs.JsonLines().format(record))
    assert isinstance(shown, dict)
    return shown


@pytest.mark.parametrize(
    "text",
    [
        "connecting to redis://:SESAME-1@127.0.0.1:6379/0",
        "postgres://offerkeep:SESAME-1@db/offerkeep",
        "Authorization: Bearer SESAME-1",
        "{'X-App-Token': 'SESAME-1'}",
        'X-Client-Token="SESAME-1"',
        "password=SESAME-1&next=/admin/",
        "SECRET_KEY=SESAME-1",
        "DELETE /v1/vouchers/SESAME-1/sessions/SESAME-1",
        "Not Found: /v1/vouchers/SESAME-1",
        '{"code": "SESAME-1"}',
        "GET /v1/x?code=SESAME-1&limit=1",
        "sessionid cookie: SESAME-1",
        "x-voucherify-signature: SESAME-1",
    ],
)
def test_secrets_tokens_and_codes_are_masked(text: str) -> None:
    assert "SESAME" not in json.dumps(line("%s", text))
    assert "SESAME" not in json.dumps(line("sent", payload=text))
    assert "***" in logs.mask(text)


@pytest.mark.parametrize(
    "text", ["status code 200", "POST v1/validations 200 3.2 ms", "12 vouchers generated", "/v1/vouchers"]
)
def test_harmless_words_stay(text: str) -> None:
    assert line(text)["message"] == text


def test_a_traceback_is_masked_too() -> None:
    try:
        raise ValueError("token=SESAME-1")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    record = logging.getLogger("t").makeRecord("t", logging.ERROR, "f", 1, "failed", (), info)
    logs.Context().filter(record)
    for shown in (logs.JsonLines().format(record), logs.TextLines().format(record)):
        assert "ValueError" in shown
        assert "SESAME" not in shown


def test_a_line_says_when_what_and_for_which_request() -> None:
    token = logs.current_request_id.set("v-1")
    try:
        shown = line("hello", route="v1/validations")
    finally:
        logs.current_request_id.reset(token)
    assert shown["time"].endswith("Z") if isinstance(shown["time"], str) else False
    assert (shown["level"], shown["message"], shown["request_id"], shown["route"]) == (
        "INFO",
        "hello",
        "v-1",
        "v1/validations",
    )


@pytest.mark.parametrize("sent", ["", None, "a b", "x" * 101, "<script>", "é", "a\nb"])
def test_a_strange_request_id_is_replaced(sent: str | None) -> None:
    assert logs.request_id_from(sent) != sent
    assert logs.request_id_from(sent).startswith("v-")
    assert logs.request_id_from(sent) != logs.request_id_from(sent)


def test_fields_keep_their_kind_and_secret_ones_are_masked_whole() -> None:
    shown = line(
        "x", status=200, code=404, app_token="SESAME-1", deep={"password": "SESAME-1", "list": ["code=SESAME-1"]}
    )
    assert (shown["status"], shown["code"], shown["app_token"]) == (200, 404, "***")
    assert shown["deep"] == {"password": "***", "list": ["code=***"]}


@pytest.mark.parametrize("as_json", [True, False])
def test_the_access_log_names_the_route(capfd: pytest.CaptureFixture[str], as_json: bool) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    logs.write_access(now=noon, method="GET", route="v1/vouchers/<code>", status=200, ms=1.5, as_json=as_json)
    written = capfd.readouterr().err
    assert written.endswith("\n")
    assert "2026-03-01T12:00:00.000Z" in written
    assert "GET v1/vouchers/<code> 200" in written
    if as_json:
        assert json.loads(written)["ms"] == 1.5
