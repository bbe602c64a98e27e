"""Calls a database function of a hot address: one prepared statement on the connection at hand, little around it."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import errors, pq

Row = tuple[Any, ...]
Value = str | int | float | datetime | list[str] | list[int] | None

FORGOTTEN = b"26000"  # invalid_sql_statement_name
# The names of the statements each connection has prepared; they end with it. None is given twice: one that was made
# ready after the server forgot the others is still there when these are made ready again.
_prepared: WeakKeyDictionary[Any, dict[str, bytes]] = WeakKeyDictionary()
_numbers = count()


def call(statement: str, *arguments: Value) -> Row | None:
    """Run a statement and return its first row, as Django's cursor would at several times the cost in Python.

    Errors are Django's. A list goes as an array; answers are texts, whole numbers and booleans. Where statements are
    watched (tests, DEBUG) and inside a transaction that has to be begun, the ordinary cursor runs it.
    """
    here = connections[DEFAULT_DB_ALIAS]
    if here.execute_wrappers or here.queries_logged:
        with here.cursor() as cursor:
            cursor.execute(statement, arguments)
            row: Row | None = cursor.fetchone()
            return row
    if here.connection is None:
        here.connect()
    line: psycopg.Connection[Any] = here.connection
    with here.wrap_database_errors:
        if not line.autocommit:
            found: Row | None = line.execute(statement, arguments, prepare=True).fetchone()
            return found
        return _straight(line, statement, arguments)


def _straight(line: psycopg.Connection[Any], statement: str, arguments: tuple[Value, ...]) -> Row | None:
    """Ask the driver's own library: no cursor, no look-up of types, no loop that waits for the socket."""
    known = _prepared.get(line)
    if known is None:
        known = _prepared[line] = {}
    values: list[Any] = [
        value.encode() if isinstance(value, str) else None if value is None else _text(value) for value in arguments
    ]
    if b"\0" in b"".join(filter(None, values)):
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    result = line.pgconn.exec_prepared(_named(line, known, statement), values)
    if result.status != pq.ExecStatus.TUPLES_OK and result.error_field(pq.DiagnosticField.SQLSTATE) == FORGOTTEN:
        # Nothing ran. The driver had the server forget every statement, ours too, as it does behind a ROLLBACK.
        known.clear()
        result = line.pgconn.exec_prepared(_named(line, known, statement), values)
    if result.status != pq.ExecStatus.TUPLES_OK:
        _check(line, result, pq.ExecStatus.TUPLES_OK)
    if not result.ntuples:
        return None
    row: list[Any] = []
    for column in range(result.nfields):
        value = result.get_value(0, column)
        row.append(None if value is None else _READERS.get(result.ftype(column), bytes.decode)(value))
    return tuple(row)


def _named(line: psycopg.Connection[Any], known: dict[str, bytes], statement: str) -> bytes:
    """Return the name under which the connection has the statement ready."""
    name = known.get(statement)
    if name is None:
        name = f"offerkeep_{next(_numbers)}".encode()
        _check(line, line.pgconn.prepare(name, _numbered(statement)), pq.ExecStatus.COMMAND_OK)
        known[statement] = name
    return name


def _check(line: psycopg.Connection[Any], result: Any, expected: pq.ExecStatus) -> None:
    if result.status == expected:
        return
    if line.pgconn.status != pq.ConnStatus.OK:
        raise psycopg.OperationalError(result.get_error_message())
    raise errors.error_from_result(result)


@cache
def _numbered(statement: str) -> bytes:
    """Return the statement with PostgreSQL's own placeholders."""
    first, *parts = statement.split("%s")
    return (first + "".join(f"${number}{part}" for number, part in enumerate(parts, 1))).encode()


def _text(value: int | float | datetime | list[str] | list[int]) -> bytes:
    if isinstance(value, list):
        return ("{" + ",".join([f'"{_ESCAPED.sub(_escape, str(one))}"' for one in value]) + "}").encode()
    return (value.isoformat() if isinstance(value, datetime) else str(value)).encode()


# What has a meaning within the quotes of an array.
_ESCAPED = re.compile(r'["\\]')


def _escape(found: re.Match[str]) -> str:
    return f"\\{found[0]}"


def _truth(value: bytes) -> bool:
    return value == b"t"


# By the type's number in PostgreSQL: boolean, and the whole numbers.
_READERS: dict[int, Callable[[bytes], Any]] = {16: _truth, 20: int, 21: int, 23: int}
