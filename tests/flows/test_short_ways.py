"""Locking one code and redeeming what a session holds have calls of their own: they leave what the long way leaves."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from checkout import lock_one, redemption_held
from checkout.models import Authorization, LockSession, Order, Redemption, Validation
from offers.ledger.models import Counter, Entry, Hold
from offers.lib import clock
from offers.models import Customer, Retailer, Voucher
from offers.outbox.models import Endpoint, Event
from tests.api.client import Answer, ApiClient
from tests.api.session_offers import visits
from tests.flows import shop
from tests.flows.shop import body, lock_of

pytestmark = pytest.mark.django_db(transaction=True)

STORED = (Validation, LockSession, Redemption, Order, Event, Hold, Entry)
OWN = {"id", "public_id", "campaign", "campaign_id", "counter", "voucher", "object_id", "order", "xact"}
LOCKS, REDEEMS = "checkout_lock_one", "checkout_redeem_held"

# What a cart brings along, and what its code is.
CARTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "known customer": ({"customer": {"source_id": "ada"}}, {}),
    "nobody's order": ({"order": None}, {}),
    "named order, metadata": (
        {"order": {"amount": 5000, "source_id": "o-1", "metadata": {"till": "7"}}, "metadata": {"a": "b"}},
        {},
    ),
    "lines": (
        {"order": {"items": [{"source_id": "mug", "product_id": "mug", "quantity": 2, "price": 700}]}},
        {"discount": {"type": "AMOUNT", "amount_off": 300, "effect": "APPLY_TO_ITEMS"}},
    ),
    "explained": ({"options": {"explain": True}}, {}),
    "several uses": ({}, {"limit": 5}),
    "unlimited": ({}, {"limit": None}),
    "hot": ({}, {"limit": 100, "hot": True}),
    "sent by a friend": ({"order": {"amount": 900, "referrer": {"source_id": "ada"}}}, {}),
    "its own tracking id": ({"tracking_id": "track_me"}, {}),
}


@pytest.fixture(params=sorted(CARTS))
def cart(request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    return CARTS[request.param]


def sell(api: ApiClient, owner: Retailer, cart: tuple[dict[str, Any], dict[str, Any]], text: str) -> list[Answer]:
    """Lock a fresh code twice with one key, and redeem it. Of one for many uses others have one and hold one."""
    asked, terms = cart
    code = shop.code(owner, text, campaign=shop.campaign(owner, text), **terms)
    if code.redemption_limit != 1:
        assert shop.redeem(api, text).status == 200
        assert shop.lock(api, text, key=f"other-{text}")["valid"] is True
    sent = {**body(text, session=lock_of(f"cart-{text}", ttl=20, ttl_unit="MINUTES")), **asked}
    sent = {name: value for name, value in sent.items() if value is not None}
    if "source_id" in (sent.get("order") or {}):
        sent["order"] = {**sent["order"], "source_id": text}
    answers = [api.post("/v1/validations", sent), api.post("/v1/validations", sent), api.post("/v1/redemptions", sent)]
    assert [one.status for one in answers] == [200, 200, 200], answers
    assert answers[0]["valid"] is True
    assert answers[2]["redemptions"][0]["result"] == "SUCCESS"
    return answers


def left(since: dict[type[Any], int], text: str) -> dict[str, Any]:
    """Return what was stored since, row by row, without what no two sales share but with whether it is there."""
    found: dict[str, Any] = {}
    for model in STORED:
        found[model.__name__] = [
            {
                field.attname: plain(value) if field.name not in OWN else value is None
                for field in model._meta.concrete_fields
                for value in [field.value_from_object(row)]
            }
            for row in model.objects.filter(pk__gt=since[model]).order_by("pk")
        ]
    counters = Counter.objects.filter(owner=Voucher.objects.get(code=text).pk, kind="voucher.uses")
    return found | counters.aggregate(*[Sum(name) for name in ("granted", "taken", "withdrawn", "overdrawn")])


def plain(value: Any) -> str:
    """Return a value without ids, codes, moments and row numbers."""
    text = re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+00:00)?", "<moment>", str(value))
    text = re.sub(r"\btrack_[\w+/]{43}=", "track_<somebody>", text)
    text = re.sub(r"\b([a-z]+_)[A-Za-z0-9]{24,32}\b", r"\1<id>", text)
    return re.sub(r"\b(SHORT|LONG)\b|\b[vs]\d+\b|\[\d+\]", "<own>", text)


def last() -> dict[type[Any], int]:
    return {model: row.pk if (row := model.objects.order_by("pk").last()) else 0 for model in STORED}


def test_the_short_ways_leave_and_answer_what_the_long_ones_do(
    api: ApiClient,
    shop_a: Retailer,
    cart: tuple[dict[str, Any], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Endpoint.objects.create(retailer=shop_a, url="https://example.com/hook", secret="s")
    Customer.objects.create(retailer=shop_a, source_id="ada")
    since = last()
    with CaptureQueriesContext(connection) as queries:
        short = sell(api, shop_a, cart, "SHORT")
    sent = " ".join(query["sql"] for query in queries)
    assert LOCKS in sent
    assert REDEEMS in sent
    expected = left(since, "SHORT")

    monkeypatch.setattr(lock_one, "fits", lambda *asked: False)
    monkeypatch.setattr(redemption_held, "fits", lambda *asked: False)
    since = last()
    with CaptureQueriesContext(connection) as queries:
        long = sell(api, shop_a, cart, "LONG")
    sent = " ".join(query["sql"] for query in queries)
    assert LOCKS not in sent
    assert REDEEMS not in sent
    assert left(since, "LONG") == expected
    assert [plain(one.json) for one in long] == [plain(one.json) for one in short]


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen between the read of the next redemption and its write."""
    write, waiting = redemption_held.write, [happens]

    def late(*arguments: Any) -> Any:
        while waiting:
            waiting.pop()()
        return write(*arguments)

    monkeypatch.setattr(redemption_held, "write", late)


