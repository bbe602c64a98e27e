"""What each discount takes off: the documented sample order, its limits, its rounding."""

import pytest

from offers.evaluation.context import CatalogueItem, Discount, Line, Order, StackingRules
from tests.evaluation.builders import (
    amount_off,
    ask,
    code,
    fixed,
    line,
    line_offs,
    one,
    order,
    percent_off,
    rule,
    scoped,
    voucher,
)

ITEMS = "APPLY_TO_ITEMS"
SAMPLE = order(line("mug", 1000, 2), line("poster", 1500, 3), line("shirt", 2000, 3), line("bottle", 2500, 2))
FIRST_THREE = scoped("mug", "poster", "shirt")


@pytest.mark.parametrize(
    ("discount", "offs"),
    [
        (amount_off(1000, ITEMS), [1000, 1000, 1000, 0]),
        (percent_off(10, ITEMS), [200, 450, 600, 0]),
        (fixed(1000, ITEMS), [0, 1500, 3000, 0]),
        (amount_off(1000, "APPLY_TO_ITEMS_BY_QUANTITY"), [2000, 3000, 3000, 0]),
        (amount_off(1000, "APPLY_TO_ITEMS_PROPORTIONALLY"), [160, 360, 480, 0]),
        (amount_off(1000, "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY"), [250, 375, 375, 0]),
    ],
)
def test_the_documented_sample_order(discount: Discount, offs: list[int]) -> None:
    verdict = one(voucher(discount, rules=(FIRST_THREE,)), SAMPLE)
    assert line_offs(verdict) == offs
    assert verdict.order is not None
    assert verdict.order.amount == 17500
    assert verdict.order.items_discount_amount == sum(offs) == verdict.discount_amount
    assert verdict.order.discount_amount == 0
    assert verdict.order.total_amount == 17500 - sum(offs)


@pytest.mark.parametrize(
    ("discount", "on", "off"),
    [
        (amount_off(3000), 10000, 3000),
        (amount_off(30000), 10000, 10000),
        (amount_off(3000, aggregated_amount_limit=500), 10000, 500),
        (percent_off(20), 200000, 40000),
        (percent_off(20, amount_limit=1000), 200000, 1000),
        (percent_off(20, aggregated_amount_limit=700, amount_limit=1000), 200000, 700),
        (percent_off("33.3"), 999, 333),
        (percent_off("12.5"), 100, 13),
        (percent_off(100), 1, 1),
        (fixed(4000), 10000, 6000),
        (fixed(10000), 10000, 0),
        (fixed(12000), 10000, 0),
        (fixed(0), 10000, 10000),
    ],
)
def test_on_the_order(discount: Discount, on: int, off: int) -> None:
    verdict = one(voucher(discount), on)
    assert verdict.applicable
    assert verdict.discount_amount == off
    assert verdict.order is not None
    assert (verdict.order.discount_amount, verdict.order.total_amount) == (off, on - off)
    assert verdict.discount is not None
    assert verdict.discount.effect == "APPLY_TO_ORDER"


def test_without_an_effect_products_named_by_a_rule_move_the_discount_to_them() -> None:
    assert line_offs(one(voucher(percent_off(10), rules=(scoped("mug"),)), SAMPLE)) == [200, 0, 0, 0]
    assert line_offs(one(voucher(percent_off(10)), SAMPLE)) == [0, 0, 0, 0]
    verdict = one(voucher(percent_off(10), rules=(scoped("mug"),)), SAMPLE)
    assert verdict.discount is not None
    assert verdict.discount.effect == ITEMS


def test_a_price_per_target_replaces_the_general_one() -> None:
    target = {"object": "product", "id": "prod_mug", "price": 300}
    verdict = one(voucher(fixed(1000, ITEMS), rules=(scoped(target, "poster"),)), SAMPLE)
    assert line_offs(verdict) == [1400, 1500, 0, 0]


def test_a_fixed_price_above_the_line_changes_nothing() -> None:
    assert line_offs(one(voucher(fixed(99999, ITEMS)), SAMPLE)) == [0, 0, 0, 0]


def test_percent_limits_cap_the_line_and_the_order() -> None:
    assert line_offs(one(voucher(percent_off(10, ITEMS, amount_limit=300)), SAMPLE)) == [200, 300, 300, 300]
    limited = percent_off(10, ITEMS, amount_limit=300, aggregated_amount_limit=600)
    assert line_offs(one(voucher(limited), SAMPLE)) == [200, 300, 100, 0]


def test_three_hundred_over_two_lines_comes_out_as_documented() -> None:
    bought = order(line("a", 3300), line("b", 3400))
    verdict = one(voucher(amount_off(300, "APPLY_TO_ITEMS_PROPORTIONALLY")), bought)
    assert line_offs(verdict) == [148, 152]


def test_what_a_full_line_cannot_take_goes_to_the_others() -> None:
    bought = order(line("cheap", 10, 8), line("dear", 1000, 2))
    verdict = one(voucher(amount_off(500, "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY")), bought)
    assert line_offs(verdict) == [80, 420]


