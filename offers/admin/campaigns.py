"""Campaigns: made in one form, watched (spent, held, left), switched, archived, given more codes."""

from typing import Any

from django import forms
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from offers import campaign_terms, campaigns, codes, vouchers
from offers.admin import campaign_facts, campaign_form, fields, jobs, show, units
from offers.admin.campaign_form import ChangeCampaignForm, Kind, NewCampaignForm, Type
from offers.admin.conditions import ConditionPages
from offers.admin.filters import PickFilter, RetailerFilter
from offers.admin.office import OfficeForm, View, actor_of, locked, now, posted, stamp
from offers.admin.own_search import OwnSearch
from offers.admin.page import Block, Button, Page
from offers.ledger import counters
from offers.lib.errors import Refusal
from offers.models import AsyncAction, Campaign

JOBS_SHOWN = 5


class StateFilter(PickFilter):
    title = "state"
    parameter_name = "state"
    unset = "Not archived"
    choices_of = (
        ("on", "On now"),
        ("planned", "Planned"),
        ("ended", "Ended"),
        ("off", "Switched off"),
        ("archived", "Archived"),
        ("all", "All"),
    )

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return super().queryset(request, queryset) if self.value() else queryset.filter(archived_at__isnull=True)

    def narrow(self, queryset: Any, value: str) -> Any:
        if value == "all":
            return queryset
        if value == "archived":
            return queryset.filter(archived_at__isnull=False)
        open_ones, moment = queryset.filter(archived_at__isnull=True, active=value != "off"), now()
        if value == "planned":
            return open_ones.filter(start_date__gt=moment)
        if value == "ended":
            return open_ones.filter(expiration_date__lte=moment)
        return (
            open_ones.exclude(start_date__gt=moment).exclude(expiration_date__lte=moment)
            if value == "on"
            else open_ones
        )


class KindFilter(PickFilter):
    title = "kind"
    parameter_name = "kind"
    choices_of = tuple(Kind.choices)

    def narrow(self, queryset: Any, value: str) -> Any:
        return queryset.filter(campaign_type=value)


class MoreCodesForm(OfficeForm):
    count = forms.IntegerField(
        min_value=1,
        max_value=campaign_terms.MOST_VOUCHERS,
        label="How many codes",
        widget=fields.short(inputmode="numeric"),
    )
    sections = [("", "", ["count"])]


