"""Retailers: the tenants, their currency, time zone and how codes are combined."""

from dataclasses import asdict
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse

from offers import retailer_settings, retailers
from offers.admin import durations, fields, show
from offers.admin.office import (
    OfficeAdmin,
    OfficeForm,
    actor_of,
    locked,
    now,
    posted,
    stamp,
)
from offers.admin.page import Button, Facts, Page
from offers.models import Retailer

# What of the stacking rules a person sets; the rest stays as the API set it.
STACKING = {
    "redeemables_limit": "Most codes in one request",
    "applicable_redeemables_limit": "Most codes that apply to one order",
    "applicable_exclusive_redeemables_limit": "Most codes of exclusive categories",
    "applicable_redeemables_per_category_limit": "Most codes of one category",
}

TILLS = ("lock_ttl_seconds", "transaction_max_queue_seconds", "redeem_orphan_hours", "reinstate_on_full_return")
TILLS_TEXT = (
    "A lock binds an offer to one purchase. It has to last longer than a purchase may wait in the queue, and be short "
    "enough that an abandoned basket does not keep the offer from its owner: at most a day. For baskets that stay open "
    "longer, shops redeem at once instead: what is redeemed is not freed by time, only by reinstating it."
)
SHORT_LOCK = 60


class RetailerForm(OfficeForm):
    name = forms.CharField(max_length=200, widget=fields.text())
    currency = forms.RegexField(
        r"^[A-Za-z]{3}$",
        widget=fields.short(maxlength=3, placeholder="EUR"),
        help_text="ISO code. It can't be changed once anything has been made: amounts are stored in its smallest unit.",
        error_messages={"invalid": "Three letters, such as EUR."},
    )
    timezone = forms.CharField(
        max_length=64,
        initial="UTC",
        label="Time zone",
        widget=fields.short(placeholder="Europe/Berlin"),
        help_text="Days and hours of campaigns are meant in this zone.",
    )
    redeemables_limit = forms.IntegerField(required=False, min_value=1, max_value=30)
    applicable_redeemables_limit = forms.IntegerField(required=False, min_value=1, max_value=30)
    applicable_exclusive_redeemables_limit = forms.IntegerField(required=False, min_value=1, max_value=30)
    applicable_redeemables_per_category_limit = forms.IntegerField(required=False, min_value=1, max_value=30)
    redeemables_application_mode = forms.ChoiceField(
        required=False,
        label="When one of several codes does not apply",
        choices=[("", "Refuse all of them (default)"), ("PARTIAL", "Apply the others")],
        widget=fields.select(),
    )
    redeemables_sorting_rule = forms.ChoiceField(
        required=False,
        label="Codes are applied",
        choices=[("", "As they were sent (default)"), ("CATEGORY_HIERARCHY", "In the order of their categories")],
        widget=fields.select(),
    )
    lock_ttl_seconds = durations.DurationField(
        required=False, label="A lock lasts", most=retailer_settings.LOCK_TTL_MOST
    )
    transaction_max_queue_seconds = durations.DurationField(
        required=False,
        label="A purchase waits at most",
        least=0,
        most=retailer_settings.LOCK_TTL_MOST,
        help_text="The longest that the queue may take to process it. It has to be less than a lock lasts.",
    )
    redeem_orphan_hours = durations.DurationField(
        required=False,
        label="Give back a redemption without purchase after",
        unit=durations.HOUR,
        most=24 * 366,
        help_text="In hours or days, such as 36 h or 2 days.",
    )
    reinstate_on_full_return = forms.BooleanField(
        required=False, widget=fields.tick(), label="A full return gives the offers used back to the wallet"
    )
    sections = [
        ("The retailer", "", ["name", "currency", "timezone"]),
        (
            "Combining codes",
            "Empty fields take the defaults: 30, 5, 1 and 1.",
            [*STACKING, "redeemables_application_mode", "redeemables_sorting_rule"],
        ),
        ("Tills", TILLS_TEXT, TILLS),
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in STACKING.items():
            self.fields[name].label = label
            self.fields[name].widget = forms.NumberInput({"class": "ok-input ok-short"})

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()

    def clean_timezone(self) -> str:
        name = str(self.cleaned_data["timezone"])
        if name not in available_timezones():
            raise forms.ValidationError("Not a known time zone. Write it as Region/City, such as Europe/Berlin.")
        return name

    def stacking(self, old: dict[str, Any]) -> dict[str, Any]:
        chosen = [*STACKING, "redeemables_application_mode", "redeemables_sorting_rule"]
        found = {name: value for name, value in old.items() if name not in chosen}
        return found | {name: self.cleaned_data[name] for name in chosen if self.cleaned_data[name]}


@admin.register(Retailer)
class RetailerAdmin(OfficeAdmin):
    list_display = ("name", "currency", "timezone", "made")
    search_fields = ("name",)
    nothing_text = "No retailer yet. Everything belongs to one: start here."

    @display(description="Created")
    def made(self, row: Retailer) -> str:
        return show.moment(row.created_at, row.timezone)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        return self.edit(request, Retailer(), "New retailer")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row: Retailer = self.find(object_id)
        if "edit" in request.GET or request.method == "POST":
            self.demand(request, self.permission("change"))
            return self.edit(request, row, row.name)
        self.demand(request, self.permission("view"))
        settings = retailer_settings.of(row.settings)
        facts = [
            ("Id", show.mono(row.public_id)),
            ("Currency", row.currency),
            ("Time zone", row.timezone),
            ("A lock lasts", durations.words(settings.lock_ttl_seconds)),
            ("A purchase waits at most", durations.words(settings.transaction_max_queue_seconds)),
            *((STACKING.get(name, name.replace("_", " ")), show.plain(value)) for name, value in row.stacking.items()),
        ]
        edit = Button(text="Edit", url="?edit", tone="main")
        may = self.may(request, self.permission("change"))
        return self.show(request, Page(title=row.name, buttons=[edit] if may else [], blocks=[Facts(facts=facts)]))

    def edit(self, request: HttpRequest, row: Retailer, title: str) -> HttpResponse:
        initial = {"name": row.name, "currency": row.currency, "timezone": row.timezone}
        settings = asdict(retailer_settings.of(row.settings))
        form = RetailerForm(posted(request), initial={**settings, **row.stacking, **initial, "version": stamp(row)})
        if row.pk:
            form.fields["currency"].disabled = True

        def act(values: dict[str, Any]) -> str:
            fresh: Retailer = locked(row, values["version"]) if row.pk else row
            terms: Any = {name: values[name] for name in ("name", "timezone", "currency")}
            terms["stacking"] = form.stacking(fresh.stacking)
            terms["settings"] = {name: values[name] for name in TILLS if values[name] is not None}
            who: Any = {"actor": actor_of(request), "now": now()}
            kept = (
                retailers.update(retailer_id=row.pk, fields=terms, **who)
                if row.pk
                else retailers.create(fields=terms, **who)
            )
            brief = (values["lock_ttl_seconds"] or SHORT_LOCK) < SHORT_LOCK
            warning = " Locks this short may end while a customer is still paying." if brief else ""
            return f"{kept.name} has been saved.{warning}\n{self.url('change', kept.pk)}"

        back = self.url("change", row.pk) if row.pk else self.url("changelist")
        return self.ask(request, form=form, title=title, button="Save", back=back, act=act)
