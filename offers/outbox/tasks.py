"""Celery's door to the outbox: relay what waits, forget what is old."""

from typing import Any

from celery import shared_task
from django.conf import settings

from offers.lib import clock
from offers.outbox import delivery, relay

RELAY_SECONDS = 10


@shared_task(name="outbox.relay", acks_late=True)
def relay_events(**_: Any) -> None:
    """Deliver what is due; the beat starts another, so ending early loses nothing."""
    relay.run(tell=clock.now, seconds=RELAY_SECONDS)


@shared_task(name="outbox.purge", acks_late=True)
def purge_events(**_: Any) -> None:
    """Delete events older than OUTBOX_KEEP_DAYS."""
    delivery.purge(now=clock.now(), days=settings.OUTBOX_KEEP_DAYS)
