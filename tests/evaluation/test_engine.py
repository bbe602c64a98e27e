"""One redeemable at a time: reasons in their precedence, and the trace that explains them."""

import ast
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import offers.evaluation
from offers.evaluation import reasons
from offers.evaluation.context import Customer, Redeemable, Window
from tests.evaluation.builders import (
    NOW,
    amount_off,
    ask,
    code,
    condition,
    gift,
    line,
    one,
    order,
    percent_off,
    rule,
    scoped,
    voucher,
)

TEN = percent_off(10)
PAST = Window(expiration=NOW)
FUTURE = Window(start=NOW + timedelta(seconds=1))
NOT_TODAY = Window(days_of_week=(0,))


def tier(**facts: Any) -> Redeemable:
    return Redeemable(id="promo_1", object="promotion_tier", kind="promotion", discount=TEN, **facts)


@pytest.mark.parametrize(
    ("facts", "of_voucher", "of_tier"),
    [
        ({"found": False}, "not_found", "not_found"),
        ({"active": False}, "voucher_disabled", "promotion_inactive"),
        ({"campaign_active": False}, "voucher_disabled", "promotion_inactive"),
        ({"window": FUTURE}, "voucher_not_active", "promotion_not_active_now"),
        ({"window": PAST}, "voucher_expired", "promotion_not_active_now"),
        ({"window": NOT_TODAY}, "voucher_not_active_now", "promotion_not_active_now"),
        ({"campaign_window": FUTURE}, "voucher_not_active", "promotion_not_active_now"),
        ({"campaign_window": PAST}, "voucher_expired", "promotion_not_active_now"),
        ({"campaign_window": NOT_TODAY}, "voucher_not_active_now", "promotion_not_active_now"),
        ({"limit": 3, "available": 0}, "quantity_exceeded", "quantity_exceeded"),
        ({"limit": 3, "available": -1}, "quantity_exceeded", "quantity_exceeded"),
    ],
)
def test_why_it_cannot_be_used_at_all(facts: dict[str, Any], of_voucher: str, of_tier: str) -> None:
    assert code(one(voucher(TEN, **facts))) == of_voucher
    assert code(one(tier(**facts))) == of_tier


def test_a_good_one_applies() -> None:
    window = Window(start=NOW, expiration=NOW + timedelta(seconds=1))
    assert one(voucher(TEN, window=window, campaign_window=window, limit=1, available=1)).applicable
    assert one(tier(window=window)).discount_amount == 1000


def test_reasons_keep_their_precedence() -> None:
    facts: dict[str, Any] = {
        "found": False,
        "active": False,
        "window": PAST,
        "available": 0,
        "rules": (rule(condition("order.amount", "$more_than", 99999)),),
    }
    for fixed, expected in (
        ("", "not_found"),
        ("found", "voucher_disabled"),
        ("active", "voucher_expired"),
        ("window", "quantity_exceeded"),
        ("available", "order_rules_violated"),
    ):
        facts.pop(fixed, None)
        assert code(one(voucher(TEN, **facts))) == expected


def test_the_referrer_may_not_use_it() -> None:
    shared = voucher(TEN, referrer_id="cust_alice")
    assert code(one(shared, customer=Customer(id="cust_alice"))) == "referrer_not_permitted_to_redeem"
    assert one(shared, customer=Customer(id="cust_bob")).applicable
    assert one(shared).applicable


def test_details_are_the_code() -> None:
    verdict = one(voucher(TEN, "v_123", code="SUMMER", active=False))
    assert verdict.reason is not None
    assert (verdict.reason.details, verdict.reason.message) == ("SUMMER", "voucher is disabled")
    verdict = one(voucher(TEN, "SUMMER", limit=2, available=0))
    assert verdict.reason is not None
    assert verdict.reason.details == "SUMMER"
    assert verdict.reason.data == {"limit": 2, "available": 0}


def test_a_failure_is_traced_without_being_asked() -> None:
    verdict = one(voucher(TEN, rules=(rule(condition("order.amount", "$more_than_or_equal", 10800)),)))
    (check,) = verdict.trace
    assert verdict.blocker is check
    assert (check.name, check.ok, check.needed, check.actual) == (
        "order.amount",
        False,
        {"$more_than_or_equal": [10800]},
        10000,
    )
    assert (check.rule, check.path, check.code) == ("val_1", "1", "order_rules_violated")
    assert check.hint == {"order.amount": {"missing": 800}}
    assert one(voucher(TEN)).trace == ()


def test_explained_every_check_is_there_in_order() -> None:
    asked = voucher(
        TEN,
        window=Window(start=NOW - timedelta(days=1)),
        limit=3,
        available=2,
        rules=(
            rule(
                condition("customer.segment", "$is", "seg_1"),
                condition("order.amount", "$more_than", 50),
                condition("redemption.count.per_customer", "$less_than_or_equal", 1),
            ),
        ),
        usage={"redemption.count.per_customer": 1},
    )
    verdict = one(asked, customer=Customer(segments=frozenset({"seg_1"})), explain=True)
    assert [(check.name, check.ok) for check in verdict.trace] == [
        ("active", True),
        ("campaign.active", True),
        ("window", True),
        ("quantity", True),
        ("customer.segment", True),
        ("order.amount", True),
        ("redemption.count.per_customer", False),
    ]
    assert verdict.blocker is not None
    assert (verdict.blocker.name, verdict.blocker.actual) == ("redemption.count.per_customer", 2)
    assert verdict.blocker.hint == {"redemption.count.per_customer": {"excess": 1}}
    assert code(verdict) == "redemption_rules_violated"


