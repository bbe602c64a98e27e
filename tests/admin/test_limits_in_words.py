"""A limit that was reached is told in plain words in the history, the trace and the counts of refusals.

The wire keeps its keys and messages.
"""

from typing import Any

import msgspec
import pytest
from django.test import Client

from checkout import validation
from checkout.admin import redemption_words, trace
from checkout.admin.campaigns import refusals
from checkout.asks import Ask
from checkout.models import Redemption, Validation
from offers import campaigns, rules, vouchers
from offers.admin import show
from offers.models import Campaign, Retailer
from tests.admin import scene as scenes
from tests.admin.test_history import LIST
from tests.api.client import ApiClient

BUYER = {"source_id": "cust-1"}
USED = "The customer has used it as often as allowed"


def code(shop: Retailer, name: str, count: str = "", limit: int = 1, **fields: Any) -> None:
    """A code with a condition on a count."""
    terms: Any = {"discount": {"type": "AMOUNT", "amount_off": 500}, **fields}
    if count:
        condition = {"name": count, "conditions": {"$less_than_or_equal": [limit]}}
        body: Any = {"name": f"Limit of {name}", "rules": {"1": condition, "logic": "1"}}
        terms["rules"] = [rules.create(fields=body, **scenes.who(shop)).public_id]
    vouchers.create(code=name, fields=terms, **scenes.who(shop))


def pooled(shop: Retailer, **fields: Any) -> Campaign:
    terms: Any = {"type": "STANDALONE", "discount": {"type": "AMOUNT", "amount_off": 500}, **fields}
    return campaigns.create(name="Pool", fields=terms, **scenes.who(shop))


def again(shop: Retailer, name: str) -> Redemption:
    """Use a code twice; return the second, which failed."""
    for number in (1, 2):
        scenes.redeem(shop, name, order=scenes.order(9000, f"{name}-{number}"), customer=BUYER)
    row = Redemption.objects.latest("pk")
    assert not row.succeeded
    return row


@pytest.mark.parametrize(
    ("count", "said"),
    [
        ("redemption.count.per_customer", USED),
        ("redemption.count.per_customer.daily", f"{USED} in a day"),
        ("campaign.redemptions.customers_count", "The customer has used the campaign as often as allowed"),
        ("redemption.count", "Used as often as its conditions allow"),
    ],
)
def test_a_condition_that_counts_says_what_was_used_up(
    count: str, said: str, reviewer: Client, shop_a: Retailer
) -> None:
    campaign: dict[str, Any] = {}
    if count.startswith("campaign."):
        pool = pooled(shop_a)
        condition = {"name": count, "conditions": {"$less_than_or_equal": [1]}}
        body: Any = {"name": "Once", "rules": {"1": condition, "logic": "1"}}
        rule = rules.create(fields=body, **scenes.who(shop_a))
        rules.assign(rule=rule, target=pool, **scenes.who(shop_a))
        campaign = {"campaign": pool}
        terms: Any = {"discount": {"type": "AMOUNT", "amount_off": 500}, "redemption_limit": None}
        vouchers.create(code="LIMITED", fields=terms, **campaign, **scenes.who(shop_a))
    else:
        code(shop_a, "LIMITED", count)
    row = again(shop_a, "LIMITED")
    assert (row.ran_out, row.failure_code) == (count, "redemption_rules_violated")
    assert f">{said}<" in reviewer.get(LIST).content.decode()
    page = reviewer.get(f"{LIST}{row.pk}/change/").context["page"]
    assert page.notice.startswith(f"{said}. The shop was told: redemption does not match")
    checks = page.blocks[-1]
    assert checks.text == f"{said}."
    step = next(step for step in checks.steps if not step.ok)
    assert (step.name, step.needed, step.actual, step.hint) == (said, "at most 1", "1 so far", "")


