"""Makes queues and people for the tests of admission."""

from datetime import UTC, datetime, timedelta
from typing import Any

from checkout.admission import distributions, queue_ticks, queues, standings
from checkout.admission.models import Admission, Consumer, Distribution, Entry
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Retailer

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def queue(shop: Retailer, *, now: datetime = NOW, access_code: str = "", **fields: Any) -> Distribution:
    fields.setdefault("open_at", now - timedelta(minutes=1))
    return distributions.create(
        retailer_id=shop.pk, mechanism="queue", fields=fields, actor=SYSTEM, now=now, access_code=access_code
    )


def draw(shop: Retailer, *, now: datetime = NOW, **fields: Any) -> Distribution:
    return distributions.create(retailer_id=shop.pk, mechanism="draw", fields=fields, actor=SYSTEM, now=now)


def auction(shop: Retailer, *, now: datetime = NOW, **fields: Any) -> Distribution:
    return distributions.create(retailer_id=shop.pk, mechanism="auction", fields=fields, actor=SYSTEM, now=now)


def consumer(shop: Retailer, **fields: Any) -> Consumer:
    fields.setdefault("created_at", NOW - timedelta(minutes=1))
    return Consumer.objects.create(retailer=shop, **fields)


def consumers(shop: Retailer, number: int) -> list[Consumer]:
    return Consumer.objects.bulk_create(
        [Consumer(retailer=shop, created_at=NOW - timedelta(minutes=1)) for _ in range(number)]
    )


def enter(queue: Distribution, *people: Consumer, seconds: int = 0) -> list[standings.Standing]:
    return [queues.enter(distribution=queue, consumer=one, now=at(seconds)) for one in people]


def tick(queue: Distribution, *, seconds: int = 0) -> queue_ticks.Ticked | None:
    return queue_ticks.tick(distribution=queue, now=at(seconds))


def admitted(queue: Distribution) -> list[int]:
    """Return whom the queue admitted, in that order."""
    return list(Admission.objects.filter(distribution=queue).order_by("id").values_list("consumer_id", flat=True))


def states(queue: Distribution) -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Entry.objects.filter(distribution=queue).values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def enter_now(queue: Distribution, *people: Consumer) -> None:
    """Let people enter and the next of them in, by the real clock: for what a browser looks at."""
    for one in people:
        queues.enter(distribution=queue, consumer=one, now=clock.now())
    queue_ticks.tick(distribution=queue, now=clock.now())
