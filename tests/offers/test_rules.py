"""Validation rules: only what can be evaluated is stored; assignments bind one object once."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from offers import rules
from offers.lib.actors import SYSTEM
from offers.lib.errors import Duplicate, NotFound
from offers.models import (
    AuditEntry,
    Campaign,
    PromotionTier,
    Retailer,
    RetailerVersion,
    RuleAssignment,
    ValidationRule,
    Voucher,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BIG_ORDER = {"1": {"name": "order.amount", "conditions": {"$more_than": [10000]}, "rules": {}}, "logic": "1"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Retailer:
    return Retailer.objects.create(name="Alice's shop")


@pytest.fixture
def rival() -> Retailer:
    return Retailer.objects.create(name="Charlie's shop")


@pytest.fixture
def campaign(shop: Retailer) -> Campaign:
    return Campaign.objects.create(retailer=shop, name="Autumn")


def create(shop: Retailer, definition: dict[str, Any] | None = None, **more: Any) -> ValidationRule:
    fields: rules.Fields = {"name": "Big orders", "rules": definition or BIG_ORDER, **more}  # type: ignore[typeddict-item]
    return rules.create(retailer_id=shop.pk, fields=fields, actor=SYSTEM, now=NOW)


def assign(rule: ValidationRule, target: rules.Target, **more: Any) -> RuleAssignment:
    return rules.assign(retailer_id=rule.retailer_id, rule=rule, target=target, actor=SYSTEM, now=NOW, **more)


@pytest.mark.parametrize(
    "definition",
    [
        {"1": {"name": "order.colour", "conditions": {"$is": [1]}}},
        {"1": {"name": "customer.metadata", "conditions": {"$is": [1]}}},
        {"1": {"name": "order.amount", "conditions": {"$almost": [1]}}},
        {"1": {"name": "order.amount", "conditions": {"$is": [1]}}, "logic": "1 and 2"},
        {"1": "order.amount"},
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_not_stored(shop: Retailer, definition: dict[str, Any]) -> None:
    with pytest.raises(rules.InvalidValidationRules):
        create(shop, definition)
    assert not ValidationRule.objects.exists()


def test_a_bad_update_leaves_the_rule_as_it_was(shop: Retailer) -> None:
    rule = create(shop)
    with pytest.raises(rules.InvalidValidationRules):
        rules.update(retailer_id=shop.pk, ident=rule.public_id, fields={"rules": {"logic": "("}}, actor=SYSTEM, now=NOW)
    assert rules.get(retailer_id=shop.pk, ident=rule.public_id).rules == BIG_ORDER


def test_an_update_changes_only_what_it_sends_and_is_audited(shop: Retailer) -> None:
    rule = create(shop, error={"message": "Buy more"})
    changed = rules.update(retailer_id=shop.pk, ident=rule.public_id, fields={"name": "Bigger"}, actor=SYSTEM, now=NOW)
    assert (changed.name, changed.rules, changed.error) == ("Bigger", BIG_ORDER, {"message": "Buy more"})
    row = AuditEntry.objects.get(action="rule.update")
    assert (row.before, row.after) == ({"name": "Big orders"}, {"name": "Bigger"})


def test_an_object_takes_a_rule_once_and_the_refusal_names_the_assignment(shop: Retailer, campaign: Campaign) -> None:
    rule = create(shop)
    first = assign(rule, campaign)
    with pytest.raises(Duplicate) as refused:
        assign(rule, campaign)
    assert refused.value.data["resource_id"] == first.public_id
    renewed = assign(rule, campaign, replace=True)
    assert list(RuleAssignment.objects.all()) == [renewed]


def test_vouchers_campaigns_and_tiers_are_found_by_what_callers_know(shop: Retailer, campaign: Campaign) -> None:
    voucher = Voucher.objects.create(retailer=shop, campaign=campaign, code="TEN")
    tier = PromotionTier.objects.create(retailer=shop, campaign=campaign, discount={"type": "PERCENT"})
    named = {
        ("voucher", "TEN"): voucher,
        ("voucher", voucher.public_id): voucher,
        ("campaign", "Autumn"): campaign,
        ("campaign", campaign.public_id): campaign,
        ("promotion_tier", tier.public_id): tier,
    }
    for (kind, ident), expected in named.items():
        assert rules.find_target(retailer_id=shop.pk, kind=kind, ident=ident) == expected
    for kind in ("voucher", "campaign", "promotion_tier", "earning_rule", "distribution"):
        with pytest.raises(NotFound) as refused:
            rules.find_target(retailer_id=shop.pk, kind=kind, ident="nobody")
        assert refused.value.data["resource_type"] == kind


def test_retailers_never_see_each_others_rules_or_objects(shop: Retailer, rival: Retailer, campaign: Campaign) -> None:
    rule = create(shop)
    assign(rule, campaign)
    for attempt in (
        lambda: rules.get(retailer_id=rival.pk, ident=rule.public_id),
        lambda: rules.delete(retailer_id=rival.pk, ident=rule.public_id, actor=SYSTEM, now=NOW),
        lambda: rules.find_target(retailer_id=rival.pk, kind="campaign", ident=campaign.public_id),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert list(rules.assignments(retailer_id=rival.pk)) == []
    assert rules.search(retailer_id=rival.pk).count() == 0


def test_deleting_a_rule_frees_what_it_bound(shop: Retailer, campaign: Campaign) -> None:
    rule = create(shop)
    assign(rule, campaign)
    rules.delete(retailer_id=shop.pk, ident=rule.public_id, actor=SYSTEM, now=NOW)
    assert not RuleAssignment.objects.exists()
    row = AuditEntry.objects.get(action="rule.delete")
    assert row.before is not None
    assert row.before["assignments"] == [f"campaign {campaign.public_id}"]


def test_every_change_reaches_the_next_request(shop: Retailer, campaign: Campaign) -> None:
    def version() -> int:
        return RetailerVersion.objects.get(retailer=shop).number

    seen = [version()]
    rule = create(shop)
    seen.append(version())
    assignment = assign(rule, campaign)
    seen.append(version())
    rules.update(retailer_id=shop.pk, ident=rule.public_id, fields={"name": "New"}, actor=SYSTEM, now=NOW)
    seen.append(version())
    rules.unassign(retailer_id=shop.pk, rule=rule, ident=assignment.public_id, actor=SYSTEM, now=NOW)
    seen.append(version())
    assert seen == sorted(set(seen))


def test_attaching_several_rules_skips_those_that_bind_already(shop: Retailer, campaign: Campaign) -> None:
    first, second = create(shop), create(shop)
    assign(first, campaign)
    made = rules.attach(
        target=campaign, rule_idents=[first.public_id, second.public_id, second.public_id], actor=SYSTEM, now=NOW
    )
    assert [assignment.rule_id for assignment in made] == [second.pk]
    assert [a.rule_id for a in rules.of([campaign])[campaign.pk]] == [first.pk, second.pk]
    with pytest.raises(NotFound):
        rules.attach(target=campaign, rule_idents=["val_unknown"], actor=SYSTEM, now=NOW)


def test_assignments_are_listed_by_rule_and_by_object(shop: Retailer, campaign: Campaign) -> None:
    first, second = create(shop), create(shop)
    one, two = assign(first, campaign), assign(second, campaign)
    listed = rules.assignments(retailer_id=shop.pk, related_object_id=campaign.public_id)
    assert list(listed) == [two, one]
    assert list(rules.assignments(retailer_id=shop.pk, rule_ident=first.public_id)) == [one]
    assert list(rules.assignments(retailer_id=shop.pk, rule=second, order="created_at")) == [two]
    assert rules.get(retailer_id=shop.pk, ident=first.public_id).assignments_count == 1  # type: ignore[attr-defined]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_eight_assignments_at_once_make_one() -> None:
    shop = Retailer.objects.create(name="Race")
    rule, campaign = create(shop), Campaign.objects.create(retailer=shop, name="Autumn")
    start, outcomes = threading.Barrier(8), []

    def call() -> None:
        try:
            start.wait()
            assign(rule, campaign)
            outcomes.append("assigned")
        except Duplicate:
            outcomes.append("duplicate")
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["assigned"] + ["duplicate"] * 7
