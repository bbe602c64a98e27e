"""The Python client's calls for redemptions: redeem alone, stacked and with a session, look up, list, roll back."""

from datetime import UTC, datetime
from typing import Any

import pytest
import voucherify as v

from offers.models import Retailer
from tests.api.voucherify.sdk.test_validations import LOCK, ask, card, code, validate
from tests.flows import shop

pytestmark = pytest.mark.django_db(transaction=True)


def redeem(sdk: Any, wanted: dict[str, Any]) -> Any:
    return v.RedemptionsApi(sdk).redeem_stacked_discounts(v.RedemptionsRedeemRequestBody.from_dict(wanted))


@pytest.fixture
def stocked(shop_a: Retailer) -> Retailer:
    """A gift card of 50.00 and a code for 10 %, which may be used twice."""
    shop.card(shop_a, "GIFT-1", credits=5000)
    shop.code(shop_a, "TEN-OFF", discount=shop.TEN_PERCENT, limit=2)
    return shop_a


def test_one_is_redeemed_with_its_session(sdk: Any, stocked: Retailer) -> None:
    for key in ("cart-1", "cart-2"):
        assert validate(sdk, ask(code("TEN-OFF"), session={**LOCK, "key": key})).valid
    with pytest.raises(v.exceptions.BadRequestException, match="quantity_exceeded"):
        redeem(sdk, ask(code("TEN-OFF")))
    person = {"source_id": "ann", "name": "Ann", "birthdate": "1990-01-31", "address": {"city": "Paris"}}
    wanted = ask(code("TEN-OFF"), session={"type": "LOCK", "key": "cart-1"}, customer=person, metadata={"till": 4})
    done = redeem(sdk, wanted)
    (made,) = done.redemptions
    assert (made.result, made.status, made.metadata, made.session.key) == (
        "SUCCESS",
        "SUCCEEDED",
        {"till": 4},
        "cart-1",
    )
    assert (made.voucher.code, made.voucher.redemption.redeemed_quantity) == ("TEN-OFF", 1)
    assert (made.customer.source_id, made.channel.channel_type, done.parent_redemption) == ("ann", "API", None)
    assert (done.order.status, done.order.total_amount) == ("PAID", 9000)
    with pytest.raises(v.exceptions.NotFoundException):
        v.VouchersApi(sdk).release_validation_session("TEN-OFF", "cart-1")


def test_points_of_a_loyalty_card_are_locked_redeemed_and_given_back(sdk: Any) -> None:
    card = v.SimpleLoyaltyCard(points=300)
    voucher = v.CampaignsCreateRequestBodyVoucher.from_dict({"type": "LOYALTY_CARD", "loyalty_card": card.to_dict()})
    made = v.CampaignsApi(sdk).create_campaign(
        v.CampaignsCreateRequestBody(name="Club", campaign_type="LOYALTY_PROGRAM", type="STATIC", voucher=voucher)
    )
    assert made.voucher.loyalty_card.points == 300
    joined = v.VouchersApi(sdk).create_voucher(
        "ADA", v.VouchersCreateWithSpecificCodeRequestBody(type="LOYALTY_CARD", campaign="Club", loyalty_card=card)
    )
    assert (joined.type, joined.loyalty_card.balance) == ("LOYALTY_CARD", 300)

    def asked(points: int, **more: Any) -> dict[str, Any]:
        return ask({"object": "voucher", "id": "ADA", "reward": {"id": "rew_pay", "points": points}}, **more)

    held = validate(sdk, asked(250, session={**LOCK, "key": "cart-1"}))
    assert held.redeemables[0].result.loyalty_card.points == 250
    with pytest.raises(v.exceptions.BadRequestException, match="loyalty_card_points_exceeded"):
        redeem(sdk, asked(100))
    (used,) = redeem(sdk, asked(250, session={"type": "LOCK", "key": "cart-1"})).redemptions
    assert (used.amount, used.loyalty_card.points, used.reward.id) == (250, 250, "rew_pay")
    assert used.voucher.loyalty_card.balance == 50
    v.RedemptionsApi(sdk).rollback_redemption(used.id)
    assert v.VouchersApi(sdk).get_voucher("ADA").loyalty_card.balance == 300
    lines = v.VouchersApi(sdk).list_voucher_transactions("ADA").data
    assert [one.type for one in lines] == ["POINTS_REFUND", "POINTS_REDEMPTION"]