def test_more_than_the_lines_are_worth_takes_all_of_them() -> None:
    bought = order(line("a", 100), line("b", 200))
    for effect in (ITEMS, "APPLY_TO_ITEMS_PROPORTIONALLY", "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY"):
        assert line_offs(one(voucher(amount_off(5000, effect)), bought)) == [100, 200]


def test_item_discounts_never_exceed_what_earlier_order_discounts_left() -> None:
    outcome = ask(
        voucher(amount_off(250), "A"),
        voucher(amount_off(100, ITEMS), "B"),
        on=order(line("a", 150), line("b", 150)),
    )
    assert line_offs(outcome.verdicts[1]) == [50, 0]
    assert outcome.order is not None
    assert outcome.order.total_amount == 0


def test_percentages_on_lines_count_from_what_is_left_of_the_line() -> None:
    outcome = ask(voucher(percent_off(50, ITEMS), "A"), voucher(percent_off(50, ITEMS), "B"), on=order(line("a", 1000)))
    assert [line_offs(verdict) for verdict in outcome.verdicts] == [[500], [250]]


def test_initial_amount_mode_counts_every_percentage_from_the_undiscounted_amount() -> None:
    initial = StackingRules(discount_calculation_mode="INITIAL_AMOUNT")
    outcome = ask(voucher(percent_off(50), "A"), voucher(percent_off(30), "B"), on=1000, stacking=initial)
    assert [verdict.discount_amount for verdict in outcome.verdicts] == [500, 300]
    outcome = ask(voucher(percent_off(70), "A"), voucher(percent_off(70), "B"), on=1000, stacking=initial)
    assert [verdict.discount_amount for verdict in outcome.verdicts] == [700, 300]
    bought = order(line("a", 1000))
    outcome = ask(
        voucher(percent_off(50, ITEMS), "A"), voucher(percent_off(30, ITEMS), "B"), on=bought, stacking=initial
    )
    assert [line_offs(verdict) for verdict in outcome.verdicts] == [[500], [300]]


def test_a_category_may_count_from_the_initial_amount_on_its_own() -> None:
    mixed = StackingRules(initial_amount_mode_categories=frozenset({"cat_1"}))
    outcome = ask(
        voucher(percent_off(50), "A"),
        voucher(percent_off(30), "B", categories=("cat_1",)),
        voucher(percent_off(10), "C"),
        on=1000,
        stacking=mixed,
    )
    assert [verdict.discount_amount for verdict in outcome.verdicts] == [500, 300, 20]


def test_line_amount_sent_by_the_client_wins_over_price_times_quantity() -> None:
    bought = order(line("a", 1000, 3, amount=2500), line("b", 500))
    verdict = one(voucher(percent_off(10, ITEMS)), bought)
    assert verdict.order is not None
    assert verdict.order.amount == 3000
    assert line_offs(verdict) == [250, 50]


def test_a_stored_order_keeps_what_earlier_redemptions_took() -> None:
    bought = order(line("a", 1000, discount_amount=200), amount=1000, discount_amount=100)
    verdict = one(voucher(percent_off(10)), bought)
    assert verdict.order is not None
    assert verdict.order.applied_discount_amount == 70
    assert verdict.order.discount_amount == 170
    assert verdict.order.items_discount_amount == 200
    assert verdict.order.items_applied_discount_amount == 0
    assert verdict.order.total_amount == 630


@pytest.mark.parametrize("bought", [None, Order(), Order(amount=1000)])
def test_an_item_discount_needs_items(bought: Order | None) -> None:
    assert code(one(voucher(amount_off(100, ITEMS)), bought)) == "missing_order_items"


@pytest.mark.parametrize("bought", [None, Order()])
def test_an_order_discount_applies_without_an_order_and_tells_no_amounts(bought: Order | None) -> None:
    outcome = ask(voucher(amount_off(100)), on=bought)
    assert outcome.valid
    assert outcome.order is None
    assert outcome.verdicts[0].order is None


def test_a_line_without_a_price_takes_the_catalogues() -> None:
    catalogue = {
        "prod_a": CatalogueItem(id="prod_a", kind="product", price=700),
        "sku-red": CatalogueItem(id="sku_1", kind="sku", source_id="sku-red", price=900, product_id="prod_a"),
    }
    bought = order(
        Line(index=0, product_id="prod_a", quantity=2), Line(index=1, sku_source_id="sku-red", product_id="prod_a")
    )
    verdict = one(voucher(percent_off(10, ITEMS)), bought, catalogue=catalogue)
    assert line_offs(verdict) == [140, 90]


def test_a_rule_without_products_leaves_the_discount_on_the_order() -> None:
    verdict = one(voucher(percent_off(10), rules=(rule(),)), SAMPLE)
    assert verdict.discount is not None
    assert verdict.discount.effect == "APPLY_TO_ORDER"
