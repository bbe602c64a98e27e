"""Whole minor units: rounding, percentages and splits lose and invent nothing."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers.lib import money

amounts = st.integers(min_value=0, max_value=10**12)
percents = st.decimals(min_value=0, max_value=100, places=4, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("currency", "places"), [("EUR", 2), ("usd", 2), ("JPY", 0), ("KWD", 3), ("XPF", 0), ("ZZZ", 2)]
)
def test_a_currency_has_its_places(currency: str, places: int) -> None:
    assert money.exponent(currency) == places


def test_major_units_become_minor_units_and_back() -> None:
    assert money.to_minor("19.99", "EUR") == 1999
    assert money.to_minor("19.995", "EUR") == 2000
    assert money.to_minor(500, "JPY") == 500
    assert money.to_major(1999, "EUR") == Decimal("19.99")
    assert str(money.to_major(1500, "KWD")) == "1.500"


@given(amounts, st.sampled_from(["EUR", "JPY", "KWD"]))
def test_minor_units_survive_the_round_trip(minor: int, currency: str) -> None:
    assert money.to_minor(money.to_major(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"), [(5, 2, 3), (4, 3, 1), (-5, 2, -3), (0, 7, 0), (7, 7, 1), (1, 2, 1)]
)
def test_a_half_goes_away_from_zero(numerator: int, denominator: int, rounded: int) -> None:
    assert money.divide_half_up(numerator, denominator) == rounded
    assert money.round_half_up(Decimal(numerator) / Decimal(denominator)) == rounded


@pytest.mark.parametrize(
    ("amount", "percent", "part"),
    [
        (10000, Decimal("10"), 1000),
        (1, Decimal("50"), 1),
        (333, Decimal("33.3"), 111),
        (1050, Decimal("0.5"), 5),
        (99, 100, 99),
        (1015, Decimal("10"), 102),
        (1015, "10.0", 102),
    ],
)
def test_percent_rounds_half_up(amount: int, percent: Decimal | int | str, part: int) -> None:
    assert money.percent_of(amount, percent) == part


def test_percent_of_a_share_is_rounded_once() -> None:
    assert money.percent_of(100, 10, (1, 3)) == 3
    assert money.percent_of(100, 50, (1, 3)) == 17  # 16.67; a third rounded first would give 16.5


@given(amounts, percents)
def test_percent_is_exact_and_never_above_the_amount(amount: int, percent: Decimal) -> None:
    part = money.percent_of(amount, percent)
    assert 0 <= part <= amount
    numerator, denominator = percent.as_integer_ratio()
    assert abs(2 * (part * denominator * 100 - amount * numerator)) <= denominator * 100


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (300, [3300, 3400], [148, 152]),
        (1000, [2000, 4500, 6000], [160, 360, 480]),
        (1000, [2, 3, 3], [250, 375, 375]),
        (100, [1, 1, 1], [33, 33, 34]),
        (5, [0, 1], [0, 5]),
        (-100, [1, 1, 1], [-33, -33, -34]),
        (0, [], []),
        (0, [0, 0], [0, 0]),
    ],
)
def test_a_split_follows_the_largest_remainder(amount: int, weights: list[int], parts: list[int]) -> None:
    assert money.split(amount, weights) == parts


def test_nothing_to_split_over_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to split over"):
        money.split(1, [0, 0])


@given(amounts, st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=30))
def test_the_parts_sum_to_the_whole(amount: int, weights: list[int]) -> None:
    total = sum(weights)
    if not total:
        return
    parts = money.split(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert part >= 0
        assert abs(part * total - amount * weight) < total  # less than one unit off
        if amount <= total:
            assert part <= weight
