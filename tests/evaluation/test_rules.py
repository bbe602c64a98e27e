"""Validation rules: every condition, logic, sub-rules, messages, and what is refused at compile time."""

from typing import Any

import pytest

from offers.evaluation import rules
from offers.evaluation.context import Customer, Line, Order
from offers.evaluation.facts import FACTS
from offers.evaluation.items import LINE_FACTS, QUANTIFIERS
from offers.evaluation.rules import CountNeed, InvalidRule
from tests.evaluation.builders import (
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
    voucher,
)

ALICE = Customer(
    id="cust_alice",
    metadata={"level": "gold", "tags": ["vip", "new"]},
    segments=frozenset({"seg_1"}),
    loyalty_tiers=frozenset({"ltr_gold"}),
)
BOUGHT = order(
    line("a", 1000, 2, metadata={"size": "L"}, product_metadata={"brand": "acme"}),
    line("b", 500, 3, metadata={"size": "M"}, collections=frozenset({"pc_1"})),
    Line(index=2, sku_id="sku_1", product_id="prod_c", price=200, sku_metadata={"color": "red"}),
    metadata={"store": "berlin"},
)
A = {"id": "prod_a", "object": "product"}
B = {"id": "prod_b", "object": "product"}


def verdict_code(*conditions: dict[str, Any], on: Any = BOUGHT, customer: Any = ALICE, **more: Any) -> str | None:
    return code(
        one(voucher(percent_off(10, "APPLY_TO_ORDER"), rules=(rule(*conditions),)), on, customer=customer, **more)
    )


def sub(name: str, operator: str, *values: Any, **more: Any) -> dict[str, Any]:
    return {"1": condition(name, operator, *values, **more), "logic": "1"}


@pytest.mark.parametrize(
    "entry",
    [
        condition("customer.segment", "$is", "seg_1", "seg_2"),
        condition("customer.segment", "$is_not", "seg_2"),
        condition("customer.metadata", "$is", "gold", property="level"),
        condition("customer.metadata", "$contains", "vip", property="tags"),
        condition("customer.metadata", "$is_unknown", True, property="nothing"),
        condition("customer.loyalty.tier", "$is", "ltr_gold"),
        condition("customer_segment", "$is", "seg_1"),
        condition("order.amount", "$more_than", 3699),
        condition("order.initial_amount", "$is", 3700),
        condition("order.total_amount", "$is", 3330),
        condition("order.metadata", "$is", "berlin", property="store"),
        condition("order_metadata", "$is", "berlin", property="store"),
        condition("order.items.count", "$is", 6),
        condition("order.items.price_any", "$is", 500),
        condition("order.items.price_each", "$more_than", 100),
        condition("order.items.metadata_any", "$is", "L", property="size"),
        condition("order.items.metadata_each", "$is_not", "XL", property="size"),
        condition("order.items.any", "$is", A),
        condition("order.items.any", "$is", {"id": "pc_1", "object": "products_collection"}),
        condition("order.items.any", "$from", {"id": "pc_1", "object": "products_collection"}),
        condition("order.items.any", "$is", {"id": "sku_1", "object": "sku"}),
        condition("order.items.any", "$is_not", A),
        condition("order.items.every", "$is", A, B, {"id": "prod_c", "object": "product"}),
        condition("order.items.none", "$is", {"id": "prod_z", "object": "product"}),
        condition("order.items.cheapest", "$is", {"id": "sku_1", "object": "sku"}),
        condition("order.items.most_expensive", "$is", A),
        condition("order.items.metadata", "$is", "L", property="size"),
        condition("product.id", "$is", "prod_a"),
        condition("product.price", "$is", 500),
        condition("product.quantity", "$more_than", 2),
        condition("product.metadata", "$is", "acme", property="brand"),
        condition("sku.id", "$is", "sku_1"),
        condition("sku.price", "$is", 200),
        condition("sku.metadata", "$is", "red", property="color"),
        condition("campaign.redemptions.count", "$less_than_or_equal", 1),
        condition("redemption.count.daily", "$is", 1),
        condition("redemption.count.per_customer", "$less_than_or_equal", 1),
        condition("redemption.metadata", "$is", "web", property="channel"),
        condition("redemption.api_key", "$is", "key_1"),
        condition("redemption.user.login", "$ends_with", "@shop.test"),
        condition("campaign.orders.amount", "$less_than_or_equal", 3700),
        condition("campaign.orders.amount_discounted", "$less_than_or_equal", 370),
    ],
    ids=lambda entry: f"{entry['name']} {next(iter(entry['conditions']))}",
)
def test_a_condition_that_is_met(entry: dict[str, Any]) -> None:
    facts = {"metadata": {"channel": "web"}, "api_key_id": "key_1", "user_login": "bob@shop.test"}
    assert verdict_code(entry, **facts) is None


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (condition("customer.segment", "$is", "seg_2"), "customer_rules_violated"),
        (condition("customer.metadata", "$is", "silver", property="level"), "customer_rules_violated"),
        (condition("customer.loyalty.tier", "$is_not", "ltr_gold"), "customer_rules_violated"),
        (condition("publication.redeemable_by_linked_customer", "$is", True), "customer_rules_violated"),
        (condition("order.amount", "$more_than", 3700), "order_rules_violated"),
        (condition("order.total_amount", "$more_than_or_equal", 3331), "order_rules_violated"),
        (condition("order.metadata", "$is", "paris", property="store"), "order_rules_violated"),
        (condition("order.items.count", "$more_than", 6), "order_rules_violated"),
        (condition("order.items.price_each", "$more_than", 200), "order_rules_violated"),
        (condition("order.items.metadata_each", "$is", "L", property="size"), "order_rules_violated"),
        (condition("order.items.every", "$is", A, B), "order_rules_violated"),
        (condition("order.items.none", "$is", A), "order_rules_violated"),
        (condition("order.items.cheapest", "$is", A), "order_rules_violated"),
        (condition("order.items.most_expensive", "$is", B), "order_rules_violated"),
        (condition("product.id", "$is", "prod_z"), "order_rules_violated"),
        (condition("product.metadata", "$is", "other", property="brand"), "order_rules_violated"),
        (condition("redemption.metadata", "$is", "app", property="channel"), "redemption_rules_violated"),
        (condition("redemption.api_key", "$is", "key_2"), "redemption_rules_violated"),
        (condition("redemption.user.login", "$is", "bob"), "redemption_rules_violated"),
        (condition("campaign.orders.amount", "$less_than", 3700), "redemption_rules_violated"),
        (condition("campaign.orders.amount_discounted", "$less_than", 370), "redemption_rules_violated"),
        (condition("custom_event.metadata", "$is", "x", property="p"), "redemption_rules_violated"),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else value,
)
def test_a_condition_that_is_not_met_says_which_kind(entry: dict[str, Any], reason: str) -> None:
    assert verdict_code(entry) == reason


