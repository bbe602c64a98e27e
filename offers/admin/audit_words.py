"""Puts the values of audit rows into words: money with its currency, discounts, limits, moments in a zone."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from offers.admin import show
from offers.models import AuditEntry, Retailer

MONEY = {"budget", "gift_amount", "price", "cart_total_min"}
LIMITS = {"redemption_limit", "customer_limit"}
NAMES = {
    "redemption_limit": "Redemption limit",
    "customer_limit": "Limit per customer",
    "gift_amount": "Credit",
    "hierarchy": "Place",
    "active": "Switched on",
    "hot": "Very popular",
    "start_date": "Starts",
    "expiration_date": "Ends",
    "validity_day_of_week": "Only on",
    "validity_hours": "Hours",
    "validity_timeframe": "Time frame",
    "category_id": "Category",
}
# What these say when there is none.
NONE = {"budget": "no cap", "start_date": "at once", "expiration_date": "never", **dict.fromkeys(LIMITS, show.ENDLESS)}


def changes(row: AuditEntry, retailer: Retailer | None) -> Iterator[tuple[str, str, str]]:
    """Yield (field, before, after) of what a row says has changed."""
    before, after = row.before or {}, row.after or {}
    points = row.object_type in {"campaign", "voucher"} and "points_ratio" in (before.keys() | after.keys())
    for name in dict.fromkeys([*before, *after]):
        known = NAMES.get(name, name.replace("_", " ").capitalize())
        was = value(name, before[name], retailer, points=points) if name in before else show.NOTHING
        is_ = value(name, after[name], retailer, points=points) if name in after else show.NOTHING
        yield known, was, is_


def value(name: str, said: Any, retailer: Retailer | None, *, points: bool = False) -> str:
    """Return one stored value as staff would say it."""
    if said is None:
        return NONE.get(name, show.NOTHING)
    currency, zone = (retailer.currency, retailer.timezone) if retailer else ("", "UTC")
    if currency and name in MONEY and isinstance(said, int):
        return show.points(said) if points and name == "gift_amount" else show.amount(said, currency)
    if currency and name == "discount" and isinstance(said, dict) and said.get("type"):
        return show.discount(said, currency)
    if name in LIMITS and isinstance(said, int):
        return show.count(said)
    if name == "validity_day_of_week" and isinstance(said, list):
        return ", ".join(show.WEEKDAYS[day] for day in said)
    if name.endswith(("_date", "_at")) and isinstance(said, str) and (at := _moment(said)):
        return show.moment(at, zone)
    return show.plain(said)


def _moment(said: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    return at if at.tzinfo else None
