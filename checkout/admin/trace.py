"""Turns a stored verdict trace into a checklist a person can read: what was needed, what was there."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from offers.admin import show
from offers.admin.page import Checklist, Step

NAMES = {
    "found": "The code exists",
    "active": "It is switched on",
    "campaign.active": "Its campaign is switched on",
    "window": "It is within its time window",
    "start_date": "It has started",
    "expiration_date": "It has not expired",
    "validity_day_of_week": "It works on this weekday",
    "validity_hours": "It works at this hour",
    "validity_timeframe": "It is within its recurring time window",
    "quantity": "Uses are left",
    "referrer": "The customer did not issue it himself",
    "order": "The order has what the discount needs",
    "effect": "It changes something",
    "discount": "Money off",
    "gift.credits": "Enough credit is left",
    "reward": "A reward was chosen",
    "reward.points": "Enough points are left",
    "order.amount": "Order amount",
    "order.initial_amount": "Order amount before discounts",
    "customer.segment": "Customer segment",
    "customer.loyalty.tier": "Loyalty tier",
    "customer.metadata": "Customer field",
    "order.metadata": "Order field",
    "redemption.metadata": "Redemption field",
    "redemption.count": "Redemptions of the code",
    "redemption.count.per_customer": "Redemptions by this customer",
    "campaign.redemptions.count": "Redemptions in the campaign",
    "campaign.redemptions.customers_count": "Customers in the campaign",
    "campaign.orders.amount": "Order amounts in the campaign",
    "campaign.orders.amount_discounted": "Discounts given by the campaign",
}
PERIODS = {"daily": "per day", "weekly": "per week", "monthly": "per month"}
MONEY = {"gift.credits", "discount", "order.amount", "order.initial_amount", "order.items.amount"}
MONEY |= {"campaign.orders.amount", "campaign.orders.amount_discounted"}
WORDS = {
    "$is": "is",
    "$is_not": "is not",
    "$has": "has",
    "$more_than": "more than",
    "$more_than_or_equal": "at least",
    "$less_than": "less than",
    "$less_than_or_equal": "at most",
    "$in": "one of",
    "$not_in": "none of",
    "$contains": "contains",
    "$starts_with": "begins with",
    "$ends_with": "ends with",
    "$is_unknown": "is not set",
    "$not": "not",
    "$has_value": "is set",
    "$not_contain": "does not contain",
    "$after": "after",
    "$before": "before",
    "$count": "count",
    "start_time": "from",
    "expiration_time": "to",
    "daily": "",
}

TOO_LATE = 2**62  # what checkout.wants says a count is that somebody else has just filled
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d:\d\d|Z)")


def checklists(trace: Any, currency: str) -> list[Checklist]:
    """Return one checklist per redeemable of a stored trace, whichever of its shapes it has."""
    if isinstance(trace, Mapping):
        trace = trace.get("redeemables") or trace.get("checks") or trace.get("trace") or []
    if not isinstance(trace, list) or not trace:
        return []
    if all(isinstance(part, Mapping) and "checks" in part for part in trace):
        return [_checklist(part, part["checks"], currency) for part in trace]
    return [_checklist({}, trace, currency)]


def _checklist(part: Mapping[str, Any], checks: Iterable[Any], currency: str) -> Checklist:
    known = [check for check in checks if isinstance(check, Mapping)]
    steps = [_step(check, currency) for check in known]
    failed = next((step for step in steps if not step.ok), None)
    full = next((said for check in known if check.get("key") and (said := _full(check))), None)
    name = str(part.get("id") or "")
    status = {"APPLICABLE": "applies", "INAPPLICABLE": "does not apply", "SKIPPED": "was skipped"}
    verdict = status.get(str(part.get("status")), "")
    return Checklist(
        title=f"{name} {verdict}".strip() or "Checks",
        text=f"{full}."
        if full
        else str(part.get("message") or "") or (f"In the way: {failed.name}." if failed else ""),
        steps=steps,
    )


def title_of(name: str) -> str:
    """Return what a check is called: "order.metadata[shop]" is "Order field shop"."""
    name, _, prop = name.partition("[")
    campaign = "" if name in NAMES or not name.startswith("campaign.") else "Campaign: "
    stem, _, last = name.removeprefix("campaign.").rpartition(".") if campaign else name.rpartition(".")
    period = PERIODS.get(last, "")
    known = NAMES.get(stem if period else name.removeprefix("campaign.") if campaign else name)
    said = known or name.replace("_", " ").replace(".", " › ").capitalize()
    return " ".join(filter(None, [campaign.strip(), said, period, prop.rstrip("]")]))


def _full(check: Mapping[str, Any]) -> str | None:
    """Say what it means when a check failed because a count has reached its limit."""
    name, hint = str(check.get("name", "")), check.get("hint")
    change = hint.get(name) if isinstance(hint, Mapping) else None
    over = not check.get("ok") and isinstance(change, Mapping) and "excess" in change
    return show.full(name) if over else None


def _step(check: Mapping[str, Any], currency: str) -> Step:
    name = str(check.get("name", ""))
    full, counted = _full(check), check.get("actual")
    if full and isinstance(counted, int):
        # The engine counts this use too; one that came too late sees a count as full as any bound.
        money = currency if name in MONEY else ""
        sofar = _said(counted, money) if money else f"{show.count(counted - 1)} so far"
        actual = "all taken meanwhile" if counted >= TOO_LATE else sofar
        return Step(ok=False, name=full, needed=_said(check.get("needed"), money), actual=actual)
    money = currency if name.removeprefix("campaign.") in MONEY or name in MONEY else ""
    if name.removeprefix("campaign.").startswith("validity_day_of_week"):
        needed, actual = _days(check.get("needed")), _days(check.get("actual"))
    elif name == "quantity":
        needed, actual = "1", show.count(check.get("actual"))
    elif name.removeprefix("campaign.") == "window":
        needed, actual = _between(check.get("needed")), _said(check.get("actual"), "")
    else:
        needed, actual = _said(check.get("needed"), money), _said(check.get("actual"), money)
    return Step(
        ok=bool(check.get("ok")),
        name=title_of(name),
        needed=needed,
        actual=actual,
        hint=_hint(check.get("hint"), money),
    )


def _days(value: Any) -> str:
    days = value if isinstance(value, list) else [value]
    return ", ".join(show.WEEKDAYS[day] for day in days if isinstance(day, int) and 0 <= day < 7)


def _between(value: Any) -> str:
    start, end = value if isinstance(value, list) and len(value) == 2 else (None, None)
    said = [f"from {_said(start, '')}" if start else "", f"until {_said(end, '')}" if end else ""]
    return " ".join(filter(None, said)) or "any time"


def _said(value: Any, currency: str) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "; ".join(f"{WORDS.get(key, show.plain(key))} {_said(part, currency)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(_said(part, currency) for part in value) or "nothing"
    if currency and isinstance(value, int) and not isinstance(value, bool):
        return show.amount(value, currency)
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return show.moment(datetime.fromisoformat(value))
    return show.plain(value)


def _hint(hint: Any, currency: str) -> str:
    if not isinstance(hint, Mapping):
        return ""
    said = []
    for change in hint.values():
        if isinstance(change, Mapping):
            missing, excess = change.get("missing"), change.get("excess")
            said += [f"{_said(missing, currency)} more would do"] if missing is not None else []
            said += [f"{_said(excess, currency)} less would do"] if excess is not None else []
    return "; ".join(said)
