"""What a stored transaction leads to: whose it is, offers redeemed or given back, points and offers earned."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from checkout import item_facts, transaction_offers, transaction_rewards, transaction_shape
from checkout.models import Revision
from checkout.transaction_shape import Sale
from loyalty import members
from loyalty.models import Member
from offers import retailer_settings
from offers.lib.errors import Refusal

_TRY_HEADS = """
SELECT id FROM unnest(%s::bigint[]) AS id WHERE pg_try_advisory_xact_lock(hashtextextended('transaction:' || id, 0))
"""
# Per transaction: the newest version that counts.
_IN_FORCE = """
SELECT DISTINCT ON (transaction_id) transaction_id, id, number FROM checkout_revision
WHERE transaction_id = ANY (%s) AND is_closed AND state <> 'stale'
ORDER BY transaction_id, modified_at DESC, number DESC
"""
_CHANGED = (
    "SELECT DISTINCT transaction_id FROM checkout_revision WHERE transaction_id = ANY (%s) AND state = 'processed'"
)


@dataclass(slots=True)
class Job:
    """One revision with what is read for a whole batch at once. `problem`: why it cannot even be read."""

    row: Revision
    sale: Sale | None = None
    problem: Exception | None = None
    superseded_by: int | None = None
    changed: bool = False  # an earlier revision had its effects
    earlier: list[Member] = field(default_factory=list)
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
            _read(job)
        except Exception as problem:  # one nobody can read must not hold up the rest
            job.problem = problem
    _name_payers(jobs, now)
    _name_items(jobs)
    members.own(member.pk for job in jobs for member in (*job.earlier, *(payer for payer, _ in job.payers)))
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
    rewards = transaction_rewards.give(
        job.row,
        sale,
        payers=job.payers,
        earlier=job.earlier,
        amounts=offers.amounts,
        items=job.items,
        now=now,
    )
    return told(job, rewards, offers)


def told(job: Job, rewards: dict[str, Any], offers: transaction_offers.Settled) -> dict[str, Any]:
    """Return what is kept with the revision of all it led to."""
    assert job.sale is not None
    return {
        **rewards,
        "revision": job.row.number,
        "redeemed": offers.redeemed,
        "rejected": offers.rejected,
        "released": offers.released,
        "reinstated": offers.reinstated,
        "users": [members.shown_id(member) for member, _ in job.payers],
        "warnings": [*job.sale.warnings, *offers.warnings],
    }


def _place(jobs: Sequence[Job]) -> None:
    heads = list({job.row.transaction_id for job in jobs})
    with connection.cursor() as cursor:
        cursor.execute(_IN_FORCE, [heads])
        in_force = {head: (pk, number) for head, pk, number in cursor.fetchall()}
        cursor.execute(_CHANGED, [heads])
        changed = {head for (head,) in cursor.fetchall()}
    for job in jobs:
        pk, number = in_force.get(job.row.transaction_id, (job.row.pk, job.row.number))
        job.superseded_by = None if pk == job.row.pk else number
        job.changed = job.row.transaction_id in changed
        if job.changed and job.superseded_by is None:
            job.earlier = transaction_rewards.earlier_payers(job.row.transaction)


def _read(job: Job) -> None:
    currency = job.row.transaction.retailer.currency
    job.sale = transaction_shape.read(job.row.payload, zone=ZoneInfo(job.zone), currency=currency)


def _name_payers(jobs: Sequence[Job], now: datetime) -> None:
    """Find out who paid how much of each sale; who is not known is left out and no error."""
    known = _by_uuid(jobs)
    for job in jobs:
        if job.sale is None or job.superseded_by is not None:
            continue
        amounts: dict[int, int] = defaultdict(int)
        found: dict[int, Member] = {}
        retailer_id = job.row.transaction.retailer_id
        for payment in job.sale.payments:
            if not payment.user_id:
                continue
            key = (retailer_id, payment.user_id_type.casefold() or members.OUR_ID, payment.user_id)
            if key not in known:
                known[key] = _member(*key, now)
            if (member := known[key]) is not None:
                found[member.pk] = member
                amounts[member.pk] += payment.amount
        job.payers = [(member, amounts[pk]) for pk, member in found.items()]


def _by_uuid(jobs: Sequence[Job]) -> dict[tuple[int, str, str], Member | None]:
    """Return the members that sales name by our own ids, in one query; others are looked up one by one."""
    wanted = {
        uuid: (job.row.transaction.retailer_id, members.OUR_ID, payment.user_id)
        for job in jobs
        if job.sale is not None and job.superseded_by is None
        for payment in job.sale.payments
        if payment.user_id_type.casefold() in ("", members.OUR_ID)
        and (uuid := members.as_uuid(payment.user_id)) is not None
    }
    found: dict[tuple[int, str, str], Member | None] = {}
    rows = Member.objects.filter(uuid__in=wanted) if wanted else Member.objects.none()
    for member in rows.only("uuid", "sor_id", "retailer_id", "customer_id"):
        key = wanted[member.uuid]
        if key[0] == member.retailer_id:
            found[key] = member
    return found


def _member(retailer_id: int, kind: str, user_id: str, now: datetime) -> Member | None:
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