def test_explaining_goes_on_after_the_first_blocker() -> None:
    asked = voucher(TEN, active=False, available=0, rules=(rule(condition("order.amount", "$more_than", 99999)),))
    verdict = one(asked, explain=True)
    assert [check.code for check in verdict.trace if not check.ok] == [
        "voucher_disabled",
        "quantity_exceeded",
        "order_rules_violated",
    ]
    assert verdict.blocker is not None
    assert verdict.blocker.code == code(verdict) == "voucher_disabled"
    assert [check.code for check in one(voucher(TEN, found=False), explain=True).trace] == ["not_found"]


def test_explaining_changes_no_verdict() -> None:
    asked = (
        voucher(TEN, "A", rules=(rule(condition("order.amount", "$more_than", 1)),)),
        gift(500, 100),
        voucher(amount_off(1), "C", rules=(rule(condition("order.total_amount", "$more_than", 10**6)),)),
    )
    plain, explained = ask(*asked), ask(*asked, explain=True)
    assert plain.valid == explained.valid
    assert plain.order == explained.order
    for one_plain, one_explained in zip(plain.verdicts, explained.verdicts, strict=True):
        assert (one_plain.status, one_plain.reason, one_plain.order) == (
            one_explained.status,
            one_explained.reason,
            one_explained.order,
        )


def test_the_branch_that_failed_in_a_rule_that_holds_is_no_blocker() -> None:
    either = rule(
        condition("order.amount", "$more_than", 99999), condition("order.amount", "$more_than", 1), logic="1 or 2"
    )
    verdict = one(voucher(TEN, rules=(either,)), explain=True)
    assert verdict.applicable
    assert [check.ok for check in verdict.trace if check.rule] == [False, True]
    assert verdict.blocker is None


def test_a_condition_under_not_is_explained_as_such() -> None:
    unwanted = rule(condition("customer.segment", "$is", "seg_bad"), logic="not 1")
    verdict = one(voucher(TEN, rules=(unwanted,)), customer=Customer(segments=frozenset({"seg_bad"})))
    assert verdict.blocker is not None
    assert verdict.blocker.needed == {"$not": {"$is": ["seg_bad"]}}
    assert verdict.blocker.actual == ["seg_bad"]


def test_missing_units_are_hinted_at() -> None:
    four = {
        "name": "order.items.any",
        "conditions": {"$is": [{"id": "prod_a", "object": "product"}]},
        "rules": {"1": condition("order.items.aggregated_quantity", "$more_than_or_equal", 4), "logic": "1"},
    }
    verdict = one(voucher(TEN, rules=(rule(four),)), order(line("a", 100, 3)), explain=True)
    assert verdict.blocker is not None
    assert verdict.blocker.hint == {"order.items.aggregated_quantity": {"missing": 1}}
    assert verdict.blocker.actual == [{"index": 0, "id": "prod_a", "quantity": 3, "price": 100}]
    below = verdict.trace[-1]
    assert (below.path, below.actual, below.ok) == ("1.1", 3, False)
    verdict = one(voucher(TEN, rules=(rule(four),)), order(line("b", 100)))
    assert verdict.blocker is not None
    assert verdict.blocker.hint == {"order.items.aggregated_quantity": {"missing": 4}}


def test_a_single_line_is_told_what_it_lacks_and_several_are_not() -> None:
    dear = {
        "name": "order.items.any",
        "conditions": {"$is": [{"id": "prod_a", "object": "product"}]},
        "rules": {"1": condition("order.items.price", "$more_than_or_equal", 300), "logic": "1"},
    }
    asked = voucher(TEN, rules=(rule(dear),))
    alone = one(asked, order(line("a", 100)), explain=True).trace[-1]
    assert (alone.actual, alone.hint) == ([100], {"order.items.price": {"missing": 200}})
    assert one(asked, order(line("a", 100), line("a", 200)), explain=True).trace[-1].hint is None
    enough = [check for check in one(asked, order(line("a", 400)), explain=True).trace if check.path == "1.1"]
    assert [(check.ok, check.hint) for check in enough] == [(True, None)]


def test_a_trace_is_plain_json() -> None:
    entries = (
        condition("customer.segment", "$is", "seg_1"),
        condition("order.amount", "$more_than", 10),
        condition("order.items.any", "$is", {"id": "prod_a", "object": "product"}),
        condition("customer.metadata", "$is", 1, property="x"),
    )
    hours = Window(start=NOW, days_of_week=(1,), time_zone="Europe/Berlin")
    asked = voucher(TEN, rules=(rule(*entries),), window=hours, limit=1, available=1)
    verdict = one(asked, order(line("a", 100)), customer=Customer(segments=frozenset({"seg_2", "seg_1"})), explain=True)
    for check in verdict.trace:
        json.dumps([check.needed, check.actual, check.hint])


def test_scope_of_a_campaign_rule_and_conditions_of_a_voucher_rule_both_bind() -> None:
    both = voucher(percent_off(10), rules=(scoped("a"), rule(condition("order.amount", "$more_than", 100))))
    verdict = one(both, order(line("a", 1000), line("b", 1000)))
    assert verdict.discount_amount == 100
    assert verdict.order is not None
    assert verdict.order.items_discount_amount == 100


def test_every_reason_given_anywhere_has_a_text() -> None:
    known = set(reasons.MESSAGES)
    given = set()
    for path in Path(offers.evaluation.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and node.value.endswith(
                    ("_violated", "_exceeded", "_disabled", "_expired", "_not_met", "_effect", "_failed", "not_found")
                )
            ):
                given.add(node.value)
    given -= {"redeemables_no_effect_rule"}
    assert given
    assert given <= known
