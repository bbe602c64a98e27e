"""Shapes log lines: one JSON object each, with the request's id, and without secrets, tokens or voucher codes."""

import logging
import os
import re
import secrets
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson
from pythonjsonlogger.orjson import OrjsonFormatter

current_request_id: ContextVar[str] = ContextVar("offerkeep_request_id", default="")

_SENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
MASK = "***"
_SECRET = r"(?:[\w-]*(?:token|secret|secret[_-]?key|password|passwd|api[_-]?key|signature|authorization|cookie)|code)"
_SECRET_NAME = re.compile(_SECRET, re.IGNORECASE)
_RULES = [
    # user:password@ of an URL
    (re.compile(r"(?<=://)([^\s/@:]*):[^\s/@]+@"), rf"\1:{MASK}@"),
    # the schemes of an Authorization header
    (re.compile(r"\b(Bearer|Basic|Token)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    # name=value, 'name': 'value', "name: value" where the name sounds secret or is a code's
    (
        re.compile(
            rf"""({_SECRET}\\?["']?\s*[=:]\s*\\?["']?)(?!\*\*\*|(?:Bearer|Basic|Token)\s)[^\s"'\\&,;}}\]]+""",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # what follows these words in a path is a code or a key
    (
        re.compile(r"(/(?:vouchers|gift-cards|members|codes|sessions|admissions|handoffs)/)[^/\s?\"'#\\]+", re.I),
        rf"\1{MASK}",
    ),
]


def mask(text: str) -> str:
    """Return the text with what must not reach a log replaced by `***`."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def mask_fields(value: Any, name: str = "") -> Any:
    """Return a structure whose texts are masked, and wholly so where a field's name says that it is secret."""
    if isinstance(value, dict):
        return {key: mask_fields(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [mask_fields(inner, name) for inner in value]
    if isinstance(value, str):
        return MASK if value and _SECRET_NAME.fullmatch(name) else mask(value)
    return value


def request_id_from(sent: str | None) -> str:
    """Return the caller's X-Request-Id where it is harmless, else a new random one."""
    return sent if sent and _SENT_ID.fullmatch(sent) else f"v-{secrets.token_hex(9)}"


class Context(logging.Filter):
    """Puts the id of the request being answered on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id.get()
        return True


class JsonLines(OrjsonFormatter):
    """One JSON object per line: time, level, logger, message, request id, and what else the record brought."""

    def __init__(self) -> None:
        super().__init__(
            "{asctime}{levelname}{name}{message}{request_id}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            timestamp=False,
        )

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return iso_time(record)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {name: mask_fields(value, name) for name, value in log_data.items()}


class TextLines(logging.Formatter):
    """The same for people: time, level, request id, message."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname:<7} {name} {message} [{request_id}]", style="{")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return iso_time(record)

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


def iso_time(record: logging.LogRecord) -> str:
    """Return the record's own time in UTC with milliseconds."""
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_access(*, now: datetime, method: str, route: str, status: int, ms: float, as_json: bool) -> None:
    """Write the line of one request to standard error.

    Past the logging module, whose way costs a request ten times as much; nothing in the line needs masking.
    """
    moment, request_id = now.isoformat(timespec="milliseconds").replace("+00:00", "Z"), current_request_id.get()
    if as_json:
        facts = {"time": moment, "level": "INFO", "logger": "access", "message": f"{method} {route} {status}"}
        line = orjson.dumps(
            {**facts, "request_id": request_id, "ms": ms, "status": status}, option=orjson.OPT_APPEND_NEWLINE
        )
    else:
        line = f"{moment} INFO    access {method} {route} {status} {ms} ms [{request_id}]\n".encode()
    os.write(2, line)
