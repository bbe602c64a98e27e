"""What campaigns, codes and tiers say of themselves: do they work now, what was spent, what is left, who changed it."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.test import Client

from checkout import redemption
from checkout.asks import Ask
from offers import campaigns, catalogue, promotions, vouchers
from offers.lib import clock
from offers.models import AuditEntry, Campaign, PromotionTier, Retailer, RuleAssignment, Voucher
from tests import factories
from tests.admin import scene as scenes
from tests.admin.scene import Scene

ADD = "/admin/offers/campaign/add/"
PROMOTION = {"name": "Weekend", "campaign_type": "PROMOTION", "codes_kind": "pool", "code_charset": "easy"}
COUPONS = {**PROMOTION, "name": "Autumn", "campaign_type": "DISCOUNT_COUPONS", "discount_kind": "PERCENT"}


def figures(client: Client, row: Any, block: str = "") -> dict[str, str]:
    """Return the figures of a page as label: value, of one block or of all."""
    page = client.get(f"/admin/offers/{row._meta.model_name}/{row.pk}/change/").context["page"]
    blocks = [one for one in page.blocks if hasattr(one, "figures") and (not block or one.title == block)]
    return {figure.label: figure.value for one in blocks for figure in one.figures}


def listed(client: Client, model: str, query: str) -> str:
    return client.get(f"/admin/offers/{model}/?{query}").content.decode()


def chip(client: Client, code: str) -> str:
    said = listed(client, "voucher", f"q={code}")
    return said.split("ok-chip")[1].split(">")[1].split("<")[0]


# --- conditions ---
def test_conditions_chosen_for_a_new_promotion_bind_it(marketer: Client, scene: Scene) -> None:
    assert marketer.post(ADD, {**PROMOTION, "rules": [scene.rule.public_id]}).status_code == 302
    made = Campaign.objects.get(name="Weekend")
    assert RuleAssignment.objects.filter(target="campaign", target_id=made.pk, rule=scene.rule).exists()


def test_another_retailer_s_condition_is_refused_at_its_field(marketer: Client, scene: Scene) -> None:
    other = factories.retailer(name="Other", currency="JPY")
    assert "Orders from 20 · Retailer A" in marketer.get(ADD).content.decode()
    sent = {**COUPONS, "percent_off": "5", "retailer": other.pk, "rules": [scene.rule.public_id]}
    answer = marketer.post(ADD, sent)
    assert answer.status_code == 422
    assert answer.context["form"].errors["rules"] == ["Not of Other: Orders from 20."]
    assert not Campaign.objects.filter(name="Autumn").exists()


@pytest.mark.parametrize("kind", ["voucher", "tier"])
def test_conditions_are_added_and_removed_on_the_page_of_a_code_and_of_a_tier(
    kind: str, marketer: Client, scene: Scene
) -> None:
    row: Any = getattr(scene, kind)
    base = f"/admin/offers/{row._meta.model_name}/{row.pk}"
    assert marketer.post(f"{base}/assign/", {"rule": scene.rule.pk, "reason": "Too dear"}).status_code == 302
    bound = RuleAssignment.objects.get(target_public_id=row.public_id)
    assert "Orders from 20" in marketer.get(f"{base}/change/").content.decode()
    again = marketer.post(f"{base}/assign/", {"rule": scene.rule.pk, "reason": "Too dear"})
    assert "There is one like this already." in again.content.decode()
    assert marketer.post(f"{base}/unassign/?assignment={bound.public_id}", {"reason": "Slow"}).status_code == 302
    assert not RuleAssignment.objects.filter(pk=bound.pk).exists()


# --- words at the field ---
def test_a_taken_name_or_code_is_said_at_its_field_and_nothing_typed_is_lost(marketer: Client, scene: Scene) -> None:
    name = marketer.post(ADD, {**COUPONS, "name": "Summer sale", "percent_off": "7"})
    assert name.context["form"].errors["name"] == ["This is taken already. Choose another one."]
    assert 'value="7"' in name.content.decode()
    sent = {**COUPONS, "percent_off": "7", "codes_kind": "one", "code": "SUMMER10"}
    code = marketer.post(ADD, sent)
    assert code.context["form"].errors["code"] == ["This is taken already. Choose another one."]
    assert not Campaign.objects.filter(name="Autumn").exists()


def test_free_items_are_named_and_have_to_exist(marketer: Client, scene: Scene) -> None:
    sent = {
        **COUPONS,
        "discount_kind": "UNIT",
        "unit_off": "1",
        "unit_type": "nope",
        "codes_kind": "one",
        "code": "FREE",
    }
    answer = marketer.post(ADD, sent)
    assert "no product or variant with this id" in answer.context["form"].errors["unit_type"][0]
    assert marketer.post(ADD, {**sent, "unit_type": "shirt"}).status_code == 302
    assert "1 × Shirt free" in listed(marketer, "campaign", "q=Autumn")
    assert "1 × Shirt free" in listed(marketer, "voucher", "q=FREE")
    mug = catalogue.products(retailer_id=scene.shop.pk).get(source_id="mug")
    fields: promotions.Fields = {
        "name": "Mugs",
        "discount": {"type": "UNIT", "unit_off": 2, "unit_type": mug.public_id},
    }
    tier = promotions.create(campaign=scene.tier.campaign, fields=fields, actor=scenes.SHOP, now=clock.now())
    assert "2 × Mug free" in marketer.get(f"/admin/offers/promotiontier/{tier.pk}/change/").content.decode()


# --- does it work now? ---
def test_a_code_says_on_only_while_its_campaign_lets_it(marketer: Client, scene: Scene) -> None:
    assert chip(marketer, "SUMMER10") == "On"
    rows = Campaign.objects.filter(pk=scene.campaign.pk)
    rows.update(expiration_date=clock.now() - timedelta(days=1))
    assert chip(marketer, "SUMMER10") == "Campaign ended"
    rows.update(expiration_date=None, start_date=clock.now() + timedelta(days=1))
    assert chip(marketer, "SUMMER10") == "Planned"
    rows.update(start_date=None, archived_at=clock.now())
    assert chip(marketer, "SUMMER10") == "Campaign archived"


def test_a_code_that_is_used_up_and_an_empty_card_say_so(marketer: Client, scene: Scene) -> None:
    vouchers.create(
        code="ONCE",
        fields={"discount": {"type": "AMOUNT", "amount_off": 100}, "redemption_limit": 1},
        **scenes.who(scene.shop),
    )
    assert chip(marketer, "ONCE") == "On"
    scenes.redeem(scene.shop, "ONCE", order=scenes.order(9000, "U-1"))
    assert chip(marketer, "ONCE") == "Used up"
    assert "20.00 USD" in listed(marketer, "voucher", "q=GIFT-50")  # what is left on the card, not of its uses
    scenes.redeem(scene.shop, "GIFT-50", order=scenes.order(9000, "U-2"))
    assert chip(marketer, "GIFT-50") == "Empty"


def test_campaigns_are_found_by_whether_they_run(marketer: Client, scene: Scene) -> None:
    Campaign.objects.filter(pk=scene.campaign.pk).update(expiration_date=clock.now() - timedelta(days=1))
    assert "Summer sale" in listed(marketer, "campaign", "state=ended")
    assert "Summer sale" not in listed(marketer, "campaign", "state=on")
    assert "Black Friday" in listed(marketer, "campaign", "state=on")
    Campaign.objects.filter(pk=scene.campaign.pk).update(
        expiration_date=None, start_date=clock.now() + timedelta(days=1)
    )
    assert "Summer sale" in listed(marketer, "campaign", "state=planned")


# --- money ---
def test_a_campaign_without_a_budget_tells_its_money_all_the_same(marketer: Client, shop_a: Retailer) -> None:
    fields: Any = {"type": "STANDALONE", "discount": {"type": "AMOUNT", "amount_off": 500}}
    campaign = campaigns.create(name="Open", fields=fields, **scenes.who(shop_a))
    vouchers.create(code="OPEN", campaign=campaign, fields={}, **scenes.who(shop_a))
    scenes.redeem(shop_a, "OPEN", order=scenes.order(9000, "M-1"))
    scenes.lock(shop_a, "OPEN", "m-2", order=scenes.order(400, "M-2"))
    assert figures(marketer, campaign, "Money") == {"Spent": "5.00 USD", "Held by locks": "4.00 USD", "Left": "no cap"}


def test_gift_cards_tell_what_was_given_used_and_is_left(marketer: Client, shop_a: Retailer) -> None:
    fields: Any = {"gift": {"amount": 5000}}
    campaign = campaigns.create(name="Gifts", campaign_type="GIFT_VOUCHERS", fields=fields, **scenes.who(shop_a))
    for code in ("CARD-1", "CARD-2"):
        campaigns.add_voucher(ident=campaign.public_id, code=code, fields={}, **scenes.who(shop_a))
    scenes.redeem(shop_a, "CARD-1", order=scenes.order(3000, "G-1"))
    scenes.lock(shop_a, "CARD-2", "g-2", order=scenes.order(1000, "G-2"))
    assert figures(marketer, campaign, "On the cards") == {
        "Given out": "100.00 USD",
        "Used": "30.00 USD",
        "Locked now": "10.00 USD",
        "Left on them": "60.00 USD",
    }


def test_uses_left_of_a_pool_follow_the_limits_its_codes_were_made_with(marketer: Client, shop_a: Retailer) -> None:
    fields: Any = {"discount": {"type": "AMOUNT", "amount_off": 100}, "redemption_limit": 1}
    campaign = campaigns.create(name="Pool", fields=fields, **scenes.who(shop_a))
    assert figures(marketer, campaign, "Codes")["Left"] == "–"
    for code in ("P-1", "P-2"):
        campaigns.add_voucher(ident=campaign.public_id, code=code, fields={}, **scenes.who(shop_a))
    campaigns.update(ident=campaign.public_id, fields={"redemption_limit": 10}, **scenes.who(shop_a))
    campaigns.add_voucher(ident=campaign.public_id, code="P-3", fields={}, **scenes.who(shop_a))
    scenes.redeem(shop_a, "P-1", order=scenes.order(9000, "L-1"))
    assert figures(marketer, campaign, "Codes")["Left"] == "11"  # 1 + 1 + 10 less the one used


def test_a_tier_tells_what_it_has_brought(marketer: Client, scene: Scene) -> None:

    asked = {
        "redeemables": [{"object": "promotion_tier", "id": scene.tier.public_id}],
        "order": scenes.order(9000, "T-9"),
    }
    redemption.redeem(ask=msgspec.convert(asked, Ask), **scenes.who(scene.shop))
    said = figures(marketer, scene.tier)
    assert (said["Used"], said["Spent"], said["Orders"]) == ("1", "5.00 USD", "90.00 USD")


def test_a_promotion_without_tiers_leads_to_the_form_of_one(marketer: Client, scene: Scene) -> None:
    empty = campaigns.create(name="Empty", campaign_type="PROMOTION", fields={}, **scenes.who(scene.shop))
    said = marketer.get(f"/admin/offers/campaign/{empty.pk}/change/").content.decode()
    assert f"/admin/offers/promotiontier/add/?campaign={empty.public_id}" in said
    form = marketer.get(f"/admin/offers/promotiontier/add/?campaign={empty.public_id}").content.decode()
    assert f'value="{empty.public_id}" selected' in form


# --- who, what, why ---
def edited(client: Client, row: Any, **values: str) -> Any:
    path = f"/admin/offers/{row._meta.model_name}/{row.pk}/edit/"
    shown = client.get(path).context["form"]
    sent = {name: "" if shown[name].value() is None else shown[name].value() for name in shown.fields}
    return client.post(path, {**sent, **values})


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [("campaign", "budget", "60"), ("voucher", "redemption_limit", "70"), ("tier", "amount_off", "6")],
)
def test_whoever_changes_money_or_limits_says_why(
    kind: str, field: str, value: str, marketer: Client, scene: Scene
) -> None:
    row: Any = getattr(scene, kind)
    assert edited(marketer, row).status_code == 302  # nothing has changed
    refused = edited(marketer, row, **{field: value})
    assert refused.context["form"].errors["reason"] == ["Say why: this changes money, limits or dates."]
    assert edited(marketer, row, **{field: value}, reason="More wanted").status_code == 302
    entry = AuditEntry.objects.filter(object_id=row.public_id, action__endswith=".update").latest("pk")
    assert (entry.actor, entry.reason) == ("mara", "More wanted")
    page = marketer.get(f"/admin/offers/{row._meta.model_name}/{row.pk}/change/").content.decode()
    assert "More wanted" in page
    assert "by mara" in page


def test_a_tier_is_switched_off_with_a_reason(marketer: Client, scene: Scene) -> None:
    path = f"/admin/offers/promotiontier/{scene.tier.pk}/disable/"
    assert marketer.post(path, {}).status_code == 422
    assert marketer.post(path, {"reason": "Too dear"}).status_code == 302
    assert not PromotionTier.objects.get(pk=scene.tier.pk).active
    assert AuditEntry.objects.get(action="promotion_tier.disable").reason == "Too dear"


def test_the_trail_names_and_links_what_was_changed_and_speaks_of_money(reviewer: Client, scene: Scene) -> None:
    campaigns.update(
        ident=scene.campaign.public_id, fields={"budget": 6000, "redemption_limit": None}, **scenes.who(scene.shop)
    )
    entry = AuditEntry.objects.latest("pk")
    said = reviewer.get("/admin/offers/auditentry/").content.decode()
    assert f'href="/admin/offers/campaign/{scene.campaign.pk}/change/">Summer sale</a>' in said
    page = reviewer.get(f"/admin/offers/auditentry/{entry.pk}/change/").content.decode()
    assert "50.00 USD" in page
    assert "60.00 USD" in page
    assert "unlimited" in page
    assert 'href="/admin/offers/client/' not in said  # admins only


def test_a_code_s_timeline_says_who_made_it(reviewer: Client, scene: Scene) -> None:
    page = reviewer.get(f"/admin/offers/voucher/{scene.voucher.pk}/change/").content.decode()
    assert "<b>Created</b>" in page
    assert "by Webshop" in page.split("<b>Created</b>")[1][:60]
    assert Voucher.objects.filter(pk=scene.voucher.pk).exists()


def test_lists_name_the_retailer_once_there_are_two(marketer: Client, scene: Scene) -> None:
    assert "Retailer A" not in listed(marketer, "campaign", "")
    factories.retailer(name="Second")
    for model in ("campaign", "voucher", "promotiontier"):
        assert "Retailer A" in listed(marketer, model, "").split("result_list")[1]
