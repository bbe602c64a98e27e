"""A retailer whose stacking rules say PARTIAL, or limit how many apply: what is left out, locked and redeemed."""

import pytest

from checkout.models import LockSession, Redemption
from offers.models import Category, Retailer
from tests.api.client import ApiClient
from tests.flows import shop
from tests.flows.shop import lock, redeem, release, validate

pytestmark = pytest.mark.django_db


@pytest.fixture
def lenient(api: ApiClient, shop_a: Retailer) -> ApiClient:
    shop_a.stacking = {"redeemables_application_mode": "PARTIAL"}
    shop_a.save()
    shop.code(shop_a, "TEN", discount=shop.TEN_PERCENT)
    shop.code(shop_a, "OFF", active=False)
    shop.code(shop_a, "TWENTY")
    return api


def test_what_applies_applies(lenient: ApiClient) -> None:
    answer = validate(lenient, "TEN", "OFF", "NOPE", amount=1000)
    assert answer["valid"] is True
    assert [one["id"] for one in answer["redeemables"]] == ["TEN"]
    left_out = [(one["id"], one["result"]["error"]["key"]) for one in answer["inapplicable_redeemables"]]
    assert left_out == [("OFF", "voucher_disabled"), ("NOPE", "not_found")]
    assert answer["skipped_redeemables"] == []
    assert answer["order"]["total_amount"] == 900
    assert answer["stacking_rules"]["redeemables_application_mode"] == "PARTIAL"


def test_only_what_applies_is_locked(lenient: ApiClient) -> None:
    assert lock(lenient, "OFF", "TEN", key="k")["session"]["key"] == "k"
    assert [row.object_label for row in LockSession.objects.all()] == ["TEN"]
    assert release(lenient, "OFF", "k").status == 404
    assert release(lenient, "TEN", "k").status == 204


def test_what_applies_is_redeemed_and_the_rest_told(lenient: ApiClient) -> None:
    answer = redeem(lenient, "OFF", "TEN", amount=1000)
    assert answer.status == 200
    assert [one["voucher"]["code"] for one in answer["redemptions"]] == ["TEN"]
    assert "parent_redemption" not in answer.json
    assert [one["id"] for one in answer["inapplicable_redeemables"]] == ["OFF"]
    two = redeem(lenient, "TWENTY", "TEN", amount=1000)
    assert [one["voucher"]["code"] for one in two["redemptions"]] == ["TWENTY"]
    assert two["inapplicable_redeemables"][0]["result"]["error"]["key"] == "quantity_exceeded"


def test_nothing_left_is_the_first_reason(lenient: ApiClient) -> None:
    assert validate(lenient, "OFF", "NOPE")["valid"] is False
    answer = redeem(lenient, "OFF", "NOPE")
    assert (answer.status, answer["key"], answer["resource_type"]) == (400, "voucher_disabled", "redemption")
    assert redeem(lenient, "NOPE", "OFF").status == 404
    assert not Redemption.objects.filter(succeeded=True).exists()


def test_more_than_may_apply_are_skipped_and_keep_their_use(api: ApiClient, shop_a: Retailer) -> None:
    for number in range(6):
        shop.code(shop_a, f"C{number}", discount={"type": "AMOUNT", "amount_off": 10, "effect": "APPLY_TO_ORDER"})
    answer = redeem(api, *[f"C{number}" for number in range(6)], amount=1000)
    assert (answer.status, len(answer["redemptions"])) == (200, 5)
    (skipped,) = answer["skipped_redeemables"]
    assert (skipped["id"], skipped["result"]["details"]["key"]) == ("C5", "applicable_redeemables_limit_exceeded")
    assert redeem(api, "C5").status == 200


def test_one_of_a_category_applies(api: ApiClient, shop_a: Retailer) -> None:
    seasonal = Category.objects.create(retailer=shop_a, name="Seasonal", hierarchy=1)
    for text in ("A", "B"):
        shop.code(shop_a, text, category=seasonal)
    answer = lock(api, "A", "B", key="k")
    assert answer["valid"]
    assert [one["status"] for one in answer["redeemables"]] == ["APPLICABLE", "SKIPPED"]
    reason = answer["skipped_redeemables"][0]["result"]["details"]["key"]
    assert reason == "applicable_redeemables_per_category_limit_exceeded"
    assert answer["redeemables"][0]["categories"][0]["name"] == "Seasonal"
    assert lock(api, "B", key="other")["valid"]
