"""Celery's door to admission: the tick of every queue that may have work."""

import logging
from typing import Any

from celery import shared_task

from checkout.admission import auctions, draws, line, queue_ticks
from offers.lib import clock

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


@shared_task(name="admission.settle", acks_late=True)
def settle(**_: Any) -> None:
    """Run draws and settle auctions whose time has come, and offer what winners let go to the next."""
    draws.work(now=clock.now())
    auctions.work(now=clock.now())
