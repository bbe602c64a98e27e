"""Webhooks of admission, sent to a real receiver: who entered, won, bid, paid; signed, and never with a token."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import orjson
import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext
from drf_spectacular.validation import validate_schema

from checkout.admission import (
    admissions,
    auctions,
    claims,
    draws,
    line,
    queue_numbers,
    queue_overrides,
    queue_ticks,
    queues,
)
from checkout.admission.models import Admission, Distribution, Entry
from offers.lib.actors import SYSTEM
from offers.models import Retailer
from offers.outbox import events, relay
from offers.outbox.models import Endpoint, Event
from offers.outbox.types import TYPES
from tests.api.admission.guests import Guest
from tests.api.client import Answer, ApiClient
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at
from tests.offers.outbox.conftest import SECRET, Received, Shop, serve

pytestmark = pytest.mark.django_db
SetClock = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def emptied(redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(events, "nudge", lambda: None)
    line.reset()
    queue_numbers.reset()
    yield
    line.reset()


@pytest.fixture
def receiver(shop_a: Retailer) -> Iterator[Shop]:
    """A shop's server that wants every event."""
    taking = Shop()
    server = serve(taking)
    taking.url = f"http://127.0.0.1:{server.server_port}/hooks"
    Endpoint.objects.create(retailer=shop_a, url=taking.url, secret=SECRET)
    yield taking
    server.shutdown()
    server.server_close()


def is_signed(got: Received, *, now: datetime) -> bool:
    """Verify a delivery as a receiver in another language would: from the header, the secret and the bytes."""
    parts = dict(part.split("=", 1) for part in got.headers["offerkeep-signature"].split(","))
    expected = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + got.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(parts["v1"], expected) and abs(now.timestamp() - int(parts["t"])) <= 300


def delivered(receiver: Shop, now: datetime) -> list[dict[str, Any]]:
    """Send what waits and return the bodies in the order in which it happened."""
    relay.run(tell=lambda: now, seconds=5)
    assert all(is_signed(one, now=now) for one in receiver.received)
    order = {ident: at for at, ident in enumerate(Event.objects.order_by("id").values_list("public_id", flat=True))}
    found = [orjson.loads(one.body) for one in receiver.received]
    assert len({one["id"] for one in found}) == len(found) == len(order)
    return sorted(found, key=lambda one: order[one["id"]])


def of(told: list[dict[str, Any]], who: Guest) -> list[str]:
    return [one["type"] for one in told if one["data"].get("consumer_id") == who.id]


class Person(Guest):
    def do(self, row: Distribution, what: str, body: dict[str, Any] | None = None) -> Answer:
        address = f"/admission/v1/{row.mechanism}s/{row.uuid}/{what}"
        return self.api.get(address) if what == "status" else self.api.post(address, body or {})


# --- what is told ---


def test_a_queue_tells_who_entered_was_admitted_bought_left_was_denied_or_late(
    page: ApiClient, server: ApiClient, shop_a: Retailer, receiver: Shop, set_clock: SetClock
) -> None:
    set_clock(NOW)
    queue = launch.queue(shop_a, max_active=2, admission_ttl_seconds=60)
    buys, late, leaves, denied = people = [Person(page) for _ in range(4)]
    for one in people:
        one.do(queue, "enter")
        one.do(queue, "enter")
    token = buys.do(queue, "status")["admission"]["token"]
    server.post("/admission/v1/admissions/claim", {"admission_token": token, "session": "s1"})
    order = {"admission_token": token, "order_id": "O-1", "order_amount": "12.50", "currency": "USD"}
    for _ in range(2):
        assert server.post("/admission/v1/admissions/complete", order).status == 200
    leaves.do(queue, "leave")
    server.post(f"/admission/v1/queues/{queue.uuid}/deny", {"consumer_id": denied.id, "reason": "a bot"})
    set_clock(at(61))
    queue_ticks.tick(distribution=queue, now=at(61))
    told = delivered(receiver, at(61))
    start = ["queue.consumer.entered", "queue.consumer.admitted"]
    assert of(told, buys) == [*start, "queue.consumer.completed", "order.created", "order.completed"]
    assert of(told, late) == [*start, "queue.consumer.expired"]
    assert of(told, leaves) == ["queue.consumer.entered", "queue.consumer.left"]
    assert of(told, denied) == ["queue.consumer.entered", "queue.consumer.denied"]
    assert all(set(one) == {"id", "type", "timestamp", "organizationId", "data"} for one in told)
    assert {one["organizationId"] for one in told} == {shop_a.public_id}
    assert told[0]["timestamp"] == "2026-06-01T12:00:00.000Z"
    assert {one["type"] for one in told} <= set(TYPES)
    completed = next(one["data"] for one in told if one["type"] == "queue.consumer.completed")
    admission = Admission.objects.get(order_id="O-1")
    assert completed == {
        "distribution": {"type": "queue", "id": str(queue.uuid)},
        "experience_id": str(queue.sequence.experience.uuid),
        "consumer_id": buys.id,
        "entry_id": str(admission.entry.uuid),
        "admission_id": str(admission.uuid),
        "order_id": "O-1",
        "order_amount": "12.50",
        "currency": "USD",
    }
    assert next(one["data"]["reason"] for one in told if one["type"] == "queue.consumer.denied") == "a bot"
    assert not any(token.encode() in one.body or b"adm1." in one.body for one in receiver.received)


