"""Puts values into words for staff: money, moments, links, coloured labels, discounts. Everything is escaped."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import models
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from offers.lib.money import exponent, to_major
from offers.models import Campaign

NOTHING = "–"
ENDLESS = "unlimited"
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
# What shops read as a key, staff read as a sentence.
REASONS = {
    "quantity_exceeded": "Used up",
    "gift_amount_exceeded": "Not enough credit",
    "loyalty_card_points_exceeded": "Not enough points",
    "missing_reward": "Points asked for no reward",
    "voucher_not_found": "Unknown code",
    "not_found": "Unknown code",
    "voucher_expired": "Expired",
    "voucher_not_active": "Not active yet",
    "voucher_disabled": "Disabled",
    "campaign_inactive": "Campaign switched off",
    "order_rules_violated": "Order does not meet the conditions",
    "customer_rules_violated": "Customer does not meet the conditions",
    "redemption_rules_violated": "Redemption conditions not met",
    "order_missing": "No order sent",
    "customer_missing": "No customer sent",
    "missing_order": "No order sent",
    "missing_customer": "No customer sent",
    "applicable_redeemables_limit_exceeded": "Too many codes at once",
    "redeemables_limit_exceeded": "Too many codes at once",
    "exclusion_rules_not_met": "Cannot be combined",
    "invalid_order": "Order not understood",
    "promotion_tier_inactive": "Promotion switched off",
    "budget_exceeded": "Campaign budget spent",
}


# Counts that conditions bound: what it means that one is full.
FULL = {
    "redemption.count": "Used as often as its conditions allow",
    "redemption.count.per_customer": "The customer has used it as often as allowed",
    "redemption.count.per_user": "The till has used it as often as allowed",
    "redemption.count.per_api_key": "The shop has used it as often as allowed",
    "campaign.redemptions.count": "The campaign was used as often as its conditions allow",
    "campaign.redemptions.customers_count": "The customer has used the campaign as often as allowed",
    "campaign.orders.amount": "The orders of the campaign have reached their limit",
    "campaign.orders.amount_discounted": "Not enough campaign budget left",
}
SPANS = {"daily": " in a day", "weekly": " in a week", "monthly": " in a month"}


def full(count: str) -> str | None:
    """Say what it means that a count of conditions has reached its limit; None where it counts nothing we know."""
    stem, _, last = count.rpartition(".")
    said = FULL.get(stem if last in SPANS else count)
    return f"{said}{SPANS.get(last, '')}" if said else None


def reason(code: str, ran_out: str | None = None) -> str:
    """Return the words for a reason key; those for the count that was full say more."""
    if ran_out and (said := full(ran_out)):
        return said
    return REASONS.get(code) or code.replace("_", " ").capitalize() or NOTHING


def amount(minor: int | None, currency: str, empty: str = NOTHING) -> str:
    """Return minor units as major ones with the currency: 1,234.50 EUR."""
    return empty if minor is None else f"{to_major(minor, currency):,.{exponent(currency)}f} {currency}"


def count(number: int | None, empty: str = ENDLESS) -> str:
    """Return a number with thousands apart; None is unlimited."""
    return empty if number is None else f"{number:,}"


def points(number: int) -> str:
    """Return a number of points in words."""
    return f"{number:,} {'point' if abs(number) == 1 else 'points'}"


def on_card(number: int, currency: str, *, loyalty: bool) -> str:
    """Return what is on a card or goes off it: points of a loyalty card, money of a gift card."""
    return points(number) if loyalty else amount(number, currency)


def share(part: int, whole: int | None) -> int:
    """Return how many percent of the whole a part is, 0 to 100."""
    return min(100, part * 100 // whole) if whole else 0


def zone(name: str) -> ZoneInfo:
    """Return the time zone of this name, UTC when it is not one."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def day(at: datetime | None, timezone: str = "UTC", empty: str = NOTHING) -> str:
    """Return the day of a moment in a zone, with the moment in UTC as its tooltip: for narrow columns."""
    if at is None:
        return empty
    said = f"{at.astimezone(zone(timezone)):%-d %b %Y}"
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S} UTC", said)


def moment(at: datetime | None, timezone: str = "UTC", empty: str = NOTHING) -> str:
    """Return a moment in a zone, with the moment in UTC as its tooltip."""
    if at is None:
        return empty
    local = at.astimezone(zone(timezone))
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        f"{at:%Y-%m-%d %H:%M:%S} UTC",
        f"{local:%-d %b %Y, %H:%M:%S} {local.tzname()}",
    )


def remaining(until: datetime, now: datetime) -> SafeString:
    """Return the time left, which the page counts down."""
    left = max(timedelta(0), until - now)
    return format_html('<time class="ok-mono" data-until="{}">{}</time>', until.isoformat(), duration(left))