def test_the_limit_of_a_code_per_customer(reviewer: Client, shop_a: Retailer, api: ApiClient) -> None:
    code(shop_a, "ONCE", customer_limit=1, redemption_limit=None)
    row = again(shop_a, "ONCE")
    said = reviewer.get(f"{LIST}{row.pk}/change/").content.decode()
    assert f"{USED}. The shop was told: the customer has used this as often as allowed." in said
    assert "conditions not met" not in said
    # The wire says what it always said.
    told = api.get(f"/v1/redemptions/{row.public_id}")
    assert told["failure_code"] == "redemption_rules_violated"
    assert told["failure_message"] == "the customer has used this as often as allowed"
    assert "ran_out" not in told.json


def test_a_validation_says_so_too(reviewer: Client, shop_a: Retailer) -> None:
    code(shop_a, "ONCE", customer_limit=1, redemption_limit=None)
    again(shop_a, "ONCE")
    ask = {
        "redeemables": [{"object": "voucher", "id": "ONCE"}],
        "order": {"amount": 9000},
        "customer": BUYER,
        "options": {"explain": True},
    }
    validation.validate(ask=msgspec.convert(ask, Ask), **scenes.who(shop_a))
    row = Validation.objects.latest("pk")
    checks = reviewer.get(f"/admin/checkout/validation/{row.pk}/change/").context["page"].blocks[-1]
    assert checks.text == f"{USED}."


def test_counts_of_refusals_tell_limits_from_other_conditions(owner: Client, shop_a: Retailer) -> None:
    pool = pooled(shop_a)
    terms: Any = {"discount": {"type": "AMOUNT", "amount_off": 500}, "customer_limit": 1, "redemption_limit": None}
    vouchers.create(code="ONCE", campaign=pool, fields=terms, **scenes.who(shop_a))
    again(shop_a, "ONCE")
    assert refusals(pool) == [(USED, 1)]
    assert USED in owner.get("/admin/").content.decode()


def test_a_count_that_is_too_low_is_no_limit_reached(shop_a: Retailer) -> None:
    condition = {"name": "redemption.count.per_customer", "conditions": {"$more_than": [3]}}
    body: Any = {"name": "Regulars", "rules": {"1": condition, "logic": "1"}}
    rule = rules.create(fields=body, **scenes.who(shop_a))
    terms: Any = {"discount": {"type": "AMOUNT", "amount_off": 500}, "rules": [rule.public_id]}
    vouchers.create(code="REGULARS", fields=terms, **scenes.who(shop_a))
    scenes.redeem(shop_a, "REGULARS", order=scenes.order(9000, "R-1"), customer=BUYER)
    row = Redemption.objects.latest("pk")
    assert (row.succeeded, row.ran_out) == (False, None)
    assert redemption_words.notice(row) == row.failure_message


def test_who_came_too_late_reads_no_absurd_count() -> None:
    check = {
        "name": "redemption.count.per_customer",
        "ok": False,
        "needed": {"$less_than_or_equal": [1]},
        "actual": 2**62 + 1,
        "key": "redemption_rules_violated",
        "hint": {"redemption.count.per_customer": {"excess": 2**62}},
    }
    (shown,) = trace.checklists([check], "USD")
    assert (shown.steps[0].name, shown.steps[0].actual, shown.steps[0].hint) == (USED, "all taken meanwhile", "")


def test_an_unknown_count_falls_back_on_the_reason() -> None:
    assert show.reason("redemption_rules_violated", "something.else") == "Redemption conditions not met"
    assert show.reason("redemption_rules_violated") == "Redemption conditions not met"


def test_a_budget_that_is_spent_says_so(shop_a: Retailer) -> None:
    pool = pooled(shop_a, budget=700)
    terms: Any = {"discount": {"type": "AMOUNT", "amount_off": 500}, "redemption_limit": None}
    vouchers.create(code="CAPPED", campaign=pool, fields=terms, **scenes.who(shop_a))
    row = again(shop_a, "CAPPED")
    assert show.reason(row.failure_code, row.ran_out) == "Not enough campaign budget left"
