"""Promotion tiers: discounts without a code, and their place within a campaign."""

from typing import Any

from django import forms
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from offers import promotions
from offers.admin import discounts, fields, lookups, owned, show, units, why, windowed
from offers.admin.conditions import ConditionPages
from offers.admin.filters import CampaignFilter, PickFilter, RetailerFilter
from offers.admin.office import (
    OfficeForm,
    View,
    actor_of,
    locked,
    now,
    posted,
    stamp,
)
from offers.admin.own_search import OwnSearch
from offers.admin.page import Block, Button, Facts, Page
from offers.models import Campaign, PromotionTier, Retailer, ValidationRule

Rows = QuerySet[PromotionTier]
# What has to be given a reason when it changes.
MONEY = [*discounts.NAMES, "hierarchy", *windowed.NAMES]


class TierForm(OfficeForm, discounts.DiscountFields, windowed.WindowFields):
    campaign = owned.OwnedChoice(
        Campaign.objects.none(),
        widget=fields.select(),
        empty_label="Choose a promotion",
        to_field_name="public_id",
        help_text="Only promotions without codes have tiers.",
    )
    name = forms.CharField(max_length=200, widget=fields.text())
    banner = forms.CharField(required=False, widget=fields.area(2), help_text="What the shop shows its customers.")
    hierarchy = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=1_000_000,
        label="Place",
        widget=fields.short(inputmode="numeric"),
        help_text="The lowest is tried first. Empty: the last.",
    )
    rules = owned.OwnedTicks(
        ValidationRule.objects.none(),
        required=False,
        to_field_name="public_id",
        label="Conditions",
        widget=fields.Ticks(),
        help_text="All chosen conditions have to be met, and those of the campaign.",
    )
    metadata = fields.MetadataField(help_text="One per line, name: value.")
    reason = why.field()
    sections = [
        ("What it is", "", ["campaign", "name", "banner", "hierarchy"]),
        ("What it is worth", "", discounts.NAMES),
        ("When", "Times are on the clock of the retailer.", windowed.NAMES),
        ("Who and what", "", ["rules", "metadata"]),
        ("Your change", "", ["reason"]),
    ]
    shown_when = discounts.SHOWN_WHEN

    def __init__(self, *args: Any, tier: PromotionTier | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tier = tier
        if tier:
            gone = ["campaign", "rules", *([] if discounts.editable(tier.discount) else discounts.NAMES)]
            for name in gone + ([] if windowed.editable(tier) else ["days", "hours_from", "hours_to"]):
                del self.fields[name]
            for name in ("amount_off", "fixed_amount", "amount_limit"):
                if name in self.fields:
                    self.fields[name].label = f"{self.fields[name].label} ({tier.retailer.currency})"
            return
        del self.fields["reason"]
        open_ones = Campaign.objects.filter(
            campaign_type=Campaign.CampaignType.PROMOTION, archived_at__isnull=True, deleted_at__isnull=True
        )
        owners = list(Retailer.objects.order_by("name")[:2])
        only = owners[0] if len(owners) == 1 else None
        self.fields["campaign"].offer(open_ones.order_by("name"), only)  # type: ignore[attr-defined]
        self.fields["rules"].offer(ValidationRule.objects.order_by("name"), only)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        campaign = self.tier.campaign if self.tier else values.get("campaign")
        if campaign is None:
            return values
        owned.check(self, "rules", campaign.retailer)
        found: dict[str, Any] = {"name": values.get("name"), "banner": values.get("banner") or None}
        found |= {"metadata": values.get("metadata")}
        found |= windowed.wanted(self, campaign.timezone or campaign.retailer.timezone, kept=self.tier)
        if values.get("hierarchy") is not None:
            found["hierarchy"] = values["hierarchy"]
        if "discount_kind" in self.fields:
            found["discount"] = discounts.wanted(self, campaign.retailer.currency)
            units.check(self, campaign.retailer)
        self.terms = found
        why.demand(self, MONEY)
        return values


class ActiveFilter(PickFilter):
    title = "state"
    parameter_name = "state"
    choices_of = (("on", "Switched on"), ("off", "Switched off"))

    def narrow(self, queryset: Rows, value: str) -> Rows:
        return queryset.filter(active=value == "on")


def state_chip(row: PromotionTier) -> str:
    """Say whether orders can get a tier at this moment; its campaign has a say."""
    if row.deleted_at:
        return show.chip("Deleted")
    if not row.active:
        return show.chip("Off", "bad")
    if row.campaign.archived_at:
        return show.chip("Campaign archived")
    if not row.campaign.active:
        return show.chip("Campaign off", "bad")
    if row.expiration_date and row.expiration_date <= now():
        return show.chip("Ended")
    if row.campaign.expiration_date and row.campaign.expiration_date <= now():
        return show.chip("Campaign ended")
    starts = [one.start_date for one in (row, row.campaign) if one.start_date]
    if starts and max(starts) > now():
        return show.chip("Planned", "info")
    return show.chip("On", "good")


class PromotionTierAdmin(OwnSearch, ConditionPages):
    """Registered by checkout, which adds what was redeemed."""

    list_display = ("name_", "state_", "worth", "place", "campaign_")
    list_filter = (ActiveFilter, CampaignFilter, RetailerFilter)
    search_fields = ("name",)
    search_help_text = "Name or id"
    list_select_related = ("campaign", "retailer")
    nothing_text = "No promotion tiers yet. They belong to campaigns without codes."
    binds = "Orders have to meet it from the next request on."

    def get_queryset(self, request: HttpRequest) -> Rows:
        rows: Rows = super().get_queryset(request)
        return rows.filter(deleted_at__isnull=True)

    def prepared(self, rows: list[PromotionTier]) -> list[PromotionTier]:
        free = units.names((row.retailer_id, row.discount) for row in rows)
        for row in rows:
            row.free = free  # type: ignore[attr-defined]
        return rows

    def search(self, rows: Any, text: str) -> Any:
        return lookups.called(rows, text, "promo_")

    @display(description="Tier")
    def name_(self, row: PromotionTier) -> str:
        return str(row)

    @display(description="State")
    def state_(self, row: PromotionTier) -> str:
        return state_chip(row)

    @display(description="Worth")
    def worth(self, row: PromotionTier) -> str:
        free = units.of(row.retailer_id, row.discount, row.free)  # type: ignore[attr-defined]
        return show.discount(row.discount, row.retailer.currency, free)

    @display(description="Place")
    def place(self, row: PromotionTier) -> str:
        return show.count(row.hierarchy)

    @display(description="Campaign")
    def campaign_(self, row: PromotionTier) -> str:
        return show.to_page(row.campaign)

    def pages(self) -> dict[str, View]:
        own = {"<id>/edit": self.edit, "<id>/enable": self.enable, "<id>/disable": self.disable}
        return {**own, **self.condition_pages()}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        # The page of a promotion leads here and names it.
        form = TierForm(posted(request), initial={"campaign": request.GET.get("campaign", "")})

        def act(values: dict[str, Any]) -> str:
            made = promotions.create(
                campaign=values["campaign"],
                fields=form.terms,  # type: ignore[arg-type]
                rule_idents=[rule.public_id for rule in values["rules"]],
                actor=actor_of(request),
                now=now(),
            )
            return f"Tier {made} has been made.\n{self.url('change', made.pk)}"

        return self.ask(
            request, form=form, title="New promotion tier", button="Create tier", back=self.url("changelist"), act=act
        )

    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: PromotionTier = self.find(key, "campaign", "retailer")
        initial = {
            "name": row.name,
            "banner": row.banner or "",
            "hierarchy": row.hierarchy,
            "metadata": fields.as_lines(row.metadata),
            "version": stamp(row),
            **discounts.initial(row.discount, row.retailer.currency),
            **windowed.initial(row, row.campaign.timezone or row.retailer.timezone),
        }
        form = TierForm(posted(request), tier=row, initial=initial)

        def act(values: dict[str, Any]) -> str:
            fresh: PromotionTier = locked(row, values["version"])
            terms = {**form.terms, "metadata": fields.merged_away(fresh.metadata, form.terms["metadata"])}
            promotions.update(
                retailer_id=row.retailer_id,
                ident=row.public_id,
                fields=terms,  # type: ignore[arg-type]
                reason=values["reason"],
                actor=actor_of(request),
                now=now(),
            )
            return f"Tier {values['name']} has been saved."

        return self.ask(request, form=form, title=f"Edit {row}", button="Save", back=self.url("change", key), act=act)

    def enable(self, request: HttpRequest, key: int) -> HttpResponse:
        return self.switch(request, key, promotions.enable, "Enable", "Orders get it again, within its dates.")

    def disable(self, request: HttpRequest, key: int) -> HttpResponse:
        return self.switch(request, key, promotions.disable, "Disable", "No order gets it until you enable it again.")

    def switch(self, request: HttpRequest, key: int, verb: Any, word: str, text: str) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: PromotionTier = self.find(key)
        told = f"Tier {row} has been {word.lower()}d."
        more: dict[str, Any] = {"ident": row.public_id, "danger": word == "Disable"}
        return self.ask_why(request, row, verb, word=word, text=text, told=told, **more)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        row: PromotionTier = self.find(object_id, "campaign", "retailer", "category")
        zone = row.campaign.timezone or row.retailer.timezone
        known = {
            "Worth": show.discount(row.discount, row.retailer.currency, units.of(row.retailer_id, row.discount)),
            "Campaign": show.to_page(row.campaign),
            "Place": str(row.hierarchy),
            "When": show.window(row, zone),
            "Banner": row.banner or "",
            "Category": row.category.name if row.category else "",
            "Retailer": row.retailer.name,
        }
        known |= {name: show.plain(value) for name, value in (row.metadata or {}).items()}
        switch = ("Disable…", "disable") if row.active else ("Enable…", "enable")
        buttons = [
            Button(text="Edit", url=self.url("edit", row.pk), tone="main"),
            Button(text=switch[0], url=self.url(switch[1], row.pk)),
        ]
        page = Page(
            title=str(row),
            subtitle=row.public_id,
            chips=[state_chip(row)],
            buttons=buttons if not row.deleted_at and self.may(request, self.permission("change")) else [],
            blocks=[
                *self.figures(row),
                Facts(title="Terms", facts=[(name, value) for name, value in known.items() if value], wide=False),
                self.condition_table(request, row, empty="None: every order gets it.", inherited=row.campaign),
                *self.history(row),
            ],
        )
        return self.show(request, page)

    def figures(self, row: PromotionTier) -> list[Block]:
        return []

    def history(self, row: PromotionTier) -> list[Block]:
        return []
