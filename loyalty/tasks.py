"""Celery's door to loyalty: points whose time has come, levels due for review."""

from typing import Any

from celery import shared_task

from loyalty import points, tiers
from offers.lib import clock


@shared_task(name="loyalty.expire_points", acks_late=True)
def expire_points(**_: Any) -> None:
    """Take points that have expired; a bounded number, the next run goes on."""
    points.expire(now=clock.now())


@shared_task(name="loyalty.review_tiers", acks_late=True)
def review_tiers(**_: Any) -> None:
    """Keep or lower the levels that are due for review; a bounded number, the next run goes on."""
    tiers.review(now=clock.now())
