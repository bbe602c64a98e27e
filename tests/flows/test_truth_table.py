"""The session truth table, rows 1 to 21 (row 22: test_races.py): what a request sees of a code others hold."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from offers.models import Retailer
from tests.api.client import ApiClient
from tests.flows import shop
from tests.flows.shop import lock, redeem, redeemable, release, validate, why

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(api: ApiClient, shop_a: Retailer, set_clock: Callable[[datetime], None]) -> ApiClient:
    """Row 1: a code that may be used once, held by k1 for a minute."""
    set_clock(NOON)
    shop.code(shop_a)
    assert lock(api, "CODE", key="k1", ttl=1, ttl_unit="MINUTES")["valid"]
    return api


@pytest.fixture
def card(api: ApiClient, shop_a: Retailer) -> ApiClient:
    """Rows 15 to 19: a card with 1000 credits, of which k1 holds 700."""
    shop.card(shop_a, credits=1000)
    assert validate(api, redeemable("CARD", 700), key="k1")["valid"]
    return api


def figures(api: ApiClient, code: str) -> tuple[int, bool]:
    """How often a code was redeemed, and whether a stranger could lock it now."""
    free = validate(api, code)["valid"]
    return api.get(f"/v1/vouchers/{code}")["redemption"]["redeemed_quantity"], free


def test_row_2_the_holder_asks_again(held: ApiClient, set_clock: Callable[[datetime], None]) -> None:
    set_clock(NOON + timedelta(seconds=50))
    assert lock(held, "CODE", key="k1", ttl=1, ttl_unit="MINUTES")["valid"]
    set_clock(NOON + timedelta(seconds=109))
    assert why(lock(held, "CODE", key="k2")) == "quantity_exceeded"


def test_rows_3_to_5_everybody_else_is_refused(held: ApiClient) -> None:
    assert why(lock(held, "CODE", key="k2")) == "quantity_exceeded"
    assert why(validate(held, "CODE")) == "quantity_exceeded"
    for refused in (redeem(held, "CODE"), redeem(held, "CODE", key="k2")):
        assert (refused.status, refused["key"]) == (400, "quantity_exceeded")


def test_rows_6_and_7_the_holder_redeems_and_is_done(held: ApiClient) -> None:
    assert redeem(held, "CODE", key="k1").status == 200
    assert figures(held, "CODE") == (1, False)
    assert release(held, "CODE", "k1").status == 404
    assert why(lock(held, "CODE", key="k1")) == "quantity_exceeded"


def test_rows_8_and_9_released_once(held: ApiClient) -> None:
    assert release(held, "CODE", "k1").status == 204
    again = release(held, "CODE", "k1")
    assert (again.status, again["key"], again["resource_type"]) == (404, "not_found", "session")
    assert validate(held, "CODE")["valid"] and lock(held, "CODE", key="k2")["valid"]


def test_row_10_another_locks_when_the_time_is_over(held: ApiClient, set_clock: Callable[[datetime], None]) -> None:
    set_clock(NOON + timedelta(minutes=1))
    assert lock(held, "CODE", key="k2")["valid"]


def test_row_11_a_key_whose_time_is_over_redeems_what_is_free(
    held: ApiClient, set_clock: Callable[[datetime], None]
) -> None:
    set_clock(NOON + timedelta(minutes=1))
    assert redeem(held, "CODE", key="k1").status == 200


@pytest.mark.parametrize(("used", "keys"), [(0, 4), (2, 2)])
def test_rows_12_and_13_uses_and_sessions_count_together(
    api: ApiClient, shop_a: Retailer, used: int, keys: int
) -> None:
    shop.code(shop_a, limit=4)
    assert all(redeem(api, "CODE").status == 200 for _ in range(used))
    assert all(lock(api, "CODE", key=f"k{n}")["valid"] for n in range(keys))
    assert why(lock(api, "CODE", key="more")) == "quantity_exceeded"


def test_row_14_no_limit_no_end(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None)
    assert all(lock(api, "CODE", key=f"k{n}")["valid"] for n in range(20))


def test_rows_15_to_17_credits_are_held(card: ApiClient) -> None:
    assert why(validate(card, redeemable("CARD", 400), key="k2")) == "gift_amount_exceeded"
    assert validate(card, redeemable("CARD", 900), key="k1")["valid"]
    assert why(validate(card, redeemable("CARD", 300), key="k2")) == "gift_amount_exceeded"
    assert validate(card, redeemable("CARD", 700), key="k1")["valid"]
    assert validate(card, redeemable("CARD", 300), key="k2")["valid"]


@pytest.mark.parametrize(("credits", "balance"), [(700, 300), (200, 800)])
def test_rows_18_and_19_what_is_not_redeemed_goes_free(card: ApiClient, credits: int, balance: int) -> None:
    answer = redeem(card, redeemable("CARD", credits), key="k1")
    assert (answer.status, answer["redemptions"][0]["voucher"]["gift"]["balance"]) == (200, balance)
    assert validate(card, redeemable("CARD", balance), key="k2")["valid"]


@pytest.mark.parametrize("end", ["redeem", "release"])
def test_rows_20_and_21_one_of_two_is_ended_alone(api: ApiClient, shop_a: Retailer, end: str) -> None:
    shop.code(shop_a, "A", limit=2)
    shop.code(shop_a, "B", limit=1)
    assert lock(api, "A", "B", key="k1")["valid"]
    ended = redeem(api, "A", key="k1") if end == "redeem" else release(api, "A", "k1")
    assert ended.status == (200 if end == "redeem" else 204)
    assert release(api, "A", "k1").status == 404
    assert why(lock(api, "B", key="k2")) == "quantity_exceeded"
