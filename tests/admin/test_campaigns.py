"""Campaigns in the back office: one form makes everything, money in major units, and nothing is overwritten unseen."""

from typing import Any

import pytest
from django.test import Client

from offers import campaigns, voucher_figures
from offers.lib import clock
from offers.models import AsyncAction, AuditEntry, Campaign, Retailer, Voucher
from tests import factories
from tests.admin import scene as scenes
from tests.admin.scene import Scene

ADD = "/admin/offers/campaign/add/"
FORM = {
    "name": "Autumn",
    "campaign_type": "DISCOUNT_COUPONS",
    "discount_kind": "PERCENT",
    "percent_off": "12.5",
    "codes_kind": "pool",
    "code_charset": "easy",
    "count": "0",
}


def form(**values: Any) -> dict[str, Any]:
    return {**FORM, **values}


def made() -> Campaign:
    return Campaign.objects.latest("pk")


def test_one_form_makes_a_campaign_with_its_discount_limits_budget_and_window(
    marketer: Client, django_capture_on_commit_callbacks: Any
) -> None:
    shop = factories.retailer(currency="EUR", timezone="Europe/Berlin")
    sent = form(
        percent_off="12.5",
        amount_limit="20.00",
        redemption_limit="3",
        customer_limit="unlimited",
        budget="1,000.50",
        start_date="2026-11-27T08:00",
        expiration_date="2026-12-01T00:00",
        days=["5", "6", "0"],
        code_prefix="AUT-",
        code_pattern="####-##",
        count="25",
        metadata="channel: mail\nwave: 2",
    )
    with django_capture_on_commit_callbacks(execute=True):
        answer = marketer.post(ADD, sent)
    campaign = made()
    assert answer.headers["Location"] == f"/admin/offers/campaign/{campaign.pk}/change/"
    assert campaign.retailer == shop
    assert campaign.discount == {"type": "PERCENT", "percent_off": 12.5, "amount_limit": 2000}
    assert (campaign.redemption_limit, campaign.customer_limit, campaign.budget) == (3, None, 100_050)
    assert campaign.start_date is not None
    assert campaign.start_date.isoformat() == "2026-11-27T07:00:00+00:00"  # on the retailer's clock
    assert campaign.validity_day_of_week == [0, 5, 6]
    assert campaign.metadata == {"channel": "mail", "wave": 2}
    codes = list(Voucher.objects.filter(campaign=campaign).values_list("code", flat=True))
    assert len(codes) == 25
    assert all(code.startswith("AUT-") and len(code) == 11 for code in codes)
    assert AuditEntry.objects.get(action="campaign.create").actor == "mara"


@pytest.mark.parametrize(("typed", "limit"), [("", None), ("unlimited", None), ("1", 1), ("10,000", 10_000), ("0", 0)])
def test_v63_the_redemption_limit_is_a_number_or_unlimited(
    typed: str, limit: int | None, marketer: Client, shop_a: Retailer
) -> None:
    marketer.post(ADD, form(redemption_limit=typed, codes_kind="one", code="AUTUMN"))
    assert made().redemption_limit == limit
    assert Voucher.objects.get(code="AUTUMN").redemption_limit == limit


@pytest.mark.parametrize("typed", ["-1", "1.5", "many", "1e3", "٣", "9" * 30])
def test_v63_anything_else_is_no_limit_and_said_so(typed: str, marketer: Client, shop_a: Retailer) -> None:
    answer = marketer.post(ADD, form(redemption_limit=typed))
    assert answer.status_code == 422
    assert "Type a whole number, or leave it empty for unlimited." in answer.content.decode()
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("currency", "typed", "minor"), [("EUR", "12.50", 1250), ("JPY", "1200", 1200), ("KWD", "1.250", 1250)]
)
def test_money_is_typed_in_major_units_and_kept_in_minor_ones(
    currency: str, typed: str, minor: int, marketer: Client
) -> None:
    factories.retailer(currency=currency)
    marketer.post(ADD, form(discount_kind="AMOUNT", amount_off=typed, discount_effect="APPLY_TO_ORDER"))
    assert made().discount == {"type": "AMOUNT", "amount_off": minor, "effect": "APPLY_TO_ORDER"}


