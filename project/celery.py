"""The Celery app: where tasks wait, and what the beat starts at which interval."""

import os
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import worker_process_init
from kombu import Queue

from project import heap

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

app = Celery("offerkeep")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_default_queue = "default"
# default: short work. webhooks: other people's servers. bulk: code generation and imports, minutes at a time.
# A worker without -Q serves all three; apart, none can hold up another.
app.conf.task_queues = [Queue("default"), Queue("webhooks"), Queue("bulk")]
app.conf.task_routes = {
    "outbox.relay": {"queue": "webhooks"},
    "offers.generate_codes": {"queue": "bulk"},
    "offers.delete_vouchers": {"queue": "bulk"},
}


def every(seconds: int, task: str) -> dict[str, Any]:
    """A line of the schedule; its message is void when the next is sent, so a stopped worker finds no pile."""
    return {"task": task, "schedule": timedelta(seconds=seconds), "options": {"expires": seconds}}


# Everything here finds its work in the database: run late, twice or after a flushed broker, it does the same.
app.conf.beat_schedule = {
    "expire holds": every(20, "ledger.sweep"),
    "expire locks": every(20, "checkout.expire_sessions"),
    "expire offer locks": every(20, "checkout.expire_offer_locks"),
    "give back orphans": every(1800, "checkout.give_back_orphans"),
    "tally busy counters": every(300, "ledger.tally"),
    "admit the next in line": every(1, "admission.tick"),
    "draw and settle": every(2, "admission.settle"),
    "forget finished lines": every(600, "admission.forget"),
    "work off transactions": every(2, "checkout.drain_transactions"),
    "prove the ledger": {"task": "ledger.prove", "schedule": crontab(hour=3, minute=30), "options": {"expires": 3600}},
    "note expired offers": every(60, "offers.note_expired_offers"),
    "retire signing keys": every(600, "offers.retire_keys"),
    "take up jobs": every(15, "offers.take_up_jobs"),
    "forget old handoffs": every(600, "admission.forget_handoffs"),
    "deliver webhooks": every(2, "outbox.relay"),
    "expire points": every(300, "loyalty.expire_points"),
    "review tiers": every(300, "loyalty.review_tiers"),
    "forget old events": every(3600, "outbox.purge"),
    "forget old answers": every(3600, "checkout.purge_replies"),
    "forget old traces": every(3600, "checkout.purge_traces"),
    "forget old session offers": every(3600, "checkout.purge_session_offers"),
}
app.autodiscover_tasks()


@worker_process_init.connect
def settle(**_: Any) -> None:
    """Every process of a worker begins with all tasks loaded."""
    heap.settle()
