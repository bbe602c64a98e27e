"""Tiers: members rise as soon as they qualify, keep a level until its review, and may fall then."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Sum

from loyalty import members, points, points_standing
from loyalty.earning.conditions import COMPARE
from loyalty.models import Member, MemberTier, Purchase, TierLevel, TierSystem
from offers import audit
from offers.evaluation import durations
from offers.lib import money
from offers.lib.actors import SYSTEM, Actor

METRICS = ("lifetime_points", "period_points", "spend")


def held(*, member: Member) -> dict[str, str]:
    """Return the levels a member holds: key of the system -> key of the level; where none was given, the free one."""
    found = {row.system.key: row.level.key for row in _rows(member)}
    for system, levels in _systems(member.retailer_id):
        free = [level for level in levels if not level.entry]
        if system.key not in found and free:
            found[system.key] = free[0].key
    return found


def rise(*, member: Member, now: datetime) -> list[tuple[str, str]]:
    """Lift a member to the highest level reached in every system; return the (system, level) entered.

    The caller has locked the member. A free level held silently is not entered.
    """
    systems = _systems(member.retailer_id)
    rows = {row.system_id: row for row in _rows(member)} if systems else {}
    entered = []
    for system, levels in systems:
        row = rows.get(system.pk)
        rank = row.level.rank if row else max((level.rank for level in levels if not level.entry), default=-1)
        above = [level for level in levels if level.rank > rank and level.entry]
        best = next((level for level in reversed(above) if qualifies(member, level.entry, now)), None)
        if best is not None:
            _enter(member, best, now, row)
            entered.append((system.key, best.key))
    return entered


def move(*, member: Member, level: TierLevel, actor: Actor, now: datetime, reason: str = "") -> bool:
    """Put a member on a level by hand or by a rule; false when already there. Audited. Locks the member."""
    with transaction.atomic():
        members.lock([member.pk])
        row = MemberTier.objects.filter(member=member, system_id=level.system_id).select_related("level").first()
        if row is not None and row.level_id == level.pk:
            return False
        audit.record(
            retailer_id=member.retailer_id,
            actor=actor,
            action="tier.move",
            object_type="member",
            object_id=str(member.uuid),
            before={"level": row.level.key if row else None},
            after={"level": level.key},
            reason=reason,
            now=now,
        )
        _enter(member, level, now, row)
    return True


def review(*, now: datetime, limit: int = 500) -> int:
    """Look at the members whose level is due for review: kept where maintenance is met, else lowered as the system
    says. Return how many were looked at. Bounded, and safe to run twice."""
    due = MemberTier.objects.filter(review_at__lte=now).order_by("review_at").values_list("pk", "member_id")[:limit]
    done = 0
    for pk, member_id in list(due):
        with transaction.atomic():
            member = members.lock([member_id])[member_id]
            row = MemberTier.objects.select_related("level", "system").get(pk=pk)
            if row.review_at is not None and row.review_at <= now:
                _review(member, row, now)
                done += 1
    return done


def level(*, retailer_id: int, named: str) -> TierLevel | None:
    """Return a level by its key, or by "system/level" where several systems have one of that key."""
    system, _, key = named.rpartition("/")
    rows = TierLevel.objects.filter(system__retailer_id=retailer_id, key=key or named)
    return (rows.filter(system__key=system) if system else rows).order_by("pk").first()


def name_levels(*, retailer_id: int, definition: dict[str, Any]) -> list[tuple[str, str]]:
    """Put keys in the place of names and ids of the tier system and levels a rule names; return what is unknown."""
    named = str(definition.get("tier_system") or "")
    systems = list(TierSystem.objects.filter(retailer_id=retailer_id).prefetch_related("levels"))
    if named:
        systems = [
            one for one in systems if named.casefold() in (one.key.casefold(), one.name.casefold(), str(one.uuid))
        ]
        if not systems:
            return [("tier_system", "is no tier system of this retailer")]
        definition["tier_system"] = systems[0].key
    faults = []
    for at, text in enumerate(definition.get("levels") or []):
        keys = [
            level.key
            for one in systems
            for level in one.levels.all()
            if text.casefold() in (level.key.casefold(), level.name.casefold())
        ]
        if keys:
            definition["levels"][at] = keys[0]
        else:
            faults.append((f"levels[{at}]", "is no level of this retailer"))
    return faults


def qualifies(member: Member, condition: Mapping[str, Any] | None, now: datetime) -> bool:
    """Whether a member meets a condition of a level; none is met by everybody."""
    if not condition:
        return True
    return COMPARE[condition.get("op", ">=")](_measure(member, condition, now), Decimal(str(condition["value"])))


def _measure(member: Member, condition: Mapping[str, Any], now: datetime) -> Decimal:
    account_id = None
    if condition.get("account"):
        account_id = points.account(retailer_id=member.retailer_id, named=str(condition["account"])).pk
    months = int(condition.get("period_months") or 12)
    match condition["metric"]:
        case "spend":
            since = _months_before(member, now, months) if condition.get("period_months") else None
            return _spend(member, since)
        case "period_points":
            since = _months_before(member, now, months)
            return Decimal(points_standing.earned_since(member=member, since=since, account_id=account_id))
        case _:
            rows = member.accounts.all() if account_id is None else member.accounts.filter(account_id=account_id)
            return Decimal(sum(row.lifetime for row in rows))


def _spend(member: Member, since: datetime | None) -> Decimal:
    rows = Purchase.objects.filter(member=member, voided=False)
    rows = rows.filter(closed_at__gte=since) if since else rows
    return money.to_major(rows.aggregate(total=Sum("spend"))["total"] or 0, member.retailer.currency)


def _review(member: Member, row: MemberTier, now: datetime) -> None:
    """Keep the level, or give the one the system's way of demotion leads to; a free level has no review."""
    levels = list(row.system.levels.order_by("rank"))
    if row.system.demotion == TierSystem.Demotion.NONE or qualifies(member, row.level.maintenance, now):
        row.review_at = _next_review(member, row.system, row.level, now)
        row.save(update_fields=["review_at"])
        return
    below = [one for one in levels if one.rank < row.level.rank]
    if row.system.demotion == TierSystem.Demotion.TO_QUALIFIED:
        below = [one for one in below if qualifies(member, one.entry, now)] or below[:1]
    target = below[-1] if below else row.level
    audit.record(
        retailer_id=member.retailer_id,
        actor=SYSTEM,
        action="tier.review",
        object_type="member",
        object_id=str(member.uuid),
        before={"level": row.level.key},
        after={"level": target.key},
        now=now,
    )
    _enter(member, target, now, row)


def _enter(member: Member, level: TierLevel, now: datetime, row: MemberTier | None) -> None:
    row = row or MemberTier(member=member, system_id=level.system_id)
    row.level, row.entered_at = level, now
    row.review_at = _next_review(member, level.system, level, now)
    row.save()


def _next_review(member: Member, system: TierSystem, level: TierLevel, now: datetime) -> datetime | None:
    if not level.maintenance or not system.review_months:
        return None
    zone = ZoneInfo(member.retailer.timezone)
    return durations.Duration(months=system.review_months).after(now, zone)


def _months_before(member: Member, now: datetime, months: int) -> datetime:
    return durations.Duration(months=months).after(now, ZoneInfo(member.retailer.timezone), -1)


def _rows(member: Member) -> list[MemberTier]:
    return list(member.tiers.select_related("system", "level"))


def _systems(retailer_id: int) -> list[tuple[TierSystem, list[TierLevel]]]:
    """Every active system of a retailer with its levels, lowest first."""
    systems = TierSystem.objects.filter(retailer_id=retailer_id, active=True).prefetch_related("levels")
    return [(one, sorted(one.levels.all(), key=lambda level: level.rank)) for one in systems]