@pytest.mark.parametrize(("currency", "typed"), [("JPY", "12.50"), ("EUR", "0.001")])
def test_money_finer_than_the_currency_is_not_rounded_away(currency: str, typed: str, marketer: Client) -> None:
    factories.retailer(currency=currency)
    answer = marketer.post(ADD, form(discount_kind="AMOUNT", amount_off=typed))
    assert answer.status_code == 422
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("sent", "complaint"),
    [
        ({"name": ""}, "This field is required"),
        ({"percent_off": ""}, "Please fill this in"),
        ({"percent_off": "101"}, "less than or equal to 100"),
        ({"discount_kind": "UNIT"}, "Please fill this in"),
        ({"campaign_type": "GIFT_VOUCHERS"}, "Please fill this in"),
        ({"codes_kind": "one", "code": ""}, "The code should be a text"),
        ({"code_pattern": "FIX"}, "pattern should have at least one #"),
        ({"code_length": "1", "count": "500"}, "make only 32 different codes"),
        ({"start_date": "2026-12-01T00:00", "expiration_date": "2026-11-01T00:00"}, "end after it starts"),
        ({"hours_from": "08:00"}, "Give both hours, or none"),
        ({"metadata": "nonsense"}, "name: value"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    sent: dict[str, str], complaint: str, marketer: Client, shop_a: Retailer
) -> None:
    answer = marketer.post(ADD, form(**sent))
    assert answer.status_code == 422
    assert complaint in answer.content.decode().replace("&#x27;", "'")
    assert not Campaign.objects.exists()


def test_a_name_twice_is_refused_in_the_form(marketer: Client, scene: Scene) -> None:
    answer = marketer.post(ADD, form(name=scene.campaign.name))
    assert answer.status_code == 422
    assert "taken already" in answer.content.decode()


def test_a_gift_campaign_and_a_promotion(marketer: Client, shop_a: Retailer) -> None:
    marketer.post(ADD, form(name="Cards", campaign_type="GIFT_VOUCHERS", gift_amount="50"))
    assert made().gift_amount == 5000
    marketer.post(ADD, form(name="Weekend", campaign_type="PROMOTION"))
    assert made().campaign_type == "PROMOTION"
    assert made().discount is None


def test_the_example_is_made_as_the_codes_will_be(marketer: Client, shop_a: Retailer) -> None:
    asked = {"code_prefix": "X-", "code_pattern": "##-##", "code_charset": "digits", "codes_kind": "pool"}
    said = marketer.get("/admin/offers/campaign/example/", asked).json()["example"]
    assert said.startswith("X-")
    assert said[2:].replace("-", "").isdecimal()
    assert "error" in marketer.get("/admin/offers/campaign/example/", {"code_pattern": "none"}).json()


def change(client: Client, campaign: Campaign, **values: Any) -> Any:
    path = f"/admin/offers/campaign/{campaign.pk}/edit/"
    shown = client.get(path).context["form"]
    sent = {name: shown[name].value() for name in shown.fields}
    sent = {name: "" if value is None else value for name, value in sent.items()}
    return client.post(path, {**sent, **values})


def test_changing_a_campaign_changes_only_what_was_changed(marketer: Client, scene: Scene) -> None:
    answer = change(marketer, scene.campaign, redemption_limit="70", budget="60", reason="More wanted")
    assert answer.status_code == 302
    campaign = Campaign.objects.get(pk=scene.campaign.pk)
    assert (campaign.redemption_limit, campaign.budget) == (70, 6000)
    assert campaign.discount == scene.campaign.discount
    assert Voucher.objects.get(pk=scene.voucher.pk).redemption_limit == 70  # one code for everybody follows
    entry = AuditEntry.objects.filter(action="campaign.update").latest("pk")
    assert entry.before == {"redemption_limit": 50, "budget": 5000}
    assert entry.after == {"redemption_limit": 70, "budget": 6000}
    assert (entry.actor, entry.reason) == ("mara", "More wanted")


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(marketer: Client, scene: Scene) -> None:
    path = f"/admin/offers/campaign/{scene.campaign.pk}/edit/"
    shown = marketer.get(path).context["form"]
    sent = {name: shown[name].value() for name in shown.fields}
    campaigns.update(ident=scene.campaign.public_id, fields={"budget": 9900}, **scenes.who(scene.shop))
    answer = marketer.post(path, {name: "" if value is None else value for name, value in sent.items()})
    assert answer.status_code == 422
    assert "Somebody else changed this" in answer.content.decode()
    assert Campaign.objects.get(pk=scene.campaign.pk).budget == 9900


def test_a_campaign_with_more_than_the_form_can_show_keeps_it(marketer: Client, scene: Scene) -> None:
    many = {"type": "UNIT", "effect": "ADD_MANY_ITEMS", "units": [{"unit_off": 1, "unit_type": "shirt"}]}
    campaign = campaigns.create(
        name="Bundle",
        fields={
            "discount": many,
            "start_date": clock.now(),
            "validity_timeframe": {"interval": "P7D", "duration": "PT1H"},
        },
        **scenes.who(scene.shop),
    )
    assert change(marketer, campaign, description="Now with words").status_code == 302
    after = Campaign.objects.get(pk=campaign.pk)
    assert after.description == "Now with words"
    assert after.discount == campaign.discount
    assert after.validity_timeframe == {"interval": "P7D", "duration": "PT1H"}
    assert after.start_date == campaign.start_date  # to the microsecond, though the form shows minutes


def test_disabling_needs_a_reason_and_tells_it(marketer: Client, scene: Scene) -> None:
    path = f"/admin/offers/campaign/{scene.campaign.pk}/disable/"
    assert marketer.post(path, {"reason": ""}).status_code == 422
    assert Campaign.objects.get(pk=scene.campaign.pk).active
    assert marketer.post(path, {"reason": "Wrong price"}).status_code == 302
    assert not Campaign.objects.get(pk=scene.campaign.pk).active
    assert AuditEntry.objects.get(action="campaign.disable").reason == "Wrong price"
    marketer.post(f"/admin/offers/campaign/{scene.campaign.pk}/enable/", {"reason": "Right again"})
    assert Campaign.objects.get(pk=scene.campaign.pk).active


def test_archiving_takes_it_off_the_list(marketer: Client, scene: Scene) -> None:
    marketer.post(f"/admin/offers/campaign/{scene.campaign.pk}/archive/", {"reason": "Over"})
    marketer.get("/admin/")  # reads the message
    assert "Summer sale" not in marketer.get("/admin/offers/campaign/").content.decode()
    assert "Summer sale" in marketer.get("/admin/offers/campaign/?state=archived").content.decode()


def test_more_codes_are_made_in_the_background_and_their_bar_is_shown(marketer: Client, scene: Scene) -> None:
    pool = Campaign.objects.get(name="Newsletter")
    answer = marketer.post(f"/admin/offers/campaign/{pool.pk}/more-codes/", {"count": "3000"})
    assert answer.status_code == 302
    job = AsyncAction.objects.latest("pk")
    assert job.total == 3000
    said = marketer.get(f"/admin/offers/campaign/{pool.pk}/change/").content.decode()
    assert f"/admin/offers/asyncaction/{job.pk}/progress/" in said


def test_the_page_tells_what_is_used_locked_and_left(marketer: Client, scene: Scene) -> None:
    page = marketer.get(f"/admin/offers/campaign/{scene.campaign.pk}/change/").context["page"]
    figures = {figure.label: figure.value for block in page.blocks for figure in getattr(block, "figures", ())}
    assert (figures["Used"], figures["Locked now"]) == ("1", "1")
    assert (figures["Budget"], figures["Spent"]) == ("50.00 USD", "10.00 USD")
    assert figures["Held by locks"] == "20.00 USD"
    assert figures["Left"] == "20.00 USD"
    said = marketer.get(f"/admin/offers/campaign/{scene.campaign.pk}/change/").content.decode()
    assert "Order does not meet the conditions" in said


def test_conditions_are_added_and_removed_on_the_page(marketer: Client, scene: Scene) -> None:
    pool = Campaign.objects.get(name="Newsletter")
    base = f"/admin/offers/campaign/{pool.pk}"
    assert marketer.post(f"{base}/assign/", {"rule": scene.rule.pk, "reason": "Too dear"}).status_code == 302
    assert (
        marketer.post(f"{base}/assign/", {"rule": scene.rule.pk, "reason": "Too dear"}).status_code == 422
    )  # there already
    assignment = scene.rule.assignments.get(target_id=pool.pk)
    assert marketer.post(f"{base}/unassign/?assignment={assignment.public_id}", {"reason": "Slow"}).status_code == 302
    assert not scene.rule.assignments.filter(target_id=pool.pk).exists()


def test_a_code_s_limit_and_credit_change_by_verbs_with_a_reason(marketer: Client, scene: Scene) -> None:
    path = f"/admin/offers/voucher/{scene.card.pk}/credits/"
    assert marketer.post(path, {"change": "add", "amount": "12.50", "reason": "Sorry"}).status_code == 302
    assert voucher_figures.of([scene.card], now=clock.now())[scene.card.pk].balance == 3250
    assert marketer.post(path, {"change": "take", "amount": "999", "reason": "No"}).status_code == 422
    assert marketer.post(path, {"change": "add", "amount": "0.001", "reason": "No"}).status_code == 422
    page = marketer.get(f"/admin/offers/voucher/{scene.card.pk}/change/").content.decode()
    assert "Credit added: 12.50 USD" in page
    assert "Sorry" in page
