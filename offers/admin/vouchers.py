"""Codes: found among millions, made, changed, switched, and cards topped up."""

from typing import Any

from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from offers import balances, voucher_figures, vouchers
from offers.admin import discounts, fields, lookups, show, units, windowed
from offers.admin.conditions import ConditionPages
from offers.admin.filters import CampaignFilter, ExactFilter, PickFilter, RetailerFilter
from offers.admin.office import (
    View,
    actor_of,
    locked,
    now,
    posted,
    stamp,
)
from offers.admin.own_search import OwnSearch
from offers.admin.page import Block, Button, Facts, Figure, Figures, Page
from offers.admin.voucher_form import CreditsForm, VoucherForm
from offers.admin.voucher_words import state_chip, worth, worth_words
from offers.models import Campaign, Voucher

Rows = QuerySet[Voucher]
FREE_TO_ALL = "None: everybody can use it on any order."
COLUMNS = [
    "deleted_at",
    "public_id",
    "code",
    "type",
    "active",
    "discount",
    "gift_amount",
    "redemption_limit",
    "start_date",
    "expiration_date",
    "created_at",
    "campaign_id",
    "retailer_id",
]
OF_CAMPAIGN = ["name", "active", "discount", "archived_at", "start_date", "expiration_date"]
OF_CAMPAIGN += ["exchange_ratio", "points_ratio"]
JOINED = ["retailer__currency", "retailer__timezone", *(f"campaign__{name}" for name in OF_CAMPAIGN)]


class CustomerFilter(ExactFilter):
    title = "holder (id, shop id or e-mail)"
    parameter_name = "holder"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(holder_id__in=lookups.customer_ids(text))


class KindFilter(PickFilter):
    title = "kind"
    parameter_name = "kind"
    choices_of = tuple(Voucher.Type.choices)

    def narrow(self, queryset: Rows, value: str) -> Rows:
        return queryset.filter(type=value)


class ActiveFilter(PickFilter):
    title = "state"
    parameter_name = "state"
    choices_of = (("on", "Switched on"), ("off", "Switched off"))

    def narrow(self, queryset: Rows, value: str) -> Rows:
        return queryset.filter(active=value == "on")


