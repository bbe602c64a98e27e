"""Numbers, booleans and moments as tills and marketers write them."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from offers.lib import loose


@pytest.mark.parametrize(
    ("raw", "number"), [(".77", ".77"), ("10", "10"), ("-5.00", "-5"), (7, "7"), (2.5, "2.5"), (Decimal("1.10"), "1.1")]
)
def test_numbers_come_as_such_or_in_quotes(raw: object, number: str) -> None:
    assert loose.decimal(raw) == Decimal(number)


@pytest.mark.parametrize("raw", ["", "1,5", "NaN", "Infinity", "1e9", "abc", "1.234", None, True, [], 1e30, "٣"])
def test_other_numbers_are_refused(raw: object) -> None:
    with pytest.raises(ValueError):
        loose.decimal(raw)


@pytest.mark.parametrize(("raw", "value"), [(True, True), ("true", True), ("FALSE", False), (False, False)])
def test_booleans_may_be_words(raw: object, value: bool) -> None:
    assert loose.boolean(raw) is value


@pytest.mark.parametrize("raw", ["yes", "", 1, 0, None])
def test_other_booleans_are_refused(raw: object) -> None:
    with pytest.raises(ValueError):
        loose.boolean(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "2018-06-10 9:20:00.000",
        "2018-06-10T09:20:00Z",
        "2018-06-10T11:20+02:00",
        "2018-06-10 09:20:00.0000000",
        "2018-06-10T11:20:00+0200",
    ],
)
def test_moments_forgive_one_digit_hours_and_missing_zones(raw: str) -> None:
    assert loose.moment(raw) == datetime(2018, 6, 10, 9, 20, tzinfo=UTC)


def test_a_moment_without_a_zone_is_meant_in_the_given_one() -> None:
    assert loose.moment("2018-06-10", zone=ZoneInfo("Europe/Berlin")) == datetime(2018, 6, 9, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw", ["", "soon", "2018-02-30", "2018-06-10 25:00", "0001-01-01T00:00+14:00", 5, None, "2018-06-10T09:20+25:00"]
)
def test_other_moments_are_refused(raw: object) -> None:
    with pytest.raises(ValueError):
        loose.moment(raw)
