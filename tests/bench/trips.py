"""Counts the round trips that a piece of code makes to the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


class Trips:
    """Statements sent, and the BEGIN and COMMIT of a transaction around them."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.in_transaction = False

    def __len__(self) -> int:
        return len(self.statements) + 2 * self.in_transaction

    def note(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.statements.append(sql)
        self.in_transaction |= context["connection"].in_atomic_block
        return execute(sql, params, many, context)


@contextmanager
def counted() -> Iterator[Trips]:
    """Count what is sent through this thread's connection inside the block."""
    trips = Trips()
    with connection.execute_wrapper(trips.note):
        yield trips