class VoucherAdmin(OwnSearch, ConditionPages):
    """Registered by checkout, which adds what happened to a code."""

    called = ("code", "codes")

    list_display = ("code_", "state_", "worth_", "used", "held", "left", "campaign_", "made")
    list_filter = (ActiveFilter, KindFilter, CampaignFilter, CustomerFilter, RetailerFilter)
    search_fields = ("code",)
    search_help_text = "Code, or how it begins"
    nothing_text = "No codes yet: campaigns make them."

    def get_queryset(self, request: HttpRequest) -> Rows:
        rows: Rows = super().get_queryset(request)
        return rows.filter(deleted_at__isnull=True).select_related("campaign", "retailer").only(*COLUMNS, *JOINED)

    def search(self, rows: Rows, text: str) -> Rows:
        return lookups.vouchers_like(rows, text)

    def prepared(self, rows: list[Voucher]) -> list[Voucher]:
        found = voucher_figures.of(rows, now=now())
        free = units.names((row.retailer_id, worth(row)) for row in rows)
        for row in rows:
            row.figures, row.free = found[row.pk], free  # type: ignore[attr-defined]
        return rows

    @display(description="Code")
    def code_(self, row: Voucher) -> str:
        return show.mono(row.code)

    @display(description="State")
    def state_(self, row: Voucher) -> str:
        return state_chip(row, row.figures)  # type: ignore[attr-defined]

    @display(description="Worth")
    def worth_(self, row: Voucher) -> str:
        return worth_words(row, row.free)  # type: ignore[attr-defined]

    @display(description="Used")
    def used(self, row: Voucher) -> str:
        return show.count(row.figures.redeemed)  # type: ignore[attr-defined]

    @display(description="Locked")
    def held(self, row: Voucher) -> str:
        return show.count(row.figures.locked)  # type: ignore[attr-defined]

    @display(description="Left")
    def left(self, row: Voucher) -> str:
        if row.type in vouchers.CARDS and row.redemption_limit is None:
            found = row.figures  # type: ignore[attr-defined]
            loyalty = row.type == Voucher.Type.LOYALTY
            return show.on_card(found.balance - found.locked_credits, row.retailer.currency, loyalty=loyalty)
        if row.redemption_limit is None:
            return show.ENDLESS
        used = row.figures.redeemed + row.figures.locked  # type: ignore[attr-defined]
        return show.count(max(0, row.redemption_limit - used))

    @display(description="Campaign")
    def campaign_(self, row: Voucher) -> str:
        return show.to_page(row.campaign)

    @display(description="Created")
    def made(self, row: Voucher) -> str:
        return show.moment(row.created_at, row.retailer.timezone)

    def pages(self) -> dict[str, View]:
        return {
            "<id>/edit": self.edit,
            "<id>/enable": self.enable,
            "<id>/disable": self.disable,
            "<id>/credits": self.credits,
            **self.condition_pages(),
        }

    # --- making and changing ---
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        form = VoucherForm(posted(request))

        def act(values: dict[str, Any]) -> str:
            made = vouchers.create(
                retailer_id=form.owner.pk,
                fields=form.terms,  # type: ignore[arg-type]
                code=values["code"] or None,
                channel=values.get("channel"),
                actor=actor_of(request),
                now=now(),
            )
            return f"Code {made.code} has been made.\n{self.url('change', made.pk)}"

        return self.ask(
            request,
            form=form,
            title="New code",
            text="A code of its own. Codes of a campaign are made there.",
            button="Create code",
            back=self.url("changelist"),
            act=act,
        )

    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Voucher = self.find(key, "retailer", "campaign")
        zone = (row.campaign.timezone if row.campaign else "") or row.retailer.timezone
        initial = {
            "kind": row.type,
            "redemption_limit": "" if row.redemption_limit is None else row.redemption_limit,
            "customer_limit": "" if row.customer_limit is None else row.customer_limit,
            "metadata": fields.as_lines(row.metadata),
            "version": stamp(row),
            **discounts.initial(worth(row), row.retailer.currency),
            **windowed.initial(row, zone),
        }
        form = VoucherForm(posted(request), voucher=row, initial=initial)

        def act(values: dict[str, Any]) -> str:
            fresh: Voucher = locked(row, values["version"])
            terms = {**form.terms, "metadata": fields.merged_away(fresh.metadata, form.terms["metadata"])}
            vouchers.update(
                retailer_id=row.retailer_id,
                ident=row.public_id,
                fields=terms,  # type: ignore[arg-type]
                reason=values["reason"],
                actor=actor_of(request),
                now=now(),
            )
            return f"Code {row.code} has been saved."

        return self.ask(
            request, form=form, title=f"Edit {row.code}", button="Save", back=self.url("change", key), act=act
        )

    def enable(self, request: HttpRequest, key: int) -> HttpResponse:
        return self.switch(request, key, True, "Enable", "It can be used again, within its dates and limits.")

    def disable(self, request: HttpRequest, key: int) -> HttpResponse:
        return self.switch(
            request, key, False, "Disable", "Nobody can validate or redeem it until you enable it again."
        )

    def switch(self, request: HttpRequest, key: int, active: bool, word: str, text: str) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Voucher = self.find(key)
        told = f"Code {row.code} has been {word.lower()}d."
        more: dict[str, Any] = {"ident": row.public_id, "active": active, "danger": not active}
        return self.ask_why(request, row, vouchers.switch, word=word, text=text, told=told, **more)

    def credits(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Voucher = self.find(key, "retailer")
        currency, loyalty = row.retailer.currency, row.type == Voucher.Type.LOYALTY
        what = "points" if loyalty else "credit"
        form = CreditsForm(posted(request), loyalty=loyalty)

        def act(values: dict[str, Any]) -> str:
            amount = values["amount"] if loyalty else fields.in_minor(form, "amount", currency)
            if amount is None:
                raise balances.InvalidBalance(f"{currency} has fewer decimals.", field="amount")
            signed = amount if values["change"] == "add" else -amount
            _, figures = balances.adjust(
                retailer_id=row.retailer_id,
                ident=row.public_id,
                amount=signed,
                reason=values["reason"],
                actor=actor_of(request),
                now=now(),
            )
            return f"{row.code} now holds {show.on_card(figures.balance, currency, loyalty=loyalty)}."

        return self.ask(
            request,
            form=form,
            title=f"Change the {what} of {row.code}",
            text=f"{'' if loyalty else f'In {currency}. '}What is locked in a cart can't be taken off.",
            button=f"Change {what}",
            back=self.url("change", key),
            act=act,
        )

    # --- one code ---
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        row: Voucher = self.find(object_id, "retailer", "campaign", "category", "holder")
        page = Page(
            title=row.code,
            subtitle=f"{worth_words(row)}, {row.public_id}",
            chips=[state_chip(row, voucher_figures.of([row], now=now())[row.pk])],
            buttons=self.buttons(request, row),
            blocks=[
                Figures(figures=self.figures(row)),
                self.facts(row),
                self.condition_table(request, row, empty=FREE_TO_ALL, inherited=row.campaign),
                *self.history(row),
            ],
        )
        return self.show(request, page)

    def buttons(self, request: HttpRequest, row: Voucher) -> list[Button]:
        if row.deleted_at or not self.may(request, self.permission("change")):
            return []
        switch = ("Disable…", "disable") if row.active else ("Enable…", "enable")
        found = [Button(text="Edit", url=self.url("edit", row.pk), tone="main")]
        if row.type in vouchers.CARDS:
            what = "points" if row.type == Voucher.Type.LOYALTY else "credit"
            found.append(Button(text=f"Add or take {what}…", url=self.url("credits", row.pk)))
        return [*found, Button(text=switch[0], url=self.url(switch[1], row.pk))]

    def figures(self, row: Voucher) -> list[Figure]:
        found = voucher_figures.of([row], now=now())[row.pk]
        currency = row.retailer.currency
        limit = row.redemption_limit
        left = show.ENDLESS if limit is None else show.count(max(0, limit - found.redeemed - found.locked))
        percent = None if limit is None else show.share(found.redeemed + found.locked, limit)
        figures = [
            Figure(label="Used", value=show.count(found.redeemed)),
            Figure(label="Locked now", value=show.count(found.locked)),
            Figure(label="Left", value=left, note=f"of {show.count(limit)}" if limit else "", percent=percent),
        ]
        if row.type in vouchers.CARDS:
            loyalty = row.type == Voucher.Type.LOYALTY
            what = "Points" if loyalty else "Credit"
            numbers = (found.balance, found.locked_credits, found.balance - found.locked_credits)
            figures += [
                Figure(label=label, value=show.count(number) if loyalty else show.amount(number, currency))
                for label, number in zip((what, f"{what} locked", f"{what} free"), numbers, strict=True)
            ]
        return figures

    def facts(self, row: Voucher) -> Facts:
        zone = (row.campaign.timezone if row.campaign else "") or row.retailer.timezone
        known = {
            "Worth": worth_words(row),
            "Campaign": show.to_page(row.campaign) if row.campaign else "",
            "When": show.window(row, zone),
            "Campaign's time": show.window(row.campaign, zone) if isinstance(row.campaign, Campaign) else "",
            "Redemption limit": show.count(row.redemption_limit),
            "Limit per customer": show.count(row.customer_limit),
            "Holder": show.to_page(row.holder) if row.holder else "",
            "Category": row.category.name if row.category else "",
            "Created": show.moment(row.created_at, zone),
            "Retailer": row.retailer.name,
        }
        known |= {name: show.plain(value) for name, value in (row.metadata or {}).items()}
        return Facts(title="Terms", facts=[(name, value) for name, value in known.items() if value], wide=False)

    def history(self, row: Voucher) -> list[Block]:
        return []