def duration(left: timedelta) -> str:
    """Return a length of time in its two largest units."""
    seconds = int(left.total_seconds())
    parts = [
        (seconds // 86_400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{number} {unit}" for number, unit in parts[:2])


def chip(text: str, tone: str = "") -> SafeString:
    """Return a small label; tones: good, bad, warn, info."""
    long = " ok-long" if len(text) > 24 else ""  # may take two lines, so that a list's other columns keep theirs
    return format_html('<span class="ok-chip {}{}">{}</span>', f"ok-{tone}" if tone else "", long, text)


def mono(text: str) -> SafeString:
    """Return a code or id, set in a fixed width so that it can be read out and broken over lines."""
    return format_html('<span class="ok-mono">{}</span>', text)


def secret(text: str) -> SafeString:
    """Return a secret to copy, selected as a whole by one click."""
    return format_html('<code class="ok-mono ok-secret" data-secret>{}</code>', text)


def link(text: object, url: str) -> SafeString:
    """Return a link."""
    return format_html('<a class="ok-link" href="{}">{}</a>', url, text)


def to_page(row: models.Model | None, text: object = None, empty: str = NOTHING) -> str:
    """Return a link to the back-office page of a row."""
    if row is None:
        return empty
    return link(text or row, page_of(type(row), row.pk))


def page_of(model: type[models.Model], key: Any) -> str:
    """Return the address of the back-office page of a row."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[key])


def list_of(model: type[models.Model], **filters: Any) -> str:
    """Return the address of the list of a model, filtered."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{urlencode(filters)}" if filters else url


def bar(percent: int, text: str = "", *, warns: bool = True) -> SafeString:
    """Return a thin bar, filled to a percentage; of something that can run out it warns from 90 on."""
    tone = "" if not warns else "ok-full" if percent >= 100 else "ok-near" if percent >= 90 else ""
    return format_html(
        '<span class="ok-barbox"><progress class="ok-bar {}" max="100" value="{}"></progress>'
        '<span class="ok-note">{}</span></span>',
        tone,
        percent,
        text,
    )


def lines(texts: Iterable[object]) -> str:
    """Return texts below each other."""
    below = format_html_join("", "<div>{}</div>", ((text,) for text in texts))
    return format_html("<div>{}</div>", below) if below else NOTHING


def percent(value: Any) -> str:
    """Return a percentage without needless zeros."""
    return f"{Decimal(str(value)).normalize():f}%"


def discount(value: Mapping[str, Any] | None, currency: str, items_named: Mapping[str, str] | None = None) -> str:
    """Say what a discount takes off; free items by their names where they are known."""
    if not value:
        return NOTHING
    items = value.get("effect") == "APPLY_TO_ITEMS"
    on = "the matching items" if items else "the order"
    match value.get("type"):
        case "PERCENT":
            text = f"{percent(value.get('percent_off') or 0)} off {on}"
            most = value.get("amount_limit")
            return f"{text}, at most {amount(most, currency)}" if most else text
        case "AMOUNT":
            return f"{amount(value.get('amount_off') or 0, currency)} off {on}"
        case "FIXED":
            whole = "Matching items" if items else "Order"
            return f"{whole} for {amount(value.get('fixed_amount') or 0, currency)}"
        case "FREE_SHIPPING":
            return "Free shipping"
        case "UNIT":
            units = value.get("units") or [value]
            called = items_named or {}
            named = [(unit.get("unit_off"), str(unit.get("unit_type"))) for unit in units]
            return ", ".join(f"{number} × {called.get(ident, ident)} free" for number, ident in named)
    return NOTHING


def gift(row: Any, currency: str, items_named: Mapping[str, str] | None = None) -> str:
    """Say what a campaign is worth: what its cards begin with, or its discount."""
    if row.campaign_type == Campaign.CampaignType.LOYALTY_PROGRAM:
        return f"{points(row.gift_amount or 0)} to begin with, {rate(row, currency)}"
    if row.gift_amount is not None:
        return f"{amount(row.gift_amount, currency)} gift credit"
    return discount(row.discount, currency, items_named)


def rate(row: Campaign, currency: str) -> str:
    """Say what the points of a program pay: "10 points pay 0.25 EUR"."""
    worth = row.exchange_ratio
    paid = amount(int(worth), currency) if worth == int(worth) else f"{worth.normalize():f} minor units of {currency}"
    return f"{points(row.points_ratio)} {'pays' if row.points_ratio == 1 else 'pay'} {paid}"


def window(row: Any, timezone: str) -> str:
    """Say when something can be used."""
    said: list[object] = []
    if row.start_date:
        said.append(format_html("From {}", moment(row.start_date, timezone)))
    if row.expiration_date:
        said.append(format_html("Until {}", moment(row.expiration_date, timezone)))
    if row.validity_day_of_week:
        said.append("On " + ", ".join(WEEKDAYS[day] for day in row.validity_day_of_week))
    for hours in (row.validity_hours or {}).get("daily", []):
        days = ", ".join(WEEKDAYS[day][:3] for day in hours.get("days_of_week") or [])
        said.append(f"{hours.get('start_time')} to {hours.get('expiration_time')} {days}".strip())
    if row.validity_timeframe:
        said.append(f"For {row.validity_timeframe.get('duration')} in every {row.validity_timeframe.get('interval')}")
    return lines(said) if said else "Always"


def uuid_of(text: str) -> UUID | None:
    """Return the UUID a person typed, in whatever case, or None."""
    try:
        return UUID(text.strip()) if len(text.strip()) in (32, 36) else None
    except ValueError:
        return None


def plain(value: Any) -> str:
    """Return a JSON value as a person would write it."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(plain(part) for part in value) or NOTHING
    if isinstance(value, Mapping):
        return ", ".join(f"{str(name).replace('_', ' ')}: {plain(part)}" for name, part in value.items()) or NOTHING
    return str(value)
