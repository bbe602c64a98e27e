"""Conditions of a rule: the table of metrics and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.earning import lines
from loyalty.earning.facts import MemberFacts, PointsChanged, RuleFacts, Sale, Trigger
from offers.lib import money

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NUMBERS = ("subtotal", "eligible_spend", "quantity", "purchase_number", "balance", "earned_points")
AMOUNTS = ("subtotal", "eligible_spend")  # written in major units
SETS = ("item", "category", "brand", "tag", "channel", "store", "weekday", "promo_code", "tender", "user_tag", "level")
COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
SET_OPERATORS = ("in", "not_in", "all")


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule is asked about: the trigger, the sale behind it if any, and the lines the rule may look at."""

    rule: RuleFacts
    trigger: Trigger
    member: MemberFacts
    now: datetime
    sale: Sale | None
    lines: Sequence[lines.NetLine]


def crossings(condition: Mapping[str, Any], before: int, after: int) -> int:
    """How often going from `before` to `after` crosses the threshold; the threshold itself is beyond it."""
    return reached(condition, after) - reached(condition, before)


def reached(condition: Mapping[str, Any], points: int) -> int:
    """How many thresholds stand at or below so many points: the value, and every `repeat_every` above it."""
    value, every = int(condition["value"]), condition.get("repeat_every")
    if points < value:
        return 0
    return 1 + (points - value) // int(every) if every else 1


def threshold(rule: RuleFacts) -> Mapping[str, Any] | None:
    """Return the condition of a rule that asks for a crossing, if it has one."""
    return next((one for one in rule.definition.get("conditions") or [] if one.get("op") == "crosses"), None)


def holds(condition: Mapping[str, Any], case: Case) -> bool:
    """Whether one condition is met. What the case knows nothing of (a sale, an account) never is."""
    metric, op = condition["metric"], condition.get("op", "")
    if op == "crosses":
        trigger = case.trigger
        return (
            isinstance(trigger, PointsChanged)
            and same_account(condition, trigger)
            and crossings(condition, trigger.before, trigger.after) > 0
        )
    if metric in NUMBERS:
        actual = _number(condition, case)
        return actual is not None and COMPARE[op](actual, _expected(condition, case))
    if metric == "pairing":
        found = _values("item", case)
        return all(str(value).casefold() in found for value in condition["value"])
    if metric == "time":
        return case.sale is not None and _in_hours(condition["value"], _local(case))
    if metric == "event":
        return getattr(case.trigger, "event", None) in condition["value"]
    return _in_set(op, _values(metric, case), condition["value"])


def same_account(condition: Mapping[str, Any], trigger: PointsChanged) -> bool:
    return str(condition.get("account") or "") in ("", trigger.account)


def _number(condition: Mapping[str, Any], case: Case) -> Decimal | None:
    match condition["metric"]:
        case "subtotal":
            return None if case.sale is None else Decimal(case.sale.subtotal)
        case "eligible_spend":
            return None if case.sale is None else Decimal(lines.spend(case.lines))
        case "quantity":
            return None if case.sale is None else lines.quantity(case.lines)
        case "purchase_number":
            return None if case.sale is None else Decimal(case.member.purchases)
        case metric:
            points = case.member.points.get(str(condition.get("account") or ""))
            if points is None:
                return None
            return Decimal(points.balance if metric == "balance" else points.lifetime)


def _expected(condition: Mapping[str, Any], case: Case) -> Decimal:
    value = Decimal(str(condition["value"]))
    if condition["metric"] in AMOUNTS and case.sale is not None:
        return value.scaleb(money.exponent(case.sale.currency))
    return value


def _values(metric: str, case: Case) -> set[str]:
    """The values the case has of a metric, folded."""
    roots = [line.root for line in case.lines]
    sale, member = case.sale, case.member
    found: set[str]
    match metric:
        case "item":
            found = {line.item_id for line in roots}
        case "category":
            found = {line.category for line in roots}
        case "brand":
            found = {line.brand for line in roots}
        case "tag":
            found = {tag for line in roots for tag in line.tags}
        case "channel":
            found = {sale.channel} if sale else set()
        case "store":
            found = {sale.store} if sale else set()
        case "weekday":
            found = {WEEKDAYS[_local(case).weekday()]} if sale else set()
        case "promo_code":
            found = set(sale.promo_codes) if sale else set()
        case "tender":
            found = set(sale.tenders) if sale else set()
        case "user_tag":
            found = set(member.tags)
        case _:
            found = set(member.levels.values())
    return {value.casefold() for value in found if value}


def _in_set(op: str, found: set[str], named: Sequence[Any]) -> bool:
    wanted = {str(value).casefold() for value in named}
    if op == "not_in":
        return not wanted & found
    return wanted <= found if op == "all" else bool(wanted & found)


def _local(case: Case) -> datetime:
    moment = case.sale.closed_at if case.sale else case.now
    return moment.astimezone(ZoneInfo(case.sale.timezone if case.sale else "UTC"))


def _in_hours(span: Sequence[str], local: datetime) -> bool:
    """Half-open; a span that ends at or before its start runs over midnight."""
    start, end = (time.fromisoformat(text) if text != "24:00" else time(0) for text in span)
    at = local.time()
    return start <= at < end if start < end else at >= start or at < end
