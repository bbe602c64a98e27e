"""The logic of a rule."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers.evaluation import logic

KEYS = ("1", "2", "3")


def truths(text: str) -> list[bool]:
    node = logic.parse(text, KEYS)
    assert node is not None
    return [
        logic.holds(node, dict(zip(KEYS, values, strict=True)).__getitem__)
        for values in itertools.product((False, True), repeat=3)
    ]


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("1", "1"),
        ("(1 and 2) or 3", "(1 and 2) or 3"),
        ("1 and 2 or 3", "(1 and 2) or 3"),
        ("3 or 1 and 2", "3 or (1 and 2)"),
        ("1 AND (2 Or 3)", "1 and (2 or 3)"),
        ("not 1 and 2", "(not 1) and 2"),
        ("NOT (1 and 2)", "not (1 and 2)"),
        ("((1))", "1"),
        ("(1)and(2)", "1 and 2"),
        ("1 && 2 || 3", "(1 and 2) or 3"),
    ],
)
def test_precedence_case_and_parentheses(text: str, same_as: str) -> None:
    python = [
        bool(eval(same_as.replace("1", "a").replace("2", "b").replace("3", "c"), {"a": a, "b": b, "c": c}))
        for a, b, c in itertools.product((False, True), repeat=3)
    ]
    assert truths(text) == python


def test_empty_logic_is_no_condition() -> None:
    assert logic.parse("  ", KEYS) is None


@pytest.mark.parametrize("text", ["4", "1 and", "and 1", "(1", "1)", "1 2", "not", "()", "1 or or 2", "(" * 200 + "1"])
def test_bad_logic_is_refused(text: str) -> None:
    with pytest.raises(logic.BadLogic):
        logic.parse(text, KEYS)


@pytest.mark.parametrize(
    ("text", "certain"),
    [
        ("1", "1"),
        ("1 and 2", "12"),
        ("1 or 2", ""),
        ("1 and (2 or 3)", "1"),
        ("(1 and 2) and 3", "123"),
        ("not 1 and 2", "2"),
    ],
)
def test_what_must_hold_whenever_the_rule_does(text: str, certain: str) -> None:
    node = logic.parse(text, KEYS)
    assert node is not None
    assert "".join(logic.certain(node)) == certain


expressions = st.recursive(
    st.sampled_from(KEYS),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda text: f"not {text}"),
    ),
    max_leaves=8,
)


@given(expressions, st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_the_blamed_condition_is_really_not_as_wanted(text: str, values: tuple[bool, bool, bool]) -> None:
    node = logic.parse(text, KEYS)
    assert node is not None
    truth = dict(zip(KEYS, values, strict=True)).__getitem__
    if not logic.holds(node, truth):
        key, wanted = logic.blame(node, truth)
        assert truth(key) is not wanted


@given(expressions, st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_what_is_certain_holds_with_the_expression(text: str, values: tuple[bool, bool, bool]) -> None:
    node = logic.parse(text, KEYS)
    assert node is not None
    truth = dict(zip(KEYS, values, strict=True)).__getitem__
    if logic.holds(node, truth):
        assert all(truth(key) for key in logic.certain(node))
