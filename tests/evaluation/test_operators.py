"""The table of comparisons."""

from decimal import Decimal
from typing import Any

import pytest

from offers.evaluation import operators
from offers.evaluation.context import Context
from offers.evaluation.operators import BadCondition
from tests.evaluation.builders import NOW

CONTEXT = Context(redeemables=(), now=NOW, time_zone="Europe/Berlin")  # 2026-03-04T13:00 there


def holds(operator: str, operand: Any, actual: Any) -> bool:
    return operators.compile_all({operator: operand}, "any")(actual, CONTEXT)


TABLE: list[tuple[str, Any, Any, bool]] = [
    ("$is", ["gold"], "gold", True),
    ("$is", "gold", "gold", True),
    ("$is", ["gold", "silver"], "silver", True),
    ("$is", ["gold"], "Gold", False),
    ("$is", ["gold"], None, False),
    ("$is", ["gold"], ["silver", "gold"], True),
    ("$is", [5], 5, True),
    ("$is", [5], Decimal("5.0"), True),
    ("$is", ["5"], 5, True),
    ("$is", [5], "5", True),
    ("$is", ["05"], 5, False),
    ("$is", [1], True, False),
    ("$is", [True], True, True),
    ("$is", ["true"], True, True),
    ("$is", [True], "true", True),
    ("$is", [False], True, False),
    ("$is", [None], None, True),
    ("$is", [{"id": "seg_1"}], "seg_1", True),
    ("$is_not", ["gold"], "silver", True),
    ("$is_not", ["gold"], None, True),
    ("$is_not", ["gold"], ["silver", "gold"], False),
    ("$in", ["a", "b"], "b", True),
    ("$not_in", ["a", "b"], "b", False),
    ("$not_in", ["a", "b"], "c", True),
    ("$more_than", [10], 10, False),
    ("$more_than", [10], 11, True),
    ("$more_than", 10, "10.5", True),
    ("$greater_than", 10, 11, True),
    ("$more_than", ["10"], 11, True),
    ("$more_than_or_equal", [10], 10, True),
    ("$greater_than_or_equal", [10], 9, False),
    ("$more_than_equal", [10], 10, True),
    ("$less_than", [10], 9, True),
    ("$less_than", [10], 10, False),
    ("$less_than_or_equal", [10], 10, True),
    ("$less_than_equal", [Decimal("9.5")], 10, False),
    ("$less_than", [10], None, False),
    ("$less_than", [10], "many", False),
    ("$less_than", [10], True, False),
    ("$starts_with", ["ab", "xy"], "xyz", True),
    ("$starts_with", ["ab"], "cab", False),
    ("$ends_with", ["bc"], "abc", True),
    ("$ends_with", ["bc"], None, False),
    ("$contains", ["b"], "abc", True),
    ("$contains", ["b"], ["b", "c"], True),
    ("$contains", ["b"], ["abc"], False),
    ("$not_contain", ["b"], "abc", False),
    ("$not_contain", ["b"], None, True),
    ("$not_contains", ["b"], ["a"], True),
    ("$has_value", [True], "x", True),
    ("$has_value", [], 0, True),
    ("$has_value", True, None, False),
    ("$has_value", True, "", False),
    ("$is_unknown", [True], None, True),
    ("$is_unknown", [True], "x", False),
    ("$has_value", [False], None, True),
    ("$count", [2], ["a", "b"], True),
    ("$count", [1], "a", True),
    ("$count_more", [1], ["a", "b"], True),
    ("$count_less", [1], None, True),
    ("$after", ["2026-01-01"], "2026-01-02", True),
    ("$after", ["2026-01-01T00:00:00Z"], "2026-01-01T00:30:00+01:00", False),
    ("$after", ["2026-01-01T00:00:00+01:00"], "2026-01-01", False),
    ("$before", ["2026-01-01"], "2025-12-31T22:59:59Z", True),
    ("$before", ["2026-01-01"], "no date", False),
    ("$is_days_ago", [1], "0001-01-01T00:00:00+14:00", False),
    ("$more_than_ago", [3], "2026-03-01T11:59:59Z", True),
    ("$more_than_ago", ["P3D"], "2026-03-01T12:00:01Z", False),
    ("$less_than_ago", ["PT2H"], "2026-03-04T10:30:00Z", True),
    ("$less_than_ago", ["PT2H"], "2026-03-04T12:30:00Z", False),
    ("$more_than_future", ["P1D"], "2026-03-05T12:00:01Z", True),
    ("$less_than_future", ["P1D"], "2026-03-05T11:59:59Z", True),
    ("$less_than_future", ["P1D"], "2026-03-04T11:59:59Z", False),
    ("$is_days_ago", [1], "2026-03-03", True),
    ("$is_days_ago", [1], "2026-03-03T23:30:00Z", False),  # already the 4th in the zone
    ("$is_days_in_future", [2], "2026-03-06T22:59:00Z", True),
    ("$is_days_in_future", [2], "2026-03-06T23:00:00Z", False),
]


