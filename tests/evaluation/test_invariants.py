"""What holds for every order and every stack of discounts: exact, never negative, never above the order."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from offers.evaluation.context import (
    CatalogueItem,
    Category,
    Context,
    Discount,
    Gift,
    Line,
    Order,
    Redeemable,
    StackingRules,
    UnitOff,
)
from offers.evaluation.engine import evaluate
from offers.evaluation.verdicts import Outcome
from tests.evaluation.builders import NOW, condition, rule, scoped

PRODUCTS = ["a", "b", "c"]
CATALOGUE = {f"prod_{name}": CatalogueItem(id=f"prod_{name}", kind="product", price=777) for name in [*PRODUCTS, "new"]}
money = st.integers(min_value=0, max_value=100_000)
small = st.integers(min_value=0, max_value=6)
maybe_money = st.none() | money

lines = st.lists(
    st.builds(
        Line,
        index=st.just(0),
        product_id=st.sampled_from([f"prod_{name}" for name in PRODUCTS]),
        price=money,
        quantity=st.integers(min_value=0, max_value=9),
        amount=st.none() | st.none() | money,
        discount_amount=st.just(0) | st.integers(min_value=0, max_value=2000),
    ),
    max_size=5,
).map(tuple)
orders = st.builds(Order, amount=maybe_money, items=lines, discount_amount=st.just(0) | money)
percents = st.decimals(min_value=0, max_value=100, places=2, allow_nan=False, allow_infinity=False)
on_items = ["APPLY_TO_ORDER", "APPLY_TO_ITEMS", None]
spreads = ["APPLY_TO_ITEMS_BY_QUANTITY", "APPLY_TO_ITEMS_PROPORTIONALLY", "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY"]
units = st.builds(
    UnitOff,
    unit_type=st.sampled_from(["prod_a", "prod_b", "prod_new", "prod_unknown"]),
    unit_off=small,
    effect=st.sampled_from(["ADD_NEW_ITEMS", "ADD_MISSING_ITEMS", "ADD_SAME_ITEMS"]),
)
discounts = st.one_of(
    st.builds(
        Discount,
        type=st.just("AMOUNT"),
        amount_off=money,
        effect=st.sampled_from(on_items + spreads),
        aggregated_amount_limit=maybe_money,
    ),
    st.builds(
        Discount,
        type=st.just("PERCENT"),
        percent_off=percents,
        effect=st.sampled_from(on_items),
        amount_limit=maybe_money,
        aggregated_amount_limit=maybe_money,
    ),
    st.builds(Discount, type=st.just("FIXED"), fixed_amount=money, effect=st.sampled_from(on_items)),
    st.builds(
        Discount,
        type=st.just("UNIT"),
        effect=st.just("ADD_MANY_ITEMS"),
        units=st.lists(units, min_size=1, max_size=3).map(tuple),
    ),
)
entry = st.fixed_dictionaries(
    {
        "object": st.just("product"),
        "id": st.sampled_from([f"prod_{name}" for name in PRODUCTS]),
        "effect": st.sampled_from(
            ["APPLY_TO_EVERY", "APPLY_TO_CHEAPEST", "APPLY_FROM_CHEAPEST", "APPLY_FROM_MOST_EXPENSIVE"]
        ),
    },
    optional={
        "quantity_limit": small,
        "aggregated_quantity_limit": small,
        "amount_limit": money,
        "aggregated_amount_limit": money,
        "skip_initially": small,
        "repeat": small,
        "target": st.sampled_from(["ITEM", "UNIT"]),
        "price": money,
    },
)
scopes = st.builds(
    lambda included, excluded, everything: scoped(*included, excluded=tuple(excluded), everything=everything),
    st.lists(entry, max_size=2),
    st.lists(entry, max_size=1),
    st.booleans(),
)
thresholds = money.map(lambda limit: rule(condition("order.amount", "$more_than", limit)))
late = money.map(lambda limit: rule(condition("order.total_amount", "$more_than", limit)))
rule_sets = st.lists(scopes | thresholds | late, max_size=2).map(tuple)
categories = st.sampled_from([(), (Category(id="never", hierarchy=2),), (Category(id="always", hierarchy=0),)])
vouchers = st.builds(
    Redeemable,
    id=st.text(alphabet="XYZ", min_size=1, max_size=3),
    discount=discounts,
    rules=rule_sets,
    categories=categories,
    active=st.sampled_from([True, True, True, True, False]),
)
cards = st.builds(
    Redeemable,
    id=st.just("GIFT"),
    kind=st.just("gift"),
    gift=st.builds(
        Gift, balance=money, credits=maybe_money, effect=st.sampled_from(["APPLY_TO_ORDER", "APPLY_TO_ITEMS"])
    ),
    rules=rule_sets,
    categories=categories,
)
stackings = st.builds(
    StackingRules,
    redeemables_application_mode=st.sampled_from(["ALL", "PARTIAL"]),
    redeemables_sorting_rule=st.sampled_from(["REQUESTED_ORDER", "CATEGORY_HIERARCHY"]),
    redeemables_products_application_mode=st.sampled_from(["STACK", "ONCE"]),
    redeemables_no_effect_rule=st.sampled_from(["REDEEM_ANYWAY", "SKIP"]),
    discount_calculation_mode=st.sampled_from(["DISCOUNTED_AMOUNT", "INITIAL_AMOUNT"]),
    exclusive_categories=st.sampled_from([frozenset(), frozenset({"never"})]),
    joint_categories=st.just(frozenset({"always"})),
    applicable_redeemables_limit=st.integers(min_value=1, max_value=5),
    applicable_exclusive_redeemables_limit=st.integers(min_value=1, max_value=3),
)
contexts: st.SearchStrategy[Context] = st.builds(
    Context,
    redeemables=st.lists(vouchers | cards, min_size=1, max_size=6).map(tuple),
    now=st.just(NOW),
    order=orders,
    stacking=stackings,
    catalogue=st.just(CATALOGUE),
    explain=st.booleans(),
)


def check_totals(totals: Any, lines_sent: int) -> None:
    assert totals.discount_amount >= 0
    assert totals.items_discount_amount >= 0
    assert totals.total_discount_amount == totals.discount_amount + totals.items_discount_amount
    assert 0 <= totals.total_amount == totals.amount - totals.total_discount_amount
    assert 0 <= totals.applied_discount_amount <= totals.discount_amount
    assert 0 <= totals.items_applied_discount_amount <= totals.items_discount_amount
    assert totals.items_applied_discount_amount == sum(item.applied_discount_amount for item in totals.items)
    if totals.items:
        assert totals.items_discount_amount == sum(item.discount_amount for item in totals.items)
    assert [item.index for item in totals.items] == list(range(len(totals.items)))
    assert [item.added for item in totals.items] == sorted(item.added for item in totals.items)
    assert sum(not item.added for item in totals.items) == lines_sent
    for item in totals.items:
        assert 0 <= item.applied_discount_amount <= item.discount_amount <= item.amount
        assert item.subtotal_amount >= 0
        assert 0 <= item.applied_discount_quantity <= item.discount_quantity
        assert item.quantity >= item.initial_quantity


@settings(max_examples=400, deadline=None)
@given(contexts)
def test_every_cent_is_accounted_for(context: Context) -> None:
    outcome = evaluate(context)
    assert context.order is not None
    sent = len(context.order.items)
    before = 0
    for verdict in outcome.verdicts:
        if verdict.order is None:
            assert verdict.discount_amount == verdict.credits == 0
            continue
        check_totals(verdict.order, sent)
        assert verdict.discount_amount == verdict.order.total_applied_discount_amount
        assert verdict.order.total_discount_amount >= before + verdict.discount_amount
        before = verdict.order.total_discount_amount
        assert verdict.credits <= verdict.discount_amount
        if verdict.redeemable.gift is not None:
            assert verdict.credits == verdict.discount_amount <= verdict.redeemable.gift.balance
    if outcome.order is not None:
        check_totals(outcome.order, sent)
        applied = sum(verdict.discount_amount for verdict in outcome.applicable)
        assert outcome.order.total_applied_discount_amount == applied


@settings(max_examples=200, deadline=None)
@given(contexts)
def test_modes_and_limits_hold(context: Context) -> None:
    outcome = evaluate(context)
    rules = context.stacking
    assert sorted(map(id, context.redeemables)) == sorted(id(verdict.redeemable) for verdict in outcome.verdicts)
    assert len(outcome.applicable) <= rules.applicable_redeemables_limit
    statuses = [verdict.status for verdict in outcome.verdicts]
    if rules.redeemables_application_mode == "ALL" and "INAPPLICABLE" in statuses:
        first = statuses.index("INAPPLICABLE")
        assert not outcome.valid
        assert outcome.order is None
        assert set(statuses[first + 1 :]) <= {"SKIPPED"}
    else:
        assert outcome.valid is ("APPLICABLE" in statuses)
    for verdict in outcome.verdicts:
        assert (verdict.reason is None) is (verdict.status == "APPLICABLE")


@settings(max_examples=100, deadline=None)
@given(contexts)
def test_the_same_facts_give_the_same_outcome(context: Context) -> None:
    def seen(outcome: Outcome) -> list[object]:
        return [
            outcome.valid,
            outcome.order,
            *((verdict.status, verdict.reason, verdict.order, verdict.trace) for verdict in outcome.verdicts),
        ]

    assert seen(evaluate(context)) == seen(evaluate(context))


@settings(max_examples=100, deadline=None)
@given(lines, money, st.sampled_from(spreads[1:]))
def test_a_proportional_split_spends_the_amount_to_the_last_cent(items: Any, amount: int, effect: str) -> None:
    fresh = tuple(Line(index=0, price=item.price, quantity=item.quantity) for item in items if item.quantity)
    if not fresh:
        return
    discount = Discount(type="AMOUNT", amount_off=amount, effect=effect)
    outcome = evaluate(Context(redeemables=(Redeemable(id="A", discount=discount),), now=NOW, order=Order(items=fresh)))
    assert outcome.order is not None
    assert outcome.order.items_discount_amount == min(amount, outcome.order.amount)


@settings(max_examples=100, deadline=None)
@given(money, percents)
def test_a_percentage_is_the_nearest_cent(amount: int, percent: Decimal) -> None:
    discount = Discount(type="PERCENT", percent_off=percent, effect="APPLY_TO_ORDER")
    outcome = evaluate(
        Context(redeemables=(Redeemable(id="A", discount=discount),), now=NOW, order=Order(amount=amount))
    )
    assert outcome.order is not None
    assert abs(outcome.order.discount_amount - amount * percent / 100) <= Decimal("0.5")
