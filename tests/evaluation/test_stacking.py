"""How several redeemables go together."""

from typing import Any

import pytest

from offers.evaluation.context import Order, Redeemable, StackingRules
from tests.evaluation.builders import (
    amount_off,
    ask,
    code,
    condition,
    gift,
    line,
    order,
    percent_off,
    rule,
    statuses,
    voucher,
)

TEN = percent_off(10)
OK = "APPLICABLE"


def off(name: str, *categories: str, **more: Any) -> Redeemable:
    return voucher(amount_off(100), name, categories=categories, **more)


def ids(outcome: Any) -> list[str]:
    return [verdict.redeemable.id for verdict in outcome.verdicts]


def test_the_documented_run_on_an_amount() -> None:
    outcome = ask(
        gift(10000, 100),
        voucher(percent_off(20), "TWENTY"),
        voucher(amount_off(8000), "EIGHTY"),
        on=200000,
    )
    assert [verdict.discount_amount for verdict in outcome.verdicts] == [100, 39980, 8000]
    assert outcome.order is not None
    assert outcome.order.total_discount_amount == 48080
    assert outcome.order.total_amount == 151920
    assert outcome.order.total_applied_discount_amount == 48080


def test_the_documented_run_with_items() -> None:
    outcome = ask(
        voucher(amount_off(1000, "APPLY_TO_ITEMS"), "ITEMS"),
        gift(10000, 100),
        voucher(percent_off(40, "APPLY_TO_ORDER"), "FORTY"),
        on=order(line("a", 2000), line("b", 700)),
    )
    assert [verdict.discount_amount for verdict in outcome.verdicts] == [1700, 100, 360]
    assert outcome.order is not None
    assert (outcome.order.items_discount_amount, outcome.order.discount_amount) == (1700, 460)
    assert (outcome.order.total_discount_amount, outcome.order.amount) == (2160, 2700)


def test_the_worked_body_of_a_valid_stack() -> None:
    outcome = ask(gift(5000, 1500), voucher(percent_off(10), "TEN-OFF"))
    first, second = (verdict.order for verdict in outcome.verdicts)
    assert first is not None
    assert second is not None
    assert outcome.order is not None
    assert (first.discount_amount, first.total_amount, first.applied_discount_amount) == (1500, 8500, 1500)
    assert (second.discount_amount, second.total_amount, second.applied_discount_amount) == (2350, 7650, 850)
    assert (outcome.order.discount_amount, outcome.order.applied_discount_amount) == (2350, 2350)
    assert outcome.verdicts[0].gift_balance == 5000


def test_in_all_mode_everything_after_the_first_failure_is_skipped() -> None:
    outcome = ask(off("A"), off("OLD", active=False), off("B"), off("C", found=False))
    assert statuses(outcome) == [OK, "voucher_disabled", "preceding_validation_failed", "preceding_validation_failed"]
    assert not outcome.valid
    assert outcome.order is None
    assert outcome.verdicts[0].order is not None
    assert [verdict.status for verdict in outcome.verdicts] == [OK, "INAPPLICABLE", "SKIPPED", "SKIPPED"]


def test_in_partial_mode_the_others_still_apply() -> None:
    partial = StackingRules(redeemables_application_mode="PARTIAL")
    outcome = ask(off("A"), off("OLD", active=False), off("B"), stacking=partial)
    assert statuses(outcome) == [OK, "voucher_disabled", OK]
    assert outcome.valid
    assert outcome.order is not None
    assert outcome.order.total_discount_amount == 200
    assert ids(outcome) == ["A", "OLD", "B"]
    assert [len(part) for part in (outcome.applicable, outcome.inapplicable, outcome.skipped)] == [2, 1, 0]


def test_in_partial_mode_with_nothing_left_it_is_invalid() -> None:
    partial = StackingRules(redeemables_application_mode="PARTIAL")
    outcome = ask(off("A", active=False), stacking=partial)
    assert not outcome.valid
    assert outcome.order is None


