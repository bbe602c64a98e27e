"""The form of a code of its own or a change of one, and that of what is on a card."""

from typing import Any

from django import forms

from offers import balances
from offers.admin import discounts, fields, owned, units, why, windowed
from offers.admin.office import OfficeForm, ReasonForm
from offers.admin.voucher_words import worth
from offers.models import Channel, Retailer, Voucher

# Loyalty cards are made in their program.
OWN_KINDS = [(kind.value, kind.label) for kind in Voucher.Type if kind != Voucher.Type.LOYALTY]
# What has to be given a reason when it changes.
MONEY = [*discounts.NAMES, "redemption_limit", "customer_limit", *windowed.NAMES]


class VoucherForm(OfficeForm, discounts.DiscountFields, windowed.WindowFields):
    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    code = forms.CharField(
        required=False,
        max_length=255,
        widget=fields.short(),
        help_text="Empty: a random one. Capitals and small letters are different codes.",
    )
    channel = owned.OwnedChoice(
        Channel.objects.none(),
        required=False,
        widget=fields.select(),
        empty_label="An ordinary code",
        help_text="Of a channel: it only works in the session it was shown to, and begins with the channel's prefix.",
    )
    kind = forms.ChoiceField(
        choices=OWN_KINDS, initial=Voucher.Type.DISCOUNT, label="What it is", widget=fields.Choices()
    )
    gift_amount = fields.MoneyField(label="Credit", help_text="For example 50.00.")
    redemption_limit = fields.LimitField(
        label="Redemption limit", help_text='How often it can be redeemed in all. Type a number or "unlimited".'
    )
    customer_limit = fields.LimitField(label="Limit per customer")
    metadata = fields.MetadataField(help_text="One per line, name: value.")
    reason = why.field()
    sections = [
        ("What it is", "", ["retailer", "code", "channel", "kind"]),
        ("What it is worth", "", ["gift_amount", *discounts.NAMES]),
        ("How often", "", ["redemption_limit", "customer_limit"]),
        ("When", "Times are on the clock of the retailer.", windowed.NAMES),
        ("More", "", ["metadata", "reason"]),
    ]
    shown_when = {
        **{name: f"kind=DISCOUNT_VOUCHER;{when}" for name, when in discounts.SHOWN_WHEN.items()},
        "discount_kind": "kind=DISCOUNT_VOUCHER",
        "gift_amount": "kind=GIFT_VOUCHER",
    }

    def __init__(self, *args: Any, voucher: Voucher | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.voucher = voucher
        owners = [voucher.retailer] if voucher else list(Retailer.objects.order_by("name")[:2])
        self.only = owners[0] if len(owners) == 1 else None
        if self.only:
            del self.fields["retailer"]
            for name in ("amount_off", "fixed_amount", "amount_limit", "gift_amount"):
                self.fields[name].label = f"{self.fields[name].label} ({self.only.currency})"
        if voucher or not Channel.objects.exists():
            del self.fields["channel"]
        else:
            self.fields["channel"].offer(Channel.objects.order_by("name"), self.only)  # type: ignore[attr-defined]
        if voucher:
            self.fields["kind"].choices = Voucher.Type.choices  # type: ignore[attr-defined]
            self._fit(voucher)
        else:
            del self.fields["reason"]

    def _fit(self, voucher: Voucher) -> None:
        own_discount = voucher.type == Voucher.Type.DISCOUNT and discounts.editable(worth(voucher))
        gone = ["code", "gift_amount", *([] if own_discount else discounts.NAMES)]
        gone += [] if windowed.editable(voucher) else ["days", "hours_from", "hours_to"]
        for name in gone:
            self.fields.pop(name, None)
        for name in ("kind", "discount_kind"):
            if name in self.fields:
                self.fields[name].widget = forms.HiddenInput()
                self.fields[name].disabled = True

    @property
    def owner(self) -> Retailer:
        return self.only or self.cleaned_data["retailer"]

    @property
    def zone(self) -> str:
        campaign = self.voucher.campaign if self.voucher else None
        return (campaign.timezone if campaign else "") or self.owner.timezone

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.only and "retailer" not in values:
            return values
        owned.check(self, "channel", self.owner)
        found: dict[str, Any] = {name: values.get(name) for name in ("redemption_limit", "customer_limit", "metadata")}
        found |= windowed.wanted(self, self.zone, kept=self.voucher)
        gift = values.get("kind") == Voucher.Type.GIFT
        if not self.voucher:
            found["type"] = values.get("kind")
        if gift and "gift_amount" in self.fields:
            amount = fields.in_minor(self, "gift_amount", self.owner.currency)
            if not amount and "gift_amount" not in self.errors:
                self.add_error("gift_amount", "Please fill this in.")
            found["gift"] = {"amount": amount}
        if values.get("kind") == Voucher.Type.DISCOUNT and "discount_kind" in self.fields:
            discount = discounts.wanted(self, self.owner.currency)
            units.check(self, self.owner)
            if not self.voucher or discount != worth(self.voucher):
                found["discount"] = discount
        self.terms = found
        why.demand(self, MONEY)
        return values


class CreditsForm(ReasonForm):
    change = forms.ChoiceField(
        choices=[("add", "Add"), ("take", "Take off")], initial="add", label="Credit", widget=fields.Choices()
    )
    amount = fields.MoneyField(required=True, label="Amount")
    sections = [("", "", ["change", "amount", "reason"])]

    def __init__(self, *args: Any, loyalty: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if loyalty:
            self.fields["change"].label = "Points"
            self.fields["amount"] = forms.IntegerField(
                min_value=1, max_value=balances.MOST, label="How many", widget=fields.short(inputmode="numeric")
            )