COUNTS = sorted(name for name, fact in FACTS.items() if fact.counted and fact.take is None)


@pytest.mark.parametrize("name", COUNTS)
def test_counts_include_this_redemption(name: str) -> None:
    once = rule(condition(name, "$less_than_or_equal", 1))
    discount = percent_off(10)
    assert code(one(voucher(discount, rules=(once,)), customer=ALICE)) is None
    used = voucher(discount, rules=(once,), usage={name: 1})
    assert code(one(used, customer=ALICE)) == "redemption_rules_violated"


def test_once_per_customer_needs_a_customer() -> None:
    entry = condition("redemption.count.per_customer", "$less_than_or_equal", 1)
    assert verdict_code(entry, customer=None) == "missing_customer"


@pytest.mark.parametrize(
    ("entry", "on", "reason"),
    [
        (condition("customer.segment", "$is_not", "seg_2"), BOUGHT, "missing_customer"),
        (condition("order.amount", "$more_than", 1), None, "missing_order"),
        (condition("order.amount", "$more_than", 1), Order(), "missing_amount"),
        (condition("order.metadata", "$is", "x", property="p"), None, "missing_order"),
        (condition("order.items.any", "$is", A), 1000, "missing_order_items"),
        (condition("order.items.none", "$is", A), 1000, "missing_order_items"),
        (condition("order.items.count", "$more_than", 1), 1000, "missing_order_items"),
        (condition("product.id", "$is", "prod_a"), None, "missing_order"),
    ],
)
def test_what_a_rule_asks_about_must_be_there(entry: dict[str, Any], on: Any, reason: str) -> None:
    verdict = one(voucher(percent_off(10), rules=(rule(entry),)), on)
    assert code(verdict) == reason
    if reason == "missing_customer":
        assert verdict.reason is not None
        assert verdict.reason.details == "Customer is required to validate rules"


def test_the_holder_may_use_it() -> None:
    entry = condition("publication.redeemable_by_linked_customer", "$is", True)
    mine = voucher(percent_off(10), rules=(rule(entry),), holder_id="cust_alice")
    assert code(one(mine, customer=ALICE)) is None
    assert code(one(mine, customer=Customer(id="cust_charlie"))) == "customer_rules_violated"