def test_a_draw_tells_who_entered_won_and_lost(
    page: ApiClient, server: ApiClient, shop_a: Retailer, receiver: Shop, set_clock: SetClock
) -> None:
    set_clock(NOW)
    draw = launch.draw(shop_a, open_at=at(-60), close_at=at(60), draw_at=at(70), winner_count=1)
    gone, *people = [Person(page) for _ in range(4)]
    for one in (gone, *people):
        one.do(draw, "enter")
        one.do(draw, "enter")
    gone.do(draw, "leave")
    set_clock(at(60))
    for _ in range(2):
        server.post(f"/admission/v1/draws/{draw.uuid}/run", {})
    told = delivered(receiver, at(60))
    assert of(told, gone) == ["draw.consumer.entered", "draw.consumer.left"]
    ends = sorted(of(told, one)[1:] for one in people)
    assert ends == [["draw.consumer.lost"], ["draw.consumer.lost"], ["draw.consumer.won"]]
    assert told[-1]["type"] == "draw.completed"
    assert told[-1]["data"] == {
        "distribution": {"type": "draw", "id": str(draw.uuid)},
        "experience_id": str(draw.sequence.experience.uuid),
        "winners": 1,
        "entries": 3,
    }
    won = Admission.objects.get()
    claims.complete(admission_id=won.pk, order_id="O-2", amount=500, currency="USD", now=at(61))
    assert [one["type"] for one in delivered(receiver, at(61))][-3:] == [
        "draw.consumer.completed",
        "order.created",
        "order.completed",
    ]


def test_an_auction_tells_bids_in_decimals_and_who_won(
    page: ApiClient, server: ApiClient, shop_a: Retailer, receiver: Shop, set_clock: SetClock
) -> None:
    set_clock(NOW)
    row = launch.auction(shop_a, open_at=at(-60), close_at=at(60), start_price=1000, admission_ttl_seconds=30)
    one, two = Person(page), Person(page)
    one.do(row, "bid", {"amount": "10.00"})
    two.do(row, "bid", {"amount": "12.50"})
    two.do(row, "bid", {"amount": "14.00"})
    assert one.do(row, "bid", {"amount": "14.10"}).status == 400
    server.post(f"/admission/v1/auctions/{row.uuid}/settle", {})
    told = delivered(receiver, NOW)
    seen = [(each["type"], each["data"].get("consumer_id"), each["data"].get("amount")) for each in told]
    assert seen == [
        ("auction.bid.placed", one.id, "10.00"),
        ("auction.bid.placed", two.id, "12.50"),
        ("auction.bid.outbid", one.id, "12.50"),
        ("auction.bid.placed", two.id, "14.00"),
        ("auction.consumer.won", two.id, "14.00"),
        ("auction.settled", None, None),
    ]
    assert told[-1]["data"] | {"highest_bid": "14.00", "currency": "USD", "winners": 1, "bids": 3} == told[-1]["data"]
    auctions.backfill(auction=row, now=at(31))
    later = [(each["type"], each["data"].get("amount")) for each in delivered(receiver, at(31))[6:]]
    assert later == [("auction.consumer.expired", None), ("auction.consumer.won", "10.00")]


