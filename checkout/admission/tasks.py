"""Celery's door to admission: the tick of every queue that may have work."""

import logging
from typing import Any

from celery import shared_task

from checkout.admission import admissions, auctions, draws, handoffs, line, queue_ends, queue_ticks
from offers.lib import clock
from offers.lib.errors import Refusal

log = logging.getLogger("offerkeep.admission")


@shared_task(name="admission.tick", acks_late=True)
def tick(**_: Any) -> None:
    """Admit the next in every running queue; run twice at once, one of them leads."""
    for distribution in queue_ticks.running(now=clock.now()):
        try:
            queue_ticks.tick(distribution=distribution, now=clock.now(), least_ms=queue_ticks.TICK_MS // 2)
        except line.LineUnavailable:
            log.warning("no admissions: the waiting line cannot be reached")
            return
        except Refusal as refusal:
            log.warning("tick of queue %s is not done: %s", distribution.uuid, refusal.code)


@shared_task(name="admission.settle", acks_late=True)
def settle(**_: Any) -> None:
    """End what ran out, run draws and settle auctions whose time has come, offer what winners let go to the next."""
    admissions.expire_everywhere(now=clock.now())
    draws.work(now=clock.now())
    auctions.work(now=clock.now())


@shared_task(name="admission.forget", acks_late=True)
def forget(**_: Any) -> None:
    """Drop what Redis keeps of queues that are over."""
    try:
        queue_ends.work(now=clock.now())
    except line.LineUnavailable:
        log.warning("finished lines are not forgotten: Redis cannot be reached")


@shared_task(name="admission.forget_handoffs", acks_late=True)
def forget_handoffs(**_: Any) -> None:
    """Delete one-time codes of yesterday and before."""
    handoffs.forget(now=clock.now())
