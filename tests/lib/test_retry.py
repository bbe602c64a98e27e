"""Repeating a write: only what the database rolled back by itself, only in autocommit, only so often."""

from collections.abc import Callable

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from offers.lib.retry import retrying


def failing(times: int, cause: Exception | None, effect: type[Exception] = OperationalError) -> Callable[[], int]:
    """A write that fails so often and then says how often it was called."""
    calls = 0

    def write() -> int:
        nonlocal calls
        calls += 1
        if calls <= times:
            raise effect("failed") from cause
        return calls

    return write


@pytest.mark.django_db(transaction=True)
class TestInAutocommit:
    @pytest.mark.parametrize("cause", [psycopg.errors.DeadlockDetected(), psycopg.errors.SerializationFailure()])
    def test_what_was_rolled_back_is_repeated(self, cause: Exception) -> None:
        assert retrying(failing(2, cause)) == 3

    def test_no_more_often_than_said(self) -> None:
        with pytest.raises(OperationalError):
            retrying(failing(2, psycopg.errors.DeadlockDetected()), attempts=2)

    def test_any_other_failure_is_raised_at_once(self) -> None:
        with pytest.raises(IntegrityError):
            retrying(failing(1, psycopg.errors.UniqueViolation(), IntegrityError))
        with pytest.raises(OperationalError):
            retrying(failing(1, psycopg.errors.QueryCanceled()))

    def test_after_a_lost_connection_the_next_call_has_a_new_one(self) -> None:
        with pytest.raises(OperationalError):
            retrying(cut_off)
        with connection.cursor() as cursor:
            cursor.execute("select 1")

    def test_after_a_lost_connection_it_is_repeated_if_twice_is_once(self) -> None:
        calls = 0

        def write() -> str:
            nonlocal calls
            calls += 1
            if calls == 1:
                cut_off()
            with connection.cursor() as cursor:
                cursor.execute("select 'written'")
                return str(cursor.fetchone()[0])

        assert retrying(write, again_after_loss=True) == "written"
        assert calls == 2


def cut_off() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(pg_backend_pid())")


@pytest.mark.django_db
def test_inside_a_transaction_the_first_failure_is_raised() -> None:
    with pytest.raises(OperationalError), transaction.atomic():
        retrying(failing(1, psycopg.errors.DeadlockDetected()))
