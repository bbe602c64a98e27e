"""Session offers for staff: channels with their leak report, campaigns, and which session may use which code."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse

from checkout import leaks, session_offers
from checkout.models import Authorization
from offers import channels
from offers.admin import fields, show
from offers.admin.filters import DaysFilter, ExactFilter, PickFilter, RetailerFilter
from offers.admin.office import OfficeAdmin, OfficeForm, ReadOnlyAdmin, View, actor_of, now, posted
from offers.admin.page import Block, Button, Facts, Figure, Figures, Page, Table
from offers.lib.errors import Duplicate
from offers.lib.normal_codes import folded
from offers.models import Channel, Retailer, SessionCampaign

State = Authorization.State
TONES = {State.ACTIVE: "good", State.USED: "info", State.REVOKED: "bad", State.EXPIRED: ""}
SELF_SERVICE = "A shopper can authorise himself in this mode."
SHORT = 12
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
    ttl_seconds = forms.IntegerField(
        min_value=1,
        max_value=30 * 86_400,
        initial=3600,
        widget=fields.short(inputmode="numeric"),
        label="A code works for (seconds)",
    )
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
            "A code works for": f"{row.ttl_seconds:,} seconds",
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
            blocks=[*report(row), self.campaigns(row), Facts(title="How it is set up", facts=list(known.items()))],
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


def report(row: Channel) -> list[Block]:
    """Return what became of the channel's codes: authorised, used, and tried by sessions they were not shown to."""
    found = leaks.report(channel=row, now=now())
    leaked = leaks.leaked(channel=row, now=now())
    total = [sum(getattr(one, name) for one in found) for name in ("authorized", "used", "refused")]
    names = ("Authorised", "Used", "Refused")
    figures = [Figure(label=f"{name} in 7 days", value=show.count(n)) for name, n in zip(names, total, strict=True)]
    figures.append(
        Figure(
            label="Leaked",
            value=", ".join(sorted(leaked)) or "none",
            note=f"codes tried in over {session_offers.LEAK_SESSIONS} sessions within the hour",
            tone="bad" if leaked else "",
        )
    )
    cells = [
        [
            f"{one.day:%Y-%m-%d}",
            show.mono(one.code),
            show.count(one.authorized),
            show.count(one.used),
            show.count(one.refused),
            show.count(one.sessions),
        ]
        for one in found
    ]
    return [
        Figures(figures=figures),
        Table(
            title="Leak report",
            text="Refusals are tries by sessions that were not shown the code: how far it has travelled. Days in UTC.",
            headers=["Day", "Code", "Authorised", "Used", "Refused", "In sessions"],
            rows=cells,
            empty="No code of this channel was shown or tried in the last 7 days.",
        ),
    ]


def mode_chip(row: Channel) -> str:
    return show.chip("Compatibility mode", "warn") if row.compat_mode else show.chip("Signed grants", "good")


def switched(row: SessionCampaign) -> str:
    return show.chip("On", "good") if row.active else show.chip("Off", "warn")


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
    sections: ClassVar = [
        ("", "", ["channel", "name", "text", "code", "cart_total_min", "bind", "active", "present"]),
    ]

    def terms(self, channel: Channel) -> dict[str, Any]:
        """Return the values as the verbs take them."""
        values = {name: value for name, value in self.cleaned_data.items() if name not in {"channel", "version"}}
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

        def act(_: dict[str, Any]) -> str:
            channels.update_campaign(
                retailer_id=row.retailer_id,
                ident=row.public_id,
                fields=form.terms(row.channel),
                actor=actor_of(request),
                now=now(),
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


Rows = QuerySet[Authorization]


class StateFilter(PickFilter):
    title = "state"
    parameter_name = "state"
    choices_of = tuple(State.choices)

    def narrow(self, queryset: Rows, value: str) -> Rows:
        if value == State.ACTIVE:
            return queryset.filter(state=value, expires_at__gt=now())
        if value == State.EXPIRED:
            return queryset.filter(Q(state=value) | Q(state=State.ACTIVE, expires_at__lte=now()))
        return queryset.filter(state=value)


class CodeFilter(ExactFilter):
    title = "code"
    parameter_name = "code"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(code=folded(text))


class SessionFilter(ExactFilter):
    title = "session (its hash, or the beginning)"
    parameter_name = "session"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(session_hash__startswith=text)


class GrantedFilter(DaysFilter):
    field = "granted_at"


@admin.register(Authorization)
class AuthorizationAdmin(ReadOnlyAdmin):
    called = ("authorisation", "authorisations")
    list_display = ("code_", "session", "campaign", "state_", "granted", "until")
    list_filter = (StateFilter, CodeFilter, SessionFilter, GrantedFilter, RetailerFilter)
    list_select_related = ("retailer", "campaign")
    nothing_text = "No session was shown a code yet."

    @display(description="Code")
    def code_(self, row: Authorization) -> str:
        return show.mono(row.code)

    @display(description="Session")
    def session(self, row: Authorization) -> str:
        return show.mono(f"{row.session_hash[:SHORT]}…")

    @display(description="State")
    def state_(self, row: Authorization) -> str:
        return state_chip(row)

    @display(description="Authorised")
    def granted(self, row: Authorization) -> str:
        return show.moment(row.granted_at, row.retailer.timezone)

    @display(description="Until")
    def until(self, row: Authorization) -> str:
        return show.moment(row.expires_at, row.retailer.timezone)

    def pages(self) -> dict[str, View]:
        return {"<id>/revoke": self.revoke}

    def page(self, request: HttpRequest, key: Any) -> Page:
        row: Authorization = self.find(key, "retailer", "campaign", "channel")
        zone = row.retailer.timezone
        known = {
            "Session": show.mono(row.session_hash),
            "Campaign": show.to_page(row.campaign),
            "Channel": show.to_page(row.channel),
            "Customer": row.customer_key,
            "By": "a signed grant" if row.jti else "the engine's server, or in compatibility mode",
            "Authorised": show.moment(row.granted_at, zone),
            "Until": show.moment(row.expires_at, zone),
            "Ended": show.moment(row.ended_at, zone),
            "In the cart": "yes" if row.on_cart else "no",
            "Retailer": row.retailer.name,
        }
        live = session_offers.state_now(row, now()) == State.ACTIVE
        may = live and self.may(request, self.permission("change"))
        return Page(
            title=row.code,
            subtitle=f"Session {row.session_hash[:SHORT]}…",
            chips=[state_chip(row)],
            buttons=[Button(text="Revoke…", url=self.url("revoke", row.pk), tone="danger")] if may else [],
            blocks=[Facts(facts=[(name, value) for name, value in known.items() if value and value != show.NOTHING])],
        )

    def revoke(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Authorization = self.find(key)
        return self.ask_why(
            request,
            row,
            session_offers.revoke,
            word="Revoke",
            text="The session can no longer use this code; it vanishes from its cart at the next look.",
            told=f"{row.code} was taken back.",
            danger=True,
            session_hash=row.session_hash,
            code=row.code,
        )


def state_chip(row: Authorization) -> str:
    state = State(session_offers.state_now(row, now()))
    return show.chip(state.label, TONES[state])
