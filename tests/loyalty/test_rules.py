"""Rules of loyalty: what can be saved, as which version, and what was in force when."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty import rule_terms, rules
from loyalty.models import Rule, RuleVersion, TierLevel, TierSystem
from loyalty.rule_terms import InvalidRule
from offers.lib.actors import SYSTEM
from offers.lib.errors import NotFound
from offers.models import AuditEntry, Retailer
from tests.loyalty.people import kind
from tests.loyalty.sales import NOON, points_fixed, points_per

FIXED = [points_fixed(5)]
CROSSES = {"metric": "earned_points", "account": "main", "op": "crosses", "value": 200}


def save(shop: Retailer, scope: str = "economy", **fields: Any) -> Rule:
    definition = {"outcomes": FIXED, **fields.pop("says", {})}
    fields.setdefault("now", NOON)
    return rules.save(retailer_id=shop.pk, name="Rule", scope=scope, definition=definition, actor=SYSTEM, **fields)


def restrictions(count: int) -> list[dict[str, Any]]:
    return [{"mode": "include", "match": "item", "values": [str(number)]} for number in range(count)]


@pytest.mark.django_db
def test_t68_a_rule_has_fewer_than_50_catalog_restrictions(shop_a: Retailer) -> None:
    kind(shop_a)
    saved = save(shop_a, says={"catalog_restrictions": restrictions(49)})
    with pytest.raises(InvalidRule) as refused:
        save(shop_a, says={"catalog_restrictions": restrictions(50)})
    assert refused.value.faults == [("catalog_restrictions", "should be fewer than 50")]
    assert Rule.objects.count() == 1
    version = saved.versions.get()
    version.definition["catalog_restrictions"] = restrictions(50)
    with pytest.raises(IntegrityError), transaction.atomic():
        version.save()


@pytest.mark.django_db
def test_a_definition_is_stored_with_ids_and_keys_so_that_renaming_changes_nothing(shop_a: Retailer) -> None:
    main = kind(shop_a)
    system = TierSystem.objects.create(retailer=shop_a, key="club", name="Shop Club")
    TierLevel.objects.create(system=system, key="gold", name="Gold Level", rank=1)
    says = {"tier_system": "Shop Club", "levels": ["gold level"], "outcomes": [points_per("1.5", account="MAIN")]}
    stored = save(shop_a, says=says).versions.get().definition
    assert (stored["tier_system"], stored["levels"]) == ("club", ["gold"])
    assert stored["outcomes"][0]["account"] == str(main.uuid)
    assert stored["outcomes"][0]["rate"] == "1.5"


@pytest.mark.django_db
def test_an_edit_is_a_version_in_force_from_now_and_the_old_one_was_in_force_before(shop_a: Retailer) -> None:
    kind(shop_a)
    one = save(shop_a, in_force_from=NOON - timedelta(days=10))
    later = NOON + timedelta(hours=1)
    save(shop_a, rule_uuid=str(one.uuid), now=later, says={"outcomes": [points_fixed(9)]})

    def given_at(moment: Any) -> list[int]:
        found = rules.in_force(retailer_id=shop_a.pk, at=moment)
        return [rule.definition["outcomes"][0]["points"] for rule in found]

    assert given_at(NOON - timedelta(days=11)) == []
    assert given_at(NOON - timedelta(days=10)) == [5]
    assert given_at(later - timedelta(microseconds=1)) == [5]
    assert given_at(later) == [9]
    rules.set_active(retailer_id=shop_a.pk, rule_uuid=str(one.uuid), active=False, actor=SYSTEM, now=later)
    assert given_at(later) == []
    assert given_at(NOON) == [5]
    assert [row.number for row in RuleVersion.objects.order_by("number")] == [1, 2, 3]
    assert AuditEntry.objects.filter(object_type="loyalty_rule").count() == 3


@pytest.mark.django_db
def test_another_retailers_rules_are_nowhere(shop_a: Retailer, shop_b: Retailer) -> None:
    kind(shop_a)
    kind(shop_b)
    one = save(shop_a)
    assert rules.in_force(retailer_id=shop_b.pk, at=NOON) == []
    with pytest.raises(NotFound):
        save(shop_b, rule_uuid=str(one.uuid))
    with pytest.raises(NotFound):
        rules.set_active(retailer_id=shop_b.pk, rule_uuid=str(one.uuid), active=False, actor=SYSTEM, now=NOON)


@pytest.mark.django_db
def test_what_a_rule_names_has_to_exist(shop_a: Retailer) -> None:
    with pytest.raises(InvalidRule) as refused:
        save(shop_a)
    assert refused.value.faults == [("outcomes[0].account", "is no point account of this retailer")]
    kind(shop_a)
    for says, place in (({"tier_system": "x"}, "tier_system"), ({"levels": ["x"]}, "levels[0]")):
        with pytest.raises(InvalidRule) as refused:
            save(shop_a, says=says)
        assert [where for where, _ in refused.value.faults] == [place]


@pytest.mark.parametrize(
    ("scope", "says", "place"),
    [
        ("shop", {}, "scope"),
        ("economy", {"starts_at": "2026-11-01T00:00:00Z"}, "starts_at"),
        ("economy", {"budget": {"offers": 1}}, "budget"),
        ("campaign", {"section": "purchase"}, "section"),
        ("economy", {"section": "x"}, "section"),
        ("economy", {"colour": "red"}, "colour"),
        ("economy", {"trigger": "x"}, "trigger"),
        ("economy", {"match": "most"}, "match"),
        ("economy", {"conditions": [CROSSES]}, "trigger"),
        ("economy", {"trigger": "points_changed", "conditions": [CROSSES, CROSSES]}, "conditions"),
        ("economy", {"conditions": [{"metric": "mood", "op": "in", "value": ["x"]}]}, "conditions[0].metric"),
        ("economy", {"conditions": [{"metric": "subtotal", "op": "in", "value": "1"}]}, "conditions[0].op"),
        ("economy", {"conditions": [{"metric": "subtotal", "op": ">=", "value": "x"}]}, "conditions[0].value"),
        ("economy", {"conditions": [{"metric": "channel", "op": "in", "value": []}]}, "conditions[0].value"),
        ("economy", {"conditions": [{"metric": "weekday", "op": "in", "value": ["xyz"]}]}, "conditions[0].value"),
        ("economy", {"conditions": [{"metric": "time", "value": ["9", "18:00"]}]}, "conditions[0].value"),
        ("economy", {"conditions": "x"}, "conditions"),
        ("economy", {"catalog_restrictions": [{"match": "store", "values": ["a"]}]}, "catalog_restrictions[0].match"),
        ("economy", {"exclusions": [{"match": "item", "values": []}]}, "exclusions[0].values"),
        ("economy", {"outcomes": []}, "outcomes"),
        ("economy", {"outcomes": [{"type": "cash"}]}, "outcomes[0].type"),
        ("economy", {"outcomes": [points_fixed(0)]}, "outcomes[0].points"),
        ("economy", {"outcomes": [points_per(-1)]}, "outcomes[0].rate"),
        ("economy", {"outcomes": [points_per(1, unit="0")]}, "outcomes[0].unit"),
        ("economy", {"outcomes": [points_per(1, basis="weight")]}, "outcomes[0].basis"),
        ("economy", {"outcomes": [{"type": "offer"}]}, "outcomes[0].offer"),
        ("economy", {"limits": {"per_user": {"count": 0}}}, "limits.per_user.count"),
        ("economy", {"limits": {"per_user": {"count": 1, "period": "hour"}}}, "limits.per_user.period"),
        ("economy", {"limits": {"per_store": {"count": 1}}}, "limits.per_store"),
        ("campaign", {"starts_at": "x"}, "starts_at"),
        ("campaign", {"starts_at": "2026-11-01T00:00:00Z", "ends_at": "2026-11-01T00:00:00Z"}, "ends_at"),
        ("campaign", {"audience": {"age": ["x"]}}, "audience.age"),
        ("campaign", {"budget": {"offers": -1}}, "budget.offers"),
        ("economy", {"priority": "high"}, "priority"),
    ],
)
def test_a_fault_is_named_with_its_place(scope: str, says: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidRule) as refused:
        rule_terms.check({"outcomes": FIXED, **says}, scope)
    assert place in [where for where, _ in refused.value.faults]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(rule_terms.KEYS)), ANY_JSON, st.sampled_from(rule_terms.SCOPES))
def test_no_value_anywhere_is_more_than_refused(key: str, value: Any, scope: str) -> None:
    for says in ({key: value}, {key: [value]}, {key: [{"type": value, "metric": value, "match": value}]}):
        try:
            rule_terms.check({"outcomes": FIXED, **says}, scope)
        except InvalidRule as refusal:
            assert refusal.faults
