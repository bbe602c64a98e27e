"""The one form of a campaign: what it is worth, how often, how much in all, when, which codes, on which conditions."""

from typing import Any

from django import forms

from offers import campaign_terms, codes, vouchers, worth
from offers.admin import discounts, fields, owned, units, why, windowed
from offers.admin.office import OfficeForm
from offers.lib.errors import Refusal
from offers.models import Campaign, Category, Retailer, ValidationRule

Kind, Type = Campaign.CampaignType, Campaign.Type
POOL, ONE, LATER = "pool", "one", "later"
TYPES = {POOL: Type.STATIC, ONE: Type.STANDALONE, LATER: Type.AUTO_UPDATE}
CHARSETS = {
    "easy": ("Easy to read: capitals and digits without 0, O, 1, I", "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"),
    "digits": ("Digits only", "0123456789"),
    "letters": ("Capital letters only", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "all": ("Digits, capital and small letters", codes.CHARSET),
}
DISCOUNTED = "campaign_type=DISCOUNT_COUPONS"
PROGRAM = "campaign_type=LOYALTY_PROGRAM"
POINTS = ["points", "points_ratio", "points_pay"]
WITH_CODES = "campaign_type=DISCOUNT_COUPONS|GIFT_VOUCHERS|LOYALTY_PROGRAM"
MANY = f"{WITH_CODES};codes_kind=pool|later"
# What has to be given a reason when it changes.
MONEY = [*discounts.NAMES, "gift_amount", *POINTS, "redemption_limit", "customer_limit", "budget", *windowed.NAMES]
CODE_NAMES = ["codes_kind", "code", "code_prefix", "code_pattern", "code_postfix", "code_length", "code_charset"]


def whole(label: str, help_text: str, least: int = 0) -> forms.IntegerField:
    return forms.IntegerField(
        required=False,
        min_value=least,
        max_value=worth.RATE_MOST,
        label=label,
        help_text=help_text,
        widget=fields.short(inputmode="numeric"),
    )


class CampaignForm(OfficeForm, discounts.DiscountFields, windowed.WindowFields):
    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    name = forms.CharField(max_length=200, widget=fields.text(), help_text="For colleagues. Each name only once.")
    description = forms.CharField(required=False, widget=fields.area(2))
    campaign_type = forms.ChoiceField(
        choices=Kind.choices, initial=Kind.DISCOUNT_COUPONS, label="What it gives", widget=fields.Choices()
    )
    gift_amount = fields.MoneyField(label="Credit on each gift card", help_text="For example 50.00.")
    points = whole("Points on each new card", "What a card begins with. More are added by your shop or by staff.")
    points_ratio = whole("This many points", "For example 100.", least=1)
    points_pay = fields.MoneyField(label="Are worth", help_text="For example 1.00 off an order.")
    redemption_limit = fields.LimitField(
        label="Redemption limit",
        help_text='How often each code can be redeemed in all. Type a number or "unlimited".',
    )
    customer_limit = fields.LimitField(
        label="Limit per customer", help_text="How often one customer can redeem each code."
    )
    budget = fields.MoneyField(
        label="Budget", help_text="Most money all discounts of this campaign may cost together. Empty: no cap."
    )
    hot = forms.BooleanField(
        required=False,
        widget=fields.tick(),
        label="Very popular: thousands will redeem the same code within minutes",
    )
    codes_kind = forms.ChoiceField(
        choices=[(POOL, "Many codes, each its own"), (ONE, "One code for everybody"), (LATER, "Made when needed")],
        initial=POOL,
        label="Which codes",
        widget=fields.Choices(),
    )
    code = forms.CharField(required=False, max_length=255, label="The code", widget=fields.short(placeholder="WELCOME"))
    code_prefix = forms.CharField(
        required=False, max_length=100, label="Codes begin with", widget=fields.short(placeholder="SUMMER-")
    )
    code_pattern = forms.CharField(
        required=False,
        max_length=200,
        label="Pattern",
        widget=fields.short(placeholder="####-####"),
        help_text="Every # becomes a random character. Empty: just the length below.",
    )
    code_postfix = forms.CharField(required=False, max_length=100, label="Codes end with", widget=fields.short())
    code_length = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100,
        label="Random characters",
        widget=fields.short(inputmode="numeric", placeholder="8"),
        help_text="Without a pattern. Cards need more, so that nobody finds one by trying.",
    )
    code_charset = forms.ChoiceField(
        choices=[(name, words) for name, (words, _) in CHARSETS.items()],
        initial="easy",
        label="Characters",
        widget=fields.select(),
    )
    count = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=campaign_terms.MOST_VOUCHERS,
        initial=0,
        label="How many codes now",
        widget=fields.short(inputmode="numeric"),
        help_text="They are made in the background; you can add more at any time.",
    )
    category = owned.OwnedChoice(Category.objects.none(), required=False, empty_label="None", widget=fields.select())
    rules = owned.OwnedTicks(
        ValidationRule.objects.none(),
        required=False,
        label="Conditions",
        to_field_name="public_id",
        widget=fields.Ticks(),
        help_text="All chosen conditions have to be met. Make new ones under Rules.",
    )
    metadata = fields.MetadataField(help_text="One per line, name: value. For your own systems.")
    reason = why.field()
    sections = [
        ("What it is", "", ["retailer", "name", "description", "campaign_type"]),
        ("What it is worth", "", ["gift_amount", *POINTS, *discounts.NAMES]),
        ("How often, and how much in all", "", ["redemption_limit", "customer_limit", "budget", "hot"]),
        ("When", "Times are on the clock of the retailer.", windowed.NAMES),
        ("Codes", "", [*CODE_NAMES, "count"]),
        ("Who and what", "", ["rules", "category", "metadata"]),
        ("Your change", "", ["reason"]),
    ]
    shown_when = {
        **{name: f"{DISCOUNTED};{when}" for name, when in discounts.SHOWN_WHEN.items()},
        "discount_kind": DISCOUNTED,
        "gift_amount": "campaign_type=GIFT_VOUCHERS",
        **dict.fromkeys(POINTS, PROGRAM),
        "codes_kind": WITH_CODES,
        "code": f"{WITH_CODES};codes_kind=one",
        **dict.fromkeys((*CODE_NAMES[2:], "count"), MANY),
        "redemption_limit": WITH_CODES,
        "customer_limit": WITH_CODES,
        "hot": WITH_CODES,
    }

    def __init__(self, *args: Any, retailer: Retailer | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owners = [retailer] if retailer else list(Retailer.objects.order_by("name")[:2])
        only = owners[0] if len(owners) == 1 else None
        if only:
            del self.fields["retailer"]
        self.only = only
        self.fields["rules"].offer(ValidationRule.objects.order_by("name"), only)  # type: ignore[attr-defined]
        self.fields["category"].offer(Category.objects.order_by("name"), only)  # type: ignore[attr-defined]
        if only:
            for name in ("amount_off", "fixed_amount", "amount_limit", "gift_amount", "points_pay", "budget"):
                self.fields[name].label = f"{self.fields[name].label} ({only.currency})"

    kept: Campaign | None = None

    @property
    def zone(self) -> str:
        return (self.kept.timezone if self.kept else "") or self.owner.timezone

    @property
    def owner(self) -> Retailer:
        return self.only or self.cleaned_data["retailer"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.only and "retailer" not in values:
            return values
        currency, kind = self.owner.currency, values.get("campaign_type")
        for name in ("rules", "category"):
            owned.check(self, name, self.owner)
        found: dict[str, Any] = {
            "description": values.get("description") or None,
            "budget": fields.in_minor(self, "budget", currency),
            "category": values["category"].public_id if values.get("category") else None,
            "metadata": values.get("metadata"),
            **windowed.wanted(self, self.zone, kept=self.kept),
        }
        if kind == Kind.DISCOUNT_COUPONS and "discount_kind" in self.fields:
            found["discount"] = discounts.wanted(self, currency)
            units.check(self, self.owner)
        if kind == Kind.GIFT_VOUCHERS:
            gift = fields.in_minor(self, "gift_amount", currency)
            if not gift and "gift_amount" not in self.errors:
                self.add_error("gift_amount", "Please fill this in.")
            found["gift"] = {"amount": gift}
        if kind == Kind.LOYALTY_PROGRAM and "points" in self.fields:
            found["loyalty_card"] = self._points(values, currency)
        if kind != Kind.PROMOTION:
            limits = ("redemption_limit", "customer_limit", "hot")
            found |= {name: values.get(name) for name in limits if name in self.fields}
        self.terms = found
        return values

    def _points(self, values: dict[str, Any], currency: str) -> dict[str, Any]:
        paid = fields.in_minor(self, "points_pay", currency)
        for name in ("points_ratio", "points_pay"):
            if not values.get(name) and name not in self.errors:
                self.add_error(name, "Please fill this in.")
        return {
            "points": values.get("points") or 0,
            "exchange_ratio": paid,
            "points_ratio": values.get("points_ratio"),
        }


class NewCampaignForm(CampaignForm):
    """Everything at once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["reason"]

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if not hasattr(self, "terms"):
            return values
        self.terms["rules"] = [rule.public_id for rule in values.get("rules") or []]
        if values.get("campaign_type") == Kind.PROMOTION:
            return values
        kind = values.get("codes_kind") or POOL
        self.terms["type"] = TYPES[kind]
        if kind == ONE:
            self._check(lambda: codes.check(values.get("code") or ""), "code")
        else:
            self.terms["code_config"] = config = code_config(values)
            valuable = values.get("campaign_type") in vouchers.CARD_CAMPAIGNS
            self._check(lambda: codes.require_space(codes.config(config, valuable=valuable), values.get("count") or 0))
        return values

    def _check(self, check: Any, field: str = "code_length") -> None:
        try:
            check()
        except Refusal as refusal:
            self.add_error(field, refusal.message.replace("Property .code", "The code"))

    @property
    def count_wanted(self) -> int:
        values = self.cleaned_data
        with_pool = values["campaign_type"] != Kind.PROMOTION and values["codes_kind"] != ONE
        return int(values.get("count") or 0) if with_pool else 0

    @property
    def public_code(self) -> str:
        values = self.cleaned_data
        return values["code"] if values["campaign_type"] != Kind.PROMOTION and values["codes_kind"] == ONE else ""


class ChangeCampaignForm(CampaignForm):
    """What may change later: the kind of a campaign, of its discount and of its codes stays."""

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, retailer=campaign.retailer, **kwargs)
        self.kept = campaign
        gone = ["codes_kind", "code", "count", "rules", "code_prefix", "code_pattern", "code_postfix", "code_length"]
        gone += ["code_charset", "hot"]
        if campaign.campaign_type != Kind.DISCOUNT_COUPONS or not discounts.editable(campaign.discount):
            gone += discounts.NAMES
        if campaign.campaign_type != Kind.GIFT_VOUCHERS:
            gone.append("gift_amount")
        if campaign.campaign_type != Kind.LOYALTY_PROGRAM or campaign.exchange_ratio % 1:
            gone += POINTS
        if campaign.campaign_type == Kind.PROMOTION:
            gone += ["redemption_limit", "customer_limit"]
        if not windowed.editable(campaign):
            gone += ["days", "hours_from", "hours_to"]
        for name in gone:
            self.fields.pop(name, None)
        for name in ("campaign_type", "discount_kind"):
            if name in self.fields:
                self.fields[name].widget = forms.HiddenInput()
                self.fields[name].disabled = True
        if campaign.type != Type.STANDALONE and "redemption_limit" in self.fields:
            said = "For codes made from now on; codes that are out keep the limit they were made with."
            self.fields["redemption_limit"].help_text = self.fields["customer_limit"].help_text = said

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        why.demand(self, MONEY)
        return values


def code_config(values: dict[str, Any]) -> dict[str, Any]:
    """Return the code settings of the form as verbs take them."""
    found = {
        "prefix": values.get("code_prefix"),
        "postfix": values.get("code_postfix"),
        "pattern": values.get("code_pattern"),
        "length": values.get("code_length"),
        "charset": CHARSETS.get(values.get("code_charset") or "easy", CHARSETS["easy"])[1],
    }
    return {name: value for name, value in found.items() if value}


def initial(campaign: Campaign) -> dict[str, Any]:
    """Return what the form shows for a campaign."""
    currency, zone = campaign.retailer.currency, campaign.timezone or campaign.retailer.timezone
    return {
        "name": campaign.name,
        "description": campaign.description or "",
        "campaign_type": campaign.campaign_type,
        "gift_amount": fields.in_major(campaign.gift_amount, currency),
        "points": campaign.gift_amount,
        "points_ratio": campaign.points_ratio,
        "points_pay": fields.in_major(int(campaign.exchange_ratio), currency),
        "redemption_limit": "" if campaign.redemption_limit is None else campaign.redemption_limit,
        "customer_limit": "" if campaign.customer_limit is None else campaign.customer_limit,
        "budget": fields.in_major(campaign.budget, currency),
        "category": campaign.category_id,
        "metadata": fields.as_lines(campaign.metadata),
        **discounts.initial(campaign.discount, currency),
        **windowed.initial(campaign, zone),
    }
