"""The Python client's calls around a cart: validate and lock, release, from the server and from the page."""

from typing import Any

import pytest
import voucherify as v

from offers.models import Retailer
from tests.flows import shop

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = "https://shop.example"
LOCK = {"type": "LOCK", "key": "cart-1", "ttl": 15.0, "ttl_unit": "MINUTES"}


def ask(*redeemables: dict[str, Any], amount: int = 10000, **more: Any) -> dict[str, Any]:
    return {"redeemables": list(redeemables), "order": {"amount": amount}, **more}


def validate(sdk: Any, wanted: dict[str, Any]) -> Any:
    return v.ValidationsApi(sdk).validate_stacked_discounts(v.ValidationsValidateRequestBody.from_dict(wanted))


def code(text: str) -> dict[str, Any]:
    return {"object": "voucher", "id": text}


def card(text: str, credits: int) -> dict[str, Any]:
    return {"object": "voucher", "id": text, "gift": {"credits": credits}}


def test_a_stack_is_validated_and_locked(sdk: Any, shop_a: Retailer) -> None:
    shop.card(shop_a, "GIFT-1", credits=5000)
    shop.code(shop_a, "TEN-OFF", discount=shop.TEN_PERCENT)
    tier = shop.tier(shop_a, discount={"type": "AMOUNT", "amount_off": 650, "effect": "APPLY_TO_ORDER"})
    promotion = {"object": "promotion_tier", "id": tier.public_id}
    wanted = ask(card("GIFT-1", 1500), code("TEN-OFF"), promotion, session=LOCK, customer={"source_id": "ann"})
    answer = validate(sdk, wanted)
    assert (answer.valid, answer.order.total_discount_amount, answer.order.total_amount) == (True, 3000, 7000)
    gift, ten, promo = (one.actual_instance if hasattr(one, "actual_instance") else one for one in answer.redeemables)
    assert [one.status for one in (gift, ten, promo)] == ["APPLICABLE"] * 3
    assert (gift.result.gift.balance, gift.result.gift.credits) == (5000, 1500)
    assert (ten.result.discount.percent_off, ten.order.applied_discount_amount) == (10, 850)
    assert promo.id == tier.public_id
    session = answer.session
    assert (session.key, session.type, session.ttl, session.ttl_unit) == ("cart-1", "LOCK", 15, "MINUTES")
    assert answer.stacking_rules.redeemables_application_mode == "ALL"
    assert answer.tracking_id.startswith("track_")


def test_what_does_not_apply_says_why(sdk: Any, shop_a: Retailer) -> None:
    shop.code(shop_a, "OFF", active=False)
    shop.code(shop_a, "TEN")
    answer = validate(sdk, ask(code("OFF"), code("TEN")))
    assert answer.valid is False
    assert [one.status for one in answer.redeemables] == ["INAPPLICABLE", "SKIPPED"]
    assert answer.inapplicable_redeemables[0].result.error.key == "voucher_disabled"
    assert answer.skipped_redeemables[0].result.details.key == "preceding_validation_failed"
    with pytest.raises(v.exceptions.BadRequestException, match="duplicated_redeemables"):
        validate(sdk, ask(code("TEN"), code("TEN")))


def test_a_lock_is_released(sdk: Any, shop_a: Retailer) -> None:
    shop.code(shop_a, "ONE/50% OFF")
    lock = ask(code("ONE/50% OFF"), session={"type": "LOCK", "key": "a/b c"})
    assert validate(sdk, lock).valid
    assert not validate(sdk, ask(code("ONE/50% OFF"))).valid
    v.VouchersApi(sdk).release_validation_session("ONE/50% OFF", "a/b c")
    assert validate(sdk, ask(code("ONE/50% OFF"))).valid
    with pytest.raises(v.exceptions.NotFoundException):
        v.VouchersApi(sdk).release_validation_session("ONE/50% OFF", "a/b c")


def test_items_are_discounted(sdk: Any, shop_a: Retailer) -> None:
    shop.code(shop_a, "ITEMS", discount={"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ITEMS"})
    items = [
        {"source_id": "mug", "related_object": "product", "quantity": 2, "price": 1000, "product": {"name": "Mug"}},
        {"source_id": "pin", "related_object": "product", "quantity": 1, "amount": 50},
    ]
    answer = validate(sdk, {"redeemables": [code("ITEMS")], "order": {"items": items}})
    assert (answer.order.amount, answer.order.items_discount_amount, answer.order.total_amount) == (2050, 150, 1900)
    assert [line.subtotal_amount for line in answer.order.items] == [1900, 0]
    assert answer.redeemables[0].applicable_to.total == 2
    assert [one.effect for one in answer.redeemables[0].applicable_to.data] == ["APPLY_TO_EVERY"] * 2


def test_the_page_validates_and_redeems(sdk: Any, browser_sdk: Any, shop_a: Retailer) -> None:
    shop.code(shop_a, "ONE")
    api = v.ClientSideApi(browser_sdk)
    lock = v.ClientValidationsValidateRequestBody.from_dict(ask(code("ONE"), session=LOCK))
    answer = api.validate_stacked_discounts_client_side(ORIGIN, lock)
    assert (answer.valid, answer.session.key, answer.stacking_rules.redeemables_limit) == (True, "cart-1", 30)
    use = ask(code("ONE"), session={"type": "LOCK", "key": "cart-1"}, customer={"source_id": "ann"})
    done = api.redeem_stacked_discounts_client_side(ORIGIN, v.ClientRedemptionsRedeemRequestBody.from_dict(use))
    assert (done.redemptions[0].result, done.order.total_amount) == ("SUCCESS", 8000)
    assert v.RedemptionsApi(sdk).get_redemption(done.redemptions[0].id).status == "SUCCEEDED"
    with pytest.raises(v.exceptions.BadRequestException, match="quantity_exceeded"):
        api.redeem_stacked_discounts_client_side(ORIGIN, v.ClientRedemptionsRedeemRequestBody.from_dict(use))