class CampaignAdmin(OwnSearch, ConditionPages):
    """Registered by checkout, which adds what was redeemed."""

    list_display = ("name", "state_", "kind_", "worth_", "codes_", "budget_", "until")
    list_filter = (StateFilter, KindFilter, RetailerFilter)
    search_fields = ("name",)
    search_help_text = "Name or id"
    list_select_related = ("retailer",)
    nothing_text = "No campaigns yet."
    binds = "It binds every code of the campaign from the next request on."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        rows: QuerySet[Campaign] = super().get_queryset(request)
        return rows.filter(deleted_at__isnull=True).defer("metadata")

    def search(self, rows: QuerySet[Campaign], text: str) -> QuerySet[Campaign]:
        return rows.filter(public_id=text) if text.startswith("camp_") else rows.filter(name__icontains=text)

    def prepared(self, rows: list[Campaign]) -> list[Campaign]:
        capped = [row.pk for row in rows if row.budget is not None]
        states = counters.states(kinds=[campaign_facts.BUDGET], owners=capped, now=now()) if capped else {}
        free = units.names((row.retailer_id, row.discount) for row in rows)
        for row in rows:
            row.free = units.of(row.retailer_id, row.discount, free)  # type: ignore[attr-defined]
            row.spent = states.get(counters.Name(kind=campaign_facts.BUDGET, owner=row.pk), counters.UNTOUCHED)  # type: ignore[attr-defined]
        return rows

    @display(description="State")
    def state_(self, row: Campaign) -> str:
        return campaign_facts.state_chip(row)

    @display(description="Kind")
    def kind_(self, row: Campaign) -> str:
        return row.get_campaign_type_display()

    @display(description="Worth")
    def worth_(self, row: Campaign) -> str:
        if row.campaign_type == Kind.PROMOTION:
            return "by tier"
        return show.gift(row, row.retailer.currency, row.free)  # type: ignore[attr-defined]

    @display(description="Codes")
    def codes_(self, row: Campaign) -> str:
        if row.campaign_type == Kind.PROMOTION:
            return show.NOTHING
        return "one for all" if row.type == Type.STANDALONE else show.count(row.vouchers_count)

    @display(description="Budget")
    def budget_(self, row: Campaign) -> str:
        return campaign_facts.spent(row, row.spent)  # type: ignore[attr-defined]

    @display(description="Ends")
    def until(self, row: Campaign) -> str:
        return show.day(row.expiration_date, row.timezone or row.retailer.timezone, "never")

    def pages(self) -> dict[str, View]:
        return {
            "example": self.example,
            "<id>/edit": self.edit,
            "<id>/enable": self.enable,
            "<id>/disable": self.disable,
            "<id>/archive": self.archive,
            "<id>/more-codes": self.more_codes,
            **self.condition_pages(),
        }

    # --- making one ---
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        form = NewCampaignForm(posted(request))

        def act(values: dict[str, Any]) -> str:
            common: dict[str, Any] = {"retailer_id": form.owner.pk, "actor": actor_of(request), "now": now()}
            made = campaigns.create(
                name=values["name"],
                campaign_type=values["campaign_type"],
                fields=form.terms,  # type: ignore[arg-type]
                vouchers_count=form.count_wanted,
                **common,
            )
            if form.public_code:
                vouchers.create(fields={}, code=form.public_code, campaign=made, **common)
            return f"Campaign {made.name} has been made.\n{self.url('change', made.pk)}"

        return self.ask(
            request,
            form=form,
            title="New campaign",
            button="Create campaign",
            back=self.url("changelist"),
            act=act,
            extra={"example_url": self.url("example")},
        )

    def example(self, request: HttpRequest) -> JsonResponse:
        """Answer with one code as the form would make them, or with what is wrong with its settings."""
        self.demand(request, self.permission("add"))
        if request.GET.get("codes_kind") == campaign_form.ONE:
            return JsonResponse({"example": request.GET.get("code") or "WELCOME"})
        given: dict[str, Any] = {name: request.GET.get(name, "") for name in campaign_form.CODE_NAMES}
        length = given["code_length"]
        given["code_length"] = int(length) if length.isascii() and length.isdecimal() and len(length) < 4 else None
        try:
            valuable = request.GET.get("campaign_type") in vouchers.CARD_CAMPAIGNS
            config = codes.config(campaign_form.code_config(given), valuable=valuable)
        except Refusal as refusal:
            return JsonResponse({"error": refusal.message})
        return JsonResponse({"example": codes.draw(config, 1)[0]})

    # --- changing one ---
    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Campaign = self.find(key, "retailer")
        form = ChangeCampaignForm(
            posted(request), campaign=row, initial={**campaign_form.initial(row), "version": stamp(row)}
        )

        def act(values: dict[str, Any]) -> str:
            fresh: Campaign = locked(row, values["version"])
            terms = {**form.terms, "name": values["name"]}
            terms["metadata"] = fields.merged_away(fresh.metadata, terms["metadata"])
            common: dict[str, Any] = {"retailer_id": row.retailer_id, "actor": actor_of(request), "now": now()}
            common["reason"] = values["reason"]
            campaigns.update(ident=row.public_id, fields=terms, **common)  # type: ignore[arg-type]
            if row.type == Type.STANDALONE and "redemption_limit" in terms:
                limits: Any = {name: terms[name] for name in ("redemption_limit", "customer_limit")}
                for voucher in row.vouchers.filter(deleted_at__isnull=True)[:1]:
                    vouchers.update(ident=voucher.public_id, fields=limits, **common)
            return f"Campaign {values['name']} has been saved."

        return self.ask(
            request, form=form, title=f"Edit {row.name}", button="Save", back=self.url("change", key), act=act
        )

    def enable(self, request: HttpRequest, key: int) -> HttpResponse:
        text = "Its codes and promotions can be used again, within its dates and limits."
        return self.switch(request, key, True, "Enable", text)

    def disable(self, request: HttpRequest, key: int) -> HttpResponse:
        text = "None of its codes can be validated or redeemed until you enable it again. Locks that stand run out."
        return self.switch(request, key, False, "Disable", text)

    def switch(self, request: HttpRequest, key: int, active: bool, word: str, text: str) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Campaign = self.find(key)
        told = f"Campaign {row.name} has been {word.lower()}d."
        more: dict[str, Any] = {"ident": row.public_id, "active": active, "danger": not active}
        return self.ask_why(request, row, campaigns.switch, word=word, text=text, told=told, **more)

    def archive(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Campaign = self.find(key)
        text = "It is disabled for good and leaves the list. Its codes and history are kept."
        told = f"Campaign {row.name} has been archived.\n{self.url('changelist')}"
        more: dict[str, Any] = {"ident": row.public_id, "danger": True}
        return self.ask_why(request, row, campaigns.archive, word="Archive", text=text, told=told, **more)

    def more_codes(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"), "offers.add_voucher")
        row: Campaign = self.find(key)

        def act(values: dict[str, Any]) -> str:
            job = campaigns.add_vouchers(
                retailer_id=row.retailer_id,
                ident=row.public_id,
                count=values["count"],
                fields={},
                actor=actor_of(request),
                now=now(),
            )
            return f"{job.total:,} codes are being made."

        return self.ask(
            request,
            form=MoreCodesForm(posted(request)),
            title=f"More codes for {row.name}",
            text="With the present discount and limits of the campaign.",
            button="Make codes",
            back=self.url("change", key),
            act=act,
        )

    # --- one campaign ---
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        row: Campaign = self.find(object_id, "retailer", "category")
        return self.show(request, self.page(request, row))

    def page(self, request: HttpRequest, row: Campaign) -> Page:
        return Page(
            title=row.name,
            subtitle=f"{row.get_campaign_type_display()}, {row.public_id}",
            chips=[campaign_facts.state_chip(row)],
            buttons=self.buttons(request, row),
            blocks=[
                *self.jobs(row),
                *self.figures(request, row),
                campaign_facts.terms(row),
                self.condition_table(request, row, empty="None: everybody can use it on any order."),
                *self.history(row),
            ],
        )

    def buttons(self, request: HttpRequest, row: Campaign) -> list[Button]:
        if row.archived_at or not self.may(request, self.permission("change")):
            return []
        with_pool = row.campaign_type != Kind.PROMOTION and row.type != Type.STANDALONE
        switch = ("Disable…", "disable") if row.active else ("Enable…", "enable")
        found = [Button(text="Edit", url=self.url("edit", row.pk), tone="main")]
        found += [Button(text="More codes…", url=self.url("more_codes", row.pk))] if with_pool else []
        found.append(Button(text=switch[0], url=self.url(switch[1], row.pk)))
        found.append(Button(text="Archive…", url=self.url("archive", row.pk)))
        return found

    def jobs(self, row: Campaign) -> list[Block]:
        """Return the bars of the jobs at work on this campaign."""
        running = AsyncAction.objects.filter(
            retailer_id=row.retailer_id, status__in=(AsyncAction.Status.ENQUEUED, AsyncAction.Status.IN_PROGRESS)
        ).order_by("-id")[:200]
        mine = [job for job in running if job.parameters.get("campaign_id") == row.pk]
        return [
            jobs.progress(job, reverse("admin:offers_asyncaction_progress", args=[job.pk])) for job in mine[:JOBS_SHOWN]
        ]

    def figures(self, request: HttpRequest, row: Campaign) -> list[Block]:
        return []

    def history(self, row: Campaign) -> list[Block]:
        return []
