"""What requests say about campaigns, as the verbs take it."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from checkout.api.voucherify import bodies
from checkout.api.voucherify.promotions import TierBody
from checkout.api.voucherify.voucher_bodies import RedemptionBody, common, limits, rules
from offers import campaign_terms, campaigns
from offers.models import Campaign, Voucher


class TermsBody(Struct):
    """The `voucher` of a campaign: what each of its codes is."""

    type: str | None = None
    discount: Any = None
    gift: Any = None
    loyalty_card: Any = None
    redemption: RedemptionBody | UnsetType | None = UNSET
    code_config: dict[str, Any] | None = None
    is_referral_code: bool | None = None


class PromotionBody(Struct):
    tiers: Annotated[list[TierBody], Meta(max_length=campaigns.TIERS_LIMIT)] = []


class CampaignBody(Struct):
    name: str | UnsetType | None = UNSET
    description: bodies.LongText | UnsetType | None = UNSET
    campaign_type: str | UnsetType | None = UNSET
    type: str | UnsetType | None = UNSET
    category: bodies.Text | UnsetType | None = UNSET
    category_id: bodies.Text | UnsetType | None = UNSET
    timezone: str | UnsetType | None = UNSET
    budget: Any = UNSET
    discount: Any = UNSET
    gift: Any = UNSET
    loyalty_card: Any = UNSET
    voucher: TermsBody | UnsetType | None = UNSET
    promotion: PromotionBody | UnsetType | None = UNSET
    vouchers_count: Any = UNSET
    start_date: str | UnsetType | None = UNSET
    expiration_date: str | UnsetType | None = UNSET
    validity_timeframe: Any = UNSET
    validity_day_of_week: Any = UNSET
    validity_hours: Any = UNSET
    activity_duration_after_publishing: str | UnsetType | None = UNSET
    active: bool | UnsetType | None = UNSET
    auto_join: bool | UnsetType | None = UNSET
    join_once: bool | UnsetType | None = UNSET
    metadata: bodies.Metadata | UnsetType | None = UNSET
    unset_metadata_fields: list[str] | UnsetType | None = UNSET
    validation_rules: list[bodies.Text] | UnsetType | None = UNSET

    @property
    def terms(self) -> TermsBody:
        return self.voucher if isinstance(self.voucher, TermsBody) else TermsBody()

    def kind(self) -> str:
        """The type of campaign; left out, it follows from what the campaign has."""
        if isinstance(self.campaign_type, str):
            return self.campaign_type
        if isinstance(self.promotion, PromotionBody):
            return Campaign.CampaignType.PROMOTION
        if self.terms.type == Voucher.Type.GIFT:
            return Campaign.CampaignType.GIFT_VOUCHERS
        if self.terms.type == Voucher.Type.LOYALTY:
            return Campaign.CampaignType.LOYALTY_PROGRAM
        return Campaign.CampaignType.DISCOUNT_COUPONS

    def changes(self) -> campaign_terms.Fields:
        """What may be said of a campaign that exists."""
        fields = common(self)
        fields |= bodies.sent(self, "description", "timezone", "budget", "activity_duration_after_publishing")
        named = ("type", "discount", "gift", "loyalty_card", "auto_join", "join_once", "unset_metadata_fields")
        wanted = bodies.sent(self, *named)
        fields |= {name: value for name, value in wanted.items() if value is not None}
        return fields  # type: ignore[return-value]

    def new(self) -> campaign_terms.Fields:
        """Everything a new campaign can be given."""
        terms = self.terms
        fields: dict[str, Any] = {**self.changes(), **limits(terms.redemption)}
        fields |= {
            "voucher_type": terms.type,
            "is_referral_code": bool(terms.is_referral_code),
            "discount": terms.discount,
            "gift": terms.gift,
            "loyalty_card": terms.loyalty_card,
            "code_config": terms.code_config,
            "rules": rules(self.validation_rules),
        }
        return fields  # type: ignore[return-value]

    def tiers(self) -> list[campaigns.NewTier]:
        if not isinstance(self.promotion, PromotionBody):
            return []
        return [campaigns.NewTier(tier.fields(), tier.rule_idents()) for tier in self.promotion.tiers]
