"""What runs out or runs short while nobody looks: stock taken a moment before, launches that nobody ticks any more."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
import redis

from checkout.admission import (
    admissions,
    auctions,
    claims,
    distributions,
    draws,
    entering,
    journeys,
    line,
    progress,
    queue_numbers,
    queue_overrides,
    queues,
    tasks,
    tokens,
)
from checkout.admission.models import Admission, Distribution, Entry
from offers import stock
from offers.ledger import audit, counters
from offers.lib.actors import SYSTEM
from offers.models import Product, Retailer, Sku
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at, consumer, consumers, enter, tick

pytestmark = pytest.mark.django_db
SetClock = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def emptied(redis_client: "redis.Redis") -> Iterator[None]:
    line.reset()
    queue_numbers.reset()
    yield
    line.reset()
    assert audit.prove().differences == []


@pytest.fixture
def sneaker(shop_a: Retailer) -> Sku:
    product = Product.objects.create(retailer=shop_a, name="Sneaker")
    row = Sku.objects.create(retailer=shop_a, product=product, sku="Sneaker")
    stock.set_on_hand(sku=row, on_hand=1, now=NOW)
    return row


def closed(shop: Retailer, mechanism: str, **fields: object) -> Distribution:
    given = {"open_at": NOW - timedelta(minutes=1), "sku": "Sneaker", "reserve_on_admission": True, **fields}
    return distributions.create(retailer_id=shop.pk, mechanism=mechanism, fields=given, actor=SYSTEM, now=NOW)


def test_stock_taken_since_it_was_counted_admits_nobody_and_fails_nobody(
    shop_a: Retailer, sneaker: Sku, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = launch.queue(shop_a, sku="Sneaker", reserve_on_admission=True)
    one, two = consumers(shop_a, 2)
    enter(queue, one, two)
    with monkeypatch.context() as late:
        late.setattr(admissions, "room", lambda **_: 2)  # what it was a moment ago
        assert (ticked := tick(queue)) is not None and ticked.admitted == 0
        standing = queues.stand(distribution=queue, consumer_id=one.pk, now=at(2))
        assert standing.place is not None and standing.place.state == "called"
    assert not Admission.objects.exists()
    tick(queue, seconds=4)
    assert launch.admitted(queue) == [one.pk]
    standing = queues.stand(distribution=queue, consumer_id=two.pk, now=at(5))
    assert standing.place is not None and standing.place.ahead == 0


@pytest.mark.parametrize("mechanism", ["draw", "auction"])
def test_a_look_at_a_draw_or_an_auction_whose_stock_was_taken_is_no_failure(
    shop_a: Retailer, sneaker: Sku, mechanism: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = closed(shop_a, mechanism, close_at=at(10), **({"draw_at": at(10)} if mechanism == "draw" else {}))
    one = consumer(shop_a)
    stock.set_on_hand(sku=sneaker, on_hand=0, now=NOW)

    def look(seconds: int) -> Entry | None:
        if mechanism == "draw":
            return draws.stand(draw=row, consumer_id=one.pk, now=at(seconds)).entry
        return auctions.stand(auction=row, consumer_id=one.pk, now=at(seconds)).entry

    if mechanism == "draw":
        draws.enter(draw=row, consumer=one, now=NOW)
    else:
        auctions.bid(auction=row, consumer=one, amount=1000, now=NOW)
    with monkeypatch.context() as late:
        late.setattr(admissions, "room", lambda **_: 1)
        found = look(11)
        assert found is not None and found.state in ("ENTERED", "BIDDING")  # decided by whoever looks next
    stock.set_on_hand(sku=sneaker, on_hand=1, now=NOW)
    found = look(12)
    assert found is not None and found.state == "ADMITTED"


def test_one_queue_that_cannot_tick_holds_up_no_other(
    shop_a: Retailer, monkeypatch: pytest.MonkeyPatch, set_clock: SetClock
) -> None:
    first, second = launch.queue(shop_a), launch.queue(shop_a)
    one = consumer(shop_a)
    enter(first, one)
    enter(second, one)
    issue = admissions.issue

    def failing(**given: object) -> object:
        if given["distribution"] == first:
            raise entering.NotWaiting()
        return issue(**given)  # type: ignore[arg-type]

    monkeypatch.setattr(admissions, "issue", failing)
    set_clock(at(1))
    tasks.tick()
    assert list(Admission.objects.values_list("distribution_id", flat=True)) == [second.pk]


def test_nobody_is_admitted_by_hand_to_a_product_that_is_not_there(shop_a: Retailer, sneaker: Sku) -> None:
    nowhere = launch.queue(shop_a, sku="Nothing", reserve_on_admission=True, paused=True)
    uncounted = launch.queue(shop_a, sku="Uncounted", reserve_on_admission=True, paused=True)
    Sku.objects.create(retailer=shop_a, product=sneaker.product, sku="Uncounted")
    one = consumer(shop_a)
    for queue in (nowhere, uncounted):
        enter(queue, one)
        with pytest.raises(admissions.NoRoom):
            queue_overrides.admit(distribution=queue, consumer_uuid=str(one.uuid), actor=SYSTEM, now=NOW)
        place = queues.stand(distribution=queue, consumer_id=one.pk, now=NOW).place
        assert place is not None and place.state == "waiting"
    assert not Admission.objects.exists()
    assert counters.counted(kinds=[stock.KIND], owners=[0, sneaker.pk]) == {(stock.KIND, sneaker.pk): (1, 0)}


@pytest.mark.parametrize("mechanism", ["queue", "draw", "auction"])
def test_what_ran_out_is_written_down_and_given_back_though_nobody_ticks_or_fills_up(
    shop_a: Retailer, sneaker: Sku, mechanism: str, set_clock: SetClock
) -> None:
    row = closed(shop_a, mechanism, backfill=False, admission_ttl_seconds=60)
    one = consumer(shop_a)
    if mechanism == "queue":
        enter(row, one)
        tick(row)
    elif mechanism == "draw":
        draws.enter(draw=row, consumer=one, now=NOW)
        distributions.update(retailer_id=shop_a.pk, uuid=str(row.uuid), fields={"close_at": NOW}, actor=SYSTEM, now=NOW)
        row.refresh_from_db()
        draws.run(draw=row, now=NOW)
    else:
        auctions.bid(auction=row, consumer=one, amount=1000, now=NOW)
        auctions.settle(auction=row, now=NOW, actor=SYSTEM)
    Distribution.objects.update(published=False)
    assert Admission.objects.get().state == "ISSUED"
    set_clock(at(60))
    tasks.settle()
    assert (Admission.objects.get().state, Entry.objects.get().state) == ("EXPIRED", "EXPIRED")
    assert stock.figures(sku=sneaker, now=at(60)) == stock.Figures(1, 0, 0)


def test_a_payment_that_never_ended_admits_two_minutes_longer_and_no_more(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a)
    one = consumer(shop_a)
    enter(queue, one)
    tick(queue)
    claims.begin_payment(admission_id=Admission.objects.get().pk, session="cart-1", now=at(1))

    def stage(seconds: int) -> object:
        standing = queues.stand(distribution=queue, consumer_id=one.pk, now=at(seconds), may_tick=False)
        return journeys.document(standing, consumer=one, now=at(seconds), token_of=tokens.token_of)["stage"]

    def shown(seconds: int) -> tuple[int, int]:
        found = progress.of(distribution=queue, now=at(seconds))
        return found.completing, found.expired

    assert [stage(900), stage(1019), stage(1020)] == ["admitted", "admitted", "admission_expired"]
    assert [shown(900), shown(1019), shown(1020)] == [(1, 0), (1, 0), (0, 1)]
