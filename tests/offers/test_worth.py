"""Discounts and gift amounts: checked strictly, stored in one form."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers import worth
from offers.lib.errors import InvalidPayload

PERCENT = {"type": "PERCENT", "percent_off": 12.5}
AMOUNT = {"type": "AMOUNT", "amount_off": 500}
UNIT = {"unit_off": 2, "unit_type": "prod_1", "effect": "ADD_NEW_ITEMS"}
MANY = {"type": "UNIT", "effect": "ADD_MANY_ITEMS"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "percent_off", "units", "effect"]), inner),
)


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        (PERCENT, PERCENT),
        ({"type": "PERCENT", "percent_off": 10.0}, {"type": "PERCENT", "percent_off": 10}),
        (PERCENT | {"amount_limit": 600.0}, PERCENT | {"amount_limit": 600}),
        (AMOUNT | {"effect": "APPLY_TO_ITEMS"}, AMOUNT | {"effect": "APPLY_TO_ITEMS"}),
        (AMOUNT | {"hack": 1, "is_dynamic": False}, AMOUNT),
        ({"type": "FIXED", "fixed_amount": 0}, {"type": "FIXED", "fixed_amount": 0}),
        (UNIT | {"type": "UNIT"}, UNIT | {"type": "UNIT"}),
        (MANY | {"units": [{"unit_off": 2, "unit_type": "prod_1"}]}, MANY | {"units": [UNIT]}),
    ],
)
def test_discount_is_stored_in_one_form(raw: dict[str, Any], stored: dict[str, Any]) -> None:
    checked = worth.discount(raw)
    assert checked == stored
    assert all(type(checked[name]) is type(stored[name]) for name in stored)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (None, ".discount"),
        ([], ".discount"),
        ({}, ".discount.type"),
        ({"type": "FREE"}, ".discount.type"),
        ({"type": []}, ".discount.type"),
        ({"type": "PERCENT"}, ".discount"),
        ({"type": "PERCENT", "percent_off": 100.1}, ".discount.percent_off"),
        ({"type": "PERCENT", "percent_off": -1}, ".discount.percent_off"),
        ({"type": "PERCENT", "percent_off": "10"}, ".discount.percent_off"),
        ({"type": "PERCENT", "percent_off": True}, ".discount.percent_off"),
        ({"type": "PERCENT", "percent_off": float("nan")}, ".discount.percent_off"),
        ({"type": "PERCENT", "percent_off": 0.0000001}, ".discount.percent_off"),
        ({"type": "PERCENT", "percent_off": 10, "effect": "ADD_NEW_ITEMS"}, ".discount.effect"),
        ({"type": "PERCENT", "percent_off": 10, "effect": {}}, ".discount.effect"),
        ({"type": "PERCENT", "percent_off": 10, "amount_limit": -1}, ".discount.amount_limit"),
        ({"type": "AMOUNT", "amount_off": 2**63}, ".discount.amount_off"),
        ({"type": "AMOUNT", "amount_off": 10.5}, ".discount.amount_off"),
        ({"type": "AMOUNT", "amount_off": 1e300}, ".discount.amount_off"),
        ({"type": "AMOUNT", "amount_off": 5, "amount_off_formula": "X"}, ".discount.amount_off_formula"),
        ({"type": "UNIT", "unit_off": 1}, ".discount"),
        ({"type": "UNIT", "unit_type": "prod_1"}, ".discount"),
        (MANY, ".discount.units"),
        (MANY | {"units": [7]}, ".discount.units[0]"),
    ],
)
def test_bad_discount_is_refused_by_its_field(raw: object, path: str) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        worth.discount(raw)
    assert f"Property {path} " in refusal.value.message


@given(JSON)
def test_any_discount_is_checked_or_refused(raw: object) -> None:
    try:
        worth.discount(raw)
    except InvalidPayload:
        return


@given(st.decimals(0, 100, places=4))
def test_a_percentage_survives_storing(value: Any) -> None:
    assert str(worth.percent(value, ".x")) == (format(value.normalize(), "f"))


def test_gift_needs_an_amount() -> None:
    assert worth.gift({"amount": 1000.0}) == (1000, "APPLY_TO_ORDER")
    with pytest.raises(InvalidPayload):
        worth.gift({})
    with pytest.raises(InvalidPayload):
        worth.gift({"amount": 5, "effect": "APPLY"})
