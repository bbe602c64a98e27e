"""Calls a database function of a hot address: one prepared statement on the connection at hand, little around it."""

from typing import Any

from django.db import connection


def call(statement: str, *arguments: Any) -> tuple[Any, ...] | None:
    """Run a statement and return its first row, as Django's cursor would at several times the cost in Python.

    Errors are Django's. Where statements are watched (tests, DEBUG) the ordinary cursor runs it, for them to see it.
    """
    if connection.execute_wrappers or connection.queries_logged:
        with connection.cursor() as cursor:
            cursor.execute(statement, arguments)
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row
    if connection.connection is None:
        connection.connect()
    with connection.wrap_database_errors:
        found: tuple[Any, ...] | None = connection.connection.execute(statement, arguments, prepare=True).fetchone()
    return found
