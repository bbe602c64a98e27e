"""The facts that earning is judged by, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleLine:
    """One line of a receipt. `subtotal` in minor units, before discounts and tax; negative for goods brought back.

    A line that `modifies` another belongs to it: it earns where its parent earns.
    """

    line_id: str
    item_id: str
    quantity: Decimal
    subtotal: int
    modifies: str = ""
    category: str = ""
    brand: str = ""
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleDiscount:
    """What one discount took off, in minor units, from the lines it names (none: from all)."""

    amount: int
    line_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A purchase as it stands in one of its revisions.

    `occasion` names the purchase over all revisions ("transaction:<store uuid>:<transaction id>"), `revision` tells
    them apart. `closed_at` is when it was first closed: it picks the versions of rules and the periods of limits.
    `share` is the part of it the member paid, as a fraction.
    """

    occasion: str
    revision: int
    closed_at: datetime
    modified_at: datetime
    store: str
    timezone: str = "UTC"
    currency: str = "USD"
    channel: str = ""
    subtotal: int = 0
    lines: tuple[SaleLine, ...] = ()
    discounts: tuple[SaleDiscount, ...] = ()
    tenders: frozenset[str] = frozenset()
    promo_codes: frozenset[str] = frozenset()
    share: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One member's points of one kind."""

    lifetime: int = 0
    balance: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFacts:
    """What is known of the member. `levels`: key of the tier system -> key of the level.

    `points` by the key of the account; `standing`: how many occurrences of a rule (by id) were given and still stand;
    `purchases`: which purchase of the member this is, from 1.
    """

    tags: frozenset[str] = frozenset()
    levels: Mapping[str, str] = field(default_factory=dict)
    points: Mapping[str, Metric] = field(default_factory=dict)
    purchases: int = 1
    standing: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """One version of a rule; `definition` is a checked one (loyalty.rules). Accounts are named by their key."""

    rule_id: int
    version_id: int
    name: str
    scope: str
    definition: Mapping[str, Any]

    @property
    def trigger(self) -> str:
        return str(self.definition["trigger"])

    @property
    def priority(self) -> int:
        return int(self.definition.get("priority") or 0)


@dataclass(frozen=True, slots=True)
class TransactionClosed:
    """A purchase was closed, or changed afterwards."""

    name = "transaction_closed"


@dataclass(frozen=True, slots=True)
class PointsChanged:
    """Points were earned: the lifetime points of an account went from `before` to `after`."""

    account: str
    before: int
    after: int
    name = "points_changed"


@dataclass(frozen=True, slots=True)
class TierEntered:
    """The member rose to a level."""

    system: str
    level: str
    name = "tier_entered"


@dataclass(frozen=True, slots=True)
class CustomEvent:
    """Another rule, or the shop, says that something happened."""

    event: str
    name = "custom_event"


Trigger = TransactionClosed | PointsChanged | TierEntered | CustomEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One outcome a rule asks for. `outcome` is its place in the rule, `occurrence` tells repetitions apart.

    `kind`: points, offer, purchase (spend `points`, issue `offer`), tag, tier_move, event; `value` is the offer, the
    tag, the level or the event.
    """

    rule: RuleFacts
    outcome: int
    kind: str
    occurrence: int = 0
    account: str = ""
    points: int = 0
    value: str = ""
