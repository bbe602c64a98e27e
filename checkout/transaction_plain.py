"""Works on the plain sales of a batch together: first revisions that hold no offers and bring nothing but points.

What is told of each is what `transaction_work.run` would tell. Whatever is not plain, and everything when the batch
fails as a whole, is left to it, one savepoint each.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction

from checkout import transaction_offers, transaction_rewards, transaction_work
from checkout.transaction_rows import Shop
from checkout.transaction_work import Job
from loyalty import plain_sales
from loyalty.plain_sales import Earned
from offers.lib.errors import Refusal

log = logging.getLogger(__name__)


def run(jobs: Sequence[Job], *, now: datetime) -> dict[int, dict[str, Any]]:
    """Do all plain jobs and return what is told of each, by revision; members have been locked by `prepare`."""
    plain = _plain(jobs)
    if len(plain) < 2:
        return {}
    try:
        with transaction.atomic():
            earned = _reward(plain, now)
    except (DatabaseError, Refusal, ValueError, TypeError, KeyError, ArithmeticError, AssertionError) as problem:
        if connection.connection is None or connection.connection.closed:
            raise
        log.warning("%d plain sales are done one by one: %s", len(plain), problem)
        return {}
    return {
        job.row.pk: transaction_work.told(
            job, transaction_rewards.told([one.result] if one and one.result else []), transaction_offers.Settled()
        )
        for job, one in earned
        if one is None or one.result is not None
    }


def _reward(jobs: Iterable[tuple[Job, bool]], now: datetime) -> list[tuple[Job, Earned | None]]:
    """Return each job with what its one payer earned, None where nobody is known."""
    found: list[tuple[Job, Earned | None]] = []
    retailers: dict[int, list[Earned]] = defaultdict(list)
    shops: dict[int, Shop] = {}
    for job, behind in jobs:
        one = None
        if job.payers:
            assert job.sale is not None
            [share] = transaction_rewards.shares(job.payers, job.unnamed)
            facts = transaction_rewards.as_rules_see_it(job.row, job.sale, amounts={}, items=job.items, share=share)
            one = Earned(job.payers[0][0], facts, behind=behind)
            shop = job.row.transaction.retailer
            shops[shop.pk] = shop
            retailers[shop.pk].append(one)
        found.append((job, one))
    for pk, sales in retailers.items():
        plain_sales.reward(retailer_id=pk, timezone=shops[pk].timezone, sales=sales, now=now)
    return found


def _plain(jobs: Sequence[Job]) -> list[tuple[Job, bool]]:
    """First revisions with at most one known payer, neither voided nor returned, in which offers have no part;
    with each, whether one that is not plain stands before it."""
    heads = [job.row.transaction for job in jobs]
    others: set[int] = set()  # members in what goes the long way: what they bought after it goes behind it
    names: set[int] = set()
    plain = []
    for job, head in zip(jobs, heads, strict=True):
        payers = {person.pk for person, _ in job.payers} | {member.pk for member in job.earlier}
        if _is_plain(job) and not job.locked and head.pk not in names and not payers & others:
            plain.append((job, bool(others)))
        else:
            others |= payers
        names.add(head.pk)
    return plain


def _is_plain(job: Job) -> bool:
    sale = job.sale
    if sale is None or job.problem is not None or job.superseded_by is not None or job.changed:
        return False
    source = job.settings.discount_source.lower()
    return (
        len(job.payers) <= 1
        and not sale.is_voided
        and not transaction_offers.is_full_return(sale)
        and not any(one.source == source for one in sale.discounts)
    )
