"""Channels for staff: prefixes of codes that only work in the session they were shown to, with their leak report."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse

from checkout import leaks
from checkout.admin import leak_report
from checkout.admin.session_campaigns import switched
from offers import channels
from offers.admin import durations, fields, show
from offers.admin.filters import RetailerFilter
from offers.admin.office import OfficeAdmin, OfficeForm, View, actor_of, now, posted
from offers.admin.page import Button, Facts, Page, Table
from offers.lib.errors import Duplicate
from offers.models import Channel, Retailer

SELF_SERVICE = "A shopper can authorise himself in this mode."
ROTATION = "Grants of the old key still work for a day. The new one is shown once."


class ChannelForm(OfficeForm):
    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    name = forms.CharField(max_length=100, widget=fields.text())
    prefix = forms.CharField(  # type: ignore[assignment]  # a field; forms' own prefix stays unused
        max_length=16,
        initial="FP_",
        widget=fields.short(),
        help_text="2 to 16 of A-Z and 0-9, the last one _ or -. It cannot change while codes with it exist.",
    )
    ttl_seconds = durations.DurationField(most=30 * 86_400, initial=3600, label="A code works for")
    max_codes = forms.IntegerField(
        min_value=1, max_value=100, initial=5, widget=fields.short(inputmode="numeric"), label="Codes a session"
    )
    one_use_per_session = forms.BooleanField(
        required=False, initial=True, widget=fields.tick(), label="A session uses a code once"
    )
    compat_mode = forms.BooleanField(
        required=False,
        widget=fields.tick(),
        label="Compatibility mode: take codes without a signed grant",
        help_text=f"Warning: {SELF_SERVICE[0].lower()}{SELF_SERVICE[1:]}",
    )
    sections: ClassVar = [
        ("", "", ["retailer", "name", "prefix", "ttl_seconds", "max_codes", "one_use_per_session", "compat_mode"])
    ]

    def terms(self) -> dict[str, Any]:
        """Return the values as the verbs take them."""
        return {name: value for name, value in self.cleaned_data.items() if name not in {"retailer", "version"}}


@admin.register(Channel)
class ChannelAdmin(OfficeAdmin):
    called = ("channel", "channels")
    list_display = ("name", "prefix_", "mode", "refused", "retailer")
    list_filter = (RetailerFilter,)
    list_select_related = ("retailer",)
    search_fields = ("name", "prefix")
    search_help_text = "Name or prefix"
    nothing_text = (
        "No channels yet. A channel reserves a prefix for codes that only work in the session they were shown to."
    )

    def prepared(self, rows: list[Any]) -> list[Any]:
        for row in rows:
            row.refused = leaks.refused_today(channel=row, now=now())
        return rows

    @display(description="Prefix")
    def prefix_(self, row: Channel) -> str:
        return show.mono(row.prefix)

    @display(description="Mode")
    def mode(self, row: Channel) -> str:
        return mode_chip(row)

    @display(description="Refused in 24 hours")
    def refused(self, row: Any) -> str:
        return show.count(row.refused)

    def pages(self) -> dict[str, View]:
        return {"<id>/edit": self.edit, "<id>/rotate": self.rotate}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        form = ChannelForm(posted(request))

        def act(values: dict[str, Any]) -> HttpResponse:
            retailer: Retailer = values["retailer"]
            if Channel.objects.filter(retailer=retailer, prefix=values["prefix"]).exists():
                raise Duplicate(resource_id=values["prefix"], resource_type="channel", field="prefix")
            made = channels.ensure(
                retailer_id=retailer.pk,
                prefix=values["prefix"],
                fields=form.terms(),
                actor=actor_of(request),
                now=now(),
            )
            return self.key(request, made)

        return self.ask(
            request, form=form, title="New channel", button="Create channel", back=self.url("changelist"), act=act
        )

    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Channel = self.find(key)
        initial = {name: getattr(row, name) for name in ("prefix", *channels.SETTINGS)}
        form = ChannelForm(posted(request), initial=initial)
        del form.fields["retailer"]

        def act(_: dict[str, Any]) -> str:
            channels.update(
                retailer_id=row.retailer_id,
                ident=row.public_id,
                fields=form.terms(),
                actor=actor_of(request),
                now=now(),
            )
            return f"Channel {row.name} has been saved."

        return self.ask(
            request, form=form, title=f"Edit {row.name}", button="Save", back=self.url("change", key), act=act
        )

    def rotate(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Channel = self.find(key)

        def act(_: dict[str, Any]) -> HttpResponse:
            made = channels.rotate(retailer_id=row.retailer_id, ident=row.public_id, actor=actor_of(request), now=now())
            return self.key(request, made)

        return self.ask(
            request,
            form=OfficeForm(posted(request)),
            title=f"New key for {row.name}?",
            text=ROTATION,
            button="Make a new key",
            back=self.url("change", key),
            act=act,
        )

    def key(self, request: HttpRequest, row: Channel) -> HttpResponse:
        shown = [("Key id", show.mono(row.kid)), ("Secret", show.secret(row.secret))]
        page = Page(
            title=f"Key of {row.name}",
            notice="The secret is shown this once. Whoever holds it can authorise any session: keep it on servers.",
            buttons=[Button(text="To the channel", url=self.url("change", row.pk), tone="main")],
            blocks=[Facts(facts=shown)],
        )
        response = self.show(request, page)
        response["Cache-Control"] = "no-store"
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        row: Channel = self.find(object_id, "retailer")
        known = {
            "Prefix": show.mono(row.prefix),
            "A code works for": durations.words(row.ttl_seconds),
            "Codes a session": show.count(row.max_codes),
            "A session uses a code": "once" if row.one_use_per_session else "as often as its limits allow",
            "Key id": show.mono(row.kid),
            "Id": show.mono(row.public_id),
            "Retailer": row.retailer.name,
        }
        buttons = []
        if self.may(request, self.permission("change")):
            buttons = [
                Button(text="Edit", url=self.url("edit", row.pk), tone="main"),
                Button(text="New key…", url=self.url("rotate", row.pk)),
            ]
        page = Page(
            title=row.name,
            chips=[mode_chip(row)],
            notice=SELF_SERVICE if row.compat_mode else "",
            buttons=buttons,
            blocks=[
                *leak_report.of(row),
                self.campaigns(row),
                Facts(title="How it is set up", facts=list(known.items())),
            ],
        )
        return self.show(request, page)

    def campaigns(self, row: Channel) -> Table:
        found = row.campaigns.order_by("-id")
        return Table(
            title="Campaigns",
            headers=["Campaign", "Code", "State", "Works for"],
            rows=[[show.to_page(one), show.mono(one.code), switched(one), one.get_bind_display()] for one in found],
            empty="Nothing is offered in this channel yet.",
        )


def mode_chip(row: Channel) -> str:
    return show.chip("Compatibility mode", "warn") if row.compat_mode else show.chip("Signed grants", "good")
