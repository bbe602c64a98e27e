"""Offers in the back office: made by type, changed into revisions, moved from status to status."""

from typing import Any

import pytest
from django.test import Client

from offers import offer_templates
from offers.lib import clock
from offers.models import AuditEntry, Offer
from tests.admin.scene import Scene, who


def form(scene: Scene, **more: Any) -> dict[str, Any]:
    return {
        "retailer": scene.shop.pk,
        "offer_type": "percent_check_discount",
        "percent": "10",
        "culture_1": "en",
        "title_1": "Ten percent",
        "validity_period": "2",
        "validity_unit": "weeks",
        "stackable": "on",
        **more,
    }


def test_an_offer_is_made_of_the_fields_of_its_type(marketer: Client, scene: Scene) -> None:
    more = {"max_amount": "20", "culture_2": "de", "title_2": "Zehn Prozent", "publish": "on", "amount": "9"}
    limits = {"inventory": "100", "uses": "1", "uses_period": "day", "min_subtotal": "15.50", "weekdays": ["monday"]}
    where = {"only_items": "category: shoes, hats\nshirt", "only_stores": "city"}
    answer = marketer.post("/admin/offers/offer/add/", form(scene, **more, **limits, **where))
    assert answer.status_code == 302
    made = Offer.objects.latest("pk")
    assert made.status == Offer.Status.PUBLISHED
    assert made.discount_config == {"percent": "10", "max_amount": 2000}
    assert [text["culture"] for text in made.texts] == ["en", "de"]
    assert {line["kind"] for line in made.use_restrictions} == {"inventory", "redemption"}
    assert made.purchase_restrictions[0] == {"kind": "min_subtotal", "amount": 1550}
    assert [line["match"] for line in made.catalog_restrictions] == ["category", "item"]
    assert made.location_restrictions[0]["store_tags"] == ["city"]
    said = marketer.get(f"/admin/offers/offer/{made.pk}/change/").content.decode()
    assert "Zehn Prozent" in said
    assert "20.00 USD" in said


def test_what_is_wrong_stands_beside_its_field(marketer: Client, scene: Scene) -> None:
    answer = marketer.post("/admin/offers/offer/add/", form(scene, percent="", culture_1="???"))
    assert answer.status_code == 422
    said = answer.content.decode()
    assert "is required" in said
    assert "must be a culture" in said
    assert Offer.objects.count() == 1


def edited(client: Client, offer: Offer, **changes: Any) -> Any:
    """Post the form as it is shown, with changes."""
    path = f"/admin/offers/offer/{offer.pk}/edit/"
    shown = client.get(path).context["form"]
    values = {name: shown[name].value() for name in shown.fields}
    sent = {name: value for name, value in values.items() if value not in (None, False, "")}
    return client.post(path, {**sent, **changes})


def test_new_terms_of_an_offer_in_wallets_become_a_revision(marketer: Client, scene: Scene) -> None:
    assert edited(marketer, scene.offer, amount="7.00").context["form"].errors["reason"]
    assert edited(marketer, scene.offer, amount="7.00", reason="A dearer spring").status_code == 302
    assert AuditEntry.objects.get(action="offer.update").reason == "A dearer spring"
    newest = offer_templates.newest(scene.offer)
    assert newest.pk != scene.offer.pk
    assert newest.discount_config["amount"] == 700
    said = marketer.get(f"/admin/offers/offer/{scene.offer.pk}/change/").content.decode()
    assert "Earlier revision" in said
    assert str(newest.uuid) in said


def test_saving_without_a_change_changes_nothing(marketer: Client, scene: Scene) -> None:
    names = [name for name in offer_templates.COLUMNS if name not in ("texts", "media")]
    before = {name: getattr(scene.offer, name) for name in names}
    assert edited(marketer, scene.offer).status_code == 302
    scene.offer.refresh_from_db()
    assert {name: getattr(scene.offer, name) for name in names} == before
    assert scene.offer.frozen_at is None


def test_terms_the_form_cannot_say_are_kept(marketer: Client, scene: Scene) -> None:
    stores = [{"mode": "include", "store_ids": [str(scene.store.uuid)]}]
    offer_templates.update(offer_id=scene.offer.uuid, body={"location_restrictions": stores}, **who(scene.shop))
    newest = offer_templates.newest(scene.offer)
    assert "only_stores" not in marketer.get(f"/admin/offers/offer/{newest.pk}/edit/").context["form"].fields
    assert edited(marketer, newest, title_1="Other words").status_code == 302
    newest.refresh_from_db()
    assert newest.location_restrictions[0]["store_ids"] == [str(scene.store.uuid)]


@pytest.mark.parametrize(
    ("moves", "status"),
    [
        (["pause"], Offer.Status.PAUSED),
        (["pause", "publish"], Offer.Status.PUBLISHED),
        (["expire"], Offer.Status.EXPIRED),
        (["pause", "archive"], Offer.Status.ARCHIVED),
    ],
)
def test_an_offer_moves_after_it_was_confirmed(
    marketer: Client, scene: Scene, moves: list[str], status: Offer.Status
) -> None:
    for move in moves:
        path = f"/admin/offers/offer/{scene.offer.pk}/{move}/"
        assert marketer.get(path).status_code == 200
        assert move == "publish" or marketer.post(path).status_code == 422  # everything else wants a reason
        assert marketer.post(path, {"reason": "Because"}).status_code == 302
    scene.offer.refresh_from_db()
    assert offer_templates.status_of(scene.offer, clock.now()) == status
    if moves[-1] != "publish":
        assert AuditEntry.objects.latest("pk").reason == "Because"
    assert AuditEntry.objects.filter(object_type="offer", object_id=str(scene.offer.uuid)).exists()


def test_what_its_status_does_not_allow_is_refused(marketer: Client, scene: Scene) -> None:
    path = f"/admin/offers/offer/{scene.offer.pk}/archive/"
    assert marketer.post(path, {"reason": "Over"}).status_code == 422


def test_an_offer_with_a_limited_number_says_how_many_are_left(marketer: Client, scene: Scene) -> None:
    assert edited(marketer, scene.offer, inventory="10", reason="Only a few").status_code == 302
    newest = offer_templates.newest(scene.offer)
    page = marketer.get(f"/admin/offers/offer/{newest.pk}/change/").context["page"]
    figures = {figure.label: (figure.value, figure.note) for figure in page.blocks[0].figures}
    assert figures["Left to give"] == ("9", "of 10")
