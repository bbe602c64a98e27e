"""What tills send as text or number is read exactly, or refused by its place."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from checkout.api.sessionm import scalars


@pytest.mark.parametrize(
    ("value", "cents"),
    [(".77", 77), ("10", 1000), ("-5.00", -500), (Decimal("2703.25"), 270325), (11, 1100), ("+1.5", 150), ("3.", 300)],
)
def test_o77_amounts_come_as_text_or_number(value: Any, cents: int) -> None:
    assert scalars.amount(value, "x", "USD") == cents


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1,5",
        "NaN",
        "Infinity",
        "1e9999",
        "abc",
        ".",
        "-",
        "1.234",
        True,
        None,
        [],
        {},
        "٣",
        " 1",
        "9" * 40,
        Decimal("1E+9999"),
        Decimal("1E-9999"),
        Decimal("NaN"),
        10**400,
        Decimal("0.001"),
    ],
)
def test_o77_what_is_no_amount_is_refused_by_its_place(value: Any) -> None:
    with pytest.raises(scalars.ArgumentError) as refused:
        scalars.amount(value, "items[3].subtotal", "USD")
    assert refused.value.data["details"][0]["field"] == "items[3].subtotal"


def test_money_has_the_places_of_its_currency() -> None:
    assert scalars.amount("500", "x", "JPY") == 500
    assert scalars.amount("500.00", "x", "JPY") == 500
    assert scalars.amount("1.234", "x", "KWD") == 1234
    with pytest.raises(scalars.ArgumentError):
        scalars.amount("1.5", "x", "JPY")


def test_quantities_may_have_four_places() -> None:
    assert scalars.decimal("0.1234", "x", places=4) == Decimal("0.1234")


@pytest.mark.parametrize(("value", "expected"), [(True, True), ("TRUE", True), ("false", False), (False, False)])
def test_booleans_come_as_words_too(value: Any, expected: bool) -> None:
    assert scalars.boolean(value, "x") is expected


@pytest.mark.parametrize("value", ["", "1", 1, 0, "yes", None])
def test_nothing_else_is_a_boolean(value: Any) -> None:
    with pytest.raises(scalars.ArgumentError):
        scalars.boolean(value, "x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-03-01 00:00:00.0", datetime(2018, 3, 1, tzinfo=UTC)),
        ("2018-06-10 9:20:00.000", datetime(2018, 6, 10, 9, 20, tzinfo=UTC)),
        ("2018-09-04T19:47:28.3475814Z", datetime(2018, 9, 4, 19, 47, 28, 347581, tzinfo=UTC)),
        ("2018-09-04T19:47:28+02:00", datetime(2018, 9, 4, 17, 47, 28, tzinfo=UTC)),
        ("2018-09-04", datetime(2018, 9, 4, tzinfo=UTC)),
    ],
)
def test_o76_times_in_every_spelling_of_the_samples(text: str, expected: datetime) -> None:
    assert scalars.moment(text, "x") == expected


def test_a_time_without_a_zone_is_meant_where_the_till_stands() -> None:
    found = scalars.moment("2018-06-10 9:20:00.000", "x", ZoneInfo("America/New_York"))
    assert found == datetime(2018, 6, 10, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize("value", ["", "yesterday", "2018-13-01", "2018-02-30 1:00:00", "2018-01-01 25:00:00", 5, None])
def test_no_time_is_refused(value: Any) -> None:
    with pytest.raises(scalars.ArgumentError):
        scalars.moment(value, "x")


def test_moments_are_answered_with_z() -> None:
    assert scalars.stamp(datetime(2018, 3, 1, tzinfo=UTC)) == "2018-03-01T00:00:00Z"
    assert scalars.stamp(None) is None


def test_uuids_compare_in_any_case() -> None:
    text = "2D5B5A08-BECD-4837-A69A-2AB967C7773A"
    assert str(scalars.uuid(text, "x")) == text.lower()
    with pytest.raises(scalars.ArgumentError):
        scalars.uuid("2D5B5A08-BECD-4837-A69A-2AB967C17773A", "x")


def test_missing_absent_null_and_empty_are_alike() -> None:
    for body in ({}, {"a": None}, {"a": ""}):
        with pytest.raises(scalars.MissingData, match="a is required"):
            scalars.needed(body, "a")


def test_what_is_stored_keeps_exact_numbers_as_their_text() -> None:
    assert scalars.storable({"a": [Decimal("1.10"), 2, 10**30]}) == {"a": ["1.10", 2, str(10**30)]}
