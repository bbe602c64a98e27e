"""Levels of many members at once: what each holds, and whether one would rise with what a sale adds."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.db import connection

from loyalty import points
from loyalty.earning.conditions import COMPARE
from offers.evaluation import durations
from offers.lib import money

_SYSTEMS = """
SELECT s.id, s.key, l.key, l.rank, l.entry::text
FROM loyalty_tiersystem s LEFT JOIN loyalty_tierlevel l ON l.system_id = s.id
WHERE s.retailer_id = %s AND s.active ORDER BY s.id, l.rank
"""
_HELD = """
SELECT m.member_id, m.system_id, s.key, l.key, l.rank FROM loyalty_membertier m
JOIN loyalty_tiersystem s ON s.id = m.system_id JOIN loyalty_tierlevel l ON l.id = m.level_id
WHERE m.member_id = ANY (%s::bigint[])
"""
_SPENT = """
SELECT member_id, sum(spend)::bigint FROM loyalty_purchase
WHERE member_id = ANY (%s::bigint[]) AND NOT voided AND closed_at >= %s GROUP BY member_id
"""
_EARNED = """
SELECT a.member_id, a.account_id, sum(e.delta)::bigint
FROM loyalty_memberaccount a JOIN ledger_counter c ON c.owner = a.id AND c.kind = %s
JOIN ledger_entry e ON e.counter_id = c.id AND e.created_at >= %s
WHERE a.member_id = ANY (%s::bigint[]) AND (e.reference LIKE 'earn:%%' OR e.reference LIKE 'reverse:%%')
GROUP BY a.member_id, a.account_id
"""
ALWAYS = datetime.min.replace(tzinfo=ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class Gain:
    """What a sale adds to a member's measures: its spend, when it was closed, and points by the key of the account."""

    spend: int
    closed_at: datetime
    points: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Level:
    key: str
    rank: int
    entry: Mapping[str, Any] | None


@dataclass(slots=True)
class _System:
    key: str
    levels: list[_Level]


class Standing:
    """Where the members of one retailer stand in its tiers, kept up with what they earn; the members are locked.

    `accounts`: the key of every kind of points by its id.
    """

    def __init__(
        self,
        *,
        retailer_id: int,
        timezone: str,
        currency: str,
        members: Sequence[int],
        accounts: Mapping[int, str],
        now: datetime,
    ) -> None:
        self._timezone, self._currency, self._now = timezone, currency, now
        self._accounts = accounts
        self._systems: dict[int, _System] = {}
        self._held: dict[int, dict[str, str]] = defaultdict(dict)
        self._ranks: dict[tuple[int, int], int] = {}
        self._retailer_id = retailer_id
        self._named: dict[str, str] = {}
        self._gains: dict[int, list[Gain]] = defaultdict(list)
        self._spent: dict[tuple[datetime, int], int] = {}
        self._earned: dict[tuple[datetime, int, str], int] = {}
        with connection.cursor() as cursor:
            cursor.execute(_SYSTEMS, [retailer_id])
            for pk, key, level, rank, entry in cursor.fetchall():
                system = self._systems.setdefault(pk, _System(key, []))
                if level is not None:
                    system.levels.append(_Level(level, rank, orjson.loads(entry) if entry else None))
            if not self._systems:
                return
            cursor.execute(_HELD, [list(members)])
            for member, pk, key, level, rank in cursor.fetchall():
                self._held[member][key] = level
                self._ranks[member, pk] = rank
            conditions = [level.entry for system in self._systems.values() for level in system.levels if level.entry]
            for since in {self._since(one) for one in conditions if one["metric"] == "spend"}:
                cursor.execute(_SPENT, [list(members), since])
                self._spent |= {(since, member): spend for member, spend in cursor.fetchall()}
            for since in {self._since(one) for one in conditions if one["metric"] == "period_points"}:
                cursor.execute(_EARNED, [points.KIND, since, list(members)])
                found = cursor.fetchall()
                self._earned |= {(since, member, accounts[account]): earned for member, account, earned in found}

    def held(self, member: int) -> dict[str, str]:
        """Return the levels a member holds, as `tiers.held` does."""
        found = dict(self._held.get(member, {}))
        for system in self._systems.values():
            free = [level for level in system.levels if not level.entry]
            if system.key not in found and free:
                found[system.key] = free[0].key
        return found

    def rises(self, member: int, gain: Gain, lifetimes: Mapping[str, int]) -> bool:
        """Whether `tiers.rise` would lift the member after a sale; `lifetimes` are those after it."""
        for pk, system in self._systems.items():
            free = max((level.rank for level in system.levels if not level.entry), default=-1)
            rank = self._ranks.get((member, pk), free)
            for level in system.levels:
                if level.rank > rank and level.entry and self._meets(member, level.entry, gain, lifetimes):
                    return True
        return False

    def add(self, member: int, gain: Gain) -> None:
        """Count a sale that was given."""
        self._gains[member].append(gain)

    def _meets(self, member: int, entry: Mapping[str, Any], gain: Gain, lifetimes: Mapping[str, int]) -> bool:
        measured = self._measure(member, entry, gain, lifetimes)
        return COMPARE[entry.get("op", ">=")](measured, Decimal(str(entry["value"])))

    def _measure(self, member: int, entry: Mapping[str, Any], gain: Gain, lifetimes: Mapping[str, int]) -> Decimal:
        """The same as `tiers.qualifies` measures, with what this batch added."""
        gains = [*self._gains[member], gain]
        named = self._account(str(entry["account"])) if entry.get("account") else ""
        match entry["metric"]:
            case "spend":
                since = self._since(entry)
                added = sum(one.spend for one in gains if one.closed_at >= since)
                return money.to_major(self._spent.get((since, member), 0) + added, self._currency)
            case "period_points":
                since = self._since(entry)
                keys = [named] if named else list(self._accounts.values())
                before = sum(self._earned.get((since, member, key), 0) for key in keys)
                return Decimal(max(0, before + sum(one.points.get(key, 0) for one in gains for key in keys)))
            case _:
                return Decimal(lifetimes.get(named, 0) if named else sum(lifetimes.values()))

    def _account(self, named: str) -> str:
        if named not in self._named:
            self._named[named] = str(points.account(retailer_id=self._retailer_id, named=named).uuid)
        return self._named[named]

    def _since(self, entry: Mapping[str, Any]) -> datetime:
        if entry["metric"] == "spend" and not entry.get("period_months"):
            return ALWAYS
        months = int(entry.get("period_months") or 12)
        return durations.Duration(months=months).after(self._now, ZoneInfo(self._timezone), -1)
