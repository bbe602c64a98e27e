"""What the plain sales of one retailer ask for, read at once for all members of a batch and kept up sale by sale."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db import connection

from loyalty import members, points, rules
from loyalty.earning import MemberFacts, Metric, RuleFacts, Sale, seen
from loyalty.members import Person
from loyalty.models import PointAccount
from loyalty.runs import Result
from loyalty.tier_standing import Gain, Standing

# With arrays the statements stay the same for batches of every size, and prepared.
_GIVEN = """
SELECT occasion, member_id FROM loyalty_award
WHERE occasion = ANY (%(occasions)s::text[]) AND member_id = ANY (%(members)s::bigint[])
UNION
SELECT occasion, member_id FROM loyalty_purchase
WHERE occasion = ANY (%(occasions)s::text[]) AND member_id = ANY (%(members)s::bigint[])
"""
_PURSES = """
SELECT a.member_id, a.account_id, a.id, c.id, a.lifetime, c.granted - c.taken /* due */
FROM loyalty_memberaccount a CROSS JOIN LATERAL (
    SELECT k.id, k.granted, k.taken FROM ledger_counter k
    WHERE k.owner = a.id AND k.kind = %s AND k.subject = 0 AND k.scope = '' AND k.period = '' AND k.shard = 0
    OFFSET 0) c
WHERE a.member_id = ANY (%s::bigint[]) AND c.granted IS NOT NULL
"""
_DUE = """- coalesce((
    SELECT sum(l."left")::bigint FROM loyalty_pointlot l
    WHERE l.member_account_id = a.id AND l."left" > 0 AND l.expires_at <= %s), 0)"""
_BOUGHT = """
SELECT x.member, x.at, (SELECT count(*) FROM loyalty_purchase p
                        WHERE p.member_id = x.member AND NOT p.voided AND p.closed_at <= x.at)
FROM unnest(%s::bigint[], %s::timestamptz[]) AS x(member, at)
"""
_ACCOUNTS = "SELECT * FROM loyalty_pointaccount WHERE retailer_id = %s"


@dataclass(slots=True)
class Earned:
    """One sale of one member, and what came of it; no result: it has to go the long way.

    `behind`: one before it goes the long way, so that it must not take what all members share.
    """

    member: Person
    sale: Sale
    behind: bool = False
    result: Result | None = None


@dataclass(slots=True)
class Purse:
    """One member's account of one kind as it stands after what was given so far; `row` is 0 until it is opened."""

    row: int = 0
    counter: int = 0
    lifetime: int = 0
    balance: int = 0


class Facts:
    """The rules, the members and their accounts, levels and purchases. Locks the members."""

    def __init__(self, *, retailer_id: int, timezone: str, sales: Sequence[Earned], now: datetime) -> None:
        self.retailer_id, self.timezone, self.now = retailer_id, timezone, now
        self._sales = sales
        self._owners = list({one.member.pk for one in sales})
        self.members = members.own(self._owners)
        self.accounts = {str(one.uuid): one for one in PointAccount.objects.raw(_ACCOUNTS, [retailer_id])}
        self.rules = rules.in_force_then(retailer_id=retailer_id, moments={one.sale.closed_at for one in sales})
        self.asked = {at: seen.asked(in_force) for at, in_force in self.rules.items()}
        with connection.cursor() as cursor:
            cursor.execute(_GIVEN, {"occasions": [one.sale.occasion for one in sales], "members": self._owners})
            self.given = set(cursor.fetchall())
        expiring = any(one.expiry != PointAccount.Expiry.NEVER for one in self.accounts.values())
        self.purses = _purses(self._owners, now if expiring else None)
        self.tiers = Standing(
            retailer_id=retailer_id,
            timezone=timezone,
            currency=sales[0].sale.currency,
            members=self._owners,
            accounts={one.pk: key for key, one in self.accounts.items()},
            now=now,
        )
        self._closed: dict[int, list[datetime]] = {}

    def metrics(self, member: int) -> dict[str, Metric]:
        """Return the member's points by the id of the account, as `Run.metrics` does."""
        found = {}
        for key, account in self.accounts.items():
            purse = self.purses.get((member, account.pk))
            found[key] = Metric(lifetime=purse.lifetime, balance=purse.balance) if purse else Metric()
        return found

    def of(self, one: Earned, in_force: Sequence[RuleFacts], points_now: Mapping[str, Metric]) -> MemberFacts:
        """Return what rules may ask about the member of a sale."""
        asks = {name for rule in in_force for name in _asked(rule)}
        return MemberFacts(
            tags=self.members[one.member.pk][1],
            levels=self.tiers.held(one.member.pk) if "level" in asks else {},
            points=points_now,
            purchases=self._number(one) if "purchase_number" in asks else 1,
        )

    def note(self, one: Earned, gain: Gain) -> None:
        """Count a sale that was given."""
        self._closed.setdefault(one.member.pk, []).append(one.sale.closed_at)
        self.tiers.add(one.member.pk, gain)

    def _number(self, one: Earned) -> int:
        """Which purchase of the member this is: of what was given before in this batch each counts too."""
        at = one.sale.closed_at
        return 1 + self._bought[one.member.pk, at] + sum(other <= at for other in self._closed.get(one.member.pk, ()))

    @cached_property
    def _bought(self) -> dict[tuple[int, datetime], int]:
        pairs = {(one.member.pk, one.sale.closed_at) for one in self._sales}
        with connection.cursor() as cursor:
            cursor.execute(_BOUGHT, [[member for member, _ in pairs], [at for _, at in pairs]])
            return {(member, at): count for member, at, count in cursor.fetchall()}


def _asked(rule: RuleFacts) -> Iterable[str]:
    definition = rule.definition
    if definition.get("levels") or (definition.get("audience") or {}).get("levels"):
        yield "level"
    for one in definition.get("conditions") or []:
        yield str(one.get("metric"))


def _purses(owners: Sequence[int], now: datetime | None) -> dict[tuple[int, int], Purse]:
    """Return the opened accounts of the members, by member and kind, less what has expired by `now`. One read."""
    with connection.cursor() as cursor:
        cursor.execute(
            _PURSES.replace("/* due */", _DUE if now else ""),
            [*([now] if now else []), points.KIND, list(owners)],
        )
        return {(member, account): Purse(*numbers) for member, account, *numbers in cursor.fetchall()}
