"""A day at the demo's tills: sales of members and strangers, a return, a void, and a few that still wait."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from checkout import shops, transaction_queue, transactions
from checkout.demo.shelf import PRODUCTS
from loyalty import members
from loyalty.models import Member
from offers.lib.actors import Actor
from offers.models import Retailer, Store

COUNT = 36
WAITING = 3  # sent as the demo is loaded: the worker's first work


def ring_up(acme: Retailer, till: Actor, now: datetime) -> None:
    """Send the sales of the last day, work them off, then send what waits."""
    dice = Random(11)
    people = list(Member.objects.filter(retailer=acme).order_by("id"))
    stores = list(Store.objects.filter(retailer=acme).order_by("id"))
    sales = []
    for number in range(COUNT):
        when = now - timedelta(hours=24) + timedelta(minutes=38 * number + dice.randrange(20))
        payer = people[number % len(people)] if number % 4 else None
        sales.append((stores[dice.randrange(len(stores))], _sale(dice, number, payer, when), when))
    for store, sale, when in sales[:-WAITING]:
        _send(acme, till, store, sale, when)
    _work(now)
    (store, returned, when), (other, voided, later) = sales[1], sales[6]
    items = [{**returned["items"][0], "quantity": "0", "subtotal": "0.00"}, *returned["items"][1:]]
    _send(acme, till, store, {**returned, "items": items, **_at(when + timedelta(hours=3))}, now)
    _send(acme, till, other, {**voided, "is_voided": True, **_at(later + timedelta(minutes=5))}, now)
    _work(now)
    for store, sale, _ in sales[-WAITING:]:
        _send(acme, till, store, sale, now)


def _sale(dice: Random, number: int, payer: Member | None, when: datetime) -> dict[str, Any]:
    items = []
    total = 0
    for line in range(dice.randrange(1, 4)):
        source, _, price = dice.choice(PRODUCTS)
        quantity = dice.randrange(1, 3)
        total += quantity * price
        items.append(
            {
                "line_id": str(line + 1),
                "item_id": source,
                "quantity": str(quantity),
                "unit_price": _money(price),
                "subtotal": _money(quantity * price),
            }
        )
    payment = {"payment_id": "1", "amount": _money(total), "type": "CREDIT", "payment_time": when.isoformat()}
    if payer is not None:
        payment |= {"user_id": members.shown_id(payer), "user_id_type": "SessionM_ID"}
    return {
        "transaction_id": f"demo-{number + 1:03}",
        "is_closed": True,
        "channel": "STORE",
        "pos_employee_id": str(1000 + dice.randrange(4)),
        "receipt_code": f"R{number + 1:05}",
        "subtotal": _money(total),
        "tax_total": "0.00",
        "open_time": when.isoformat(),
        "items": items,
        "payments": [payment],
        **_at(when),
    }


def _at(when: datetime) -> dict[str, Any]:
    return {"modified_time": when.isoformat()}


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _send(acme: Retailer, till: Actor, store: Store, sale: dict[str, Any], now: datetime) -> None:
    transactions.accept(
        retailer_id=acme.pk,
        version=shops.read(retailer_id=acme.pk).version,
        store_id=store.uuid,
        request_id=f"{sale['transaction_id']}-{sale['modified_time']}",
        payload=sale,
        actor=till,
        now=now,
    )


def _work(now: datetime) -> None:
    while transaction_queue.drain(now=now):
        pass
