"""A call past Django's cursor answers and fails as Django's cursor would."""

from datetime import UTC, datetime

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from offers.lib.calls import call

# Inside a test's own transaction the ordinary cursor would run everything.
pytestmark = pytest.mark.django_db(transaction=True)


def test_it_answers_texts_numbers_truths_and_nothing() -> None:
    statement = "SELECT %s::text, %s::bigint, %s::int = 1, NULL::text"
    for _ in range(2):  # prepared, then known
        assert call(statement, "é", 2**40, 1) == ("é", 2**40, True, None)
    assert call("SELECT 1 WHERE false") is None
    assert call("SELECT %s::text IS NULL", None) == (True,)


def test_moments_arrive_as_they_are() -> None:
    moment = datetime(2026, 11, 27, 9, 30, 0, 5, tzinfo=UTC)
    assert call("SELECT %s::timestamptz = '2026-11-27 09:30:00.000005+00'", moment) == (True,)


def test_lists_arrive_as_arrays_whatever_their_texts_hold() -> None:
    texts = ["", "plain", 'a"b', "a\\b", "{a,b}", " NULL", "NULL", "é\n"]
    assert call("SELECT %s::text[] = ARRAY[%s, %s, %s, %s, %s, %s, %s, %s]", texts, *texts) == (True,)
    assert call("SELECT cardinality(%s::text[]), (%s::bigint[])[2]", [], [2**40, 7]) == (0, 7)


def test_a_text_with_the_character_that_ends_texts_is_refused_instead_of_cut() -> None:
    values: tuple[str | list[str], ...] = ("a\0b", ["a\0b"])
    for value in values:
        with pytest.raises(DataError):
            call("SELECT %s::text", value)


def test_errors_are_djangos_and_the_connection_goes_on() -> None:
    with pytest.raises(DataError):
        call("SELECT %s::int", "many")
    with pytest.raises(IntegrityError):
        call("INSERT INTO offers_retailerversion (retailer_id, number) VALUES (NULL, 1) RETURNING number")
    assert call("SELECT 1") == (1,)


def test_a_lost_connection_is_an_operational_error_and_the_next_call_gets_a_new_one() -> None:
    assert call("SELECT 7") == (7,)
    with pytest.raises(OperationalError):
        call("SELECT pg_terminate_backend(pg_backend_pid())")
    connection.close()
    assert call("SELECT 7") == (7,)


def test_in_a_transaction_it_belongs_to_it() -> None:
    with transaction.atomic():
        call("SELECT set_config('test.calls', 'in', true)")
        assert call("SELECT current_setting('test.calls')") == ("in",)
    assert call("SELECT current_setting('test.calls')") == ("",)


@pytest.mark.django_db(transaction=True)
def test_a_statement_the_server_was_told_to_forget_is_made_ready_again() -> None:
    statement = "SELECT %s::int + 1"
    assert call(statement, 1) == (2,)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")  # as the driver says by itself behind a ROLLBACK
    assert call(statement, 2) == (3,)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError
    assert call(statement, 3) == (4,)


def test_one_made_ready_after_the_server_forgot_the_others_stands_in_nobodys_way() -> None:
    """As the first release of a process is, when it comes behind a roll-back."""
    often, once = "SELECT %s::int + 2", "SELECT %s::int + 3"
    connection.close()  # nothing is ready
    assert call(often, 1) == (3,)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    for number in range(2):
        assert call(once, number) == (3 + number,)
        assert call(often, number) == (2 + number,)
