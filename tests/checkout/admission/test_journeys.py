"""The status document: one flat stage, a token only for the admitted, gates, and what a browser needs to wait."""

from datetime import datetime

import pytest

from checkout.admission import journeys, queue_overrides, queue_pace
from checkout.admission.models import Admission, Consumer, Distribution, Experience
from offers.lib.actors import SYSTEM
from offers.models import Retailer
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at, consumer, consumers, enter, tick

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("emptied_line")]


def written(admission: Admission, *, now: datetime) -> str:
    return "token"


def launch_of(queue: Distribution) -> Experience:
    return queue.sequence.experience


def journey(queue: Distribution, who: Consumer, *, seconds: int = 0) -> dict[str, object]:
    return journeys.journey(experience=launch_of(queue), consumer=who, now=at(seconds), token_of=written)


def come(queue: Distribution, who: Consumer, *, seconds: int = 0, access_code: str = "") -> dict[str, object]:
    return journeys.enter(
        experience=launch_of(queue),
        consumer=who,
        now=at(seconds),
        token_of=written,
        access_code=access_code,
    )


def test_a15_the_stage_goes_from_enterable_over_participating_to_admitted(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, max_active=1, admission_ttl_seconds=60)
    one, two = consumers(shop_a, 2)
    assert journey(queue, one)["stage"] == "active_enterable"
    first = come(queue, one)
    assert (first["stage"], first["status"], first["position"], first["admission"]) == (
        "participating",
        "QUEUED",
        1,
        None,
    )
    second = come(queue, two)
    assert (second["people_ahead"], second["waiting"]) == (1, 2)
    tick(queue)
    found = journey(queue, one)
    assert found["stage"] == "admitted" and found["admitted_at"] == NOW
    assert isinstance(found["admission"], dict)
    assert (found["admission"]["token"], found["admission"]["seconds_left"]) == ("token", 60)
    waits = journey(queue, two)
    assert waits["admission"] is None and waits["stage"] == "participating" and waits["waiting_ticket"]
    assert journey(queue, one, seconds=60)["stage"] == "admission_expired"


def test_before_the_opening_and_after_the_end(shop_a: Retailer) -> None:
    one = consumer(shop_a)
    queue = launch.queue(shop_a, open_at=at(30), close_at=at(90))
    early = journey(queue, one)
    assert (early["stage"], early["poll_after_seconds"], early["opens_at"]) == ("upcoming", 30, at(30))
    assert journey(queue, one, seconds=90)["stage"] == "ended"


def test_a_shuffled_order_is_not_shown_before_the_opening(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, open_at=at(60), pre_queue_minutes=5)
    one = consumer(shop_a)
    assert journey(queue, one)["stage"] == "active_enterable"
    found = come(queue, one)
    assert (found["stage"], found["position"], found["people_ahead"]) == ("participating", None, None)
    assert journey(queue, one, seconds=60)["position"] == 1 or journey(queue, one, seconds=60)["stage"] == "admitted"


def test_a_gate_asks_for_its_code_and_a_wrong_one_is_none(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, access_code="VIP-7")
    one = consumer(shop_a)
    assert come(queue, one)["stage"] == "needs_access_code"
    assert come(queue, one, access_code="VIP-8")["stage"] == "needs_access_code"
    assert journey(queue, one)["stage"] == "needs_access_code"
    assert come(queue, one, access_code="VIP-7")["stage"] == "participating"
    assert come(queue, one)["stage"] == "participating"


def test_a_gate_for_the_signed_in(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a)
    queue.sequence.audience = "signed_in"
    queue.sequence.save()
    assert come(queue, consumer(shop_a))["stage"] == "needs_auth"
    assert come(queue, consumer(shop_a, guest=False, email="a@example.com"))["stage"] == "participating"


def test_leaving_and_being_denied(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, paused=True)
    one, two = consumers(shop_a, 2)
    enter(queue, one, two)
    journeys.leave(experience=launch_of(queue), consumer=one, now=NOW)
    tick(queue, seconds=1)
    left = journey(queue, one, seconds=2)
    assert (left["stage"], left["status"]) == ("active_enterable", "LEFT")
    queue_overrides.deny(distribution=queue, consumer_uuid=str(two.uuid), reason="bot", actor=SYSTEM, now=NOW)
    denied = come(queue, two)
    assert (denied["stage"], denied["status"], denied["deny_reason"]) == ("ended", "DENIED", "bot")


def test_the_wait_is_told_by_the_pace_of_late(shop_a: Retailer) -> None:
    queue = launch.queue(shop_a, admission_rate=60)
    people = consumers(shop_a, 100)
    enter(queue, *people)
    for second in range(20):
        tick(queue, seconds=second)
    found = journey(queue, people[-1], seconds=20)
    wait = found["estimated_wait_seconds"]
    assert isinstance(wait, int) and 60 <= wait <= 420
    shown = queue_pace.serving(distribution=queue, now=at(20))
    assert shown["waiting"] == 79 and shown["serving"] == 21 and shown["marks"][0]["ahead"] == 0
