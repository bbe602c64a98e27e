"""Orders from carts at the same moment, with real commits: nothing is sold, used or ordered twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.management import call_command
from django.db import connection

from checkout import cart_orders, carts, session_offers
from checkout.cart_prices import Visit
from checkout.models import Authorization, Order, Redemption
from offers import stock
from offers.lib import clock
from offers.lib.errors import Refusal
from offers.models import Retailer, Voucher
from tests.api.session_offers.visits import grant_for, lay_out, ops

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
ONCE = "FP_ONCE"


@pytest.fixture
def shop(transactional_db: None) -> Retailer:
    found, _ = lay_out()
    ten = {"type": "PERCENT", "percent_off": 10}
    done = ops(
        {
            "op": "create",
            "kind": "voucher",
            "fields": {"code": ONCE, "channel": "FP_", "discount": ten},
        },
        {"op": "create", "kind": "campaign", "fields": {"name": "Once", "channel": "FP_", "code": ONCE}},
        {"op": "create", "kind": "product", "fields": {"sku": "mug", "name": "Mug", "price": 2000, "on_hand": 50}},
        {"op": "create", "kind": "product", "fields": {"sku": "tent", "name": "Tent", "price": 9000, "on_hand": 1}},
    )
    assert not [one for one in done if "error" in one], done
    Voucher.objects.filter(code=ONCE).update(redemption_limit=1)
    return found


def visit(shop: Retailer, name: str, sku: str, code: str = "") -> Visit:
    """Return a visit with one piece in its cart, and a code on it that it was shown."""
    who, now = Visit(retailer=shop, session_hash=session_offers.fingerprint(name)), clock.now()
    carts.add(visit=who, sku=sku, quantity=1, now=now)
    if code:
        grant = grant_for(shop, who.session_hash, code)
        session_offers.authorize(
            retailer_id=shop.pk, session_hash=who.session_hash, code=code, grant=grant, now=clock.now()
        )
        carts.add_code(visit=who, code=code, now=now)
    return who


def at_once(number: int, act: Callable[[int], object]) -> list[object]:
    """Return what each thread's act returned, or the code of what it was refused with."""
    start = Barrier(number)

    def run(which: int) -> object:
        try:
            start.wait()
            return act(which)
        except Refusal as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


def order(who: Visit, total: int) -> object:
    return cart_orders.place(visit=who, total=total, now=clock.now())


def test_one_cart_ordered_twenty_times_at_once_is_one_order(shop: Retailer) -> None:
    who = visit(shop, "one", "mug", ONCE)
    total = carts.look(visit=who, now=clock.now()).total
    assert len(set(at_once(20, lambda _: order(who, total)))) == 1
    assert (Order.objects.count(), Redemption.objects.filter(succeeded=True).count()) == (1, 1)
    assert stock.figures(sku=stock.find(retailer_id=shop.pk, sku="mug"), now=clock.now()).sold == 1
    assert Authorization.objects.get().state == "used"
    call_command("prove_ledger")


def test_a_code_for_one_use_in_two_carts_makes_one_cheaper_order(shop: Retailer) -> None:
    both = [visit(shop, name, "mug", ONCE) for name in ("one", "two")]
    totals = [carts.look(visit=who, now=clock.now()).total for who in both]
    assert totals == [2290, 2290]
    told = at_once(2, lambda which: order(both[which], totals[which]))
    assert told.count("total_changed") == 1
    assert (Order.objects.count(), Redemption.objects.filter(succeeded=True).count()) == (1, 1)
    loser = both[told.index("total_changed")]
    now = carts.look(visit=loser, now=clock.now())
    assert (now.codes, now.total) == ((), 2490)
    assert order(loser, 2490) is not None
    call_command("prove_ledger")


def test_the_last_piece_in_two_carts_is_one_order_and_one_clear_refusal(shop: Retailer) -> None:
    both = [visit(shop, name, "tent") for name in ("one", "two")]
    total = carts.look(visit=both[0], now=clock.now()).total
    told = at_once(2, lambda which: order(both[which], total))
    assert told.count("sold_out") == 1
    assert Order.objects.count() == 1
    assert stock.figures(sku=stock.find(retailer_id=shop.pk, sku="tent"), now=clock.now()).sold == 1
