"""How members stand in points: balances of every kind, the statement, what was earned since. `points` moves them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, Case, F, OuterRef, Q, Subquery, Sum, Value, When

from loyalty import points
from loyalty.models import Member, MemberAccount, PointAccount, PointLot
from offers.ledger.models import Counter, Entry


@dataclass(frozen=True, slots=True)
class Balance:
    """One account of a member as it stands. Accounts nothing was ever earned on have no row yet: `row` is None."""

    account: PointAccount
    row: MemberAccount | None
    available: int
    lifetime: int


@dataclass(frozen=True, slots=True)
class Line:
    """One movement in a statement; `points` is negative for what went."""

    at: datetime
    account: PointAccount
    kind: str
    points: int
    reference: str
    reason: str


def balances(*, member: Member, now: datetime) -> list[Balance]:
    """Return what the member has of every kind of points of the retailer, the default first. One read.

    What has expired is not available, whether a worker has taken it yet or not.
    """
    mine = MemberAccount.objects.filter(account=OuterRef("pk"), member=member)
    counter = Counter.objects.filter(kind=points.KIND, owner=OuterRef("row_id"), shard=0)
    due = PointLot.objects.filter(member_account=OuterRef("row_id"), left__gt=0, expires_at__lte=now)
    over = Subquery(due.values("member_account").annotate(sum=Sum("left")).values("sum"))
    never = When(expiry=PointAccount.Expiry.NEVER, then=Value(0, output_field=BigIntegerField()))
    kinds = (
        PointAccount.objects.filter(retailer_id=member.retailer_id)
        .annotate(
            row_id=Subquery(mine.values("pk")[:1]),
            row_uuid=Subquery(mine.values("uuid")[:1]),
            row_lifetime=Subquery(mine.values("lifetime")[:1]),
            row_shortfall=Subquery(mine.values("shortfall")[:1]),
        )
        .annotate(available=Subquery(counter.annotate(left=F("granted") - F("taken")).values("left")[:1]))
        .annotate(over=Case(never, default=over, output_field=BigIntegerField()))
        .order_by("-default", "pk")
    )
    return [
        Balance(kind, _row(member, kind), (kind.available or 0) - int(kind.over or 0), kind.row_lifetime or 0)
        for kind in kinds
    ]


def _row(member: Member, kind: Any) -> MemberAccount | None:
    """The member's account out of what `balances` read beside its kind."""
    if kind.row_id is None:
        return None
    return MemberAccount(
        pk=kind.row_id,
        uuid=kind.row_uuid,
        member=member,
        account=kind,
        lifetime=kind.row_lifetime,
        shortfall=kind.row_shortfall,
    )


def opened(*, member: Member, now: datetime) -> list[Balance]:
    """Return the balances of the member, each with a row of its own, whose id the wire shows."""
    found = balances(member=member, now=now)
    if all(one.row for one in found):
        return found
    points.open_accounts(member=member, accounts=[one.account for one in found], now=now)
    return balances(member=member, now=now)


def statement(*, member: Member, limit: int = 100) -> list[Line]:
    """Return the member's last movements, newest first."""
    rows = {row.pk: row.account for row in member.accounts.select_related("account")}
    owners = dict(Counter.objects.filter(kind=points.KIND, owner__in=rows).values_list("pk", "owner"))
    return [
        Line(
            at=entry.created_at,
            account=rows[owners[entry.counter_id]],
            kind=entry.reference.partition(":")[0],
            points=-entry.delta if entry.kind in (Entry.Kind.SETTLE, Entry.Kind.REVERSE) else entry.delta,
            reference=entry.reference.partition(":")[2],
            reason=entry.reason,
        )
        for entry in Entry.objects.filter(counter__in=owners).exclude(kind=Entry.Kind.OPEN).order_by("-id")[:limit]
    ]


def earned_since(*, member: Member, since: datetime, account_id: int | None = None) -> int:
    """Return what was earned, less what was taken back, since a moment."""
    rows = member.accounts.all() if account_id is None else member.accounts.filter(account_id=account_id)
    owned = Counter.objects.filter(kind=points.KIND, owner__in=[row.pk for row in rows]).values_list("pk", flat=True)
    lines = Entry.objects.filter(counter__in=list(owned), created_at__gte=since)
    lines = lines.filter(Q(reference__startswith=f"{points.EARN}:") | Q(reference__startswith=f"{points.REVERSE}:"))
    return max(0, sum(lines.values_list("delta", flat=True)))