def test_order_amount_is_what_earlier_discounts_left_and_initial_amount_is_not() -> None:
    current = voucher(percent_off(10), "B", rules=(rule(condition("order.amount", "$more_than", 9500)),))
    initial = voucher(percent_off(10), "B", rules=(rule(condition("order.initial_amount", "$more_than", 9500)),))
    assert code(ask(voucher(percent_off(10)), current).verdicts[1]) == "order_rules_violated"
    assert code(ask(voucher(percent_off(10)), initial).verdicts[1]) is None


def test_gift_amount_is_what_would_be_spent() -> None:
    limit = rule(condition("redemption.gift.amount", "$less_than_or_equal", 100))
    assert code(one(gift(500, 100, rules=(limit,)))) is None
    assert code(one(gift(500, 101, rules=(limit,)))) == "redemption_rules_violated"
    assert code(one(gift(500, 101, rules=(limit,)), 50)) is None


@pytest.mark.parametrize(
    ("logic", "met"),
    [
        ("1 and 2", False),
        ("1 or 2", True),
        ("(1 and 2) or 1", True),
        ("1 and not 2", True),
        ("2 OR 1", True),
        ("2", False),
    ],
)
def test_logic_joins_conditions(logic: str, met: bool) -> None:
    joined = rule(
        condition("customer.segment", "$is", "seg_1"),
        condition("customer.metadata", "$is", "silver", property="level"),
        logic=logic,
    )
    assert one(voucher(percent_off(10), rules=(joined,)), customer=ALICE).applicable is met


def test_conditions_nobody_joined_must_all_hold() -> None:
    entries = {
        "1": condition("customer.segment", "$is", "seg_1"),
        "2": condition("order.amount", "$more_than", 999999),
    }
    for logic in ({}, {"logic": ""}, {"logic": None}):
        compiled = rules.compile({"id": "val_1", "rules": {**entries, **logic}})
        assert code(one(voucher(percent_off(10), rules=(compiled,)), customer=ALICE)) == "order_rules_violated"


def test_no_conditions_are_always_met() -> None:
    for definition in ({}, {"rules": None}, {"rules": {"logic": ""}}):
        assert one(voucher(percent_off(10), rules=(rules.compile(definition),)), None).applicable


@pytest.mark.parametrize(
    ("name", "items", "below", "met"),
    [
        ("order.items.any", [A], sub("order.items.quantity", "$more_than_or_equal", 2), True),
        ("order.items.any", [A], sub("order.items.quantity", "$more_than_or_equal", 3), False),
        ("order.items.any", [A, B], sub("order.items.aggregated_quantity", "$is", 5), True),
        ("order.items.any", [A, B], sub("order.items.aggregated_amount", "$is", 3500), True),
        ("order.items.any", [A, B], sub("order.items.aggregated_amount", "$is", 3501), False),
        ("order.items.any", [A, B], sub("order.items.price", "$less_than", 600), True),
        ("order.items.every", [A, B, {"id": "prod_c"}], sub("order.items.price", "$less_than", 600), False),
        ("order.items.none", [A, B], sub("order.items.price", "$less_than", 500), True),
        ("order.items.any", [B], sub("order.items.metadata", "$is", "M", property="size"), True),
        ("order.items.cheapest", [{"id": "prod_c"}], sub("order.items.quantity", "$is", 1), True),
        ("order.items.any", [{"id": "prod_z"}], sub("order.items.aggregated_quantity", "$less_than", 4), False),
        ("product.id", ["prod_a"], sub("product.quantity", "$is", 2), True),
        ("sku.id", ["sku_1"], sub("sku.price", "$is", 200), True),
    ],
)
def test_sub_rules_narrow_the_lines(name: str, items: list[Any], below: dict[str, Any], met: bool) -> None:
    entry = {"name": name, "conditions": {"$is": items}, "rules": below}
    assert (verdict_code(entry) is None) is met


def test_product_metadata_over_all_matching_lines() -> None:
    bought = order(
        line("a", 100, 2, product_metadata={"brand": "x"}), line("b", 100, 3, product_metadata={"brand": "x"})
    )
    entry = condition("product.metadata", "$is", "x", property="brand")
    entry["rules"] = sub("product.metadata.aggregated_quantity", "$is", 5)
    assert verdict_code(entry, on=bought) is None
    entry["rules"] = sub("product.metadata.match_all", "$is", True)
    assert verdict_code(entry, on=bought) is None
    mixed = order(*bought.items, line("c", 100))
    assert verdict_code(entry, on=mixed) == "order_rules_violated"


