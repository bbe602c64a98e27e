"""Marketers make a tier system and change it as a whole; what members hold or rules name does not go."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from loyalty import tier_systems, tiers
from loyalty.models import TierLevel, TierSystem
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.lib.errors import InvalidPayload
from offers.models import AuditEntry, Retailer
from tests.admin.scene import Scene

LIST = "/admin/loyalty/tiersystem/"
CLUB = {
    "name": "Shoe club",
    "demotion": "one_level",
    "review_months": "12",
    "level_1": "Base",
    "level_2": "Gold & more",
    "entry_metric_2": "spend",
    "entry_op_2": ">=",
    "entry_value_2": "250.50",
    "entry_months_2": "6",
    "maintenance_metric_2": "period_points",
    "maintenance_op_2": ">=",
    "maintenance_value_2": "100",
    "maintenance_months_2": "12",
}


def make(marketer: Client, shop: Retailer, **changed: str) -> TierSystem:
    answer = marketer.post(f"{LIST}add/", {"retailer": shop.pk, **CLUB, **changed})
    assert answer.status_code == 302, answer.content.decode()
    return TierSystem.objects.latest("pk")


def shown(client: Client, row: TierSystem) -> dict[str, Any]:
    """What the form shows, as it would be posted back."""
    form = client.get(f"{LIST}{row.pk}/edit/").context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in values.items() if value not in (None, "", False)}


def test_a_system_is_made_with_its_levels_and_said_in_words(marketer: Client, shop_a: Retailer) -> None:
    row = make(marketer, shop_a)
    assert (row.key, row.demotion, row.review_months, row.active) == ("shoe-club", "one_level", 12, True)
    assert list(row.levels.order_by("rank").values_list("key", "name", "rank", "entry", "maintenance")) == [
        ("base", "Base", 1, None, None),
        (
            "gold-more",
            "Gold & more",
            2,
            {"metric": "spend", "op": ">=", "value": "250.5", "period_months": 6},
            {"metric": "period_points", "op": ">=", "value": 100, "period_months": 12},
        ),
    ]
    page = marketer.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "at least 250.5 money spent in 6 months" in page and "shoe-club/gold-more" in page
    entry = AuditEntry.objects.get(action="tier_system.create")
    assert (entry.actor, (entry.after or {})["key"]) == ("mara", "shoe-club")


def test_what_cannot_be_is_said_at_its_field(marketer: Client, shop_a: Retailer) -> None:
    wrongs = ({"level_1": "", "level_2": ""}, {"entry_value_2": ""}, {"entry_value_2": "NaN"}, {"rank_2": "-1"})
    for wrong in (*wrongs, {"rank_1": "2", "rank_2": "2"}, {"review_months": "0"}, {"name": " "}):
        answer = marketer.post(f"{LIST}add/", {"retailer": shop_a.pk, **CLUB, **wrong})
        assert answer.status_code == 422, wrong
    assert not TierSystem.objects.exists()


def test_saving_what_is_shown_changes_nothing(marketer: Client, scene: Scene) -> None:
    row = scene.club
    before = tier_systems.facts(row)
    assert marketer.post(f"{LIST}{row.pk}/edit/", {**shown(marketer, row), "reason": "looked"}).status_code == 302
    assert tier_systems.facts(row) == before
    assert not AuditEntry.objects.filter(action="tier_system.update").exists()


def test_levels_change_places_names_and_conditions_and_keep_their_keys(marketer: Client, shop_a: Retailer) -> None:
    row = make(marketer, shop_a)
    form = {**shown(marketer, row), "rank_1": "2", "rank_2": "1", "level_1": "Basis", "level_3": "Platinum"}
    form |= {"entry_metric_3": "lifetime_points", "entry_value_3": "5000", "reason": "new season"}
    assert marketer.post(f"{LIST}{row.pk}/edit/", {**form, "reason": ""}).status_code == 422
    assert marketer.post(f"{LIST}{row.pk}/edit/", form).status_code == 302
    assert list(row.levels.order_by("rank").values_list("key", "name", "rank")) == [
        ("gold-more", "Gold & more", 1),
        ("base", "Basis", 2),
        ("platinum", "Platinum", 3),
    ]
    entry = AuditEntry.objects.get(action="tier_system.update")
    assert (entry.actor, entry.reason, set(entry.after or {})) == ("mara", "new season", {"levels"})


def test_nobody_overwrites_what_he_has_not_seen(marketer: Client, shop_a: Retailer) -> None:
    row = make(marketer, shop_a)
    mine, theirs = shown(marketer, row), shown(marketer, row)
    assert marketer.post(f"{LIST}{row.pk}/edit/", {**theirs, "name": "Theirs", "reason": "x"}).status_code == 302
    answer = marketer.post(f"{LIST}{row.pk}/edit/", {**mine, "name": "Mine", "reason": "x"})
    assert answer.status_code == 422 and "Somebody else changed this" in answer.content.decode()
    row.refresh_from_db()
    assert row.name == "Theirs"


def test_a_level_that_is_held_or_named_by_a_rule_does_not_go(marketer: Client, scene: Scene) -> None:
    row = make(marketer, scene.shop, level_3="Platinum")
    without = {name: value for name, value in shown(marketer, row).items() if name != "level_3"}
    platinum = TierLevel.objects.get(key="platinum")
    tiers.move(member=scene.member, level=platinum, actor=SYSTEM, now=clock.now())
    answer = marketer.post(f"{LIST}{row.pk}/edit/", {**without, "reason": "fewer"})
    assert answer.status_code == 422 and "Members hold Platinum" in answer.content.decode()
    tiers.move(member=scene.member, level=row.levels.get(key="base"), actor=SYSTEM, now=clock.now())
    said = {"outcomes": [{"type": "points_fixed", "points": 5}], "levels": ["platinum"], "tier_system": row.key}
    rule = scene.earning.versions.latest("number")
    rule.definition = {**rule.definition, **said}
    rule.save()
    answer = marketer.post(f"{LIST}{row.pk}/edit/", {**without, "reason": "fewer"})
    assert answer.status_code == 422 and "names Platinum" in answer.content.decode()
    rule.definition = {**rule.definition, "levels": []}
    rule.save()
    assert marketer.post(f"{LIST}{row.pk}/edit/", {**without, "reason": "fewer"}).status_code == 302
    assert list(row.levels.order_by("rank").values_list("key", flat=True)) == ["base", "gold-more"]


def test_a_reviewer_only_looks(reviewer: Client, scene: Scene) -> None:
    assert "Edit" not in reviewer.get(f"{LIST}{scene.club.pk}/change/").content.decode().split("ok-buttons")[-1]
    assert reviewer.post(f"{LIST}{scene.club.pk}/edit/", {"reason": "mine"}).status_code == 403


@pytest.mark.parametrize(
    "condition",
    [
        {"metric": "luck", "op": ">=", "value": 1},
        {"op": ">=", "value": 1},
        {"metric": "spend", "op": ">=", "value": "NaN"},
        {"metric": "spend", "op": ">=", "value": "Infinity"},
        {"metric": "spend", "op": ">=", "value": 1, "period_months": "6"},
        {"metric": "spend", "op": ">=", "value": 1, "period_months": 0},
    ],
)
def test_a_condition_nobody_could_judge_is_refused(shop_a: Retailer, condition: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload):
        tier_systems.create(
            retailer_id=shop_a.pk,
            key="club",
            name="Club",
            levels=[{"key": "gold", "name": "Gold", "rank": 1, "entry": condition}],
            actor=SYSTEM,
            now=clock.now(),
        )


def test_a_value_between_whole_numbers_counts_as_it_was_typed(marketer: Client, shop_a: Retailer) -> None:
    row = make(marketer, shop_a)
    assert Decimal(str((row.levels.get(key="gold-more").entry or {})["value"])) == Decimal("250.50")
