"""V1-V41: a validation session locks usage until it is redeemed, released or over (seed 001)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from checkout.models import LockSession, Order
from offers.ledger.models import Hold
from offers.models import Retailer
from tests.api.client import ApiClient
from tests.flows import shop
from tests.flows.shop import lock, redeem, redeemable, release, validate, why, with_points

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SetClock = Callable[[datetime], None]
UNITS = ["DAYS", "HOURS", "MICROSECONDS", "MILLISECONDS", "MINUTES", "NANOSECONDS", "SECONDS"]

pytestmark = pytest.mark.django_db


def test_v1_validating_does_not_use_up(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    assert all(validate(api, "CODE")["valid"] for _ in range(5))
    assert redeem(api, "CODE").status == 200


def test_v2_one_bad_redeemable_redeems_nothing(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, "GOOD")
    shop.code(shop_a, "OFF", active=False)
    answer = redeem(api, "GOOD", "OFF")
    assert (answer.status, answer["key"]) == (400, "voucher_disabled")
    assert Order.objects.count() == 0
    assert redeem(api, "GOOD").status == 200


def test_v3_only_success_is_counted(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=2)
    assert redeem(api, "CODE", "NOPE").status == 404
    assert api.get("/v1/vouchers/CODE/redemption")["redeemed_quantity"] == 0
    assert redeem(api, "CODE").status == 200
    assert api.get("/v1/vouchers/CODE/redemption")["redeemed_quantity"] == 1


def test_v4_v33_a_lock_makes_others_invalid(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    assert lock(api, "CODE", key="a")["valid"]
    assert why(validate(api, "CODE")) == "quantity_exceeded"
    assert why(lock(api, "CODE", key="b")) == "quantity_exceeded"


def test_v5_v16_v17_only_asked_for_the_answer_has_a_session(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None)
    assert "session" not in validate(api, "CODE").json
    assert set(lock(api, "CODE")["session"]) == {"key", "type", "ttl", "ttl_unit"}


@pytest.mark.parametrize("session", [{"key": "x"}, {"key": "x", "type": "FOO"}, {"key": "x", "type": "lock"}, "LOCK"])
def test_v6_v7_the_type_is_lock(api: ApiClient, shop_a: Retailer, session: object) -> None:
    shop.code(shop_a)
    answer = validate(api, "CODE", session=session)
    assert (answer.status, answer["key"]) == (400, "invalid_payload")
    assert not LockSession.objects.exists()


def test_v8_v9_a_key_is_made_and_is_unique(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None)
    keys = {lock(api, "CODE")["session"]["key"] for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("ssn_") and len(key) == 36 for key in keys)


def test_v10_an_own_key_is_kept(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    assert lock(api, "CODE", key="my-cart-17")["session"]["key"] == "my-cart-17"


def test_v11_v26_the_lock_ends_with_its_time(api: ApiClient, shop_a: Retailer, set_clock: SetClock) -> None:
    shop.code(shop_a)
    set_clock(NOON)
    assert lock(api, "CODE", key="a", ttl=1, ttl_unit="SECONDS")["valid"]
    set_clock(NOON + timedelta(seconds=0.9))
    assert why(lock(api, "CODE", key="b")) == "quantity_exceeded"
    set_clock(NOON + timedelta(seconds=1))
    assert lock(api, "CODE", key="b")["valid"]


@pytest.mark.parametrize("unit", UNITS)
def test_v12_every_unit_is_taken_and_echoed(api: ApiClient, shop_a: Retailer, unit: str) -> None:
    shop.code(shop_a)
    session = lock(api, "CODE", ttl=3, ttl_unit=unit)["session"]
    assert (session["ttl"], session["ttl_unit"]) == (3, unit)


@pytest.mark.parametrize("unit", ["WEEKS", "seconds", "", 7])
def test_v12_other_units_are_refused(api: ApiClient, shop_a: Retailer, unit: object) -> None:
    shop.code(shop_a)
    assert lock(api, "CODE", ttl=3, ttl_unit=unit).status == 400


def test_v12_units_last_as_long_as_they_say(api: ApiClient, shop_a: Retailer, set_clock: SetClock) -> None:
    set_clock(NOON)
    for unit, seconds in {"DAYS": 86400, "HOURS": 3600, "MINUTES": 60, "SECONDS": 1, "MILLISECONDS": 0.001}.items():
        shop.code(shop_a, unit)
        lock(api, unit, ttl=1.5, ttl_unit=unit)
        assert LockSession.objects.get(object_label=unit).expires_at - NOON == timedelta(seconds=1.5 * seconds)


def test_v13_seven_days_unless_said(api: ApiClient, shop_a: Retailer, set_clock: SetClock) -> None:
    shop.code(shop_a)
    set_clock(NOON)
    session = lock(api, "CODE", key="a")["session"]
    assert (session["ttl"], session["ttl_unit"]) == (7, "DAYS")
    set_clock(NOON + timedelta(days=6, hours=23))
    assert not lock(api, "CODE", key="b")["valid"]
    set_clock(NOON + timedelta(days=7))
    assert lock(api, "CODE", key="b")["valid"]


def test_v14_half_a_ttl_has_a_meaning(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None)
    session = lock(api, "CODE", ttl=2)["session"]
    assert (session["ttl"], session["ttl_unit"]) == (2, "DAYS")
    session = lock(api, "CODE", ttl_unit="HOURS")["session"]
    assert (session["ttl"], session["ttl_unit"]) == (7, "HOURS")


@pytest.mark.parametrize("ttl", [0, -1, -0.5, "7", True, 1e300, 10**400, 999999999])
def test_v15_a_ttl_must_be_positive_and_sane(api: ApiClient, shop_a: Retailer, ttl: object) -> None:
    shop.code(shop_a)
    raw = f'{{"redeemables":[{{"id":"CODE"}}],"order":{{"amount":1}},"session":{{"type":"LOCK","ttl":{_json(ttl)}}}}}'
    answer = api.post("/v1/validations", raw=raw.encode())
    assert (answer.status, answer["key"]) == (400, "invalid_payload")
    assert not Hold.objects.exists()


def _json(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def test_v18_the_key_must_come_along(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    key = lock(api, "CODE")["session"]["key"]
    assert redeem(api, "CODE").status == 400
    assert redeem(api, "CODE", key=key).status == 200


def test_v19_the_same_key_replaces_what_it_held(api: ApiClient, shop_a: Retailer) -> None:
    shop.card(shop_a, credits=150)
    assert validate(api, redeemable("CARD", 100), key="a")["valid"]
    assert validate(api, redeemable("CARD", 30), key="a")["valid"]
    assert not validate(api, redeemable("CARD", 121), key="b")["valid"]
    assert validate(api, redeemable("CARD", 120), key="b")["valid"]


def test_v20_the_same_key_restarts_the_time(api: ApiClient, shop_a: Retailer, set_clock: SetClock) -> None:
    shop.code(shop_a)
    set_clock(NOON)
    lock(api, "CODE", key="a")
    lock(api, "CODE", key="a", ttl=1, ttl_unit="SECONDS")
    set_clock(NOON + timedelta(seconds=1))
    assert lock(api, "CODE", key="b")["valid"]


def test_v21_v22_as_many_sessions_as_the_limit(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=4)
    assert all(lock(api, "CODE", key=f"k{n}")["valid"] for n in range(4))
    assert why(lock(api, "CODE", key="k5")) == "quantity_exceeded"


def test_v23_unlimited_takes_any_number(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None)
    assert all(lock(api, "CODE", key=f"k{n}")["valid"] for n in range(200))


def test_v24_v25_redemptions_and_sessions_count_together(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=4)
    assert redeem(api, "CODE").status == 200
    assert all(lock(api, "CODE", key=f"k{n}")["valid"] for n in range(3))
    assert not lock(api, "CODE", key="k5")["valid"]
    assert release(api, "CODE", "k1").status == 204
    assert lock(api, "CODE", key="k5")["valid"]


def test_v27_v39_redeeming_ends_the_session(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=2)
    lock(api, "CODE", key="a")
    assert redeem(api, "CODE", key="a").status == 200
    gone = release(api, "CODE", "a")
    assert (gone.status, gone["resource_type"]) == (404, "session")
    assert lock(api, "CODE", key="b")["valid"]
    assert LockSession.objects.get(key="a").state == "redeemed"


def test_v28_v35_release_frees_for_others(api: ApiClient, shop_a: Retailer) -> None:
    voucher = shop.code(shop_a)
    lock(api, "CODE", key="a")
    assert release(api, "CODE", "a").status == 204
    assert release(api, "CODE", "a")["resource_type"] == "session"
    assert release(api, "NOPE", "a")["resource_type"] == "voucher"
    lock(api, "CODE", key="b")
    assert release(api, voucher.public_id, "b").status == 204
    assert redeem(api, "CODE").status == 200


def test_release_of_an_expired_session_is_not_found(api: ApiClient, shop_a: Retailer, set_clock: SetClock) -> None:
    shop.code(shop_a)
    set_clock(NOON)
    lock(api, "CODE", key="a", ttl=1, ttl_unit="SECONDS")
    set_clock(NOON + timedelta(seconds=2))
    assert release(api, "CODE", "a").status == 404


def test_v30_a_lock_takes_one_use(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=2)
    assert lock(api, "CODE", key="a")["valid"]
    assert lock(api, "CODE", key="b")["valid"]
    assert not lock(api, "CODE", key="c")["valid"]


def test_v31_a_lock_takes_the_credits_asked_for(api: ApiClient, shop_a: Retailer) -> None:
    shop.card(shop_a, credits=500)
    assert validate(api, redeemable("CARD", 400), key="a")["valid"]
    assert why(validate(api, redeemable("CARD", 200), key="b")) == "gift_amount_exceeded"
    answer = validate(api, redeemable("CARD", 100), key="b")
    assert answer["valid"]
    assert answer["redeemables"][0]["result"]["gift"] == {"balance": 100, "credits": 100}


def test_v32_a_lock_takes_the_points_asked_for(api: ApiClient, shop_a: Retailer) -> None:
    shop.points_card(shop_a, points=300)
    answer = validate(api, with_points("POINTS", 250), key="a")
    assert answer["valid"]
    assert answer["redeemables"][0]["result"]["loyalty_card"] == {"points": 250}
    assert why(validate(api, with_points("POINTS", 100), key="b")) == "loyalty_card_points_exceeded"
    assert redeem(api, with_points("POINTS", 51))["key"] == "loyalty_card_points_exceeded"
    assert validate(api, with_points("POINTS", 50), key="b")["valid"]
    assert validate(api, with_points("POINTS", 250), key="a")["valid"]
    assert release(api, "POINTS", "a").status == 204
    assert validate(api, with_points("POINTS", 250), key="c")["valid"]


def test_v32_redeeming_less_points_than_locked_frees_the_rest(api: ApiClient, shop_a: Retailer) -> None:
    shop.points_card(shop_a, points=1000)
    validate(api, with_points("POINTS", 900), key="a")
    answer = redeem(api, with_points("POINTS", 200), key="a")
    made = answer["redemptions"][0]
    assert (made["amount"], made["loyalty_card"]) == (200, {"points": 200})
    assert made["reward"] == {"id": "rew_pay", "object": "reward", "type": "COIN"}
    assert "gift" not in made
    assert made["voucher"]["loyalty_card"]["balance"] == 800
    assert made["voucher"]["redemption"]["redeemed_points"] == 200
    assert validate(api, with_points("POINTS", 800), key="b")["valid"]


def test_v34_v36_only_the_holder_redeems(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    lock(api, "CODE", key="a")
    assert redeem(api, "CODE")["key"] == "quantity_exceeded"
    assert redeem(api, "CODE", key="b")["key"] == "quantity_exceeded"
    assert redeem(api, "CODE", key="a").status == 200


@pytest.mark.parametrize("session", [{"key": "a"}, {"type": "LOCK"}])
def test_v37_redeeming_needs_type_and_key(api: ApiClient, shop_a: Retailer, session: object) -> None:
    shop.code(shop_a)
    lock(api, "CODE", key="a")
    answer = redeem(api, "CODE", session=session)
    assert (answer.status, answer["key"]) == (400, "invalid_payload")


def test_v38_the_right_key_redeems(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    lock(api, "CODE", key="a")
    answer = redeem(api, "CODE", key="a")
    assert (answer.status, answer["redemptions"][0]["result"]) == (200, "SUCCESS")


def test_v40_a_failed_redemption_keeps_the_session(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    lock(api, "CODE", key="a")
    assert redeem(api, "CODE", "NOPE", key="a").status == 404
    assert not lock(api, "CODE", key="b")["valid"]
    assert redeem(api, "CODE", key="a").status == 200


def test_v41_an_expired_session_is_judged_like_anybody(api: ApiClient, shop_a: Retailer, set_clock: SetClock) -> None:
    shop.code(shop_a, "FREE")
    shop.code(shop_a, "TAKEN")
    set_clock(NOON)
    for code in ("FREE", "TAKEN"):
        lock(api, code, key="a", ttl=1, ttl_unit="SECONDS")
    set_clock(NOON + timedelta(seconds=2))
    assert lock(api, "TAKEN", key="b")["valid"]
    assert redeem(api, "FREE", key="a").status == 200
    assert redeem(api, "TAKEN", key="a")["key"] == "quantity_exceeded"


def test_v58_one_session_locks_each_redeemable_apart(api: ApiClient, shop_a: Retailer) -> None:
    for code in ("A", "B", "C"):
        shop.code(shop_a, code)
    assert lock(api, "A", "B", "C", key="k")["valid"]
    assert release(api, "A", "k").status == 204
    assert lock(api, "A", key="other")["valid"]
    assert not lock(api, "B", key="other")["valid"]
    assert redeem(api, "B", "C", key="k").status == 200
    assert release(api, "B", "k").status == release(api, "C", "k").status == 404


def test_redeeming_part_of_a_session_leaves_the_rest_locked(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, "A")
    shop.code(shop_a, "B")
    lock(api, "A", "B", key="k")
    assert redeem(api, "A", key="k").status == 200
    assert not lock(api, "B", key="other")["valid"]


def test_an_invalid_validation_leaves_no_lock(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, "GOOD")
    assert not lock(api, "GOOD", "NOPE", key="k")["valid"]
    assert lock(api, "GOOD", key="other")["valid"]


def test_redeeming_less_credits_than_locked_frees_the_rest(api: ApiClient, shop_a: Retailer) -> None:
    shop.card(shop_a, credits=1000)
    validate(api, redeemable("CARD", 700), key="a")
    assert validate(api, redeemable("CARD", 900), key="a")["valid"]
    answer = redeem(api, redeemable("CARD", 200), key="a")
    assert answer["redemptions"][0]["voucher"]["gift"]["balance"] == 800
    assert validate(api, redeemable("CARD", 800), key="b")["valid"]


def test_another_retailers_key_is_another_session(
    api: ApiClient, api_b: ApiClient, shop_a: Retailer, shop_b: Retailer
) -> None:
    shop.code(shop_a)
    shop.code(shop_b)
    assert lock(api, "CODE", key="same")["valid"]
    assert lock(api_b, "CODE", key="same")["valid"]
    assert release(api_b, "CODE", "same").status == 204
    assert not lock(api, "CODE", key="other")["valid"]


def test_a_deleted_voucher_has_no_sessions(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    lock(api, "CODE", key="k")
    api.delete("/v1/vouchers/CODE")
    assert release(api, "CODE", "k")["resource_type"] == "voucher"
