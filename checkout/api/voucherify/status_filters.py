"""The filters on `active` and `status` of vouchers and campaigns: by switch, by date, by state of code generation."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Q

from checkout.api.common.filters import States

DONE, IN_PROGRESS, FAILED = "DONE", "IN_PROGRESS", "FAILED"


def active(generated: str) -> States:
    """Return the states of the filter `active`; `generated` is the path to the state of code generation."""

    def of(now: datetime) -> Mapping[str, Q]:
        ended, early = _ended(now), _early(now)
        return {
            "$enabled": Q(active=True),
            "$disabled": Q(active=False),
            "$expired": ended,
            "$before_start": early,
            "before_start": early,
            "$active": Q(active=True) & ~ended & ~early,
            "$in_progress": Q(**{generated: IN_PROGRESS}),
            "$failed": Q(**{generated: FAILED}),
        }

    return States(of)


def status(generated: str) -> States:
    """Return the states of the filter `status`: `$active` is what has its codes, whatever its dates."""

    def of(now: datetime) -> Mapping[str, Q]:
        done = Q(**{generated: DONE})
        early = done & _early(now)
        return {
            "$active": done,
            "$failed": Q(**{generated: FAILED}),
            "$in_progress": Q(**{generated: IN_PROGRESS}),
            "$expired": done & _ended(now),
            "$before_start": early,
            "before_start": early,
        }

    return States(of)


def _ended(now: datetime) -> Q:
    return Q(expiration_date__isnull=False, expiration_date__lte=now)


def _early(now: datetime) -> Q:
    return Q(start_date__isnull=False, start_date__gt=now)
