"""The Python client's calls for campaigns, categories and async actions."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import voucherify as v

from tests.api.voucherify.sdk.test_vouchers import percent

pytestmark = pytest.mark.django_db(transaction=True)


def terms(**fields: Any) -> Any:
    return v.CampaignsCreateRequestBodyVoucher(type="DISCOUNT_VOUCHER", discount=percent(10), **fields)


def body(name: str = "Spring sale", **fields: Any) -> Any:
    fields = {"campaign_type": "DISCOUNT_COUPONS", "type": "STATIC", "voucher": terms(), **fields}
    return v.CampaignsCreateRequestBody(name=name, **fields)


def test_a_campaign_lives_and_dies(sdk: Any) -> None:
    api = v.CampaignsApi(sdk)
    wanted = body(
        voucher=terms(
            code_config=v.CodeConfig(pattern="SP-####"),
            redemption=v.CampaignsCreateRequestBodyVoucherRedemption(quantity=3),
        ),
        vouchers_count=20,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        expiration_date=datetime(2999, 1, 1, tzinfo=UTC),
        metadata={"team": "blue", "old": 1},
    )
    made = api.create_campaign(wanted)
    assert made.vouchers_generation_status == "IN_PROGRESS"
    found = api.get_campaign("Spring sale")
    assert (found.id, found.vouchers_count, found.vouchers_generation_status) == (made.id, 20, "DONE")
    assert (found.voucher.code_config.pattern, found.voucher.redemption.quantity) == ("SP-####", 3)
    changes = v.CampaignsUpdateRequestBody(expiration_date=None, unset_metadata_fields=["old"], type="AUTO_UPDATE")
    changed = api.update_campaign("Spring sale", changes)
    assert (changed.expiration_date, changed.metadata, changed.type) == (None, {"team": "blue"}, "AUTO_UPDATE")
    api.disable_campaign(made.id)
    assert api.get_campaign(made.id).active is False
    api.enable_campaign(made.id)
    assert api.get_campaign(made.id).active is True
    gone = api.delete_campaign("Spring sale")
    assert v.AsyncActionsApi(sdk).get_async_action(gone.async_action_id).type == "CAMPAIGN.VOUCHERS_DELETE"
    assert v.VouchersApi(sdk).list_vouchers().total == 0
    with pytest.raises(v.exceptions.NotFoundException):
        api.get_campaign("Spring sale")


def test_vouchers_are_added(sdk: Any) -> None:
    api = v.CampaignsApi(sdk)
    api.create_campaign(body())
    one = api.add_vouchers_to_campaign("Spring sale")
    assert (one.campaign, len(one.code), one.async_action_id) == ("Spring sale", 8, None)
    bulk = v.CampaignsVouchersCreateInBulkRequestBody(
        metadata={"a": 1},
        redemption=v.CampaignsVouchersCreateInBulkRequestBodyRedemption(quantity=7),
        code_config=v.CodeConfig(prefix="B-", length=6),
    )
    many = api.add_vouchers_to_campaign(
        "Spring sale", vouchers_count=30, campaigns_vouchers_create_in_bulk_request_body=bulk
    )
    action = v.AsyncActionsApi(sdk).get_async_action(many.async_action_id)
    assert (action.type, action.status, action.progress) == ("CAMPAIGN.VOUCHERS_GENERATE", "DONE", 100)
    rows = v.VouchersApi(sdk).list_vouchers(campaign="Spring sale", limit=100).vouchers
    assert len([row for row in rows if row.code.startswith("B-") and row.redemption.quantity == 7]) == 30
    own = v.CampaignsVouchersCreateRequestBody(additional_info="mine")
    added = api.add_voucher_with_specific_code_to_campaign(
        "Spring sale", "MY/CODE", campaigns_vouchers_create_request_body=own
    )
    assert (added.code, added.additional_info) == ("MY/CODE", "mine")
    with pytest.raises(v.exceptions.ApiException) as refusal:
        api.add_voucher_with_specific_code_to_campaign("Spring sale", "MY/CODE")
    assert refusal.value.status == 409


def test_gift_cards_and_promotions(sdk: Any) -> None:
    api = v.CampaignsApi(sdk)
    gift = v.CampaignsCreateRequestBodyVoucher(type="GIFT_VOUCHER", gift=v.Gift(amount=2500, effect="APPLY_TO_ORDER"))
    cards = api.create_campaign(body("Cards", campaign_type="GIFT_VOUCHERS", voucher=gift, vouchers_count=1))
    assert (cards.voucher.gift.amount, cards.vouchers_count) == (2500, 1)
    tier = v.PromotionTierCreateParams(
        name="Ten off", action=v.PromotionTierCreateParamsAction(discount=percent(10)), active=True
    )
    made = api.create_campaign(
        v.CampaignsCreateRequestBody(
            name="Promo",
            campaign_type="PROMOTION",
            promotion=v.CampaignsCreateRequestBodyPromotion(tiers=[tier]),
        )
    )
    assert [row.name for row in made.promotion.tiers] == ["Ten off"]


def test_lists_and_summary(sdk: Any) -> None:
    api = v.CampaignsApi(sdk)
    for name in ("One", "Two"):
        api.create_campaign(body(name, vouchers_count=1))
    assert [row.name for row in api.list_campaigns(limit=1, order="created_at").campaigns] == ["One"]
    assert api.list_campaigns(campaign_type="GIFT_VOUCHERS").total == 0
    assert api.list_campaigns(campaign_status="DONE", is_referral_code=False).total == 2
    summary = api.get_campaign_summary("One", start_date=date(2020, 1, 1), end_date=date(2999, 1, 1))
    assert (summary.campaign.name, summary.vouchers_created, summary.redemptions) == ("One", 1, 0)


def test_async_actions_are_listed(sdk: Any) -> None:
    api = v.CampaignsApi(sdk)
    api.create_campaign(body(vouchers_count=3))
    api.add_vouchers_to_campaign("Spring sale", vouchers_count=2)
    listed = v.AsyncActionsApi(sdk).list_async_actions(limit=1)
    newest = api.get_campaign("Spring sale")
    assert newest.vouchers_count == 5
    assert ([row.progress for row in listed.async_actions], listed.has_more) == ([100], True)
    past = v.AsyncActionsApi(sdk).list_async_actions(end_date=datetime(2020, 1, 1, tzinfo=UTC))
    assert past.async_actions == []


def test_categories(sdk: Any) -> None:
    api = v.CategoriesApi(sdk)
    made = api.create_category(v.CategoriesCreateRequestBody(name="VIP", hierarchy=2))
    assert api.get_category(made.id).name == "VIP"
    assert api.update_category(made.id, v.CategoriesUpdateRequestBody(name="Gold", hierarchy=1)).hierarchy == 1
    campaign = v.CampaignsApi(sdk).create_campaign(body(category_id=made.id))
    assert (campaign.category, campaign.categories[0].id) == ("Gold", made.id)
    assert api.list_categories().data[0].id == made.id
    api.delete_category(made.id)
    assert api.list_categories().total == 0
