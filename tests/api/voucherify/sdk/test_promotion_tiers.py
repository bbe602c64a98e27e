"""The Python client's calls for promotion tiers."""

from datetime import UTC, datetime
from typing import Any

import pytest
import voucherify as v

from offers.models import Campaign, Retailer

pytestmark = pytest.mark.django_db(transaction=True)


def action(percent: int) -> Any:
    discount = v.Discount(type="PERCENT", percent_off=percent, effect="APPLY_TO_ORDER")
    return v.PromotionsTiersCreateRequestBodyAction(discount=discount)


def test_all_eight_calls(sdk: Any, shop_a: Retailer) -> None:
    api = v.PromotionsApi(sdk)
    campaign = Campaign.objects.create(retailer=shop_a, name="Autumn sale", campaign_type="PROMOTION")
    made = api.add_promotion_tier_to_campaign(
        "Autumn sale",
        v.PromotionsTiersCreateRequestBody(
            name="Ten off",
            banner="10 % off",
            action=action(10),
            metadata={"team": "blue"},
            start_date=datetime(2026, 1, 1, tzinfo=UTC),
            expiration_date=datetime(2999, 1, 1),  # noqa: DTZ001 - the client sends a naive time as it is
            validity_hours=v.ValidityHours(
                daily=[v.ValidityHoursDailyItem(start_time="08:00", expiration_time="18:00", days_of_week=[1, 2])]
            ),
        ),
    )
    assert (made.campaign_id, made.hierarchy, made.action.discount.percent_off) == (campaign.public_id, 1, 10)
    assert (made.expiration_date, made.validity_hours.daily[0].start_time) == (
        datetime(2999, 1, 1, tzinfo=UTC),
        "08:00",
    )
    assert api.get_promotion_tier(made.id).summary.redemptions.total_redeemed == 0
    changed = api.update_promotion_tier(
        made.id, v.PromotionsTiersUpdateRequestBody(name="Twenty off", action=_update(20), expiration_date=None)
    )
    assert (changed.name, changed.action.discount.percent_off, changed.expiration_date) == ("Twenty off", 20, None)
    assert api.disable_promotion_tier(made.id).active is False
    assert api.list_promotion_tiers(is_available=True).tiers == []
    assert api.enable_promotion_tier(made.id).active is True
    listed = api.list_promotion_tiers(limit=5, order="-updated_at")
    assert ([row.id for row in listed.tiers], listed.total, listed.has_more) == ([made.id], 1, False)
    assert [row.id for row in api.list_promotion_tiers_from_campaign(campaign.public_id).tiers] == [made.id]
    api.delete_promotion_tier(made.id)
    with pytest.raises(v.exceptions.NotFoundException):
        api.get_promotion_tier(made.id)


def _update(percent: int) -> Any:
    discount = v.Discount(type="PERCENT", percent_off=percent, effect="APPLY_TO_ORDER")
    return v.PromotionsTiersUpdateRequestBodyAction(discount=discount)
