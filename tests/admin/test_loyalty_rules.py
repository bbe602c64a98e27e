"""Loyalty rules in the back office: plain words, versions, and trying a draft with nothing stored."""

import json
from typing import Any

import pytest
from django.test import Client

from loyalty.models import Award, Rule
from tests.admin.scene import Scene

DOUBLE = {
    "exclusions": [{"match": "category", "values": ["giftcard"]}],
    "outcomes": [{"type": "points_per", "rate": 2, "unit": "1.00"}],
}


def draft(scene: Scene, **more: Any) -> dict[str, Any]:
    return {"retailer": scene.shop.pk, "scope": "economy", "advanced": "on", "definition": json.dumps(DOUBLE), **more}


def test_a_rule_is_made_said_in_words_changed_and_switched_off(marketer: Client, scene: Scene) -> None:
    assert marketer.post("/admin/loyalty/rule/add/", draft(scene, name="Double")).status_code == 302
    made = Rule.objects.get(name="Double")
    path = f"/admin/loyalty/rule/{made.pk}/"
    said = marketer.get(f"{path}change/").content.decode()
    assert "2 points per 1.00 spent" in said
    assert "but not category giftcard" in said
    assert (
        marketer.post(
            f"{path}edit/", {"name": "Double", "advanced": "on", "definition": json.dumps(DOUBLE)}
        ).status_code
        == 302
    )
    assert marketer.post(f"{path}switch/", {"reason": "over"}).status_code == 302
    made.refresh_from_db()
    assert (made.active, made.versions.count()) == (False, 3)


def test_a_faulty_rule_says_what_is_wrong(marketer: Client, scene: Scene) -> None:
    answer = marketer.post("/admin/loyalty/rule/add/", draft(scene, name="Odd", definition='{"outcomes": [{}]}'))
    assert answer.status_code == 422
    assert "outcomes" in answer.content.decode()


def test_a_draft_is_tried_on_a_sale_made_by_hand(marketer: Client, scene: Scene) -> None:
    lines = "gloves, 1, 40.00, clothing\ncard, 1, 25.00, giftcard"
    answer = marketer.post("/admin/loyalty/rule/try/", draft(scene, lines=lines))
    assert answer.status_code == 200
    assert "+80" in answer.content.decode()
    assert not Award.objects.exists()
    assert Rule.objects.count() == 1


def test_a_draft_is_tried_on_a_sale_that_was_sent(marketer: Client, scene: Scene) -> None:
    sent = draft(scene, saved="R-1", customer="4711", beside="on")
    answer = marketer.post("/admin/loyalty/rule/try/", sent)
    assert answer.status_code == 200
    said = answer.content.decode()
    assert "+80" in said
    assert "One point per dollar" not in said  # it came into force after the sale was closed
    assert not Award.objects.exists()
    assert marketer.post("/admin/loyalty/rule/try/", draft(scene, saved="nothing")).status_code == 422


FIELDS: dict[str, Any] = {
    "trigger": "transaction_closed",
    "match": "any",
    "metric_1": "eligible_spend",
    "op_1": ">=",
    "value_1": "50.00",
    "metric_2": "channel",
    "op_2": "in",
    "value_2": "kiosk, app",
    "metric_3": "time",
    "value_3": "15:00-18:00",
    "metric_4": "weekday",
    "op_4": "not_in",
    "value_4": "sat, sun",
    "outcome_1": "points_per",
    "rate_1": "2.5",
    "unit_1": "1.00",
    "basis_1": "eligible_spend",
    "hurdle_1": "10.00",
    "account_1": "points",
    "outcome_2": "offer",
    "offer_2": "five-off",
    "outcome_3": "tag",
    "tag_3": "regular",
    "only": "category: shoes, hats\nshirt",
    "leave_out": "brand: Acme",
    "exclusions": "category: giftcard\nchannel: phone",
    "per_user": "1",
    "per_user_period": "day",
    "in_all": "500",
    "in_all_period": "lifetime",
    "priority": "7",
    "exclusive_group": "spring",
    "stop_after": "on",
}
CAMPAIGN = {
    "starts": "2026-12-01T08:00",
    "ends": "2026-12-24T18:00",
    "audience_tags": "local, vip",
    "audience_levels": "Gold",
    "budget_points": "10000",
    "budget_offers": "50",
}
ECONOMY = {"levels": "gold, Base", "tier_system": "Club", "section": "purchase"}


