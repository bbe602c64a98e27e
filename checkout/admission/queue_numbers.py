"""Numbers of a queue's line: leased from PostgreSQL in blocks, so that a loss of Redis gives none out twice."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.db import transaction

from checkout.admission import line, numbers
from checkout.admission.models import Distribution, LineState

T = TypeVar("T")
LEASE = 20_000
_leased: dict[int, int] = {}
_seeds: dict[int, bytes] = {}


def give(distribution: Distribution, enter: Callable[[int], T]) -> T:
    """Let `enter` give one of the numbers leased; more are leased when they are used up: a write in twenty thousand.

    Not inside a transaction: what is undone there was not leased, and this process would not know.
    """
    for _ in range(3):
        leased = _leased.get(distribution.pk, 0)
        try:
            return enter(leased)
        except line.NumbersUsedUp:
            _lease(distribution, leased)
    raise line.LineUnavailable()


def early(distribution: Distribution, consumer_id: int, now: datetime) -> int | None:
    """Return the drawn number of one who comes before the opening of a queue that shuffles."""
    if distribution.open_at is None or now >= distribution.open_at:
        return None
    if distribution.ordering != Distribution.Ordering.SHUFFLE_PREQUEUE:
        return None
    seed = _seeds.get(distribution.pk)
    if seed is None:
        seed = _seeds[distribution.pk] = bytes(LineState.objects.get_or_create(distribution=distribution)[0].seed)
    return numbers.early(seed=seed, consumer=consumer_id)


def reset() -> None:
    """Forget what this process knows of leases and seeds (tests)."""
    _leased.clear()
    _seeds.clear()


def _lease(distribution: Distribution, known: int) -> None:
    LineState.objects.get_or_create(distribution=distribution)  # whoever fills the line has perhaps not committed his
    with transaction.atomic():
        state = LineState.objects.select_for_update().get(distribution=distribution)
        if state.leased <= known:
            state.leased += LEASE
            state.save(update_fields=["leased"])
    _leased[distribution.pk] = state.leased
