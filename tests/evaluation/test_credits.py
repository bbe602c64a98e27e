"""Gift cards and points."""

from decimal import Decimal

import pytest

from offers.evaluation.context import Order, Points, Redeemable, StackingRules
from tests.evaluation.builders import ask, code, gift, line, line_offs, one, order, percent_off, scoped, voucher


@pytest.mark.parametrize(
    ("balance", "credits", "on", "taken"),
    [
        (5000, 1500, 10000, 1500),
        (5000, None, 10000, 5000),
        (5000, None, 300, 300),
        (5000, 1500, 300, 300),
        (7, 7, 7, 7),
    ],
)
def test_credits_pay_what_was_asked_for_up_to_the_order(balance: int, credits: int | None, on: int, taken: int) -> None:
    verdict = one(gift(balance, credits), on)
    assert verdict.applicable
    assert (verdict.credits, verdict.discount_amount, verdict.gift_balance) == (taken, taken, balance)
    assert verdict.order is not None
    assert verdict.order.discount_amount == taken


@pytest.mark.parametrize(
    ("balance", "credits", "reason"),
    [(1000, 1001, "gift_amount_exceeded"), (0, None, "gift_amount_exceeded"), (10, -1, "invalid_gift")],
)
def test_a_card_must_hold_what_is_asked(balance: int, credits: int | None, reason: str) -> None:
    assert code(one(gift(balance, credits))) == reason


def test_the_refusal_says_how_much_too_much_was_asked() -> None:
    verdict = one(gift(300, 400))
    assert verdict.reason is not None
    assert verdict.reason.data == {"balance": 300, "asked": 400}
    assert verdict.blocker is not None
    assert verdict.blocker.hint == {"gift.credits": {"excess": 100}}


@pytest.mark.parametrize("bought", [None, Order()])
def test_a_gift_card_needs_an_amount(bought: Order | None) -> None:
    verdict = one(gift(1000, 100), bought)
    assert code(verdict) == "missing_amount"
    assert verdict.reason is not None
    assert verdict.reason.details == "Amount is required when redeeming a GIFT_VOUCHER"


def test_a_card_for_items_pays_only_lines_in_scope() -> None:
    bought = order(line("a", 1000), line("b", 3000))
    assert line_offs(one(gift(5000, 2000, effect="APPLY_TO_ITEMS"), bought)) == [500, 1500]
    verdict = one(gift(5000, 2000, effect="APPLY_TO_ITEMS", rules=(scoped("a"),)), bought)
    assert line_offs(verdict) == [1000, 0]
    assert verdict.credits == 1000


def test_a_card_for_items_with_nothing_to_pay_for() -> None:
    bought = order(line("a", 1000))
    outside = gift(5000, 100, effect="APPLY_TO_ITEMS", rules=(scoped("b"),))
    assert code(one(outside, bought)) == "missing_order_items_amount"
    assert code(one(gift(5000, 100, effect="APPLY_TO_ITEMS"), 1000)) == "missing_order_items"


def test_a_card_with_nothing_left_to_pay_is_skipped_where_the_rules_say_so() -> None:
    skip = StackingRules(redeemables_no_effect_rule="SKIP")
    outcome = ask(voucher(percent_off(100)), gift(500, 100), stacking=skip)
    assert code(outcome.verdicts[1]) == "no_effect"
    assert outcome.valid
    anyway = ask(voucher(percent_off(100)), gift(500, 100))
    assert (anyway.verdicts[1].status, anyway.verdicts[1].credits) == ("APPLICABLE", 0)


def card(balance: int, points: int | None, ratio: str = "1", per: int = 1) -> Redeemable:
    return Redeemable(
        id="CARD",
        kind="loyalty",
        points=Points(balance=balance, points=points, exchange_ratio=Decimal(ratio), points_ratio=per),
    )


@pytest.mark.parametrize(
    ("redeemable", "on", "points", "off"),
    [
        (card(500, 100), 10000, 100, 100),
        (card(500, 100, "5"), 10000, 100, 500),
        (card(500, 100, "25", 10), 10000, 100, 250),
        (card(500, None, "10"), 1005, 101, 1005),
        (card(50, None, "10"), 1005, 50, 500),
        (card(500, 15, "0.5", 1), 10000, 15, 7),
        (card(500, 400), 250, 250, 250),
        (card(500, 400, "10"), 1005, 101, 1005),
        (card(500, 0), 1000, 0, 0),
    ],
)
def test_points_buy_at_the_rewards_rate(redeemable: Redeemable, on: int, points: int, off: int) -> None:
    verdict = one(redeemable, on)
    assert (verdict.points, verdict.discount_amount) == (points, off)


def test_points_refusals() -> None:
    assert code(one(card(10, 11))) == "loyalty_card_points_exceeded"
    assert code(one(Redeemable(id="CARD", kind="loyalty"))) == "missing_reward"
    assert code(one(card(10, 5), None)) == "missing_amount"
