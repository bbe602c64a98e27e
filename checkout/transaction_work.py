"""What a stored transaction leads to: whose it is, offers redeemed or given back, points and offers earned."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from checkout import item_facts, transaction_offers, transaction_rewards, transaction_shape
from checkout.transaction_rows import Row
from checkout.transaction_shape import Sale
from loyalty import members
from loyalty.members import Person
from loyalty.models import Member
from offers import retailer_settings
from offers.lib import idents
from offers.lib.errors import Refusal

_TRY_HEADS = """
SELECT id FROM unnest(%s::bigint[]) AS id WHERE pg_try_advisory_xact_lock(hashtextextended('transaction:' || id, 0))
"""
# Per transaction: the newest version that counts, whether one had its effects, and whether a lock on an offer names it.
_STANDING = """
SELECT t.id, n.id, n.number,
       EXISTS (SELECT FROM checkout_revision r WHERE r.transaction_id = t.id AND r.state = 'processed'),
       EXISTS (SELECT FROM checkout_offerlock l WHERE l.store_id = t.store AND l.transaction_id = t.name)
FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS t(id, store, name) LEFT JOIN LATERAL (
    SELECT r.id, r.number FROM checkout_revision r
    WHERE r.transaction_id = t.id AND r.is_closed AND r.state <> 'stale' AND r.result -> 'discarded' IS NULL
    ORDER BY r.modified_at DESC, r.number DESC LIMIT 1) n ON true
"""


@dataclass(slots=True)
class Job:
    """One revision with what is read for a whole batch at once. `problem`: why it cannot even be read."""

    row: Row
    sale: Sale | None = None
    problem: Exception | None = None
    superseded_by: int | None = None
    changed: bool = False  # an earlier revision had its effects
    locked: bool = False  # a lock on an offer names this sale
    earlier: list[Member] = field(default_factory=list)
    payers: list[tuple[Person, int]] = field(default_factory=list)
    unnamed: int = 0  # what was paid by nobody we know
    items: Mapping[str, item_facts.ItemFacts] = field(default_factory=dict)

    @property
    def zone(self) -> str:
        head = self.row.transaction
        return head.store.timezone or head.retailer.timezone

    @property
    def settings(self) -> retailer_settings.Settings:
        return self.row.transaction.retailer.settings


def own(rows: Sequence[Row]) -> set[int]:
    """Return those of the rows' transactions that are ours until this database transaction ends; waits for none."""
    with connection.cursor() as cursor:
        cursor.execute(_TRY_HEADS, [sorted({row.transaction_id for row in rows})])
        return {pk for (pk,) in cursor.fetchall()}


def prepare(rows: Sequence[Row], *, now: datetime) -> list[Job]:
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
    concerned = {member.pk for job in jobs for member in job.earlier}
    members.own(concerned | {person.pk for job in jobs for person, _ in job.payers})
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
        unnamed=job.unnamed,
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
        "users": [person.user_id for person, _ in job.payers],
        "warnings": [*job.sale.warnings, *offers.warnings],
    }


def _place(jobs: Sequence[Job]) -> None:
    heads = {job.row.transaction_id: job.row.transaction for job in jobs}
    with connection.cursor() as cursor:
        places = [head.store_id for head in heads.values()], [head.transaction_id for head in heads.values()]
        cursor.execute(_STANDING, [list(heads), *places])
        standing = {pk: rest for pk, *rest in cursor.fetchall()}
    for job in jobs:
        pk, number, job.changed, job.locked = standing[job.row.transaction_id]
        job.superseded_by = None if pk in (None, job.row.pk) else number
        if job.changed and job.superseded_by is None:
            job.earlier = transaction_rewards.earlier_payers(job.row.transaction)


def _read(job: Job) -> None:
    currency = job.row.transaction.retailer.currency
    job.sale = transaction_shape.read(job.row.payload, zone=ZoneInfo(job.zone), currency=currency)


def _name_payers(jobs: Sequence[Job], now: datetime) -> None:
    """Find out who paid how much of each sale; who is not known is no error, and what he paid is nobody's."""
    known = _by_uuid(jobs)
    for job in jobs:
        if job.sale is None or job.superseded_by is not None:
            continue
        amounts: dict[int, int] = defaultdict(int)
        found: dict[int, Person] = {}
        retailer_id = job.row.transaction.retailer_id
        for payment in job.sale.payments:
            member = None
            if payment.user_id:
                key = (retailer_id, payment.user_id_type.casefold() or members.OUR_ID, payment.user_id)
                if key not in known:
                    known[key] = _member(*key, now)
                member = known[key]
            if member is None:
                job.unnamed += payment.amount
                continue
            found[member.pk] = member
            amounts[member.pk] += payment.amount
        job.payers = [(member, amounts[pk]) for pk, member in found.items()]


def _by_uuid(jobs: Sequence[Job]) -> dict[tuple[int, str, str], Person | None]:
    """Return the members that sales name by our own ids, in one query; others are looked up one by one."""
    wanted = {
        uuid: (job.row.transaction.retailer_id, members.OUR_ID, payment.user_id)
        for job in jobs
        if job.sale is not None and job.superseded_by is None
        for payment in job.sale.payments
        if payment.user_id_type.casefold() in ("", members.OUR_ID)
        and (uuid := idents.as_uuid(payment.user_id)) is not None
    }
    found: dict[tuple[int, str, str], Person | None] = {}
    for uuid, retailer_id, person in members.known(wanted) if wanted else ():
        key = wanted[uuid]
        if key[0] == retailer_id:
            found[key] = person
    return found


def _member(retailer_id: int, kind: str, user_id: str, now: datetime) -> Person | None:
    try:
        found = members.translate(retailer_id=retailer_id, external_id=user_id, external_id_type=kind, now=now)
    except Refusal:
        return None
    return Person(found.pk, members.shown_id(found))


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
