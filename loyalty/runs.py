"""Runs: one piece of rewarding of one locked member, what it has read, and what it has done so far."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from loyalty import award_standing, points, points_standing
from loyalty.earning import Metric, RuleFacts, Sale, Trigger
from loyalty.models import Award, Member, PointAccount
from offers.lib.actors import Actor


@dataclass(slots=True)
class Result:
    """What rewarding did: points by account id, offers issued and revoked, levels entered, notes, and why."""

    points: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    offers: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    levels: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: str = ""
    trace: list[dict[str, Any]] = field(default_factory=list)

    def add_points(self, account: PointAccount, amount: int) -> None:
        key = str(account.uuid)
        self.points[key] = self.points.get(key, 0) + amount
        self.names[key] = account.name


@dataclass(slots=True)
class Run:
    """One piece of rewarding: the member is locked until its transaction ends. `at` dates limits and rules."""

    retailer_id: int
    member: Member
    occasion: str
    now: datetime
    at: datetime
    actor: Actor
    sale: Sale | None
    rules: list[RuleFacts] = field(default_factory=list)
    result: Result = field(default_factory=Result)
    accounts: dict[str, PointAccount] = field(default_factory=dict)
    known: dict[str, Metric] = field(default_factory=dict)
    fired: Counter[str] | None = None
    triggers: list[Trigger] = field(default_factory=list)

    @property
    def timezone(self) -> str:
        return self.member.retailer.timezone

    def metrics(self) -> dict[str, Metric]:
        """Return the member's points by the id of the account; read once, then kept up (`moved`): we own the member."""
        if not self.known:
            for one in points_standing.balances(member=self.member, now=self.now):
                self.accounts[str(one.account.uuid)] = one.account
                self.known[str(one.account.uuid)] = Metric(lifetime=one.lifetime, balance=one.available)
        return dict(self.known)

    def moved(self, moved: points.Moved) -> None:
        if self.known:
            self.known[str(moved.account.uuid)] = Metric(lifetime=moved.lifetime, balance=moved.balance)

    def times(self, base: str) -> int:
        """Count the firings of this occasion so far that are named after `base`, and one more from now on."""
        if self.fired is None:
            self.originals()
        assert self.fired is not None
        self.fired[base] += 1
        return self.fired[base] - 1

    def originals(self) -> list[Award]:
        """Return what was given for this occasion, with corrections; one read where nothing was given yet."""
        rows = list(
            award_standing.originals(self.member)
            .filter(occasion=self.occasion)
            .prefetch_related("reversals")
            .order_by("pk")
        )
        self.fired = Counter(base for base, _ in {(row.detail["base"], row.detail["firing"]) for row in rows})
        return rows

    def asks_for_levels(self) -> bool:
        return any(
            rule.definition.get("levels")
            or (rule.definition.get("audience") or {}).get("levels")
            or any(one.get("metric") == "level" for one in rule.definition.get("conditions") or [])
            for rule in self.rules
        )

    def take_triggers(self) -> list[Trigger]:
        taken, self.triggers = self.triggers, []
        return taken