def test_five_apply_and_the_rest_are_skipped_while_the_request_stays_valid() -> None:
    outcome = ask(*(off(name) for name in "ABCDEFG"))
    assert statuses(outcome) == [OK] * 5 + ["applicable_redeemables_limit_exceeded"] * 2
    assert outcome.valid
    assert outcome.verdicts[5].reason is not None
    assert outcome.verdicts[5].reason.data == {"limit": 5}


def test_one_of_a_category_unless_its_limit_says_otherwise() -> None:
    outcome = ask(off("A", "cat_1"), off("B", "cat_1"), off("C", "cat_2"), off("D"), off("E"))
    assert statuses(outcome) == [OK, "applicable_redeemables_per_category_limit_exceeded", OK, OK, OK]
    two = StackingRules(applicable_redeemables_category_limits={"cat_1": 2})
    outcome = ask(
        off("A", "cat_1"), off("B", "cat_1"), off("C", "cat_1"), off("D", "cat_2"), off("E", "cat_2"), stacking=two
    )
    over = "applicable_redeemables_per_category_limit_exceeded"
    assert statuses(outcome) == [OK, OK, over, OK, over]


def test_what_does_not_apply_takes_no_place() -> None:
    partial = StackingRules(redeemables_application_mode="PARTIAL", applicable_redeemables_limit=1)
    outcome = ask(off("A", "cat_1", active=False), off("B", "cat_1"), stacking=partial)
    assert statuses(outcome) == ["voucher_disabled", OK]


def test_category_hierarchy_applies_the_lower_number_first() -> None:
    by_category = StackingRules(redeemables_sorting_rule="CATEGORY_HIERARCHY")
    outcome = ask(
        off("A", "cat_5:5"),
        off("B"),
        off("C", "cat_0:0"),
        off("D", "cat_1:1"),
        off("E", "cat_5b:5"),
        stacking=by_category,
    )
    assert ids(outcome) == ["C", "B", "D", "A", "E"]


EXCLUSIVE = StackingRules(exclusive_categories=frozenset({"never"}), joint_categories=frozenset({"always"}))


def test_a_never_stackable_one_pushes_common_ones_out() -> None:
    outcome = ask(off("COMMON"), off("ALONE", "never"), off("OTHER", "cat_1"), stacking=EXCLUSIVE)
    assert statuses(outcome) == ["exclusion_rules_not_met", OK, "exclusion_rules_not_met"]
    assert outcome.valid


def test_an_always_stackable_one_joins_after_the_exclusive_ones() -> None:
    outcome = ask(off("JOINT", "always"), off("ALONE", "never"), off("COMMON"), stacking=EXCLUSIVE)
    assert ids(outcome) == ["ALONE", "COMMON", "JOINT"]
    assert statuses(outcome) == [OK, "exclusion_rules_not_met", OK]


def test_joint_ones_keep_their_place_where_asked_or_where_nothing_is_exclusive() -> None:
    general = StackingRules(
        exclusive_categories=frozenset({"never"}),
        joint_categories=frozenset({"always"}),
        grouped_redeemables_sorting_rule="SORTING_RULE",
    )
    assert ids(ask(off("JOINT", "always"), off("ALONE", "never"), stacking=general)) == ["JOINT", "ALONE"]
    assert ids(ask(off("JOINT", "always"), off("COMMON"), stacking=EXCLUSIVE)) == ["JOINT", "COMMON"]


def test_common_and_joint_stack() -> None:
    assert statuses(ask(off("A"), off("B", "always"), off("C"), stacking=EXCLUSIVE)) == [OK, OK, OK]


@pytest.mark.parametrize(
    ("limit", "per_category", "expected"),
    [
        (1, 1, [OK, *["applicable_exclusive_redeemables_limit_exceeded"] * 2]),
        (3, 1, [OK, "applicable_exclusive_redeemables_per_category_limit_exceeded", OK]),
        (2, 2, [OK, OK, "applicable_exclusive_redeemables_limit_exceeded"]),
        (3, 2, [OK, OK, OK]),
    ],
)
def test_several_exclusive_ones_up_to_their_limits(limit: int, per_category: int, expected: list[str]) -> None:
    rules = StackingRules(
        exclusive_categories=frozenset({"never", "ever"}),
        applicable_exclusive_redeemables_limit=limit,
        applicable_exclusive_redeemables_per_category_limit=per_category,
    )
    outcome = ask(off("A", "never"), off("B", "never"), off("C", "ever"), stacking=rules)
    assert statuses(outcome) == expected


