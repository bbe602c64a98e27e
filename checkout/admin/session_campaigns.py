"""Session offers for staff: what a channel shows to whom, with which code."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from checkout import daily_caps, session_campaigns
from checkout.models import Authorization
from offers import channels
from offers.admin import fields, show, windowed
from offers.admin.filters import RetailerFilter
from offers.admin.office import OfficeAdmin, OfficeForm, View, actor_of, now, posted
from offers.admin.page import Button, Facts, Figure, Figures, Page
from offers.models import Channel, SessionCampaign, Voucher

State = Authorization.State
MOMENTS = ("starts_at", "ends_at")


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
    starts_at = fields.LocalMomentField(label="Starts", help_text="Empty: at once.")
    ends_at = fields.LocalMomentField(
        label="Ends", help_text="Empty: never. From this minute on nobody can use it, whoever was shown it before."
    )
    daily_cap = fields.LimitField(
        label="Visits a day", help_text="Counted when a visit is shown it, by the day of the retailer's time zone."
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
        ("What", "", ["channel", "name", "text", "code"]),
        ("To whom", "", ["cart_total_min", "bind", "present"]),
        ("When, and how often", "", ["starts_at", "ends_at", "daily_cap", "active", "reason"]),
    ]

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if self.was_on and not found.get("active") and not found.get("reason"):
            self.add_error("reason", "Say why it is switched off.")
        return found

    def terms(self, channel: Channel, kept: SessionCampaign | None = None) -> dict[str, Any]:
        """Return the values as the verbs take them; a moment that was not touched keeps its seconds."""
        other = {"channel", "version", "reason"}
        values = {name: value for name, value in self.cleaned_data.items() if name not in other}
        for name in MOMENTS:
            before = getattr(kept, name) if kept else None
            values[name] = windowed.typed_moment(values[name], channel.retailer.timezone, before)
        return {**values, "cart_total_min": fields.in_minor(self, "cart_total_min", channel.retailer.currency)}


@admin.register(SessionCampaign)
class SessionCampaignAdmin(OfficeAdmin):
    called = ("session offer", "session offers")
    list_display = ("name", "code_", "state", "until", "today", "works_for", "channel")
    list_filter = (RetailerFilter,)
    list_select_related = ("channel", "retailer")
    search_fields = ("name", "code")
    search_help_text = "Name or code"
    nothing_text = "No session offers yet. They belong to a channel."

    def prepared(self, rows: list[Any]) -> list[Any]:
        used = daily_caps.used(campaigns=rows, now=now())
        for row in rows:
            row.used_today = used.get(row.pk, 0)
        return rows

    @display(description="Code")
    def code_(self, row: SessionCampaign) -> str:
        return show.mono(row.code)

    @display(description="State")
    def state(self, row: SessionCampaign) -> str:
        return switched(row)

    @display(description="Ends")
    def until(self, row: SessionCampaign) -> str:
        return show.day(row.ends_at, row.retailer.timezone, "never")

    @display(description="Visits today")
    def today(self, row: Any) -> str:
        if row.daily_cap is None:
            return show.ENDLESS
        text = f"{show.count(row.used_today)} of {show.count(row.daily_cap)}"
        return show.bar(show.share(row.used_today, row.daily_cap), text)

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
        initial |= {name: fields.on_clock(getattr(row, name), row.retailer.timezone) for name in MOMENTS}
        initial["daily_cap"] = row.daily_cap
        initial["cart_total_min"] = fields.in_major(row.cart_total_min, row.channel.retailer.currency)
        form = CampaignForm(posted(request), initial=initial)
        del form.fields["channel"], form.fields["code"]
        form.was_on = row.active

        def act(values: dict[str, Any]) -> str:
            session_campaigns.update(
                retailer_id=row.retailer_id,
                ident=row.public_id,
                fields=form.terms(row.channel, row),
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
            active=Count("id", filter=Authorization.in_force(now())),
            used=Count("id", filter=Q(state=State.USED)),
        )
        figures = [
            Figure(label="Authorised", value=show.count(states["all"])),
            Figure(label="May use it now", value=show.count(states["active"])),
            Figure(label="Used", value=show.count(states["used"])),
        ]
        if row.daily_cap is not None:
            figures.insert(0, today(row))
        voucher = Voucher.objects.filter(retailer=retailer, code=row.code, deleted_at__isnull=True).first()
        known = {
            "Code": show.to_page(voucher, show.mono(row.code), empty=show.mono(row.code)),
            "Text": row.text,
            "Channel": show.to_page(row.channel),
            "When": when(row, retailer.timezone),
            "Visits a day": show.count(row.daily_cap),
            "From a cart of": show.amount(row.cart_total_min, retailer.currency, empty="anything"),
            "Works for": row.get_bind_display(),
            "Shown by": "our own engine" if row.present else "a partner, by grants it signs",
            "Id": show.mono(row.public_id),
        }
        may = self.may(request, self.permission("change"))
        page = Page(
            title=row.name,
            notice=""
            if voucher
            else f"There is no code {row.code} yet: shoppers would see a code that does not work. Make it under Codes.",
            chips=[switched(row)],
            buttons=[Button(text="Edit", url=self.url("edit", row.pk), tone="main")] if may else [],
            blocks=[Figures(figures=figures), Facts(facts=[(name, value) for name, value in known.items() if value])],
        )
        return self.show(request, page)


def switched(row: SessionCampaign) -> str:
    """Return the campaign's state by the clock."""
    if not row.active:
        return show.chip("Off", "warn")
    if row.is_over(now()):
        return show.chip("Over")
    return show.chip("On", "good") if row.has_begun(now()) else show.chip("Not yet", "info")


def when(row: SessionCampaign, zone: str) -> str:
    said = [("From", row.starts_at), ("Until", row.ends_at)]
    lines = [format_html("{} {}", word, show.moment(at, zone)) for word, at in said if at]
    return show.lines(lines) if lines else "Always"


def today(row: SessionCampaign) -> Figure:
    """Return how far today's cap is used up."""
    used, cap = daily_caps.used(campaigns=[row], now=now())[row.pk], row.daily_cap or 0
    left = max(0, cap - used)
    return Figure(
        label="Authorised today",
        value=f"{show.count(used)} of {show.count(cap)}",
        note=f"{show.count(left)} left, days in {row.retailer.timezone}"
        if left
        else f"used up until midnight in {row.retailer.timezone}",
        tone="" if left else "warn",
        percent=show.share(used, cap),
    )
