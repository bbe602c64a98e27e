"""What a stored transaction leads to: whose it is, offers redeemed or given back, points and offers earned."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from checkout import item_facts, transaction_offers, transaction_shape
from checkout.models import Revision
from checkout.transaction_shape import Sale
from loyalty import members
from loyalty.models import Member
from offers import retailer_settings
from offers.lib.errors import Refusal

State = Revision.State

_TRY_HEADS = """
SELECT id FROM unnest(%s::bigint[]) AS id WHERE pg_try_advisory_xact_lock(hashtextextended('transaction:' || id, 0))
"""
# Per transaction: the newest version that counts, and the newest that has had its effects.
_IN_FORCE = """
SELECT DISTINCT ON (transaction_id) transaction_id, id, number FROM checkout_revision
WHERE transaction_id = ANY (%s) AND is_closed AND state <> 'stale'
ORDER BY transaction_id, modified_at DESC, number DESC
"""


@dataclass(slots=True)
class Job:
    """One revision with what is read for a whole batch at once. `problem`: why it cannot even be read."""

    row: Revision
    sale: Sale | None = None
    problem: Exception | None = None
    superseded_by: int | None = None
    before: Revision | None = None
    payers: list[tuple[Member, int]] = field(default_factory=list)
    items: Mapping[str, item_facts.ItemFacts] = field(default_factory=dict)

    @property
    def zone(self) -> str:
        head = self.row.transaction
        return head.store.timezone or head.retailer.timezone

    @property
    def settings(self) -> retailer_settings.Settings:
        return retailer_settings.of(self.row.transaction.retailer.settings)


def own(rows: Sequence[Revision]) -> set[int]:
    """Return those of the rows' transactions that are ours until this database transaction ends; waits for none."""
    with connection.cursor() as cursor:
        cursor.execute(_TRY_HEADS, [sorted({row.transaction_id for row in rows})])
        return {pk for (pk,) in cursor.fetchall()}


def prepare(rows: Sequence[Revision], *, now: datetime) -> list[Job]:
    """Return a job per row, in the order to do them; members are locked, all of the batch's in one order."""
    jobs = [Job(row) for row in rows]
    _place(jobs)
    for job in jobs:
        try:
            _read(job, now)
        except Exception as problem:  # one nobody can read must not hold up the rest
            job.problem = problem
    _name_items(jobs)
    members.lock(member.pk for job in jobs for member, _ in job.payers)
    return jobs


def run(job: Job, *, now: datetime) -> dict[str, Any]:
    """Do all that a revision leads to, in the caller's savepoint, and return what is told of it.

    1. what is no longer in force has no effects; 2. a void takes everything back; 3. offers; 4. rules.
    Every effect has a key of its own, so doing it again does nothing.
    """
    if job.problem is not None:
        raise job.problem
    sale = job.sale
    assert sale is not None
    if job.superseded_by is not None:
        return {"superseded_by": job.superseded_by}
    offers = transaction_offers.settle(job.row.transaction, sale, settings=job.settings, now=now)
    return {
        "revision": job.row.number,
        "redeemed": offers.redeemed,
        "rejected": offers.rejected,
        "released": offers.released,
        "reinstated": offers.reinstated,
        "users": [members.shown_id(member) for member, _ in job.payers],
        "warnings": [*sale.warnings, *offers.warnings],
    }


def _place(jobs: Sequence[Job]) -> None:
    heads = list({job.row.transaction_id for job in jobs})
    with connection.cursor() as cursor:
        cursor.execute(_IN_FORCE, [heads])
        in_force = {head: (pk, number) for head, pk, number in cursor.fetchall()}
    processed: dict[int, Revision] = {}
    done = Revision.objects.filter(transaction_id__in=heads, state=State.PROCESSED, result__revision__isnull=False)
    for row in done.order_by("number"):
        processed[row.transaction_id] = row
    for job in jobs:
        pk, number = in_force.get(job.row.transaction_id, (job.row.pk, job.row.number))
        job.superseded_by = None if pk == job.row.pk else number
        job.before = processed.get(job.row.transaction_id)


def _read(job: Job, now: datetime) -> None:
    head = job.row.transaction
    job.sale = transaction_shape.read(job.row.payload, zone=ZoneInfo(job.zone), currency=head.retailer.currency)
    if job.superseded_by is None:
        job.payers = _payers(head.retailer_id, job.sale, now)


def _payers(retailer_id: int, sale: Sale, now: datetime) -> list[tuple[Member, int]]:
    """Return who paid how much of the sale; who is not known is left out and no error."""
    amounts: dict[int, int] = defaultdict(int)
    found: dict[int, Member] = {}
    asked: dict[tuple[str, str], Member | None] = {}
    for payment in sale.payments:
        if not payment.user_id:
            continue
        key = (payment.user_id, payment.user_id_type)
        if key not in asked:
            asked[key] = _member(retailer_id, *key, now)
        if (member := asked[key]) is not None:
            found[member.pk] = member
            amounts[member.pk] += payment.amount
    return [(member, amounts[pk]) for pk, member in found.items()]


def _member(retailer_id: int, user_id: str, user_id_type: str, now: datetime) -> Member | None:
    kind = user_id_type or members.OUR_ID
    try:
        return members.translate(retailer_id=retailer_id, external_id=user_id, external_id_type=kind, now=now)
    except Refusal:
        return None


def _name_items(jobs: Sequence[Job]) -> None:
    wanted: dict[int, set[str]] = defaultdict(set)
    for job in jobs:
        if job.sale is not None and job.payers:
            wanted[job.row.transaction.retailer_id] |= {line.item_id for line in job.sale.lines}
    known = {
        retailer_id: item_facts.read(retailer_id=retailer_id, item_ids=item_ids)
        for retailer_id, item_ids in wanted.items()
    }
    for job in jobs:
        job.items = known.get(job.row.transaction.retailer_id, {})
