"""Limits that rules and campaigns bring: held with the lock, exact, counted from history when new."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command

from offers.ledger import counters
from offers.models import Retailer, RuleAssignment, ValidationRule
from tests.api.client import ApiClient
from tests.flows import shop
from tests.flows.shop import lock, redeem, validate, why

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def rule(owner: Any, name: str, most: int, *, message: str | None = None) -> ValidationRule:
    """Bind "name at most `most`" to a voucher or campaign."""
    made: ValidationRule = ValidationRule.objects.create(
        retailer=owner.retailer,
        name=name,
        rules={"1": {"name": name, "conditions": {"$less_than_or_equal": [most]}, "rules": {}}, "logic": "1"},
        error={"message": message} if message else None,
    )
    bind(made, owner)
    return made


def bind(made: ValidationRule, owner: Any) -> None:
    target = {"Voucher": "voucher", "Campaign": "campaign", "PromotionTier": "promotion_tier"}[type(owner).__name__]
    RuleAssignment.objects.create(
        retailer=owner.retailer, rule=made, target=target, target_id=owner.pk, target_public_id=owner.public_id
    )


@pytest.fixture(autouse=True)
def _proof() -> Any:
    yield
    call_command("prove_ledger")


def test_a_budget_is_held_with_the_lock(api: ApiClient, shop_a: Retailer) -> None:
    owner = shop.campaign(shop_a, budget=50000)
    shop.code(shop_a, "A", campaign=owner)
    shop.code(shop_a, "B", campaign=owner)
    assert lock(api, "A", key="a")["valid"]  # 40,000 of 50,000
    refused = lock(api, "B", key="b")
    assert why(refused) == "redemption_rules_violated"
    assert redeem(api, "A", key="a").status == 200
    assert redeem(api, "B")["key"] == "redemption_rules_violated"
    assert redeem(api, "B", amount=50000).status == 200  # exactly the 10,000 left


def test_two_codes_of_one_campaign_share_its_budget_in_one_request(api: ApiClient, shop_a: Retailer) -> None:
    owner = shop.campaign(shop_a, budget=50000)
    shop.code(shop_a, "A", campaign=owner)
    shop.code(shop_a, "B", campaign=owner)
    answer = lock(api, "A", "B", key="k")
    assert [one["status"] for one in answer["redeemables"]] == ["APPLICABLE", "INAPPLICABLE"]


def test_a_locked_price_stays_when_the_budget_runs_out(api: ApiClient, shop_a: Retailer) -> None:
    owner = shop.campaign(shop_a, budget=80000)
    shop.code(shop_a, "A", campaign=owner)
    shop.code(shop_a, "B", campaign=owner)
    lock(api, "A", key="a")
    assert redeem(api, "B").status == 200
    assert redeem(api, "A", key="a").status == 200


def test_once_per_customer(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None, customer_limit=1)
    ada, bob = {"source_id": "ada"}, {"source_id": "bob"}
    assert lock(api, "CODE", key="x")["redeemables"][0]["result"]["error"]["key"] == "missing_customer"
    assert redeem(api, "CODE", customer=ada).status == 200
    assert redeem(api, "CODE", customer=ada)["key"] == "redemption_rules_violated"
    assert redeem(api, "CODE", customer=bob).status == 200


def test_a_customers_limit_is_held_by_his_session(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None, customer_limit=1)
    ada = {"source_id": "ada"}
    assert validate(api, "CODE", customer=ada, key="a")["valid"]
    assert validate(api, "CODE", customer=ada, key="a")["valid"]
    assert not validate(api, "CODE", customer=ada, key="b")["valid"]
    assert redeem(api, "CODE", customer=ada, key="a").status == 200


@pytest.mark.parametrize(
    ("name", "later"),
    [
        ("redemption.count.daily", timedelta(days=1)),
        ("redemption.count.weekly", timedelta(days=7)),
        ("redemption.count.monthly", timedelta(days=31)),
        ("campaign.redemptions.count.daily", timedelta(days=1)),
    ],
)
def test_counts_of_a_period_begin_anew(
    api: ApiClient, shop_a: Retailer, set_clock: Callable[[datetime], None], name: str, later: timedelta
) -> None:
    owner = shop.campaign(shop_a)
    shop.code(shop_a, limit=None, campaign=owner)
    rule(owner, name, 2, message="come back later")
    set_clock(NOON)
    assert redeem(api, "CODE").status == redeem(api, "CODE").status == 200
    refused = redeem(api, "CODE")
    assert (refused["key"], refused["error"]) == ("redemption_rules_violated", {"message": "come back later"})
    set_clock(NOON + later)
    assert redeem(api, "CODE").status == 200


def test_days_are_the_retailers(api: ApiClient, shop_a: Retailer, set_clock: Callable[[datetime], None]) -> None:
    shop_a.timezone = "America/New_York"
    shop_a.save()
    rule(shop.code(shop_a, limit=None), "redemption.count.daily", 1)
    set_clock(datetime(2026, 3, 3, 4, 59, tzinfo=UTC))  # still the 2nd in New York
    assert redeem(api, "CODE").status == 200
    assert redeem(api, "CODE").status == 400
    set_clock(datetime(2026, 3, 3, 5, 1, tzinfo=UTC))
    assert redeem(api, "CODE").status == 200


def test_a_rule_made_later_counts_what_was_before(api: ApiClient, shop_a: Retailer) -> None:
    owner = shop.campaign(shop_a)
    voucher = shop.code(shop_a, limit=None, campaign=owner)
    ada = {"source_id": "ada"}
    redeem(api, "CODE", customer=ada)
    rule(voucher, "redemption.count.per_customer", 2)
    assert redeem(api, "CODE", customer=ada).status == 200
    assert redeem(api, "CODE", customer=ada).status == 400
    owner.budget = 100_000  # 80,000 of it are gone
    owner.save()
    assert redeem(api, "CODE", customer={"source_id": "bob"})["key"] == "redemption_rules_violated"
    assert redeem(api, "CODE", customer={"source_id": "bob"}, amount=100_000).status == 200


def test_an_edited_rule_counts_what_was_before(api: ApiClient, shop_a: Retailer) -> None:
    made = rule(shop.code(shop_a, limit=None), "redemption.count.daily", 1)
    assert redeem(api, "CODE").status == 200
    assert redeem(api, "CODE").status == 400
    made.rules["1"]["conditions"] = {"$less_than_or_equal": [2]}
    made.updated_at = datetime.now(UTC) + timedelta(seconds=5)
    made.save()
    assert redeem(api, "CODE").status == 200
    assert redeem(api, "CODE").status == 400


def test_a_changed_configuration_is_seen_by_the_next_request(api: ApiClient, shop_a: Retailer) -> None:
    owner = shop.campaign(shop_a)
    shop.code(shop_a, campaign=owner)
    assert validate(api, "CODE")["order"]["total_discount_amount"] == 40000
    owner.discount = shop.TEN_PERCENT
    owner.save()
    assert validate(api, "CODE")["order"]["total_discount_amount"] == 20000
    owner.active = False
    owner.save()
    assert why(validate(api, "CODE")) == "voucher_disabled"


def test_tiers_have_limits_too(api: ApiClient, shop_a: Retailer) -> None:
    tier = shop.tier(shop_a)
    rule(tier, "redemption.count.per_customer", 1)
    wanted = {"object": "promotion_tier", "id": tier.public_id}
    ada = {"source_id": "ada"}
    assert redeem(api, wanted, customer=ada).status == 200
    assert redeem(api, wanted, customer=ada)["key"] == "redemption_rules_violated"
    assert redeem(api, wanted, customer={"source_id": "bob"}).status == 200


def test_a_lowered_limit_refuses_until_enough_came_back(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=3)
    for key in "abc":
        lock(api, "CODE", key=key)
    counters.set_limit(
        counters.Name(kind="voucher.uses", owner=shop_a.vouchers.get().pk), 1, reference="t", now=datetime.now(UTC)
    )
    shop_a.vouchers.update(redemption_limit=1)
    assert redeem(api, "CODE", key="a").status == 200
    assert not validate(api, "CODE")["valid"]
