"""Everything that can happen to admissions, at once and in any order: nobody waits in a circle, and nothing is lost."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from threading import Event
from typing import Any

import pytest

from checkout.admission import (
    admissions,
    claims,
    entering,
    line,
    queue_ticks,
    queues,
    reservations,
)
from checkout.admission.models import Admission, Consumer, Distribution, Entry, Reservation
from offers import stock
from offers.ledger import audit, counters, expiry
from offers.lib.errors import Refusal
from offers.models import Product, Retailer, Sku
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at
from tests.ledger.words import at_once, sql

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("emptied_line")]
UNITS = 14
PAYMENTS = ("", "one", "two")


@pytest.fixture(params=[False, True], ids=["on demand", "on admission"])
def queue(request: pytest.FixtureRequest, shop_a: Retailer) -> Distribution:
    product = Product.objects.create(retailer=shop_a, name="Sneaker")
    sku = Sku.objects.create(retailer=shop_a, product=product, sku="Sneaker")
    # The stock was counted before anybody was admitted, so its counter comes first in the order of locks.
    stock.set_on_hand(sku=sku, on_hand=UNITS, now=NOW)
    return launch.queue(
        shop_a,
        sku="Sneaker",
        max_units=2,
        max_active=8,
        max_extensions=3,
        extension_seconds=20,
        admission_ttl_seconds=60,
        reserve_on_admission=request.param,
    )


def test_whatever_happens_at_once_the_figures_are_those_of_the_rows(queue: Distribution, shop_a: Retailer) -> None:
    people = launch.consumers(shop_a, 24)
    clock = count()
    results = at_once(*[partial(live, queue, people, seed, clock) for seed in range(8)], threads=8)
    assert results == [None] * 8
    end = at(10_000)
    admissions.expire_due(distribution=queue, now=end)
    expiry.sweep(now=end)
    assert audit.prove().differences == []
    sold = sum(
        row.reservations.filter(state="COMMITTED").values_list("quantity", flat=True).first()
        or (2 if queue.reserve_on_admission else 0)
        for row in Admission.objects.filter(state="COMPLETED")
    )
    gave_back = Reservation.objects.filter(state="RELEASED", admission__state="COMPLETED")
    figures = stock.figures(sku=Sku.objects.get(), now=end)
    if not gave_back.exists():
        assert figures == stock.Figures(UNITS, 0, sold)
    assert figures.held == 0 and figures.sold <= UNITS
    assert not Reservation.objects.filter(state="HELD").exists()
    assert not Admission.objects.filter(state__in=Admission.OPEN).exists()
    assert not Entry.objects.filter(state="ADMITTED").exists()
    places = counters.counted(kinds=[admissions.ACTIVE], owners=[queue.pk])
    assert places[admissions.ACTIVE, queue.pk][1] == 0


def live(queue: Distribution, people: list[Consumer], seed: int, clock: "count[int]") -> None:
    """Do something at random, forty times; a refusal is an answer like any other."""
    dice = random.Random(seed)
    for _ in range(40):
        now = NOW + timedelta(seconds=next(clock) / 4)
        try:
            dice.choice(DEEDS)(queue, dice.choice(people), dice, now)
        except Refusal:
            continue


Deed = Callable[[Distribution, Consumer, random.Random, datetime], object]


def enter(queue: Distribution, who: Consumer, dice: random.Random, now: datetime) -> None:
    queues.enter(distribution=queue, consumer=who, now=now)


def tick(queue: Distribution, who: Consumer, dice: random.Random, now: datetime) -> None:
    queue_ticks.tick(distribution=queue, now=now)


def leave(queue: Distribution, who: Consumer, dice: random.Random, now: datetime) -> None:
    queues.leave(distribution=queue, consumer_id=who.pk, now=now)


def check_out(queue: Distribution, who: Consumer, dice: random.Random, now: datetime) -> None:
    """One step of somebody's checkout."""
    rows = list(Admission.objects.filter(distribution=queue, state__in=Admission.OPEN).order_by("pk"))
    if not rows:
        raise entering.NotWaiting()
    row = dice.choice(rows)
    deed = dice.randrange(9)
    if deed == 0:
        claims.claim(admission_id=row.pk, session="cart", now=now)
    elif deed <= 3:
        reservations.reserve(admission_id=row.pk, sku="Sneaker", quantity=dice.choice((1, 2)), now=now)
    elif deed == 4:
        claims.begin_payment(admission_id=row.pk, session="cart", payment=dice.choice(PAYMENTS), now=now)
    elif deed == 5:
        claims.payment_failed(admission_id=row.pk, payment=dice.choice(PAYMENTS), now=now)
    elif deed == 6:
        claims.extend(admission_id=row.pk, now=now)
    elif deed == 7:
        claims.release(admission_id=row.pk, now=now)
    else:
        claims.complete(admission_id=row.pk, order_id=f"R-{row.pk}", amount=1, currency="USD", now=now)


def give_back(queue: Distribution, who: Consumer, dice: random.Random, now: datetime) -> None:
    rows = list(Reservation.objects.filter(state="HELD").order_by("pk"))
    if rows:
        reservations.give_back(reservation=dice.choice(rows), now=now)


DEEDS: list[Deed] = [enter, enter, enter, tick, tick, leave, give_back, *[check_out] * 8]


def test_the_second_to_enter_a_new_queue_does_not_come_too_early(
    shop_a: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line is there on Redis a moment before the row of who filled it is committed."""
    queue = launch.queue(shop_a)
    one, two = launch.consumers(shop_a, 2)
    filled, blocked, restore = Event(), Event(), line.restore

    def slowly(*given: Any, **more: Any) -> None:
        restore(*given, **more)
        filled.set()
        blocked.wait(20)

    monkeypatch.setattr(line, "restore", slowly)
    pids: list[int] = []

    def first() -> Any:
        return queues.enter(distribution=queue, consumer=one, now=NOW).place

    def second() -> Any:
        pids.append(sql("SELECT pg_backend_pid()")[0][0])
        filled.wait(20)
        try:
            return queues.enter(distribution=queue, consumer=two, now=NOW).place
        finally:
            blocked.set()

    def watch() -> None:
        filled.wait(20)
        while not blocked.is_set() and not (pids and sql("SELECT pg_blocking_pids(%s) <> '{}'", pids[0])[0][0]):
            continue
        blocked.set()

    places = at_once(first, second, watch, threads=3)
    assert sorted(place.number for place in places if place) == [1, 2]
