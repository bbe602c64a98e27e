"""Free units."""

from offers.evaluation.context import CatalogueItem, Discount, StackingRules, UnitOff
from tests.evaluation.builders import amount_off, ask, free, line, one, order, scoped, voucher

CATALOGUE = {
    "prod_shirt": CatalogueItem(id="prod_shirt", kind="product", source_id="shirt", name="Shirt", price=1550),
    "sku_red": CatalogueItem(id="sku_red", kind="sku", source_id="red", name="Red", price=400, product_id="prod_sock"),
    "prod_5h1pp1ng": CatalogueItem(id="prod_5h1pp1ng", kind="product", name="Shipping", price=900),
}
BOUGHT = order(line("mug", 3000, 2))


def test_new_units_raise_the_order_and_are_free() -> None:
    verdict = one(voucher(free("prod_shirt", 2)), BOUGHT, catalogue=CATALOGUE)
    totals = verdict.order
    assert totals is not None
    assert (totals.initial_amount, totals.amount) == (6000, 9100)
    assert (totals.items_discount_amount, totals.total_amount) == (3100, 6000)
    mug, shirt = totals.items
    assert (mug.quantity, mug.discount_amount) == (2, 0)
    assert shirt.added
    assert (shirt.line.product_id, shirt.line.source_id, shirt.line.product_name) == ("prod_shirt", "shirt", "Shirt")
    assert (shirt.quantity, shirt.initial_quantity, shirt.discount_quantity) == (2, 0, 2)
    assert (shirt.amount, shirt.initial_amount, shirt.subtotal_amount) == (3100, 0, 0)
    assert (shirt.applied_quantity, shirt.applied_discount_quantity, shirt.applied_discount_amount) == (2, 2, 3100)
    assert [(target.id, target.order_item_indices) for target in verdict.applicable_to] == [("prod_shirt", (1,))]


def test_new_units_join_the_line_of_the_product_at_its_price() -> None:
    verdict = one(voucher(free("prod_mug", 1)), BOUGHT, catalogue=CATALOGUE)
    assert verdict.order is not None
    (mug,) = verdict.order.items
    assert (mug.quantity, mug.initial_quantity, mug.discount_quantity) == (3, 2, 1)
    assert (mug.amount, mug.initial_amount, mug.discount_amount) == (9000, 6000, 3000)


def test_missing_units_top_up_and_those_already_there_are_free_too() -> None:
    verdict = one(voucher(free("prod_mug", 3, "ADD_MISSING_ITEMS")), BOUGHT)
    assert verdict.order is not None
    (mug,) = verdict.order.items
    assert (mug.quantity, mug.applied_quantity, mug.discount_quantity, mug.discount_amount) == (3, 1, 3, 9000)
    assert verdict.order.total_amount == 0


def test_nothing_is_missing_when_enough_is_there() -> None:
    verdict = one(voucher(free("prod_mug", 1, "ADD_MISSING_ITEMS")), BOUGHT)
    assert verdict.order is not None
    assert verdict.order.amount == 6000
    assert (verdict.order.items_discount_amount, verdict.order.items[0].discount_quantity) == (3000, 1)


def test_missing_units_are_counted_over_all_lines() -> None:
    bought = order(line("mug", 1000, 1), line("mug", 1200, 1))
    verdict = one(voucher(free("prod_mug", 3, "ADD_MISSING_ITEMS")), bought)
    assert verdict.order is not None
    assert [item.quantity for item in verdict.order.items] == [2, 1]
    assert verdict.order.total_amount == 0


def test_many_items_each_with_its_own_effect() -> None:
    many = Discount(
        type="UNIT",
        effect="ADD_MANY_ITEMS",
        units=(
            UnitOff(unit_type="prod_shirt", unit_off=1),
            UnitOff(unit_type="prod_mug", unit_off=3, effect="ADD_MISSING_ITEMS"),
            UnitOff(unit_type="sku_red", unit_off=2),
        ),
    )
    verdict = one(voucher(many), BOUGHT, catalogue=CATALOGUE)
    assert verdict.order is not None
    mug, shirt, sock = verdict.order.items
    assert (mug.quantity, shirt.quantity, sock.quantity) == (3, 1, 2)
    assert (sock.line.sku_id, sock.line.product_id, sock.line.sku_name) == ("sku_red", "prod_sock", "Red")
    assert verdict.order.total_amount == 0
    assert verdict.discount_amount == 9000 + 1550 + 800