@pytest.mark.parametrize(("operator", "operand", "actual", "expected"), TABLE)
def test_the_table(operator: str, operand: Any, actual: Any, expected: bool) -> None:
    assert holds(operator, operand, actual) is expected


def test_every_operator_is_in_the_table() -> None:
    tried = {row[0] for row in TABLE}
    assert set().union(*operators.ALLOWED.values()) | set(operators.ALIASES) <= tried


def test_a_float_from_json_is_taken_by_its_spelling() -> None:
    assert holds("$is", [0.1], Decimal("0.1"))
    assert holds("$more_than", [0.1], 0.2)
    assert not holds("$more_than", [1], Decimal("NaN"))


def test_all_operators_of_a_condition_must_agree() -> None:
    between = operators.compile_all({"$more_than": [5], "$less_than": [10]}, "number")
    assert [between(value, CONTEXT) for value in (5, 6, 9, 10)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("conditions", "kind"),
    [
        ({}, "any"),
        ({"$resembles": ["x"]}, "any"),
        ({"$in_location": ["loc_1"]}, "any"),
        ({"$starts_with": ["x"]}, "number"),
        ({"$more_than": ["x"]}, "number"),
        ({"$more_than": []}, "number"),
        ({"$count": ["x"]}, "any"),
        ({"$after": ["x"]}, "any"),
        ({"$more_than_ago": ["x"]}, "any"),
        ({"$is_days_ago": ["x"]}, "any"),
        ({"$is_days_ago": [10**12]}, "any"),
        ({"$more_than_ago": [10**12]}, "any"),
        ({"$more_than": [Decimal("1E+999999")]}, "any"),
        ({"$more_than": ["9" * 5000]}, "any"),
        ({"$more_than": [1]}, "flag"),
    ],
)
def test_what_makes_no_sense_is_refused(conditions: dict[str, Any], kind: Any) -> None:
    with pytest.raises(BadCondition):
        operators.compile_all(conditions, kind)


@pytest.mark.parametrize(
    ("conditions", "bound"),
    [
        ({"$less_than_or_equal": [3]}, 3),
        ({"$less_than_equal": 3}, 3),
        ({"$less_than": [3]}, 2),
        ({"$less_than": [Decimal("2.5")]}, 2),
        ({"$less_than_or_equal": [Decimal("2.5")]}, 2),
        ({"$is": [1]}, 1),
        ({"$in": [1, 4]}, 4),
        ({"$less_than": [9], "$less_than_or_equal": [4]}, 4),
        ({"$more_than": [3]}, None),
        ({"$is_not": [3]}, None),
    ],
)
def test_upper_bounds(conditions: dict[str, Any], bound: int | None) -> None:
    assert operators.bound(conditions) == bound


@pytest.mark.parametrize(
    ("conditions", "actual", "change"),
    [
        ({"$more_than_or_equal": [1000]}, 200, {"missing": 800}),
        ({"$more_than": [1000]}, 1000, {"missing": 1}),
        ({"$more_than": [Decimal("1000.5")]}, 1000, {"missing": 1}),
        ({"$less_than_or_equal": [10]}, 15, {"excess": 5}),
        ({"$less_than": [10]}, 10, {"excess": 1}),
        ({"$more_than": [5], "$less_than": [10]}, 12, {"excess": 3}),
        ({"$more_than_or_equal": [5], "$less_than_or_equal": [10]}, 12, {"excess": 2}),
        ({"$less_than": [10], "$more_than_or_equal": [5]}, 3, {"missing": 2}),
        ({"$is": [10]}, 12, None),
        ({"$more_than": [10]}, None, None),
    ],
)
def test_the_smallest_change_that_would_do(conditions: dict[str, Any], actual: Any, change: Any) -> None:
    found = operators.distance(conditions, actual)
    assert found == change
    if found:
        repaired = actual + found.get("missing", 0) - found.get("excess", 0)
        assert operators.compile_all(conditions, "number")(repaired, CONTEXT)
