"""Loyalty rules in the back office: plain words, versions, and trying a draft with nothing stored."""

import json
from typing import Any

from django.test import Client

from loyalty.models import Award, Rule
from tests.admin.scene import Scene

DOUBLE = {
    "exclusions": [{"match": "category", "values": ["giftcard"]}],
    "outcomes": [{"type": "points_per", "rate": 2, "unit": "1.00"}],
}


def draft(scene: Scene, **more: Any) -> dict[str, Any]:
    return {"retailer": scene.shop.pk, "scope": "economy", "definition": json.dumps(DOUBLE), **more}


def test_a_rule_is_made_said_in_words_changed_and_switched_off(marketer: Client, scene: Scene) -> None:
    assert marketer.post("/admin/loyalty/rule/add/", draft(scene, name="Double")).status_code == 302
    made = Rule.objects.get(name="Double")
    path = f"/admin/loyalty/rule/{made.pk}/"
    said = marketer.get(f"{path}change/").content.decode()
    assert "2 points per 1.00 spent" in said
    assert "but not category giftcard" in said
    assert marketer.post(f"{path}edit/", {"name": "Double", "definition": json.dumps(DOUBLE)}).status_code == 302
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
