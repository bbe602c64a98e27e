"""From an event to a signed webhook: fan-out, retries, giving up, and nobody in another's way."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from offers.lib.actors import SYSTEM
from offers.models import AuditEntry, Retailer
from offers.outbox import delivery, endpoints, payloads, relay, sender
from offers.outbox.models import Delivery, Endpoint, Event
from tests.offers.outbox.conftest import NOW, SECRET, Shop, foreign, happen

MINUTE = timedelta(minutes=1)


def run(now: datetime = NOW) -> int:
    return relay.run(tell=lambda: now, seconds=5)


def only() -> Delivery:
    return Delivery.objects.get()


@pytest.fixture
def render() -> Iterator[Callable[[str, payloads.Renderer], None]]:
    kept = dict(payloads._renderers)
    yield payloads.register
    payloads._renderers.clear()
    payloads._renderers.update(kept)


# --- what is sent ---


def test_the_payload_has_the_documented_keys_in_compact_json(shop_a: Retailer, endpoint: Endpoint, shop: Shop) -> None:
    event = happen(shop_a, id="v_1", name="Zwölf")
    assert event
    assert run() == 1
    (got,) = shop.received
    assert orjson.loads(got.body) == {
        "id": event.public_id,
        "project_id": shop_a.public_id,
        "created_at": "2026-11-21T12:00:00.250Z",
        "type": "voucher.created",
        "data": {"id": "v_1", "name": "Zwölf"},
        "source": {},
        "event": {"id": event.public_id, "created_at": "2026-11-21T12:00:00.250Z"},
    }
    assert b'":"' in got.body
    assert b'": ' not in got.body
    assert got.headers["content-type"] == "application/json"


def test_the_signature_is_the_hmac_of_the_body_as_sent(shop_a: Retailer, endpoint: Endpoint, shop: Shop) -> None:
    happen(shop_a)
    run()
    (got,) = shop.received
    assert got.headers["x-voucherify-signature"] == hmac.new(SECRET.encode(), got.body, hashlib.sha256).hexdigest()
    stamped = f"{int(NOW.timestamp())}.".encode() + got.body
    expected = hmac.new(SECRET.encode(), stamped, hashlib.sha256).hexdigest()
    assert got.headers["x-offerkeep-signature"] == f"t={int(NOW.timestamp())},v1={expected}"


def test_while_a_secret_rotates_both_sign(shop_a: Retailer, endpoint: Endpoint, shop: Shop) -> None:
    new = endpoints.rotate(endpoint, actor=SYSTEM, now=NOW)
    happen(shop_a)
    run()
    happen(shop_a)
    run(NOW + endpoints.OVERLAP)
    during, after = (one.headers for one in shop.received)
    assert [during["x-offerkeep-signature"].count("v1="), after["x-offerkeep-signature"].count("v1=")] == [2, 1]
    stamped = f"{int(NOW.timestamp())}.".encode() + shop.received[0].body
    signatures = [hmac.new(secret.encode(), stamped, hashlib.sha256).hexdigest() for secret in (new, SECRET)]
    assert during["x-offerkeep-signature"].split(",")[1:] == [f"v1={signature}" for signature in signatures]
    body = shop.received[0].body
    assert during["x-voucherify-signature"] == hmac.new(new.encode(), body, hashlib.sha256).hexdigest()


def test_a_secret_nobody_can_read_holds_up_no_other_webhook(
    shop_a: Retailer, endpoint: Endpoint, shop: Shop, settings: Any
) -> None:
    lost = Endpoint.objects.create(retailer=shop_a, url=shop.url + "&two", secret=foreign(settings))
    happen(shop_a)
    run()
    (got,) = shop.received
    assert got.headers["x-voucherify-signature"] == hmac.new(SECRET.encode(), got.body, hashlib.sha256).hexdigest()
    waiting = lost.deliveries.get()
    assert (waiting.state, waiting.attempts) == ("waiting", 1)
    assert "make a new one" in waiting.log[0]["error"]


def test_the_longest_registered_prefix_writes_the_data(
    shop_a: Retailer, endpoint: Endpoint, shop: Shop, render: Callable[[str, payloads.Renderer], None]
) -> None:
    render("voucher.", lambda event: {"by": "voucher", "id": event.data["id"]})
    render("voucher.gift.", lambda event: {"by": "gift"})
    for kind in ("voucher.created", "voucher.gift.balance_added", "campaign.created"):
        happen(shop_a, kind, id="v_1")
    run()
    data = {orjson.loads(one.body)["type"]: orjson.loads(one.body)["data"] for one in shop.received}
    assert data == {
        "voucher.created": {"by": "voucher", "id": "v_1"},
        "voucher.gift.balance_added": {"by": "gift"},
        "campaign.created": {"id": "v_1"},
    }


# --- who gets it ---


def test_every_endpoint_that_wants_it_gets_it_once(
    shop_a: Retailer, shop_b: Retailer, endpoint: Endpoint, shop: Shop
) -> None:
    Endpoint.objects.create(retailer=shop_a, url=shop.url + "&two", secret="s", events=["voucher.created"])
    Endpoint.objects.create(retailer=shop_a, url=shop.url + "&other", secret="s", events=["voucher.deleted"])
    Endpoint.objects.create(retailer=shop_a, url=shop.url + "&off", secret="s", active=False)
    Endpoint.objects.create(retailer=shop_b, url=shop.url + "&b", secret="s")
    happen(shop_a)
    assert run() + run() == 2
    assert sorted(one.path for one in shop.received) == ["/hooks?of=shop", "/hooks?of=shop&two"]
    assert len(set(shop.idents)) == 1


def test_a_success_is_written_down(shop_a: Retailer, endpoint: Endpoint, shop: Shop) -> None:
    shop.status = 204
    happen(shop_a)
    run()
    one = only()
    assert (one.state, one.attempts, one.last_status, one.last_error) == (Delivery.State.DELIVERED, 1, 204, "")
    assert one.delivered_at == NOW
    assert [(entry["status"], entry["error"]) for entry in one.log] == [(204, "")]


def test_many_events_go_out_in_one_run(shop_a: Retailer, endpoint: Endpoint, shop: Shop) -> None:
    for _ in range(60):
        happen(shop_a)
    assert run() == 60
    assert len(set(shop.idents)) == 60


# --- retries ---


def test_retries_come_after_1_2_4_minutes_and_so_on_twelve_in_all_the_last_after_a_day() -> None:
    waits = [delivery.wait_after(attempts) // MINUTE for attempts in range(1, delivery.RETRIES + 1)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 24 * 60]


def test_a_failure_is_tried_again_when_its_time_has_come(shop_a: Retailer, endpoint: Endpoint, shop: Shop) -> None:
    shop.status = 500
    happen(shop_a)
    assert [run(NOW), run(NOW + 0.9 * MINUTE), run(NOW + MINUTE)] == [1, 0, 1]
    one = only()
    assert (one.state, one.attempts, one.next_at) == (Delivery.State.WAITING, 2, NOW + 3 * MINUTE)
    assert (one.last_status, one.last_error) == (500, "HTTP 500 Internal Server Error")
    shop.status = 200
    assert run(NOW + 3 * MINUTE) == 1
    assert only().state == Delivery.State.DELIVERED
    assert [entry["status"] for entry in only().log] == [500, 500, 200]
    assert len(set(shop.idents)) == 1  # the receiver can tell that it is the same


def keep_failing() -> None:
    """Run at every moment something is due, until nothing waits."""
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING).order_by("next_at")
    now = NOW
    for _ in range(3 * delivery.RETRIES):
        run(now)
        if (due := waiting.values_list("next_at", flat=True).first()) is None:
            return
        now = max(now, due)
    raise AssertionError("does not end")


def test_after_the_last_retry_the_endpoint_is_switched_off_with_the_reason(
    shop_a: Retailer, endpoint: Endpoint, shop: Shop
) -> None:
    shop.status = 503
    event = happen(shop_a)
    assert event
    keep_failing()
    one = only()
    assert (one.state, one.attempts, len(shop.received)) == (Delivery.State.GIVEN_UP, 13, 13)
    assert "after 13 attempts; the last: HTTP 503" in one.last_error
    endpoint.refresh_from_db()
    assert not endpoint.active
    assert endpoint.disabled_reason.startswith(event.public_id)


def test_an_event_the_receiver_chokes_on_is_parked_and_the_others_run(
    shop_a: Retailer, endpoint: Endpoint, shop: Shop
) -> None:
    poison = happen(shop_a, "voucher.created")
    assert poison
    shop.answer = lambda handler, one: handler.answer_with(  # type: ignore[attr-defined]
        500 if one.ident == poison.public_id else 200
    )
    happen(shop_a)
    happen(shop_a)
    keep_failing()
    states = dict(Delivery.objects.values_list("event__public_id", "state"))
    assert states.pop(poison.public_id) == Delivery.State.GIVEN_UP
    assert set(states.values()) == {Delivery.State.DELIVERED}
    endpoint.refresh_from_db()
    assert endpoint.active


def test_a_poison_event_of_ours_is_parked_with_its_reason_and_those_behind_it_run(
    shop_a: Retailer, endpoint: Endpoint, shop: Shop, render: Callable[[str, payloads.Renderer], None]
) -> None:
    def burst(event: Event) -> Any:
        raise KeyError("order")

    render("voucher.", burst)
    poison, good = happen(shop_a, "voucher.created"), happen(shop_a, "campaign.created")
    assert poison
    assert good
    run()
    assert shop.idents == [good.public_id]
    keep_failing()
    one = Delivery.objects.get(event=poison)
    assert (one.state, one.attempts) == (Delivery.State.GIVEN_UP, delivery.TRIES_OF_OURS)
    assert one.last_error == "parked after 5 attempts; the last: KeyError: 'order'"
    endpoint.refresh_from_db()
    assert endpoint.active  # it did nothing wrong


def test_a_delivery_that_kills_every_relay_is_parked(shop_a: Retailer, endpoint: Endpoint, shop: Shop) -> None:
    happen(shop_a)
    delivery.fan_out(now=NOW)
    Delivery.objects.update(attempts=delivery.RETRIES + 1)
    run()
    assert only().state == Delivery.State.GIVEN_UP
    assert "the worker died each time" in only().last_error
    assert shop.received == []


# --- two relays, dead relays ---


def test_what_one_relay_has_claimed_another_does_not_get(shop_a: Retailer, endpoint: Endpoint) -> None:
    happen(shop_a)
    delivery.fan_out(now=NOW)
    assert len(delivery.claim(now=NOW, limit=5, share=5)) == 1
    assert delivery.claim(now=NOW + 0.9 * delivery.LEASE, limit=5, share=5) == []


def test_what_a_dead_relay_had_is_due_again_after_its_lease(shop_a: Retailer, endpoint: Endpoint, shop: Shop) -> None:
    happen(shop_a)
    delivery.fan_out(now=NOW)
    delivery.claim(now=NOW, limit=5, share=5)  # and then it dies
    assert run(NOW + delivery.LEASE) == 1
    assert only().state == Delivery.State.DELIVERED
    assert only().attempts == 2


def test_a_relay_that_was_overtaken_cannot_undo_what_the_other_wrote(shop_a: Retailer, endpoint: Endpoint) -> None:
    happen(shop_a)
    delivery.fan_out(now=NOW)
    (slow,) = delivery.claim(now=NOW, limit=1, share=1)
    (fast,) = delivery.claim(now=NOW + delivery.LEASE, limit=1, share=1)
    good = sender.Answer(200, "", 5)
    delivery.answered(fast, good, now=NOW)
    delivery.answered(slow, sender.Answer(None, "no answer", 5), now=NOW)
    assert only().state == Delivery.State.DELIVERED


def test_a_slow_endpoint_gets_no_more_than_its_share(shop_a: Retailer, endpoint: Endpoint, shop: Shop) -> None:
    other = Endpoint.objects.create(retailer=shop_a, url=shop.url, secret="s", events=["campaign.created"])
    for _ in range(10):
        happen(shop_a, "voucher.created")
    happen(shop_a, "campaign.created")
    delivery.fan_out(now=NOW)
    taken = [one.endpoint_id for one in delivery.claim(now=NOW, limit=16, share=4)]
    assert sorted(taken) == sorted([endpoint.pk] * 4 + [other.pk])
    assert delivery.claim(now=NOW, limit=16, share=4, busy=[endpoint.pk]) == []
    assert len(delivery.claim(now=NOW, limit=16, share=4, slow=[endpoint.pk])) == 1


def test_the_longest_due_go_first(shop_a: Retailer, endpoint: Endpoint) -> None:
    first, second = happen(shop_a), happen(shop_a)
    assert first
    assert second
    delivery.fan_out(now=NOW)
    Delivery.objects.filter(event=first).update(next_at=NOW - MINUTE)
    Delivery.objects.filter(event=second).update(next_at=NOW - 2 * MINUTE)
    assert [one.event_id for one in delivery.claim(now=NOW, limit=1, share=4)] == [second.pk]


# --- off and on again ---


def test_what_waits_for_an_endpoint_switched_off_is_kept_until_it_is_on_again(
    shop_a: Retailer, endpoint: Endpoint, shop: Shop
) -> None:
    happen(shop_a)
    delivery.fan_out(now=NOW)
    endpoints.disable(endpoint, actor=SYSTEM, now=NOW, reason="moving house")
    assert run() == 0
    assert only().state == Delivery.State.PAUSED
    assert delivery.lag(now=NOW + MINUTE) == timedelta(0)
    endpoints.enable(endpoint, actor=SYSTEM, now=NOW)
    assert run() == 1
    actions = AuditEntry.objects.order_by("id").values_list("action", "reason")
    assert list(actions) == [("webhook.disable", "moving house"), ("webhook.enable", "")]


def test_sending_again_starts_all_over_and_is_audited(shop_a: Retailer, endpoint: Endpoint, shop: Shop) -> None:
    event = happen(shop_a)
    assert event
    run()
    delivery.resend(only(), actor=SYSTEM, now=NOW)
    assert run() == 1
    assert shop.idents == [event.public_id] * 2
    assert len(only().log) == 2
    assert AuditEntry.objects.get().action == "webhook.resend"


# --- how far behind, and forgetting ---


def test_lag_is_what_waits_for_us_not_for_the_receiver(shop_a: Retailer, endpoint: Endpoint, shop: Shop) -> None:
    assert delivery.lag(now=NOW) == timedelta(0)
    happen(shop_a)
    assert delivery.lag(now=NOW + MINUTE) == MINUTE
    delivery.fan_out(now=NOW + MINUTE)
    assert delivery.lag(now=NOW + 3 * MINUTE) == 2 * MINUTE
    shop.status = 500
    run(NOW + 3 * MINUTE)
    assert delivery.lag(now=NOW + 4 * MINUTE) == timedelta(0)  # the receiver's turn has not come
    assert delivery.lag(now=NOW + 9 * MINUTE) == 5 * MINUTE


def test_old_events_are_forgotten_with_their_deliveries_but_never_what_waits(
    shop_a: Retailer, endpoint: Endpoint, shop: Shop
) -> None:
    old, stuck = happen(shop_a), happen(shop_a)
    assert old
    assert stuck
    run()
    Delivery.objects.filter(event=stuck).update(state=Delivery.State.WAITING)
    fresh = happen(shop_a, now=NOW + timedelta(days=20))
    run(NOW + timedelta(days=20))
    Delivery.objects.filter(event=stuck).update(state=Delivery.State.WAITING)
    waiting = happen(shop_a)
    assert delivery.purge(now=NOW + timedelta(days=31), days=30) == 1
    assert delivery.purge(now=NOW + timedelta(days=31), days=30) == 0
    assert list(Event.objects.order_by("id")) == [stuck, fresh, waiting]
    assert Delivery.objects.count() == 2
