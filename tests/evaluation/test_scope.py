"""Which lines and units a discount touches."""

from typing import Any

import pytest

from offers.evaluation import rules, scope
from offers.evaluation.context import StackingRules
from tests.evaluation.builders import amount_off, ask, line, line_offs, one, order, percent_off, scoped, voucher

ITEMS = "APPLY_TO_ITEMS"
HALF = percent_off(50, ITEMS)
BOUGHT = order(line("a", 1000, 2), line("b", 500, 3), line("c", 2000), line("d", 500, 2))


def product(name: str, **more: Any) -> dict[str, Any]:
    return {"object": "product", "id": f"prod_{name}", **more}


def every(**more: Any) -> dict[str, Any]:
    """A collection all of the test's lines are in."""
    return {"object": "products_collection", "id": "pc_all", **more}


def collected(*offers: tuple[str, int, int]) -> Any:
    return order(*(line(name, price, quantity, collections=frozenset({"pc_all"})) for name, price, quantity in offers))


ALL = collected(("a", 1000, 2), ("b", 500, 3), ("c", 2000, 1), ("d", 500, 2))


@pytest.mark.parametrize(
    ("scope", "offs"),
    [
        (scoped("a"), [1000, 0, 0, 0]),
        (scoped("a", "c"), [1000, 0, 1000, 0]),
        (scoped(excluded=("a",)), [0, 750, 1000, 500]),
        (scoped("a", "c", excluded=("a",)), [0, 0, 1000, 0]),
        (scoped(excluded=("a",), everything=True), [0, 750, 1000, 500]),
        (scoped("a", everything=True), [1000, 750, 1000, 500]),
        (scoped("nothing-here"), [0, 0, 0, 0]),
        (scoped({"object": "product", "source_id": "prod_a"}), [1000, 0, 0, 0]),
    ],
)
def test_included_excluded_and_all(scope: rules.CompiledRule, offs: list[int]) -> None:
    assert line_offs(one(voucher(HALF, rules=(scope,)), BOUGHT)) == offs


@pytest.mark.parametrize(
    ("target", "offs"),
    [
        (every(), [1000, 750, 1000, 500]),
        (every(effect="APPLY_TO_CHEAPEST"), [0, 750, 0, 0]),
        (every(effect="APPLY_TO_MOST_EXPENSIVE"), [0, 0, 1000, 0]),
        (every(effect="APPLY_FROM_CHEAPEST", aggregated_quantity_limit=4), [0, 750, 0, 250]),
        (every(effect="APPLY_FROM_MOST_EXPENSIVE", aggregated_quantity_limit=2), [500, 0, 1000, 0]),
        (every(aggregated_quantity_limit=4), [1000, 500, 0, 0]),
        (every(quantity_limit=1), [500, 250, 1000, 250]),
        (every(quantity_limit=2, aggregated_quantity_limit=3), [1000, 250, 0, 0]),
        (every(amount_limit=600), [600, 600, 600, 500]),
        (every(aggregated_amount_limit=1200), [1000, 200, 0, 0]),
        (every(effect="APPLY_FROM_CHEAPEST", aggregated_amount_limit=1000), [0, 750, 0, 250]),
        (every(skip_initially=1), [0, 750, 1000, 500]),
        (every(repeat=2), [1000, 0, 1000, 0]),
        (every(skip_initially=1, repeat=2, target="ITEM"), [0, 750, 0, 500]),
        # Units in order: a1 a2 b1 b2 b3 c1 d1 d2; the 2nd, 5th and 8th are meant.
        (every(skip_initially=1, repeat=3, target="UNIT"), [500, 250, 0, 250]),
        (every(repeat=4, target="UNIT"), [500, 250, 0, 0]),
        (every(skip_initially=5, target="UNIT"), [0, 0, 1000, 500]),
        (every(skip_initially=20, target="UNIT"), [0, 0, 0, 0]),
    ],
)
def test_effects_limits_and_every_nth(target: dict[str, Any], offs: list[int]) -> None:
    assert line_offs(one(voucher(HALF, rules=(scoped(target),)), ALL)) == offs


def test_units_are_listed_from_one_as_documented() -> None:
    target = every(skip_initially=1, repeat=3, target="UNIT")
    verdict = one(voucher(HALF, rules=(scoped(target),)), collected(("a", 100, 10)))
    assert verdict.applicable_to[0].order_item_units == ((0, (2, 5, 8)),)
    assert line_offs(verdict) == [150]
    assert verdict.order is not None
    assert verdict.order.items[0].applied_discount_quantity == 3


def test_no_units_are_listed_for_very_large_orders() -> None:
    verdict = one(voucher(HALF, rules=(scoped("a"),)), order(line("a", 10, 1001)))
    assert verdict.applicable_to[0].order_item_indices == (0,)
    assert verdict.applicable_to[0].order_item_units == ()
    assert line_offs(verdict) == [5005]


def test_by_quantity_takes_off_the_limited_units_only() -> None:
    target = product("a", quantity_limit=1)
    verdict = one(voucher(amount_off(300, "APPLY_TO_ITEMS_BY_QUANTITY"), rules=(scoped(target),)), BOUGHT)
    assert line_offs(verdict) == [300, 0, 0, 0]


def test_a_proportional_split_obeys_a_targets_limits() -> None:
    target = every(amount_limit=100)
    verdict = one(voucher(amount_off(1000, "APPLY_TO_ITEMS_PROPORTIONALLY"), rules=(scoped(target),)), ALL)
    assert line_offs(verdict) == [100, 100, 100, 100]
    target = every(aggregated_amount_limit=300)
    verdict = one(voucher(amount_off(1000, "APPLY_TO_ITEMS_PROPORTIONALLY"), rules=(scoped(target),)), ALL)
    assert sum(line_offs(verdict)) == 300


