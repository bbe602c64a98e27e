"""What a code is worth and how it stands, in staff's words."""

from typing import Any

from offers.admin import show
from offers.admin.office import now
from offers.models import Voucher


def worth(voucher: Voucher) -> Any:
    """Return a code's discount, its campaign's where it has none of its own."""
    return voucher.discount or (voucher.campaign.discount if voucher.campaign else None)


def worth_words(voucher: Voucher) -> str:
    currency = voucher.retailer.currency
    if voucher.type == Voucher.Type.GIFT:
        return f"{show.amount(voucher.gift_amount, currency)} gift card"
    if voucher.type == Voucher.Type.LOYALTY:
        rate = f", {show.rate(voucher.campaign, currency)}" if voucher.campaign else ""
        return f"Loyalty card{rate}"
    return show.discount(worth(voucher), currency)


def state_chip(voucher: Voucher) -> str:
    if voucher.deleted_at:
        return show.chip("Deleted")
    if not voucher.active:
        return show.chip("Off", "bad")
    if voucher.campaign and not voucher.campaign.active:
        return show.chip("Campaign off", "bad")
    if voucher.expiration_date and voucher.expiration_date <= now():
        return show.chip("Expired")
    if voucher.start_date and voucher.start_date > now():
        return show.chip("Planned", "info")
    return show.chip("On", "good")
