"""How many round trips to the database the hot calls make, with what a process remembers already at hand."""

from typing import Any

import pytest

from offers import vouchers
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Customer, Retailer
from tests.api.client import Answer, ApiClient
from tests.bench import carts, trips

# Real transactions: inside a test's own one, a BEGIN too many would not show.
pytestmark = pytest.mark.django_db(transaction=True)

TERMS: dict[str, dict[str, Any]] = {
    "limited": {"redemption_limit": 1},
    "hot": {"redemption_limit": 1_000_000, "hot": True},
    "unlimited": {},
}


@pytest.fixture(params=sorted(TERMS))
def codes(request: pytest.FixtureRequest, shop_a: Retailer) -> list[str]:
    """Two codes of each kind: one to warm up with, one to count with."""
    Customer.objects.create(retailer=shop_a, source_id=carts.customer(1))
    made = [f"{request.param}-{number}" for number in range(2)]
    for code in made:
        fields: Any = {"discount": {"type": "PERCENT", "percent_off": 10}, **TERMS[request.param]}
        vouchers.create(retailer_id=shop_a.pk, actor=SYSTEM, now=clock.now(), fields=fields, code=code)
    return made


def lock(api: ApiClient, code: str, key: str) -> int:
    with trips.counted() as counted:
        answer = api.post(carts.LOCK, carts.body(code, key, 1))
    assert (answer.status, answer["valid"]) == (200, True), answer
    return len(counted)


def redeem(api: ApiClient, code: str, key: str | None) -> int:
    body = carts.body(code, key or "", 1)
    if key is None:
        del body["session"]
    with trips.counted() as counted:
        answer = api.post(carts.REDEEM, body)
    assert (answer.status, answer["redemptions"][0]["result"]) == (200, "SUCCESS"), answer
    return len(counted)


def release(api: ApiClient, code: str, key: str) -> tuple[Answer, int]:
    with trips.counted() as counted:
        answer = api.delete(carts.release_path(code, key))
    return answer, len(counted)


def test_validate_and_lock_is_one_read_and_one_write_again_and_again(api: ApiClient, codes: list[str]) -> None:
    lock(api, codes[0], "warm")
    assert [lock(api, codes[1], "cart") for _ in range(3)] == [2, 2, 2]


def test_redeem_with_the_session_is_one_read_and_one_write(api: ApiClient, codes: list[str]) -> None:
    for code in codes:
        lock(api, code, "cart")
    redeem(api, codes[0], "cart")
    assert redeem(api, codes[1], "cart") == 2


def test_redeem_without_a_session_is_at_most_three_round_trips(api: ApiClient, codes: list[str]) -> None:
    redeem(api, codes[0], None)
    assert redeem(api, codes[1], None) <= 3


def test_release_is_one_round_trip(api: ApiClient, codes: list[str]) -> None:
    for code in codes:
        lock(api, code, "cart")
    release(api, codes[0], "cart")
    answer, count = release(api, codes[1], "cart")
    assert (answer.status, count) == (204, 1)


def test_a_validation_without_a_session_is_one_read_and_one_write(api: ApiClient, codes: list[str]) -> None:
    body = {name: value for name, value in carts.body(codes[0], "", 1).items() if name != "session"}
    api.post(carts.LOCK, body)
    with trips.counted() as counted:
        answer = api.post(carts.LOCK, body)
    assert answer["valid"] is True
    assert len(counted) == 2
