"""Deletes the vouchers of a deleted campaign in the background, batch by batch."""

from datetime import datetime

from django.db import transaction

from offers import async_actions
from offers.models import AsyncAction, Voucher

BATCH = 5_000


def batch(action: AsyncAction, *, now: datetime, size: int = BATCH) -> bool:
    """Delete the next vouchers of a claimed job; True when there is more to do. Raises LostClaim like generation."""
    rows = Voucher.objects.filter(campaign_id=action.parameters["campaign_id"], deleted_at__isnull=True)
    with transaction.atomic():
        ids = list(rows.order_by("id").values_list("pk", flat=True)[:size])
        gone = Voucher.objects.filter(pk__in=ids).update(deleted_at=now, updated_at=now)
        async_actions.advance(action, more=gone, now=now)
    if len(ids) == size:
        return True
    async_actions.finish(action, message=f"{action.done} vouchers were deleted", now=now)
    return False
