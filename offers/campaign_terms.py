"""What a campaign says of itself and of its codes: checked when it is made, and when it is changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from offers import categories, codes, vouchers, windows, worth
from offers.lib import metadata
from offers.lib.errors import InvalidPayload, Refusal
from offers.models import Campaign
from offers.vouchers import InvalidCampaign

MOST_VOUCHERS = 10_000_000
NAME_LIMIT = 200
LATER = {"REFERRAL_PROGRAM": "Referral programs"}
PLAIN = ("description", "active", "auto_join", "join_once", "hot")
MONEY = ("discount", "gift_amount", "redemption_limit", "customer_limit", "budget", "active", "hot")

Kind, Type = Campaign.CampaignType, Campaign.Type


class InvalidCampaignParams(Refusal):
    """The campaign cannot be asked for this."""

    code = "invalid_campaign_params"


class Fields(TypedDict, total=False):
    """What a caller may set. A key left out means the default or, in a change, as it is; None clears."""

    name: str
    description: str | None
    type: str
    category: str | None
    timezone: str | None
    discount: Mapping[str, Any] | None
    gift: Mapping[str, Any] | None
    loyalty_card: Mapping[str, Any] | None
    redemption_limit: int | None
    customer_limit: int | None
    budget: int | None
    hot: bool
    code_config: Mapping[str, Any] | None
    start_date: datetime | None
    expiration_date: datetime | None
    validity_timeframe: Mapping[str, Any] | None
    validity_day_of_week: list[int] | None
    validity_hours: Mapping[str, Any] | None
    activity_duration_after_publishing: str | None
    active: bool
    auto_join: bool
    join_once: bool
    metadata: dict[str, Any] | None
    unset_metadata_fields: list[str]
    rules: list[str]
    voucher_type: str | None
    is_referral_code: bool


def check_kind(campaign_type: str, fields: Fields, count: int) -> None:
    """Refuse a type of campaign that what else is said of it does not go with: `invalid_campaign`, or its `_params`."""
    if campaign_type in LATER:
        raise InvalidCampaign(f"{LATER[campaign_type]} are not available on this server")
    if fields.get("is_referral_code"):
        raise InvalidCampaign(f"{LATER['REFERRAL_PROGRAM']} are not available on this server")
    worth.one_of(campaign_type, Kind.values, ".campaign_type")
    wanted = vouchers.TYPE_OF.get(campaign_type)
    if fields.get("voucher_type") not in {None, wanted}:
        raise InvalidCampaign(f"The vouchers of a {campaign_type} campaign are of type {wanted}")
    if campaign_type == Kind.PROMOTION and count:
        raise InvalidCampaign("A promotion has no codes; it has tiers")
    if campaign_type == Kind.DISCOUNT_COUPONS and fields.get("discount") is None:
        raise InvalidCampaign("A campaign of discount coupons needs 'voucher.discount'")
    if campaign_type == Kind.GIFT_VOUCHERS and fields.get("gift") is None:
        raise InvalidCampaign("A campaign of gift vouchers needs 'voucher.gift'")
    if campaign_type == Kind.LOYALTY_PROGRAM and fields.get("loyalty_card") is None:
        raise InvalidCampaign("A loyalty program needs 'voucher.loyalty_card'")
    if fields.get("type") == Type.STANDALONE and count > 1:
        raise InvalidCampaign("A STANDALONE campaign has one public code")
    check_count(count)


def check_count(count: int) -> None:
    """Refuse `invalid_campaign_params` for a number of codes nobody can want."""
    if not 0 <= count <= MOST_VOUCHERS:
        raise InvalidCampaignParams(f"vouchers_count should be between 0 and {MOST_VOUCHERS}")


def set_terms(campaign: Campaign, fields: Fields) -> None:
    """Give a new campaign what its codes are worth and look like."""
    if campaign.campaign_type == Kind.DISCOUNT_COUPONS:
        campaign.discount = worth.discount(fields.get("discount"), ".voucher.discount")
    elif campaign.campaign_type == Kind.GIFT_VOUCHERS:
        campaign.gift_amount, campaign.gift_effect = worth.gift(fields.get("gift"), ".voucher.gift")
    elif campaign.campaign_type == Kind.LOYALTY_PROGRAM:
        _set_points(campaign, fields.get("loyalty_card"), ".voucher.loyalty_card")
    if campaign.campaign_type != Kind.PROMOTION:
        valuable = campaign.campaign_type in vouchers.CARD_CAMPAIGNS
        campaign.code_config = codes.config(fields.get("code_config"), valuable=valuable).as_dict()


def change_terms(campaign: Campaign, fields: Fields) -> None:
    """Change what codes are worth and look like; the kind of discount stays. Refuses `invalid_campaign`."""
    if fields.get("discount") is not None:
        discount = worth.discount(fields["discount"])
        if campaign.discount is None or campaign.discount["type"] != discount["type"]:
            raise InvalidCampaign("The type of a campaign's discount cannot be changed")
        campaign.discount = discount
    if fields.get("gift") is not None:
        if campaign.campaign_type != Kind.GIFT_VOUCHERS:
            raise InvalidCampaign("Only a campaign of gift vouchers has a gift amount")
        campaign.gift_amount, campaign.gift_effect = worth.gift(fields["gift"])
    if fields.get("loyalty_card") is not None:
        if campaign.campaign_type != Kind.LOYALTY_PROGRAM:
            raise InvalidCampaign("Only a loyalty program has points")
        _set_points(campaign, fields["loyalty_card"], ".loyalty_card")
    if fields.get("code_config") is not None:
        valuable = campaign.campaign_type in vouchers.CARD_CAMPAIGNS
        campaign.code_config = codes.config(
            fields["code_config"], valuable=valuable, base=campaign.code_config
        ).as_dict()


def _set_points(campaign: Campaign, raw: object, path: str) -> None:
    """Take over what is said of points; what is left out stays."""
    points, rate = worth.loyalty_card(raw, path), worth.rate(raw, path)
    if campaign.gift_amount is None or (isinstance(raw, Mapping) and raw.get("points") is not None):
        campaign.gift_amount = points
    if rate is not None:
        campaign.exchange_ratio, campaign.points_ratio = rate


def change_type(campaign: Campaign, wanted: str | None) -> None:
    """Turn a pool into the other sort of pool. Refuses `invalid_campaign` for anything else."""
    if wanted is None or wanted == campaign.type:
        return
    pools = {Type.STATIC, Type.AUTO_UPDATE}
    if campaign.type not in pools or wanted not in pools:
        raise InvalidCampaign("Only STATIC and AUTO_UPDATE can be changed into one another")
    campaign.type = Type(wanted)


def apply(campaign: Campaign, fields: Fields) -> None:
    """Take over limits, windows, metadata and what else is said, checked; what is not said stays."""
    if "name" in fields:
        campaign.name = checked_name(fields["name"])
    for name in PLAIN:
        if name in fields:
            setattr(campaign, name, fields[name])  # type: ignore[literal-required]
    if campaign.campaign_type == Kind.LOYALTY_PROGRAM:
        campaign.join_once = True
    if "redemption_limit" in fields:
        campaign.redemption_limit = vouchers.limit(fields["redemption_limit"], ".voucher.redemption.quantity")
    if "customer_limit" in fields:
        campaign.customer_limit = vouchers.limit(fields["customer_limit"], ".voucher.redemption.per_customer")
    if "budget" in fields:
        campaign.budget = vouchers.limit(fields["budget"], ".budget")
    if "timezone" in fields:
        campaign.timezone = windows.time_zone(fields["timezone"])
    if "activity_duration_after_publishing" in fields:
        campaign.activity_duration_after_publishing = windows.duration(
            fields["activity_duration_after_publishing"], ".activity_duration_after_publishing"
        )
    if "metadata" in fields:
        campaign.metadata = metadata.merged(campaign.metadata, fields["metadata"])
    for key in fields.get("unset_metadata_fields") or []:
        campaign.metadata.pop(key, None)
    if "category" in fields:
        ident = fields["category"]
        campaign.category = categories.get(retailer_id=campaign.retailer_id, ident=ident) if ident else None
    windows.apply(campaign, fields)


def checked_name(text: str) -> str:
    """Return a name that can be one. Refuses `invalid_payload`."""
    if not 1 <= len(text) <= NAME_LIMIT or codes.flaw(text):
        raise InvalidPayload(f"Property .name should be a text of 1 to {NAME_LIMIT} visible characters")
    return text


def money(campaign: Campaign) -> dict[str, Any]:
    """Return what the audit trail keeps of a campaign: all that changes money, limits or dates."""
    found = {name: getattr(campaign, name) for name in MONEY} | {
        name: value.isoformat() if value else None
        for name, value in (("start_date", campaign.start_date), ("expiration_date", campaign.expiration_date))
    }
    if campaign.campaign_type == Kind.LOYALTY_PROGRAM:
        found |= {"exchange_ratio": f"{campaign.exchange_ratio.normalize():f}", "points_ratio": campaign.points_ratio}
    return found