def test_amounts_have_the_places_of_their_currency(shop_a: Retailer, receiver: Shop) -> None:
    row = launch.auction(shop_a, open_at=at(-60), close_at=at(60), start_price=1000, currency="JPY")
    auctions.bid(auction=row, consumer=launch.consumer(shop_a), amount=1000, now=NOW)
    assert (
        delivered(receiver, NOW)[0]["data"] | {"amount": "1000", "currency": "JPY"}
        == delivered(receiver, NOW)[0]["data"]
    )


def test_an_admission_given_up_or_taken_away_is_told(shop_a: Retailer, receiver: Shop) -> None:
    queue = launch.queue(shop_a)
    launch.enter(queue, *launch.consumers(shop_a, 2))
    launch.tick(queue)
    one, two = Admission.objects.order_by("id")
    claims.release(admission_id=one.pk, now=at(1))
    claims.revoke(admission_id=two.pk, actor=SYSTEM, reason="stolen card", now=at(1))
    claims.release(admission_id=one.pk, now=at(2))
    claims.revoke(admission_id=two.pk, actor=SYSTEM, reason="again", now=at(2))
    told = delivered(receiver, at(2))[4:]
    assert [each["type"] for each in told] == ["queue.consumer.left", "queue.consumer.denied"]
    assert told[1]["data"]["reason"] == "stolen card"


def test_who_is_denied_before_his_entry_was_copied_entered_all_the_same(shop_a: Retailer, receiver: Shop) -> None:
    queue = launch.queue(shop_a)
    person = launch.consumer(shop_a)
    launch.enter(queue, person)
    queue_overrides.deny(distribution=queue, consumer_uuid=str(person.uuid), reason="", actor=SYSTEM, now=at(1))
    launch.tick(queue, seconds=2)
    assert [each["type"] for each in delivered(receiver, at(2))] == ["queue.consumer.entered", "queue.consumer.denied"]
    assert Entry.objects.get().entered_at == NOW


def test_who_comes_again_is_told_again(shop_a: Retailer, receiver: Shop) -> None:
    queue = launch.queue(shop_a, paused=True)
    person = launch.consumer(shop_a)
    launch.enter(queue, person)
    launch.tick(queue)
    queues.leave(distribution=queue, consumer_id=person.pk, now=at(1))
    launch.tick(queue, seconds=1)
    launch.enter(queue, person, seconds=2)
    launch.tick(queue, seconds=2)
    launch.tick(queue, seconds=3)
    kinds = [each["type"].rpartition(".")[2] for each in delivered(receiver, at(3))]
    assert kinds == ["entered", "left", "entered"]


# --- in one statement, in the transaction, and only for somebody ---


def inserts(queries: CaptureQueriesContext) -> int:
    return sum("INSERT INTO outbox_event" in one["sql"] for one in queries.captured_queries)


def test_five_hundred_admitted_and_expired_are_one_statement_each(shop_a: Retailer, receiver: Shop) -> None:
    queue = launch.queue(shop_a, admission_ttl_seconds=30)
    launch.enter(queue, *launch.consumers(shop_a, 500))
    with CaptureQueriesContext(connection) as entered:
        launch.tick(queue)
    assert Event.objects.filter(type="queue.consumer.admitted").count() == 500
    assert inserts(entered) == 2  # all who entered, all who were admitted
    with CaptureQueriesContext(connection) as expired:
        assert admissions.expire_due(distribution=queue, now=at(30)) == 500
    assert inserts(expired) == 1
    assert Event.objects.filter(type="queue.consumer.expired").count() == 500
    first = Event.objects.filter(type="queue.consumer.admitted").order_by("id")[0]
    assert first.data["entry_id"] == str(Entry.objects.order_by("number")[0].uuid)
    assert len(entered.captured_queries) < 40


