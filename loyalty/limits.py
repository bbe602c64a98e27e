"""What limits and budgets of a loyalty rule take from the ledger, once per time the rule fires."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty.earning import TierEntered, Trigger, Wanted
from offers.ledger import holds
from offers.ledger.holds import Want

PER_USER, GLOBAL, OFFERS, POINTS = "loyalty.user", "loyalty.all", "loyalty.offers", "loyalty.points"
FOREVER = {"count": 1, "period": "lifetime"}


def wants(
    *, fired: Sequence[Wanted], trigger: Trigger, customer_id: int, at: datetime, timezone: str, entry: str
) -> list[Want]:
    """Return the claims of one firing: a use of its limits, and of its budgets what it gives away.

    What a level's entrance gives is limited to once for ever unless the rule says otherwise: moving out and in again
    would farm it. Every level counts by itself.
    """
    rule = fired[0].rule
    limits = rule.definition.get("limits") or {}
    per_user = limits.get("per_user")
    scope = ""
    if isinstance(trigger, TierEntered):
        per_user, scope = per_user or FOREVER, f"{trigger.system}/{trigger.level}"
    found = []
    if per_user:
        found.append(
            _want(
                PER_USER,
                rule.rule_id,
                1,
                per_user["count"],
                entry,
                subject=customer_id,
                scope=scope,
                period=period_of(per_user["period"], at, timezone),
            )
        )
    if limits.get("global"):
        limit = limits["global"]
        found.append(
            _want(GLOBAL, rule.rule_id, 1, limit["count"], entry, period=period_of(limit["period"], at, timezone))
        )
    budget = rule.definition.get("budget") or {}
    offers = sum(one.kind in ("offer", "purchase") for one in fired)
    if budget.get("offers") and offers:
        found.append(_want(OFFERS, rule.rule_id, offers, budget["offers"], entry))
    points = sum(one.points for one in fired if one.kind == "points")
    if budget.get("points") and points:
        found.append(_want(POINTS, rule.rule_id, points, budget["points"], entry))
    return found


def period_of(period: str, at: datetime, timezone: str) -> str:
    """Name the calendar period a moment falls in, in the retailer's zone; a lifetime has no name."""
    local = at.astimezone(ZoneInfo(timezone))
    match period:
        case "day":
            return f"{local:%Y-%m-%d}"
        case "week":
            year, week, _ = local.isocalendar()
            return f"{year}-W{week:02d}"
        case "month":
            return f"{local:%Y-%m}"
        case "year":
            return f"{local:%Y}"
        case _:
            return ""


def _want(
    kind: str, rule_id: int, amount: int, granted: int, entry: str, subject: int = 0, scope: str = "", period: str = ""
) -> Want:
    """A changed limit holds from the next firing on (`fixed`). Large limits are spread over several rows."""
    return Want(
        kind=kind,
        owner=rule_id,
        subject=subject,
        scope=scope,
        period=period,
        amount=amount,
        granted=granted,
        fixed=True,
        shards=1 if subject else holds.shards_for(granted, hot=False),
        entry=entry,
    )
