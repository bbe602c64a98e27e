"""Whatever JSON a client stores as a rule: it is refused by name, or it can be tested and explained."""

import contextlib
import json
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from offers.evaluation import operators, rules
from offers.evaluation.context import Context, Customer, Line, Order, Redeemable
from offers.evaluation.engine import evaluate
from offers.evaluation.facts import FACTS
from offers.evaluation.items import LINE_FACTS, QUANTIFIERS
from offers.evaluation.rules import CompiledRule, InvalidRule
from tests.evaluation.builders import NOW, percent_off

ANY_OPERATOR = sorted({*operators.ALIASES, *set().union(*operators.ALLOWED.values()), "$in_location", ""})
ANY_NAME = sorted({*FACTS, *LINE_FACTS, *QUANTIFIERS})
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["prod_a", "sku_1", "P1D", "2026-01-01", "5", "0001-01-01T00:00:00+14:00", "P99999999Y"]),
)
anything: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from(["id", "object", "logic", "1"]), inner, max_size=3)
    ),
    max_leaves=6,
)
targets = st.fixed_dictionaries(
    {"id": st.sampled_from(["prod_a", "sku_1"]) | anything},
    optional=dict.fromkeys(("object", "effect", "price", "repeat", "quantity_limit", "strict", "source_id"), anything),
)
plausible = st.sampled_from([1, 5, Decimal("2.5"), "5", "x", True, None, "prod_a", "P1D", "2026-01-01"])


def conditions(name: str) -> st.SearchStrategy[Any]:
    """Operators that fit the name, with operands that may; now and then nonsense."""
    operands: st.SearchStrategy[Any] = st.lists(plausible | scalars, min_size=1, max_size=2)
    if name in QUANTIFIERS:
        fitting = st.sampled_from(["$is", "$in", "$from", "$is_not"])
        operands = st.lists(st.just({"id": "prod_a", "object": "product"}) | targets, min_size=1, max_size=2)
    else:
        fact = FACTS.get(name)
        fitting = st.sampled_from(sorted(operators.ALLOWED[fact.kind if fact else LINE_FACTS[name].kind]))
    likely = st.dictionaries(fitting, operands | plausible, min_size=1, max_size=1)
    return st.one_of(likely, likely, likely, st.dictionaries(st.sampled_from(ANY_OPERATOR), anything, max_size=2))


def entries(names: list[str], below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def entry(name: str) -> st.SearchStrategy[Any]:
        sub_rules = below if name not in FACTS else st.just({})
        return st.fixed_dictionaries(
            {"name": st.just(name), "conditions": conditions(name), "property": st.just("p"), "rules": sub_rules},
            optional={"error": anything},
        )

    return st.sampled_from(names).flatmap(entry)


def trees(entry: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    one = st.fixed_dictionaries({"1": entry}, optional={"logic": st.sampled_from(["", "1", "not 1"])})
    two = st.fixed_dictionaries(
        {"1": entry, "2": entry, "logic": st.sampled_from(["1 and 2", "1 or 2", "not 1 or 2", "(2)"])}
    )
    return st.one_of(one, one, two, st.just({}))


line_rules = trees(entries(sorted(LINE_FACTS), st.just({})))
definitions = st.fixed_dictionaries(
    {"id": st.just("val_1"), "rules": st.one_of(*[trees(entries(ANY_NAME, line_rules))] * 4, anything)},
    optional={
        "applicable_to": st.fixed_dictionaries(
            {}, optional={"included": st.lists(targets, max_size=2), "excluded": anything, "included_all": anything}
        ),
        "error": anything,
    },
)


def compiled(definition: Any) -> CompiledRule | None:
    with contextlib.suppress(InvalidRule):
        return rules.compile(definition)
    return None


@settings(max_examples=300, deadline=None)
@given(definitions, anything, st.booleans())
def test_any_definition_is_refused_by_name_or_works(definition: Any, value: Any, explain: bool) -> None:
    rule = compiled(definition)
    if rule is None:
        return
    line = Line(index=0, price=100, product_id="prod_a", metadata={"p": value}, product_metadata={"p": value})
    outcome = evaluate(
        Context(
            redeemables=(Redeemable(id="A", discount=percent_off(10), rules=(rule,)),),
            now=NOW,
            order=Order(items=(line,), metadata={"p": value}),
            customer=Customer(id="c", metadata={"p": value}, segments=frozenset({"seg_1"})),
            metadata={"p": value},
            explain=explain,
        )
    )
    for check in outcome.verdicts[0].trace:
        json.dumps([check.needed, check.actual, check.hint])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ANY_OPERATOR), anything, anything)
def test_any_operand_and_value_compare(operator: str, operand: Any, value: Any) -> None:
    context = Context(redeemables=(), now=NOW)
    try:
        compare = operators.compile_one(operator, operand, "any")
    except operators.BadCondition:
        return
    assert compare(value, context) in (True, False)
    operators.distance({operator: operand}, value)
    bound = operators.bound({operator: operand})
    assert bound is None or isinstance(bound, int)


def test_a_number_that_is_none_is_no_bound() -> None:
    assert operators.bound({"$less_than": [Decimal("NaN")]}) is None