def test_a_stack_is_redeemed_found_and_rolled_back(sdk: Any, stocked: Retailer) -> None:
    api = v.RedemptionsApi(sdk)
    done = redeem(sdk, ask(card("GIFT-1", 1500), code("TEN-OFF"), customer={"source_id": "ann"}))
    gift, ten = done.redemptions
    parent = done.parent_redemption
    assert gift.redemption == ten.redemption == parent.id
    assert (gift.amount, gift.gift.amount, gift.voucher.gift.balance) == (1500, 1500, 3500)
    assert (done.order.total_discount_amount, list(done.order.redemptions)) == (2350, [parent.id])
    assert api.get_redemption(gift.id).amount == 1500
    assert api.get_redemption(parent.id).related_object_type == "redemption"
    with pytest.raises(v.exceptions.BadRequestException, match="invalid_redemption_parent"):
        api.rollback_redemption(gift.id)
    undone = api.rollback_stacked_redemptions(parent.id, reason="sent back", tracking_id="t-1")
    assert [one.redemption for one in undone.rollbacks] == [gift.id, ten.id]
    assert (undone.parent_rollback.reason, undone.order.status) == ("sent back", "CANCELED")
    assert api.get_redemption(undone.rollbacks[0].id).amount == -1500
    with pytest.raises(v.exceptions.BadRequestException, match="already_rolled_back"):
        api.rollback_stacked_redemptions(parent.id)
    assert v.VouchersApi(sdk).get_voucher("GIFT-1").gift.balance == 5000


def test_one_is_rolled_back(sdk: Any, stocked: Retailer) -> None:
    api = v.RedemptionsApi(sdk)
    made = redeem(sdk, ask(code("TEN-OFF"), customer={"source_id": "ann"})).redemptions[0]
    wrong = v.RedemptionsRollbackCreateRequestBody.from_dict({"customer": {"source_id": "bob"}})
    with pytest.raises(v.exceptions.BadRequestException, match="invalid_customer"):
        api.rollback_redemption(made.id, redemptions_rollback_create_request_body=wrong)
    right = v.RedemptionsRollbackCreateRequestBody.from_dict({"customer": {"source_id": "ann"}, "reason": "late"})
    undone = api.rollback_redemption(made.id, redemptions_rollback_create_request_body=right)
    assert (undone.redemption, undone.reason, undone.result, undone.object) == (
        made.id,
        "late",
        "SUCCESS",
        "redemption_rollback",
    )
    found = api.get_redemption(made.id)
    assert (found.status, found.related_redemptions.rollbacks[0].id) == ("ROLLED_BACK", undone.id)


def test_history_is_listed(sdk: Any, stocked: Retailer) -> None:
    api = v.RedemptionsApi(sdk)
    made = redeem(sdk, ask(code("TEN-OFF"), customer={"source_id": "ann"})).redemptions[0]
    with pytest.raises(v.exceptions.NotFoundException):
        redeem(sdk, ask(code("NOBODY")))
    api.rollback_redemption(made.id)
    everything = api.list_redemptions(limit=10, page=1, order="-created_at")
    assert [(one.object, one.result) for one in everything.redemptions] == [
        ("redemption_rollback", "SUCCESS"),
        ("redemption", "FAILURE"),
        ("redemption", "SUCCESS"),
    ]
    assert everything.redemptions[1].failure_code == "not_found"
    assert api.list_redemptions(result="FAILURE").total == 1
    assert api.list_redemptions(customer="ann").total == 2
    assert api.list_redemptions(campaign="none").total == 0
    jan = datetime(2020, 1, 1, tzinfo=UTC)
    assert api.list_redemptions(created_at=v.ParameterCreatedBeforeAfter(after=jan)).total == 3
    filters = v.ParameterFiltersListRedemptions.from_dict(
        {
            "voucher_code": {"conditions": {"$in": ["TEN-OFF", "OTHER"]}},
            "object": {"conditions": {"$is": "redemption"}},
        }
    )
    assert [one.id for one in api.list_redemptions(filters=filters).redemptions] == [made.id]
    of_code = api.get_voucher_redemptions("TEN-OFF")
    assert (of_code.quantity, of_code.redeemed_quantity, of_code.total) == (2, 0, 2)
    assert [one.object for one in of_code.redemption_entries] == ["redemption_rollback", "redemption"]


def test_a_code_goes_without_an_order(sdk: Any, stocked: Retailer) -> None:
    done = redeem(sdk, {"redeemables": [code("TEN-OFF")]})
    assert (done.redemptions[0].result, done.order) == ("SUCCESS", None)
