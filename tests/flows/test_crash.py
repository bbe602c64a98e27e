"""A crash after any SQL statement of a redemption leaves no half effect, and a retry works."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from checkout.models import LockSession, Order, Redemption
from offers.ledger.models import Entry, Hold
from offers.models import Customer, Retailer
from offers.outbox.models import Endpoint, Event
from tests.api.client import ApiClient
from tests.flows import shop
from tests.flows.shop import lock, redeem, redeemable

pytestmark = pytest.mark.django_db(transaction=True)


class Crash(BaseException):
    """The process dies here."""


class CrashAfter:
    """Lets `statements` statements through, then dies at once, or right after the last of them was sent."""

    def __init__(self, statements: int, *, when: str) -> None:
        self.left = statements
        self.when = when

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.left == 0:
            raise Crash
        self.left -= 1
        if self.left == 0 and self.when == "sent":
            with connection.cursor() as cursor:
                # What the server does when a client goes away in the middle of its statement.
                cursor.cursor.execute("BEGIN")
                try:
                    execute(sql, params, many, context)
                finally:
                    cursor.cursor.execute("ROLLBACK")
            raise Crash
        return execute(sql, params, many, context)


def state() -> dict[str, int]:
    models = (Redemption, Order, Entry, Event, Customer)
    found = {model.__name__: model.objects.count() for model in models}
    found["live holds"] = Hold.objects.filter(state="live").count()
    found["live locks"] = LockSession.objects.filter(state="live").count()
    return found


@pytest.mark.parametrize("when", ["before", "sent"])
@pytest.mark.parametrize("statements", range(4))
def test_a_crash_leaves_all_or_nothing(api: ApiClient, shop_a: Retailer, statements: int, when: str) -> None:
    Endpoint.objects.create(retailer=shop_a, url="https://example.com/hook", secret="s")
    owner = shop.campaign(shop_a, budget=1_000_000)
    shop.code(shop_a, campaign=owner, customer_limit=1)
    shop.card(shop_a, credits=500)
    wanted: dict[str, Any] = {"customer": {"source_id": "ada"}, "key": "k"}
    lock(api, "CODE", redeemable("CARD", 100), key="k")
    before = state()
    api._django.raise_request_exception = False
    with connection.execute_wrapper(CrashAfter(statements, when=when)):
        try:
            redeem(api, "CODE", redeemable("CARD", 100), **wanted)
        except Crash:
            pass
        else:
            assert statements > 1, "a redemption needs a read and a write"
    after = state()
    done = after["Redemption"] > 0
    if not done:
        after["Customer"] = before["Customer"]  # made known ahead, for his limit to count; no money in it
        assert after == before
        again = redeem(api, "CODE", redeemable("CARD", 100), **wanted)
        assert again.status == 200
    final = state()
    assert (final["Redemption"], final["Order"], final["Event"], final["live holds"], final["live locks"]) == (
        3,
        1,
        3,
        0,
        0,
    )
    call_command("prove_ledger")


@pytest.mark.parametrize("when", ["before", "sent"])
@pytest.mark.parametrize("statements", range(3))
def test_a_crash_while_a_held_code_is_redeemed_leaves_all_or_nothing(
    api: ApiClient, shop_a: Retailer, statements: int, when: str
) -> None:
    Endpoint.objects.create(retailer=shop_a, url="https://example.com/hook", secret="s")
    shop.code(shop_a, limit=2)
    lock(api, "CODE", key="k")
    before = state()
    api._django.raise_request_exception = False
    with connection.execute_wrapper(CrashAfter(statements, when=when)):
        try:
            redeem(api, "CODE", key="k")
        except Crash:
            pass
        else:
            assert statements > 1, "a redemption needs a read and a write"
    if state()["Redemption"] == 0:
        assert state() == before
        assert redeem(api, "CODE", key="k").status == 200
    assert state() == {
        "Redemption": 1, "Order": 1, "Entry": 2, "Event": 1, "Customer": 0, "live holds": 0, "live locks": 0
    }  # fmt: skip
    call_command("prove_ledger")
