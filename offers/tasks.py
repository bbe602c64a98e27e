"""Celery tasks of the offers: background jobs, and picking up those whose nudge or worker was lost."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from celery import shared_task

from offers import async_actions, generation, offer_templates, signing_keys, voucher_removal
from offers.lib import clock, queue
from offers.models import AsyncAction


class Batch(Protocol):
    def __call__(self, action: AsyncAction, *, now: datetime) -> bool: ...


@shared_task(name="offers.generate_codes")
def generate_codes(*, action_id: int, **_: Any) -> None:
    """Make the vouchers a job asks for."""
    _work(action_id, generation.batch)


@shared_task(name="offers.delete_vouchers")
def delete_vouchers(*, action_id: int, **_: Any) -> None:
    """Delete the vouchers a job asks for."""
    _work(action_id, voucher_removal.batch)


@shared_task(name="offers.take_up_jobs")
def take_up_jobs(**_: Any) -> None:
    """Nudge workers once more for jobs nobody works on."""
    for action in async_actions.unfinished(now=clock.now()):
        if action.type in async_actions.TASKS:
            queue.enqueue(async_actions.TASKS[action.type], action_id=action.pk)


@shared_task(name="offers.note_expired_offers")
def note_expired_offers(**_: Any) -> None:
    """Write down the status of offers whose acquisition end has passed."""
    offer_templates.note_expired(now=clock.now())


@shared_task(name="offers.retire_keys")
def retire_keys(**_: Any) -> None:
    """Write down which signing keys are believed no more."""
    signing_keys.retire_due(now=clock.now())


def _work(action_id: int, batch: Batch, tell: Callable[[], datetime] = clock.now) -> None:
    action = async_actions.claim(action_id=action_id, now=tell())
    try:
        while action is not None and batch(action, now=tell()):
            pass
    except async_actions.LostClaim:
        return
