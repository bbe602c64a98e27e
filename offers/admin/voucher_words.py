"""What a code is worth and how it stands, in staff's words."""

from typing import Any

from offers import voucher_figures
from offers.admin import show, units
from offers.admin.office import now
from offers.models import Voucher


def worth(voucher: Voucher) -> Any:
    """Return a code's discount, its campaign's where it has none of its own."""
    return voucher.discount or (voucher.campaign.discount if voucher.campaign else None)


def worth_words(voucher: Voucher, known: units.Names | None = None) -> str:
    currency = voucher.retailer.currency
    if voucher.type == Voucher.Type.GIFT:
        return f"{show.amount(voucher.gift_amount, currency)} gift card"
    if voucher.type == Voucher.Type.LOYALTY:
        rate = f", {show.rate(voucher.campaign, currency)}" if voucher.campaign else ""
        return f"Loyalty card{rate}"
    discount = worth(voucher)
    return show.discount(discount, currency, units.of(voucher.retailer_id, discount, known))


def state_chip(voucher: Voucher, figures: voucher_figures.Figures) -> str:
    """Say whether a code can be used at this moment; its campaign has a say, and so has what is left of it."""
    if voucher.deleted_at:
        return show.chip("Deleted")
    if not voucher.active:
        return show.chip("Off", "bad")
    campaign = voucher.campaign
    if campaign and campaign.archived_at:
        return show.chip("Campaign archived")
    if campaign and not campaign.active:
        return show.chip("Campaign off", "bad")
    if voucher.expiration_date and voucher.expiration_date <= now():
        return show.chip("Expired")
    if campaign and campaign.expiration_date and campaign.expiration_date <= now():
        return show.chip("Campaign ended")
    if voucher.redemption_limit is not None and figures.redeemed >= voucher.redemption_limit:
        return show.chip("Used up")
    if voucher.type == Voucher.Type.GIFT and figures.balance <= 0:
        return show.chip("Empty")
    starts = [one.start_date for one in (voucher, campaign) if one and one.start_date]
    if starts and max(starts) > now():
        return show.chip("Planned", "info")
    return show.chip("On", "good")
