"""Background jobs as rows: started, claimed by one worker at a time, kept alive by a heartbeat, finished or failed.

1. `start` writes the row (ENQUEUED) in the caller's transaction and nudges a worker after commit.
2. `claim` takes it by a conditional update (IN_PROGRESS); a row whose worker fell silent can be claimed again.
3. Every batch calls `advance` inside its own transaction. It only succeeds for the claim that is still the newest,
   so that the progress in the row and the work itself are committed together, once.
4. `finish` or `fail` ends the row.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet

from offers.lib import queue
from offers.lib.actors import Actor
from offers.lib.errors import NotFound
from offers.models import AsyncAction

GENERATE = "CAMPAIGN.VOUCHERS_GENERATE"
DELETE = "CAMPAIGN.VOUCHERS_DELETE"
TASKS = {GENERATE: "offers.generate_codes", DELETE: "offers.delete_vouchers"}
SILENT = timedelta(seconds=60)
ATTEMPTS = 20

Status = AsyncAction.Status


class LostClaim(Exception):
    """Another worker took the job over; what this one was about to write must not be committed."""


def start(
    *,
    retailer_id: int,
    type: str,
    total: int,
    parameters: dict[str, Any],
    actor: Actor,
    now: datetime,
    request_id: str = "",
) -> AsyncAction:
    """Write a job into the caller's transaction and wake a worker after commit."""
    action = AsyncAction.objects.create(
        retailer_id=retailer_id,
        type=type,
        total=total,
        parameters=parameters,
        request_id=request_id,
        created_by=actor.name[:100],
        created_at=now,
        updated_at=now,
    )
    queue.enqueue(TASKS[type], action_id=action.pk)
    return action


def get(*, retailer_id: int, ident: str) -> AsyncAction:
    """Return the job with this id. Refuses `not_found`."""
    action = AsyncAction.objects.filter(retailer_id=retailer_id, public_id=ident).first()
    if action is None:
        raise NotFound("async_action", ident)
    return action


def search(*, retailer_id: int, before: datetime | None = None) -> QuerySet[AsyncAction]:
    """Return the retailer's jobs, newest first, those made before a moment."""
    rows = AsyncAction.objects.filter(retailer_id=retailer_id).order_by("-id")
    return rows.filter(created_at__lt=before) if before else rows


def claim(*, action_id: int, now: datetime) -> AsyncAction | None:
    """Take a waiting or silent job; None when it has ended or somebody is at work on it."""
    free = Q(status=Status.ENQUEUED) | Q(status=Status.IN_PROGRESS, heartbeat_at__lt=now - SILENT)
    taken = AsyncAction.objects.filter(free, pk=action_id).update(
        status=Status.IN_PROGRESS, heartbeat_at=now, updated_at=now, attempts=F("attempts") + 1
    )
    if not taken:
        return None
    action = AsyncAction.objects.get(pk=action_id)
    if action.attempts > ATTEMPTS:
        fail(action, message=f"given up after {ATTEMPTS} attempts", now=now)
        return None
    return action


def advance(action: AsyncAction, *, more: int, now: datetime) -> None:
    """Note that `more` is done, in the transaction that did it. Raises LostClaim when the job was taken over."""
    _write(action, now, done=F("done") + more, heartbeat_at=now)
    action.done += more
    action.heartbeat_at = now


def finish(action: AsyncAction, *, now: datetime, message: str = "") -> None:
    """End a job well."""
    result = {"message": message, "done_count": action.done, "failed_count": 0, "failed": []}
    _end(action, now=now, status=Status.DONE, operation_status="SUCCESS", result=result)


def fail(action: AsyncAction, *, message: str, now: datetime) -> None:
    """End a job that cannot go on; what it did stays done."""
    short = action.total - action.done
    failed = [{"reason": message}]
    result = {"message": message, "done_count": action.done, "failed_count": short, "failed": failed}
    _end(action, now=now, status=Status.FAILED, operation_status="FAILED", result=result)


def unfinished(*, now: datetime, limit: int = 100) -> list[AsyncAction]:
    """Return jobs nobody works on: their nudge was lost, or their worker died."""
    waiting = Q(status=Status.ENQUEUED, created_at__lt=now - timedelta(seconds=5))
    silent = Q(status=Status.IN_PROGRESS, heartbeat_at__lt=now - SILENT)
    return list(AsyncAction.objects.filter(waiting | silent).order_by("id")[:limit])


def _end(action: AsyncAction, *, now: datetime, **values: Any) -> None:
    took = int((now - action.created_at).total_seconds() * 1000)
    _write(action, now, processing_time=min(took, 2**31 - 1), **values)


def _write(action: AsyncAction, now: datetime, **values: Any) -> None:
    mine = AsyncAction.objects.filter(pk=action.pk, status=Status.IN_PROGRESS, heartbeat_at=action.heartbeat_at)
    if not mine.update(updated_at=now, **values):
        raise LostClaim(action.public_id)