def test_what_is_rolled_back_is_not_told(shop_a: Retailer, receiver: Shop) -> None:
    queue = launch.queue(shop_a, max_active=1)
    launch.enter(queue, *launch.consumers(shop_a, 2))
    launch.tick(queue)
    before = Event.objects.count()
    waiting = list(Entry.objects.filter(state="QUEUED"))
    with pytest.raises(admissions.NoRoom):
        admissions.issue(distribution=queue, entries=waiting, now=at(1))
    assert Event.objects.count() == before


def test_without_a_listener_nothing_is_written(shop_a: Retailer, shop_b: Retailer) -> None:
    Endpoint.objects.create(retailer=shop_b, url="https://b.example/", secret="s")
    Endpoint.objects.create(retailer=shop_a, url="https://a.example/", secret="s", active=False)
    queue = launch.queue(shop_a)
    launch.enter(queue, launch.consumer(shop_a))
    launch.tick(queue)
    claims.complete(admission_id=Admission.objects.get().pk, order_id="o", amount=1, currency="USD", now=at(1))
    assert not Event.objects.exists()


def test_only_the_types_somebody_wants_are_written(shop_a: Retailer) -> None:
    Endpoint.objects.create(
        retailer=shop_a, url="https://a.example/", secret="s", events=["order.completed", "draw.completed"]
    )
    queue = launch.queue(shop_a)
    launch.enter(queue, launch.consumer(shop_a))
    launch.tick(queue)
    claims.complete(admission_id=Admission.objects.get().pk, order_id="o", amount=1, currency="USD", now=at(1))
    draw = launch.draw(shop_a, open_at=at(-60), close_at=at(60), draw_at=at(60))
    draws.enter(draw=draw, consumer=launch.consumer(shop_a), now=NOW)
    draws.work(now=at(60))
    assert list(Event.objects.order_by("id").values_list("type", flat=True)) == ["order.completed", "draw.completed"]


def test_entering_a_queue_costs_no_more_with_listeners(shop_a: Retailer, receiver: Shop) -> None:
    queue = launch.queue(shop_a)
    one, two = launch.consumers(shop_a, 2)
    launch.enter(queue, one)
    with CaptureQueriesContext(connection) as queries:
        launch.enter(queue, two)
    assert [each["sql"][:6] for each in queries.captured_queries] == ["SELECT"]
    assert not Event.objects.exists()


def test_what_a_receiver_refused_comes_again_as_the_same(shop_a: Retailer, receiver: Shop) -> None:
    draw = launch.draw(shop_a, open_at=at(-60), close_at=at(60))
    draws.enter(draw=draw, consumer=launch.consumer(shop_a), now=NOW)
    receiver.status = 500
    relay.run(tell=lambda: NOW, seconds=5)
    receiver.status = 200
    assert relay.run(tell=lambda: at(59), seconds=5) == 0
    assert relay.run(tell=lambda: at(60), seconds=5) == 1
    first, second = receiver.received
    assert first.body == second.body
    assert first.headers["offerkeep-signature"] != second.headers["offerkeep-signature"]
    assert is_signed(second, now=at(60))
    assert not is_signed(Received("/", second.headers, second.body + b" "), now=at(60))


# --- where it is written down ---


def test_every_type_of_the_reference_may_be_chosen_and_is_documented(document: dict[str, Any]) -> None:
    ends = ("completed", "expired")
    wanted = {f"queue.consumer.{what}" for what in ("entered", "admitted", "left", "denied", *ends)}
    wanted |= {f"draw.consumer.{what}" for what in ("entered", "won", "lost", *ends)} | {"draw.completed"}
    wanted |= {f"auction.consumer.{what}" for what in ("won", *ends)}
    wanted |= {"auction.bid.placed", "auction.bid.outbid", "auction.settled"}
    wanted |= {f"order.{what}" for what in ("created", "completed", "cancelled")}
    assert wanted <= set(TYPES)
    assert wanted <= set(document["webhooks"])
    assert document["webhooks"]["queue.consumer.entered"]["post"]["parameters"][0]["name"] == "Offerkeep-Signature"
    validate_schema(document)  # type: ignore[no-untyped-call]