def test_discount_applicable_scopes_the_discount_to_the_product() -> None:
    entry = condition("product.id", "$is", "prod_a")
    entry["rules"] = sub("product.discount_applicable", "$is", True)
    verdict = one(voucher(percent_off(10), rules=(rule(entry),)), BOUGHT)
    assert verdict.discount_amount == 200


FOUR_OF_A = {
    "name": "order.items.any",
    "conditions": {"$is": [A]},
    "rules": sub("order.items.aggregated_quantity", "$more_than_or_equal", 4),
}


@pytest.mark.parametrize(
    ("definition", "good", "bad"),
    [
        (condition("order.amount", "$more_than", 10000), 10001, 10000),
        (FOUR_OF_A, order(line("a", 1, 3), line("a", 1, 1)), order(line("a", 1, 3), line("b", 1, 9))),
    ],
)
def test_the_documented_rules(definition: dict[str, Any], good: Any, bad: Any) -> None:
    assert verdict_code(definition, on=good) is None
    assert verdict_code(definition, on=bad) == "order_rules_violated"


def test_segment_or_metadata_as_documented() -> None:
    either = rule(
        condition("customer.segment", "$is", "seg_1"),
        condition("customer.metadata", "$is", "gold", property="level"),
        logic="1 or 2",
    )
    for customer, met in (
        (Customer(segments=frozenset({"seg_1"})), True),
        (Customer(metadata={"level": "gold"}), True),
        (Customer(), False),
    ):
        assert one(voucher(percent_off(10), rules=(either,)), customer=customer).applicable is met


def test_the_failing_conditions_message_wins_over_the_rules() -> None:
    def message(*conditions: dict[str, Any], **more: Any) -> str | None:
        verdict = one(voucher(percent_off(10), rules=(rule(*conditions, **more),)), BOUGHT, customer=ALICE)
        assert verdict.reason is not None
        return verdict.reason.rule_error

    top = {"error": {"message": "not for you"}}
    low = condition("order.amount", "$more_than", 99999)
    assert message(low) is None
    assert message(low, **top) == "not for you"
    own = {**low, "error": {"message": "spend more"}}
    assert message(own, **top) == "spend more"
    met = condition("customer.segment", "$is", "seg_1", error={"message": "wrong segment"})
    assert message(met, low, **top) == "not for you"
    four = {**FOUR_OF_A, "rules": {"1": {**FOUR_OF_A["rules"]["1"], "error": {"message": "buy four"}}}}  # type: ignore[index]
    assert message({**four, "error": {"message": "buy mugs"}}, **top) == "buy four"


def test_the_details_name_the_rule() -> None:
    entry = rule(condition("order.amount", "$more_than", 99999))
    verdict = one(voucher(percent_off(10), rules=(entry,)))
    assert verdict.reason is not None
    assert verdict.reason.details == "voucher cannot be redeemed because of violated validation rules: val_1"
    assert verdict.reason.message == "order does not match validation rules"
    assert verdict.reason.data == {"rules": ["val_1"]}


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"rules": {"1": {"name": "order.colour", "conditions": {"$is": [1]}}}}, "Rule 'order.colour' is unknown"),
        (
            {"rules": {"1": condition("custom_event.metadata", "$is", "x")}},
            "Rule 'custom_event.metadata' must have a 'property'",
        ),
        ({"rules": {"1": condition("customer.metadata", "$is", "x")}}, "must have a 'property'"),
        ({"rules": {"1": {"name": "order.amount"}}}, "must have 'conditions'"),
        ({"rules": {"1": {"name": "order.amount", "conditions": {}}}}, "must have 'conditions'"),
        ({"rules": {"1": {"conditions": {"$is": [1]}}}}, "needs a 'name'"),
        ({"rules": {"1": condition("order.amount", "$resembles", 1)}}, "is unknown"),
        ({"rules": {"1": condition("order.amount", "$starts_with", "1")}}, "does not fit"),
        ({"rules": {"1": condition("order.amount", "$more_than", "much")}}, "needs a number"),
        ({"rules": {"1": condition("customer.metadata", "$in_location", "loc_1", property="p")}}, "is unknown"),
        ({"rules": {"1": condition("order.items.any", "$more_than", A)}}, "does not fit"),
        ({"rules": {"1": condition("order.items.any", "$is")}}, "at least one item"),
        ({"rules": {"1": condition("order.items.any", "$is", {"object": "product"})}}, "id or a source_id"),
        ({"rules": {"1": {**condition("order.amount", "$is", 1), "rules": {"1": {}}}}}, "has no sub-rules"),
        (
            {"rules": {"1": {**condition("order.items.any", "$is", A), "rules": sub("order.amount", "$is", 1)}}},
            "can't be a sub-rule",
        ),
        ({"rules": {"1": condition("order.amount", "$is", 1), "logic": "1 and 2"}}, "names '2'"),
        ({"rules": {"1": condition("order.amount", "$is", 1), "logic": "1 and"}}, "ends too early"),
        ({"rules": {"1": condition("order.amount", "$is", 1), "logic": 7}}, "'logic' must be text"),
        ({"rules": [1]}, "must be an object"),
        ({"rules": {"1": "order.amount > 5"}}, "must be an object"),
        ({"rules": {"1": {**condition("order.items.any", "$is", A), "rules": [1]}}}, "must be an object"),
        ({"bundle_rules": {"1": {}}}, "not supported"),
    ],
)
def test_definitions_that_are_refused(definition: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRule, match=message):
        rules.compile(definition)


