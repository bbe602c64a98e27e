"""Celery's door to checkout: forget what has been kept long enough."""

from typing import Any

from celery import shared_task
from django.conf import settings

from checkout import idempotency, retention
from offers.lib import clock


@shared_task(name="checkout.purge_replies", acks_late=True)
def purge_replies(**_: Any) -> None:
    """Delete answers to idempotency keys that nobody may repeat any more."""
    idempotency.purge(now=clock.now())


@shared_task(name="checkout.purge_traces", acks_late=True)
def purge_traces(**_: Any) -> None:
    """Forget validations and traces older than TRACE_DAYS."""
    now = clock.now()
    retention.purge_validations(now=now, days=settings.TRACE_DAYS)
    retention.purge_traces(now=now, days=settings.TRACE_DAYS)