def test_the_same_units_are_not_made_free_twice() -> None:
    twice = Discount(
        type="UNIT",
        effect="ADD_MANY_ITEMS",
        units=(
            UnitOff(unit_type="prod_mug", unit_off=2, effect="ADD_MISSING_ITEMS"),
            UnitOff(unit_type="prod_mug", unit_off=2, effect="ADD_MISSING_ITEMS"),
        ),
    )
    verdict = one(voucher(twice), BOUGHT)
    assert verdict.order is not None
    assert verdict.order.items[0].discount_amount == 6000
    assert verdict.order.total_amount == 0


def test_same_items_adds_more_of_what_is_in_scope() -> None:
    bought = order(line("mug", 3000, 1), line("hat", 500, 1))
    discount = Discount(type="UNIT", effect="ADD_SAME_ITEMS", units=(UnitOff(unit_type="", unit_off=1),))
    verdict = one(voucher(discount, rules=(scoped("hat"),)), bought)
    assert verdict.order is not None
    assert [item.quantity for item in verdict.order.items] == [1, 2]
    assert (verdict.order.amount, verdict.order.total_amount) == (4000, 3500)


def test_shipping_can_be_added_to_an_order_of_amount_only() -> None:
    verdict = one(voucher(free("prod_5h1pp1ng")), 5000, catalogue=CATALOGUE)
    assert verdict.order is not None
    assert (verdict.order.amount, verdict.order.items_discount_amount, verdict.order.total_amount) == (5900, 900, 5000)


def test_a_unit_nobody_knows_the_price_of_is_added_for_nothing() -> None:
    verdict = one(voucher(free("prod_unheard_of", 2)), 5000)
    assert verdict.order is not None
    assert verdict.order.amount == 5000
    assert verdict.order.items[0].quantity == 2


def test_a_later_redeemable_sees_the_added_line() -> None:
    outcome = ask(voucher(free("prod_shirt"), "A"), voucher(free("prod_shirt"), "B"), on=BOUGHT, catalogue=CATALOGUE)
    assert outcome.order is not None
    assert [item.quantity for item in outcome.order.items] == [2, 2]
    assert outcome.order.items[1].applied_quantity == 2
    assert outcome.verdicts[1].order is not None
    assert outcome.verdicts[1].order.items[1].applied_quantity == 1


def test_once_leaves_discounted_units_alone() -> None:
    once = StackingRules(redeemables_products_application_mode="ONCE")
    missing = free("prod_mug", 2, "ADD_MISSING_ITEMS")
    outcome = ask(voucher(missing, "A"), voucher(missing, "B"), on=BOUGHT, stacking=once)
    assert [verdict.discount_amount for verdict in outcome.verdicts] == [6000, 0]


def test_once_leaves_what_an_earlier_redemption_discounted_alone_too() -> None:
    once = StackingRules(redeemables_products_application_mode="ONCE")
    stored = order(line("mug", 3000, 2, discount_amount=10))
    assert (
        ask(voucher(free("prod_mug", 2, "ADD_MISSING_ITEMS")), on=stored, stacking=once).verdicts[0].discount_amount
        == 0
    )


def test_free_units_already_there_never_cost_more_than_is_left_to_pay() -> None:
    outcome = ask(voucher(amount_off(5900), "A"), voucher(free("prod_mug", 2, "ADD_MISSING_ITEMS"), "B"), on=BOUGHT)
    assert [verdict.discount_amount for verdict in outcome.verdicts] == [5900, 100]


def test_units_of_an_uneven_line_sum_to_the_line() -> None:
    one_each = Discount(
        type="UNIT",
        effect="ADD_MANY_ITEMS",
        units=(
            UnitOff(unit_type="prod_mug", unit_off=1, effect="ADD_MISSING_ITEMS"),
            UnitOff(unit_type="prod_mug", unit_off=1, effect="ADD_MISSING_ITEMS"),
        ),
    )
    verdict = one(voucher(one_each), order(line("mug", 2, 2, amount=5)))
    assert verdict.discount_amount == 5


def test_no_units_of_one_product_leave_the_others_alone() -> None:
    units = (UnitOff(unit_type="prod_hat", unit_off=0), UnitOff(unit_type="prod_shirt", unit_off=1))
    verdict = one(voucher(Discount(type="UNIT", effect="ADD_MANY_ITEMS", units=units)), 0, catalogue=CATALOGUE)
    assert verdict.order is not None
    assert [item.line.product_id for item in verdict.order.items] == ["prod_shirt"]