def test_a_hold_released_meanwhile_is_taken_anew_when_there_is_one_left(
    api: ApiClient, shop_a: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.code(shop_a, limit=1)
    shop.lock(api, "CODE", key="cart")
    meanwhile(monkeypatch, lambda: shop.release(api, "CODE", "cart"))
    assert shop.redeem(api, "CODE", key="cart").status == 200
    assert [hold.state for hold in Hold.objects.all()] == ["voided"]
    assert Counter.objects.get().taken == 1


def test_a_hold_that_went_to_another_cart_meanwhile_is_not_used_twice(
    api: ApiClient, shop_a: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.code(shop_a, limit=1)
    shop.lock(api, "CODE", key="cart")

    def goes() -> None:
        shop.release(api, "CODE", "cart")
        assert shop.redeem(api, "CODE").status == 200

    meanwhile(monkeypatch, goes)
    refused = shop.redeem(api, "CODE", key="cart")
    assert (refused.status, refused["key"]) == (400, "quantity_exceeded")
    assert Redemption.objects.filter(succeeded=True).count() == 1
    assert Counter.objects.get().taken == 1


def test_a_hold_that_expires_meanwhile_is_not_used_up(
    api: ApiClient, shop_a: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.code(shop_a, limit=1)
    shop.lock(api, "CODE", key="cart")
    past = clock.now() - timedelta(seconds=1)
    meanwhile(monkeypatch, lambda: Hold.objects.update(expires_at=past))
    assert shop.redeem(api, "CODE", key="cart").status == 200
    # It was free again, and is taken anew: the hold itself was given up.
    assert [hold.state for hold in Hold.objects.all()] != ["settled"]
    assert Counter.objects.get().taken == 1


def test_the_same_session_redeemed_meanwhile_is_redeemed_once(
    api: ApiClient, shop_a: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.code(shop_a, limit=1)
    shop.lock(api, "CODE", key="cart")
    meanwhile(monkeypatch, lambda: shop.redeem(api, "CODE", key="cart"))
    assert shop.redeem(api, "CODE", key="cart").status == 400
    assert Redemption.objects.filter(succeeded=True).count() == 1
    assert Entry.objects.filter(kind="settle").count() == 1


def test_a_code_and_a_promotion_tier_that_a_session_holds_are_redeemed_and_rolled_back_together(
    api: ApiClient, shop_a: Retailer
) -> None:
    """Only the code is counted, but that is not all there is to store."""
    shop.code(shop_a)
    both: list[str | dict[str, Any]] = ["CODE", shop.redeemable(shop.tier(shop_a).public_id, kind="promotion_tier")]
    assert shop.lock(api, *both, key="cart")["valid"] is True
    done = shop.redeem(api, *both, key="cart")
    assert (done.status, len(done["redemptions"])) == (200, 2)
    parent = Redemption.objects.get(public_id=done["parent_redemption"]["id"])
    assert [row.pk for row in parent.children.order_by("pk")] == [
        Redemption.objects.get(public_id=one["id"]).pk for one in done["redemptions"]
    ]
    assert {row.state for row in LockSession.objects.all()} == {"redeemed"}
    undone = api.post(f"/v1/redemptions/{parent.public_id}/rollbacks")
    assert (undone.status, len(undone["rollbacks"])) == (200, 2)
    assert Counter.objects.get(kind="voucher.uses").taken == 0


@pytest.mark.parametrize("points", [False, True])
def test_a_card_that_pays_nothing_says_so_in_its_rows(api: ApiClient, shop_a: Retailer, points: bool) -> None:
    """It takes a use and no credits."""
    shop.points_card(shop_a, "CARD", points=100) if points else shop.card(shop_a, credits=100)
    card = shop.with_points("CARD") if points else shop.redeemable("CARD")
    assert shop.validate(api, card, amount=0, key="cart")["valid"] is True
    assert shop.redeem(api, card, amount=0, key="cart").status == 200
    assert LockSession.objects.get().credits == 0
    assert Redemption.objects.get().amount == 0


@pytest.mark.parametrize("limit", [None, 2])
@pytest.mark.parametrize("short", [True, False])
def test_a_code_that_a_shoppers_session_shows_is_locked_and_redeemed_however_it_is_spelt(
    short: bool, limit: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The redemption is part of a transaction there, in which the authorization is used up."""
    calls: list[str] = []
    for module in (lock_one, redemption_held):
        done, name = module.write, module.__name__

        def noted(*asked: Any, done: Any = done, name: str = name) -> Any:
            found = done(*asked)
            calls.append(f"{name}: {found not in (None, False)}")
            return found

        monkeypatch.setattr(module, "write", noted)
        if not short:
            monkeypatch.setattr(module, "fits", lambda *asked: False)
    owner, secret = visits.lay_out()
    api = ApiClient.of(owner)
    Voucher.objects.filter(code=visits.TEN).update(redemption_limit=limit)
    assert shop.redeem(api, visits.TEN, shopper={"session": "visit-1"}).status == 422
    visits.post("/session-offers/v1/authorize", secret, {"session": "visit-1", "code": visits.TEN})
    if limit is None:  # the counter is not there yet
        visits.post("/session-offers/v1/authorize", secret, {"session": "visit-0", "code": visits.TEN})
        assert shop.redeem(api, visits.TEN, shopper={"session": "visit-0"}).status == 200
    asked: dict[str, Any] = {"key": "cart", "shopper": {"session": "visit-1"}}
    assert shop.validate(api, "fp_tenoff", **asked)["valid"] is True
    assert shop.redeem(api, "Fp_ TenOff", **asked).status == 200
    assert calls == (["checkout.lock_one: True", "checkout.redemption_held: True"] if short else [])
    assert [(row.object_label, row.state) for row in LockSession.objects.all()] == [(visits.TEN, "redeemed")]
    assert [hold.state for hold in Hold.objects.all()] == ["settled"]
    assert {one.state for one in Authorization.objects.all()} == {"used"}
    assert shop.redeem(api, visits.TEN, **asked).status == 422
