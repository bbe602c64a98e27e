"""Where, when and on which purchases an offer may be used: refuses the first restriction that says no, by its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checkout import offer_pricing
from checkout.item_facts import ItemFacts
from checkout.shops import StoreFacts
from checkout.transaction_shape import Sale
from offers.lib.errors import Refusal
from offers.models import Offer

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class RestrictionFailed(Refusal):
    """The offer cannot be used on this purchase."""

    code = "restriction_failed"

    def __init__(self, restriction: str, message: str) -> None:
        detail = {
            "field": "request_payload.transaction",
            "code": self.code,
            "message": message,
            "restriction": restriction,
        }
        super().__init__(message, details=[detail])


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a restriction may ask of a purchase; `local` is now where the store is, `others` the other discounts."""

    sale: Sale
    facts: Mapping[str, ItemFacts]
    local: datetime
    others: int = 0
    earlier_purchases: bool = False


def check_purchase(offer: Offer, purchase: Purchase) -> None:
    """Refuse (restriction_failed) by the offer's purchase restrictions, in their order."""
    for one in offer.purchase_restrictions:
        message = _fault(one, purchase)
        if message:
            raise RestrictionFailed(one["kind"], message)


def asks_for_history(offer: Offer) -> bool:
    """Whether somebody has to look for earlier purchases before `check_purchase`."""
    return any(one["kind"] == "first_purchase_only" for one in offer.purchase_restrictions)


def check_catalog(offer: Offer, sale: Sale, facts: Mapping[str, ItemFacts]) -> None:
    """Refuse (restriction_failed: catalog) a basket in which every line is one the offer is not for."""
    if not offer.catalog_restrictions or not sale.lines:
        return
    if not offer_pricing.eligible_lines(sale.lines, offer.catalog_restrictions, facts):
        raise RestrictionFailed("catalog", "None of the items is one this offer is for")


def check_location(restrictions: Sequence[Mapping[str, Any]], store: StoreFacts) -> None:
    """Refuse (restriction_failed: location) a store the offer is not for."""
    for one in restrictions:
        named = str(store.uuid) in one["store_ids"] or bool(set(store.tags) & set(one["store_tags"]))
        if named != (one["mode"] == "include"):
            raise RestrictionFailed("location", "The offer is not for this store")


def _fault(one: Mapping[str, Any], purchase: Purchase) -> str:
    """Return what is missing for a purchase restriction, "" for nothing."""
    sale = purchase.sale
    match one["kind"]:
        case "min_subtotal":
            subtotal = sum(line.subtotal for line in sale.lines) if sale.lines else sale.subtotal
            return "" if subtotal >= one["amount"] else "The purchase is too small for this offer"
        case "min_item_count":
            items = sum(line.quantity for line in sale.lines if line.modifies is None)
            return "" if items >= one["count"] else f"The offer needs {one['count']} items"
        case "channel":
            return "" if sale.channel.lower() in one["values"] else "The offer is not for this channel"
        case "weekdays":
            return "" if WEEKDAYS[purchase.local.weekday()] in one["days"] else "The offer is not for this day"
        case "time_window":
            return (
                "" if _within(f"{purchase.local:%H:%M}", one["start"], one["end"]) else "The offer is not for this hour"
            )
        case "first_purchase_only":
            return "The offer is for the first purchase" if purchase.earlier_purchases else ""
        case "max_discounts_on_check":
            return "" if purchase.others < one["count"] else "There are too many discounts on this check"
    return ""


def _within(time: str, start: str, end: str) -> bool:
    """Whether a time of day lies in [start, end); a window whose end is earlier goes over midnight."""
    return start <= time < end if start < end else time >= start or time < end