def test_an_exclusive_one_that_fails_pushes_nothing_out_in_partial_mode() -> None:
    partial = StackingRules(exclusive_categories=frozenset({"never"}), redeemables_application_mode="PARTIAL")
    outcome = ask(off("COMMON"), off("ALONE", "never", active=False), stacking=partial)
    assert statuses(outcome) == [OK, "voucher_disabled"]
    assert outcome.order is not None
    assert outcome.order.total_discount_amount == 100


def test_an_exclusive_one_that_failed_does_not_come_back_once_common_ones_applied() -> None:
    partial = StackingRules(exclusive_categories=frozenset({"never"}), redeemables_application_mode="PARTIAL")
    low = off("ALONE", "never", rules=(rule(condition("order.amount", "$less_than", 10000)),))
    assert statuses(ask(off("COMMON"), low, stacking=partial)) == [OK, "order_rules_violated"]


def test_an_exclusive_one_without_effect_pushes_nothing_out() -> None:
    skip = StackingRules(exclusive_categories=frozenset({"never"}), redeemables_no_effect_rule="SKIP")
    alone = voucher(percent_off(0), "ALONE", categories=("never",))
    assert statuses(ask(off("COMMON"), alone, stacking=skip)) == [OK, "no_effect"]


def test_an_exclusive_one_that_fails_in_all_mode_makes_it_invalid() -> None:
    outcome = ask(off("COMMON"), off("ALONE", "never", active=False), off("LATER"), stacking=EXCLUSIVE)
    assert statuses(outcome) == ["exclusion_rules_not_met", "voucher_disabled", "preceding_validation_failed"]
    assert not outcome.valid


def test_no_effect_is_redeemed_anyway_or_skipped_by_rule_and_category() -> None:
    nothing = percent_off(0)
    assert statuses(ask(voucher(nothing))) == [OK]
    skip = StackingRules(redeemables_no_effect_rule="SKIP", no_effect_redeem_anyway_categories=frozenset({"cat_keep"}))
    outcome = ask(voucher(nothing, "A"), voucher(nothing, "B", categories=("cat_keep",)), stacking=skip)
    assert statuses(outcome) == ["no_effect", OK]
    anyway = StackingRules(no_effect_skip_categories=frozenset({"cat_skip"}))
    outcome = ask(voucher(nothing, "A"), voucher(nothing, "B", categories=("cat_skip",)), stacking=anyway)
    assert statuses(outcome) == [OK, "no_effect"]


def test_a_skipped_one_alone_leaves_nothing_valid() -> None:
    outcome = ask(voucher(percent_off(0)), stacking=StackingRules(redeemables_no_effect_rule="SKIP"))
    assert not outcome.valid


def test_without_an_order_no_effect_cannot_be_judged() -> None:
    skip = StackingRules(redeemables_no_effect_rule="SKIP")
    assert statuses(ask(voucher(TEN), on=None, stacking=skip)) == [OK]
    assert statuses(ask(voucher(TEN), on=Order(), stacking=skip)) == [OK]


def test_nothing_asked_is_nothing_valid() -> None:
    outcome = ask()
    assert not outcome.valid
    assert outcome.verdicts == ()


def test_a_skipped_redeemable_takes_nothing_off() -> None:
    outcome = ask(off("COMMON"), off("ALONE", "never"), stacking=EXCLUSIVE)
    assert outcome.order is not None
    assert outcome.order.total_discount_amount == 100
    assert code(outcome.verdicts[0]) == "exclusion_rules_not_met"
    assert outcome.verdicts[0].order is None