def test_counts_are_limited_only_where_they_must_hold() -> None:
    once = condition("redemption.count.per_customer", "$less_than_or_equal", 1)
    daily = condition("redemption.count.daily", "$less_than", 10)
    budget = condition("campaign.orders.amount_discounted", "$less_than_or_equal", 50000)
    at_least = condition("redemption.count", "$more_than", 3)
    assert rule(once, daily, budget).counts == (
        CountNeed("redemption.count.per_customer", 1),
        CountNeed("redemption.count.daily", 9),
        CountNeed("campaign.orders.amount_discounted", 50000),
    )
    assert rule(once, daily, logic="1 or 2").counts == (
        CountNeed("redemption.count.per_customer", None),
        CountNeed("redemption.count.daily", None),
    )
    assert rule(once, daily, budget, logic="1 and (2 or 3)").counts[0].limit == 1
    assert rule(once, logic="not 1").counts[0].limit is None
    assert rule(at_least).counts == (CountNeed("redemption.count", None),)
    assert rule(once, condition("redemption.count.per_customer", "$less_than", 5)).counts == (
        CountNeed("redemption.count.per_customer", 1),
    )


def test_the_verdict_says_what_to_hold() -> None:
    entries = (
        condition("redemption.count.per_customer", "$less_than_or_equal", 2),
        condition("campaign.orders.amount_discounted", "$less_than_or_equal", 50000),
        condition("campaign.orders.amount", "$less_than_or_equal", 900000),
    )
    stricter = rule(condition("redemption.count.per_customer", "$less_than_or_equal", 1))
    verdict = one(voucher(amount_off(700), rules=(rule(*entries), stricter)), customer=ALICE)
    assert [(limit.name, limit.limit, limit.take) for limit in verdict.limits] == [
        ("redemption.count.per_customer", 1, 1),
        ("campaign.orders.amount_discounted", 50000, 700),
        ("campaign.orders.amount", 900000, 10000),
    ]


def test_redeemables_of_one_campaign_share_its_counts_within_the_request() -> None:
    two = rule(
        condition("campaign.redemptions.count", "$less_than_or_equal", 2),
        condition("campaign.orders.amount_discounted", "$less_than_or_equal", 250),
        condition("campaign.orders.amount", "$less_than_or_equal", 10000),
    )
    of_campaign: dict[str, Any] = {"rules": (two,), "campaign": "camp_1"}
    outcome = ask(*(voucher(amount_off(100), name, **of_campaign) for name in "ABC"))
    assert [code(verdict) for verdict in outcome.verdicts] == [None, None, "redemption_rules_violated"]
    outcome = ask(*(voucher(amount_off(150), name, **of_campaign) for name in "AB"))
    assert [code(verdict) for verdict in outcome.verdicts] == [None, "redemption_rules_violated"]
    apart = ask(*(voucher(amount_off(150), name, rules=(two,), campaign=name) for name in "AB"))
    assert apart.valid


def test_all_names_of_the_reference_compile() -> None:
    for name, fact in FACTS.items():
        value: Any = True if fact.kind == "flag" else 1 if fact.kind == "number" else "x"
        rule(condition(name, "$is", value, property="p"))
    for name in QUANTIFIERS:
        rule(condition(name, "$is", "prod_a"))
    for name, line_fact in LINE_FACTS.items():
        entry = condition("order.items.any", "$is", A)
        entry["rules"] = sub(name, "$is", True if line_fact.kind == "flag" else 1, property="p")
        rule(entry)
