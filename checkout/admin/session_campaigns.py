"""Session offers for staff: what a channel shows to whom, with which code."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse

from checkout.models import Authorization
from offers import channels
from offers.admin import fields, show
from offers.admin.filters import RetailerFilter
from offers.admin.office import OfficeAdmin, OfficeForm, View, actor_of, now, posted
from offers.admin.page import Button, Facts, Figure, Figures, Page
from offers.models import Channel, SessionCampaign

State = Authorization.State


class CampaignForm(OfficeForm):
    channel = forms.ModelChoiceField(
        Channel.objects.select_related("retailer").order_by("name"), widget=fields.select(), empty_label=None
    )
    name = forms.CharField(max_length=100, widget=fields.text(), help_text="The headline of the offer.")
    text = forms.CharField(max_length=300, required=False, widget=fields.area(2), help_text="What stands beneath it.")
    code = forms.CharField(
        max_length=64,
        widget=fields.text(),
        help_text="Begins with the channel's prefix. Its voucher says what it gives.",
    )
    cart_total_min = fields.MoneyField(label="From a cart of", help_text="Empty: shown to everybody.")
    bind = forms.ChoiceField(
        choices=SessionCampaign.Bind.choices, initial="session", widget=fields.Choices(), label="Works for"
    )
    active = forms.BooleanField(
        required=False,
        initial=True,
        widget=fields.tick(),
        label="On",
        help_text="Off, all its authorisations end at once.",
    )
    present = forms.BooleanField(
        required=False,
        initial=True,
        widget=fields.tick(),
        label="Our own engine shows it",
        help_text="Off: a partner does.",
    )
    reason = forms.CharField(
        max_length=255,
        required=False,
        widget=fields.text(),
        help_text="Needed to switch it off.",
    )
    was_on = False
    sections: ClassVar = [
        ("", "", ["channel", "name", "text", "code", "cart_total_min", "bind", "active", "present", "reason"]),
    ]

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if self.was_on and not found.get("active") and not found.get("reason"):
            self.add_error("reason", "Say why it is switched off.")
        return found

    def terms(self, channel: Channel) -> dict[str, Any]:
        """Return the values as the verbs take them."""
        other = {"channel", "version", "reason"}
        values = {name: value for name, value in self.cleaned_data.items() if name not in other}
        return {**values, "cart_total_min": fields.in_minor(self, "cart_total_min", channel.retailer.currency)}


@admin.register(SessionCampaign)
class SessionCampaignAdmin(OfficeAdmin):
    called = ("session offer", "session offers")
    list_display = ("name", "code_", "state", "works_for", "channel")
    list_filter = (RetailerFilter,)
    list_select_related = ("channel",)
    search_fields = ("name", "code")
    search_help_text = "Name or code"
    nothing_text = "No session offers yet. They belong to a channel."

    @display(description="Code")
    def code_(self, row: SessionCampaign) -> str:
        return show.mono(row.code)

    @display(description="State")
    def state(self, row: SessionCampaign) -> str:
        return switched(row)

    @display(description="Works for")
    def works_for(self, row: SessionCampaign) -> str:
        return row.get_bind_display()

    def pages(self) -> dict[str, View]:
        return {"<id>/edit": self.edit}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        form = CampaignForm(posted(request))
        del form.fields["reason"]

        def act(values: dict[str, Any]) -> str:
            channel: Channel = values["channel"]
            made = channels.create_campaign(
                retailer_id=channel.retailer_id,
                channel=channel,
                fields=form.terms(channel),
                actor=actor_of(request),
                now=now(),
            )
            return f"{made.name} has been made.\n{self.url('change', made.pk)}"

        return self.ask(
            request,
            form=form,
            title="New session offer",
            button="Create session offer",
            back=self.url("changelist"),
            act=act,
        )

    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: SessionCampaign = self.find(key, "channel__retailer")
        initial = {name: getattr(row, name) for name in ("name", "text", "bind", "active", "present")}
        initial["cart_total_min"] = fields.in_major(row.cart_total_min, row.channel.retailer.currency)
        form = CampaignForm(posted(request), initial=initial)
        del form.fields["channel"], form.fields["code"]
        form.was_on = row.active

        def act(values: dict[str, Any]) -> str:
            channels.update_campaign(
                retailer_id=row.retailer_id,
                ident=row.public_id,
                fields=form.terms(row.channel),
                actor=actor_of(request),
                now=now(),
                reason=values["reason"],
            )
            return f"{row.name} has been saved."

        return self.ask(
            request, form=form, title=f"Edit {row.name}", button="Save", back=self.url("change", key), act=act
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        row: SessionCampaign = self.find(object_id, "channel__retailer")
        retailer = row.channel.retailer
        states = row.authorizations.aggregate(
            all=Count("id"),
            active=Count("id", filter=Q(state=State.ACTIVE, expires_at__gt=now())),
            used=Count("id", filter=Q(state=State.USED)),
        )
        figures = [
            Figure(label="Authorised", value=show.count(states["all"])),
            Figure(label="May use it now", value=show.count(states["active"] if row.active else 0)),
            Figure(label="Used", value=show.count(states["used"])),
        ]
        known = {
            "Code": show.mono(row.code),
            "Text": row.text,
            "Channel": show.to_page(row.channel),
            "From a cart of": show.amount(row.cart_total_min, retailer.currency, empty="anything"),
            "Works for": row.get_bind_display(),
            "Shown by": "our own engine" if row.present else "a partner, by grants it signs",
            "Id": show.mono(row.public_id),
        }
        may = self.may(request, self.permission("change"))
        page = Page(
            title=row.name,
            chips=[switched(row)],
            buttons=[Button(text="Edit", url=self.url("edit", row.pk), tone="main")] if may else [],
            blocks=[Figures(figures=figures), Facts(facts=[(name, value) for name, value in known.items() if value])],
        )
        return self.show(request, page)


def switched(row: SessionCampaign) -> str:
    return show.chip("On", "good") if row.active else show.chip("Off", "warn")