@pytest.mark.parametrize(("scope", "more"), [("economy", ECONOMY), ("campaign", CAMPAIGN)])
def test_every_field_becomes_part_of_the_rule_and_comes_back(
    marketer: Client, scene: Scene, scope: str, more: dict[str, Any]
) -> None:
    sent = {"retailer": scene.shop.pk, "scope": scope, "name": "All", **FIELDS, **more}
    answer = marketer.post("/admin/loyalty/rule/add/", sent)
    assert answer.status_code == 302, answer.content.decode()
    made = Rule.objects.get(name="All")
    said = made.versions.get().definition
    account = str(scene.shop.point_accounts.get().uuid)
    assert said["conditions"] == [
        {"metric": "eligible_spend", "op": ">=", "value": "50.00"},
        {"metric": "channel", "op": "in", "value": ["kiosk", "app"]},
        {"metric": "time", "value": ["15:00", "18:00"]},
        {"metric": "weekday", "op": "not_in", "value": ["sat", "sun"]},
    ]
    points = {"type": "points_per", "rate": "2.5", "unit": "1.00", "basis": "eligible_spend", "hurdle": "10.00"}
    assert said["outcomes"] == [
        {**points, "account": account},
        {"type": "offer", "offer": "five-off"},
        {"type": "tag", "tag": "regular"},
    ]
    assert [line["mode"] for line in said["catalog_restrictions"]] == ["include", "include", "exclude"]
    assert said["exclusions"][1] == {"match": "channel", "values": ["phone"]}
    assert said["limits"] == {"per_user": {"count": 1, "period": "day"}, "global": {"count": 500, "period": "lifetime"}}
    if scope == "campaign":
        assert said["audience"] == {"tags": ["local", "vip"], "levels": ["Gold"]}
        assert said["starts_at"] == "2026-12-01T08:00:00+00:00"
    else:
        assert (said["tier_system"], said["levels"], said["section"]) == ("club", ["gold", "base"], "purchase")
    path = f"/admin/loyalty/rule/{made.pk}/edit/"
    page: Any = marketer.get(path)
    form = page.context_data["form"]
    assert not form["advanced"].value()
    values = {name: form[name].value() for name in form.fields}
    again = {name: value for name, value in values.items() if value not in (None, False, "")}
    assert marketer.post(path, again).status_code == 302
    assert made.versions.order_by("-number")[0].definition == said


def test_points_that_reach_a_number_have_fields_of_their_own(marketer: Client, scene: Scene) -> None:
    sent = {"retailer": scene.shop.pk, "scope": "economy", "name": "Five at 200", "trigger": "points_changed"}
    more = {"crosses": "200", "outcome_1": "offer", "offer_1": "five-off", "per_user": "1"}
    assert marketer.post("/admin/loyalty/rule/add/", {**sent, **more}).status_code == 302
    said = Rule.objects.get(name="Five at 200").versions.get().definition
    [crossing] = said["conditions"]
    assert (crossing["metric"], crossing["op"], crossing["value"]) == ("earned_points", "crosses", 200)


def test_what_is_wrong_stands_at_its_field(marketer: Client, scene: Scene) -> None:
    wrong = {"metric_1": "subtotal", "op_1": ">=", "value_1": "much", "outcome_1": "points_per", "rate_1": ""}
    sent = {"retailer": scene.shop.pk, "scope": "economy", "name": "Odd", **wrong, "levels": "Platinum"}
    answer: Any = marketer.post("/admin/loyalty/rule/add/", sent)
    assert answer.status_code == 422
    errors = answer.context_data["form"].errors
    assert set(errors) == {"value_1", "rate_1"}
    answer = marketer.post("/admin/loyalty/rule/add/", {**sent, "value_1": "5", "rate_1": "1"})
    assert set(answer.context_data["form"].errors) == {"levels"}


def test_a_rule_the_fields_cannot_say_opens_as_json_and_keeps_every_part(marketer: Client, scene: Scene) -> None:
    five = {**DOUBLE, "conditions": [{"metric": "quantity", "op": ">=", "value": at} for at in range(1, 6)]}
    marketer.post("/admin/loyalty/rule/add/", draft(scene, name="Long", definition=json.dumps(five)))
    made = Rule.objects.get(name="Long")
    page: Any = marketer.get(f"/admin/loyalty/rule/{made.pk}/edit/")
    form = page.context_data["form"]
    assert form["advanced"].value() is True
    assert json.loads(form["definition"].value())["conditions"][4]["value"] == 5


def test_the_sentence_follows_the_form_and_stores_nothing(marketer: Client, reviewer: Client, scene: Scene) -> None:
    sent = {"retailer": scene.shop.pk, "scope": "economy", "outcome_1": "offer", "offer_1": "five-off"}
    asked = {"metric_1": "eligible_spend", "op_1": ">=", "value_1": "50", "only": "a\nb\ncategory: c"}
    told = marketer.post("/admin/loyalty/rule/say/", {**sent, **asked}).json()
    assert "what counts of the purchase is at least 50" in told["sentence"]
    assert "the offer “Five off”" in told["sentence"]
    assert (told["restrictions"], told["wrong"]) == (3, [])
    wrong = marketer.post("/admin/loyalty/rule/say/", {**sent, **asked, "value_1": "x"}).json()
    assert wrong["wrong"] == ["value should be a number."]
    odd = {"advanced": "on", "definition": '{"outcomes": [1], "conditions": 7}', "retailer": scene.shop.pk}
    assert marketer.post("/admin/loyalty/rule/say/", odd).status_code == 200
    assert reviewer.post("/admin/loyalty/rule/say/", sent).status_code == 403
    assert Rule.objects.count() == 1