def test_a_product_covers_its_skus_unless_strict() -> None:
    bought = order(line("a", 100, sku_id="sku_1"), line("a", 100))
    assert line_offs(one(voucher(HALF, rules=(scoped("a"),)), bought)) == [50, 50]
    assert line_offs(one(voucher(HALF, rules=(scoped(product("a", strict=True)),)), bought)) == [0, 50]
    sku = {"object": "sku", "id": "sku_1", "product_id": "prod_a"}
    assert line_offs(one(voucher(HALF, rules=(scoped(sku),)), bought)) == [50, 0]


def test_a_line_known_by_source_id_alone_is_found() -> None:
    bought = order(
        line("x", 100, source_id="mug-1", related_object="product"),
        line("y", 100, source_id="mug-1", related_object="sku"),
    )
    by_source = {"object": "product", "source_id": "mug-1"}
    assert line_offs(one(voucher(HALF, rules=(scoped(by_source),)), bought)) == [50, 0]
    by_sku = {"object": "sku", "source_id": "mug-1"}
    assert line_offs(one(voucher(HALF, rules=(scoped(by_sku),)), bought)) == [0, 50]


def test_the_answer_lists_what_was_covered_and_what_was_left_out() -> None:
    verdict = one(voucher(HALF, rules=(scoped("a", "c", excluded=("d",)),)), BOUGHT)
    assert [(target.id, target.order_item_indices) for target in verdict.applicable_to] == [
        ("prod_a", (0,)),
        ("prod_c", (2,)),
    ]
    assert [(target.id, target.order_item_indices) for target in verdict.inapplicable_to] == [("prod_d", (3,))]
    assert verdict.applicable_to[0].order_item_units == ((0, (1, 2)),)


def test_without_targets_every_product_of_the_order_is_listed() -> None:
    verdict = one(voucher(HALF), BOUGHT)
    assert [(target.object, target.id) for target in verdict.applicable_to] == [
        ("product", f"prod_{name}") for name in "abcd"
    ]


def test_variants_of_a_product_are_listed_apart_each_by_its_own_ids() -> None:
    bought = order(
        line("mug", 100, sku_id="sku_red", sku_source_id="red"),
        line("mug", 100, sku_id="sku_red", sku_source_id="red"),
        line("mug", 100, sku_source_id="blue"),
        line("mug", 100, sku_source_id="green", source_id="mug-9", related_object="product"),
        line("mug", 100, sku_id="sku_grey", source_id="mug-9", related_object="product"),
        line("mug", 100, sku_id="sku_white", source_id="white", related_object="sku"),
        line("mug", 100, source_id="mug-9"),
    )
    verdict = one(voucher(HALF), bought)
    listed = [(target.object, target.id, target.source_id) for target in verdict.applicable_to]
    assert listed == [
        ("sku", "sku_red", "red"),
        ("sku", None, "blue"),
        ("sku", None, "green"),
        ("sku", "sku_grey", None),
        ("sku", "sku_white", "white"),
        ("product", "prod_mug", "mug-9"),
    ]
    assert verdict.applicable_to[0].order_item_indices == (0, 1)


def test_an_order_discount_without_scope_lists_nothing() -> None:
    verdict = one(voucher(percent_off(10, "APPLY_TO_ORDER")), BOUGHT)
    assert verdict.applicable_to == verdict.inapplicable_to == ()


def test_several_scopes_must_agree() -> None:
    both = voucher(HALF, rules=(scoped("a", "b"), scoped("b", "c")))
    assert line_offs(one(both, BOUGHT)) == [0, 750, 0, 0]


def test_once_lets_one_discount_touch_a_product() -> None:
    once = StackingRules(redeemables_products_application_mode="ONCE")
    outcome = ask(
        voucher(HALF, "A", rules=(scoped("a"),)),
        voucher(HALF, "B", rules=(scoped("a", "b"),)),
        on=BOUGHT,
        stacking=once,
    )
    assert [line_offs(verdict) for verdict in outcome.verdicts] == [[1000, 0, 0, 0], [0, 750, 0, 0]]
    stacked = ask(voucher(HALF, "A", rules=(scoped("a"),)), voucher(HALF, "B", rules=(scoped("a"),)), on=BOUGHT)
    assert line_offs(stacked.verdicts[1]) == [500, 0, 0, 0]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"object": "shelf", "id": "x"}, "not product, sku or products_collection"),
        ({"object": "product"}, "needs an id or a source_id"),
        (product("a", effect="APPLY_SOMEHOW"), "is not an effect"),
        (product("a", quantity_limit=-1), "whole number"),
        (product("a", price="cheap"), "whole number"),
        (product("a", target="LINE"), "ITEM or UNIT"),
        (product("a", price_formula="x*2"), "not supported"),
        (product("a", product_campaign_quantity_limit=3), "not supported"),
    ],
)
def test_a_scope_that_cannot_be_honoured_is_refused(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(rules.InvalidRule, match=message):
        scoped(entry)


@pytest.mark.parametrize(
    "definition",
    [
        {"included": "all"},
        {"included": {"a": 1, "data": 5}},
        {"excluded": 7},
        {"included": [{"id": "x", "effect": []}]},
    ],
)
def test_lists_and_texts_of_another_kind_are_refused(definition: dict[str, Any]) -> None:
    with pytest.raises(scope.BadScope):
        scope.compile(definition)
