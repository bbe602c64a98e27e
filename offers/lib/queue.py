"""Starts background work by task name after commit; losing the nudge loses nothing, because beat looks again."""

import logging
from typing import Any

from celery import current_app
from django.db import transaction

log = logging.getLogger(__name__)


def enqueue(task_name: str, **ids: Any) -> None:
    """Nudge a worker once the surrounding transaction has committed.

    The row is the truth: a broker that is down is logged and never fails the request.
    Looks the task up in the registry, because `send_task` would ignore eager mode. Only workers fill the registry at
    start; anybody else fills it here, at the first nudge.
    """

    def send() -> None:
        try:
            if task_name not in current_app.tasks:
                current_app.loader.import_default_modules()
            current_app.tasks[task_name].apply_async(kwargs=ids, retry=False)
        except Exception as error:
            log.warning("nudge lost: %s (%s); the schedule will pick the work up", task_name, type(error).__name__)

    transaction.on_commit(send)
