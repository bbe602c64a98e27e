"""A first cap, of a day or of a code altogether, set on a campaign that runs: what is under way counts, just once."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from checkout import cart_orders, carts, daily_caps, session_offers
from checkout.cart_prices import Visit
from checkout.models import Authorization, Order
from offers import voucher_figures, vouchers
from offers.ledger.models import Counter
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.lib.errors import Refusal
from offers.models import Retailer, SessionCampaign
from tests.api.session_offers.visits import TEN, change, lay_out, ops
from tests.ledger.words import at_once, refused, sql

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop(transactional_db: None) -> Retailer:
    return lay_out()[0]


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def show(shop: Retailer, session: str, code: str = TEN) -> str:
    """Authorise a visit; return "shown", or the code of what it was refused with."""
    try:
        session_offers.authorize(
            retailer_id=shop.pk,
            session_hash=session_offers.fingerprint(session),
            code=code,
            trusted=True,
            now=clock.now(),
        )
    except Refusal as refusal:
        return refusal.code
    finally:
        connection.close()
    return "shown"


def set_cap(cap: int | None) -> dict[str, Any]:
    try:
        return change(daily_cap=cap)
    finally:
        connection.close()


def used() -> int:
    found = SessionCampaign.objects.get(code=TEN)
    return daily_caps.used(campaigns=[found], now=clock.now())[found.pk]


def held_up(monkeypatch: pytest.MonkeyPatch, module: object, name: str, *, before: bool) -> tuple[Event, Event]:
    """Stop whoever comes first to a function, before or after it ran, from `there` until `go`."""
    there, go, real = Event(), Event(), getattr(module, name)

    def stop() -> None:
        if not there.is_set():
            there.set()
            assert go.wait(30)

    def slowly(*given: Any, **more: Any) -> Any:
        if before:
            stop()
        found = real(*given, **more)
        if not before:
            stop()
        return found

    monkeypatch.setattr(module, name, slowly)
    return there, go


def until_waiting_or_done(job: Future[Any]) -> None:
    while not job.done() and not sql("SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0]:
        continue


def test_what_was_authorised_but_not_committed_when_the_cap_came_counts(
    shop: Retailer, aside: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, go = held_up(monkeypatch, daily_caps, "take", before=False)
    early = aside.submit(show, shop, "early")
    assert there.wait(30)  # done, but for its commit
    cap = aside.submit(set_cap, 1)
    until_waiting_or_done(cap)
    go.set()
    assert (early.result(30), cap.result(30)) == ("shown", {})
    assert used() == 1
    assert show(shop, "late") == "daily_cap_reached"
    call_command("prove_ledger")


def test_who_had_read_that_there_is_no_cap_finds_the_one_that_came_meanwhile(
    shop: Retailer, aside: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, go = held_up(monkeypatch, session_offers, "_campaign", before=False)
    slow = aside.submit(show, shop, "slow")
    assert there.wait(30)
    assert set_cap(1) == {}
    assert show(shop, "quick") == "shown"
    go.set()
    assert slow.result(30) == "daily_cap_reached"
    assert (used(), Authorization.objects.filter(code=TEN).count()) == (1, 1)
    call_command("prove_ledger")


def test_the_authorisations_of_a_campaign_do_not_wait_for_one_another(
    shop: Retailer, aside: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, go = held_up(monkeypatch, daily_caps, "take", before=False)
    slow = aside.submit(show, shop, "slow")
    assert there.wait(30)
    quick = aside.submit(show, shop, "quick")
    try:
        assert quick.result(30) == "shown"
    finally:
        go.set()
    assert slow.result(30) == "shown"


@pytest.mark.parametrize("cap", [3, 8, 40])
def test_a_first_cap_among_many_visits_is_never_exceeded(shop: Retailer, cap: int) -> None:
    """Whoever was first has it; nobody comes in once so many have, and all are counted."""
    shows: list[Callable[[], Any]] = [partial(show, shop, f"visit {number}") for number in range(24)]
    at_once(*shows[:12], partial(set_cap, cap), *shows[12:], threads=12)
    had = Authorization.objects.filter(code=TEN).count()
    assert used() == min(had, cap)
    taken = Counter.objects.filter(kind=daily_caps.KIND)
    assert sum(taken.values_list("taken", flat=True)) == min(had, cap)
    last = ["shown" if number < cap - had else "daily_cap_reached" for number in range(3)]
    assert [show(shop, f"last {number}") for number in range(3)] == last
    call_command("prove_ledger")


def test_a_cap_that_comes_and_goes_among_many_visits_counts_all_of_them(shop: Retailer) -> None:
    shows: list[Callable[[], Any]] = [partial(show, shop, f"visit {number}") for number in range(24)]
    caps: list[Callable[[], Any]] = [partial(set_cap, cap) for cap in (100, None, 100, None, 200)]
    at_once(*[job for pair in zip(shows[:5], caps, strict=True) for job in pair], *shows[5:], threads=12)
    assert set_cap(300) == {}
    assert used() == Authorization.objects.filter(code=TEN).count() == 24
    call_command("prove_ledger")


def test_a_code_s_first_limit_counts_the_orders_under_way(shop: Retailer) -> None:
    """The code's own uses: limited while carts with it are being ordered, it is never used more often."""
    mug = {"sku": "mug", "name": "Mug", "price": 9000, "on_hand": 50}
    assert "error" not in ops({"op": "create", "kind": "product", "fields": mug})[0]
    limit, visits = 4, [Visit(retailer=shop, session_hash=session_offers.fingerprint(f"{n}")) for n in range(12)]
    for visit in visits:
        carts.add(visit=visit, sku="mug", quantity=1, now=clock.now())
        session_offers.authorize(
            retailer_id=shop.pk, session_hash=visit.session_hash, code=TEN, trusted=True, now=clock.now()
        )
        carts.add_code(visit=visit, code=TEN, now=clock.now())
    total = carts.look(visit=visits[0], now=clock.now()).total

    def order(visit: Visit) -> None:
        cart_orders.place(visit=visit, total=total, now=clock.now())

    def bound() -> None:
        vouchers.update(
            retailer_id=shop.pk, ident=TEN, fields={"redemption_limit": limit}, actor=SYSTEM, now=clock.now()
        )

    orders: list[Callable[[], Any]] = [partial(order, visit) for visit in visits]
    results = at_once(*orders[:6], bound, *orders[6:], threads=8)
    placed = Order.objects.count()
    assert {one.code for one in refused(results)} <= {"total_changed"}
    assert placed == 12 - len(refused(results))
    voucher = vouchers.get(retailer_id=shop.pk, ident=TEN)
    assert voucher_figures.of([voucher], now=clock.now())[voucher.pk].redeemed == placed
    # Those before the limit stand; afterwards there is room for what is left of it and no more.
    again = Visit(retailer=shop, session_hash=session_offers.fingerprint("late"))
    carts.add(visit=again, sku="mug", quantity=1, now=clock.now())
    session_offers.authorize(
        retailer_id=shop.pk, session_hash=again.session_hash, code=TEN, trusted=True, now=clock.now()
    )
    try:
        carts.add_code(visit=again, code=TEN, now=clock.now())
        cart_orders.place(visit=again, total=total, now=clock.now())
        assert placed < limit
    except Refusal:
        assert placed >= limit
    call_command("prove_ledger")
