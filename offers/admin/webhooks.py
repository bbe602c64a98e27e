"""The back office of webhooks: where events go, which, and the secrets that sign them."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse

from offers.admin import fields, show
from offers.admin.deliveries import state_chip
from offers.admin.filters import RetailerFilter
from offers.admin.office import OfficeAdmin, OfficeForm, ReasonForm, SureForm, View, actor_of, posted
from offers.admin.page import Button, Facts, Page, Table
from offers.lib import clock
from offers.models import Retailer
from offers.outbox import addresses, endpoints
from offers.outbox.models import Endpoint
from offers.outbox.types import TYPES

SHOWN_DELIVERIES = 50
SHOWN_EVENTS = 3


class EndpointForm(OfficeForm):
    """Where events go, and which."""

    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    url = forms.CharField(
        max_length=1000,
        label="Address",
        widget=fields.text(placeholder="https://shop.example/hooks"),
        help_text="Of a server on the public internet. Each event is posted there as JSON, signed.",
    )
    events = forms.MultipleChoiceField(
        choices=[(kind, kind) for kind in TYPES],
        required=False,
        widget=fields.Ticks(),
        help_text="None ticked: all of them, also those of later versions.",
    )
    sections = [("Where to", "", ["retailer", "url"]), ("What about", "", ["events"])]

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        try:
            addresses.parse(url, allow_http=settings.WEBHOOK_ALLOW_HTTP)
        except addresses.AddressRefused as refusal:
            raise forms.ValidationError(refusal.message) from refusal
        return url


@admin.register(Endpoint)
class EndpointAdmin(OfficeAdmin):
    called = ("webhook", "webhooks")
    nothing_text = "No webhooks yet."
    list_display = ("url", "switched", "wanted", "why_off", "made", "retailer")
    list_select_related = ("retailer",)
    list_filter = (RetailerFilter,)
    search_fields = ("url", "=public_id")
    search_help_text = "Address or id"

    @display(description="State")
    def switched(self, endpoint: Endpoint) -> str:
        return show.chip("On", "good") if endpoint.active else show.chip("Off", "bad")

    @display(description="Why it is off")
    def why_off(self, endpoint: Endpoint) -> str:
        return endpoint.disabled_reason or show.NOTHING

    @display(description="Made")
    def made(self, endpoint: Endpoint) -> str:
        return show.moment(endpoint.created_at, endpoint.retailer.timezone)

    @display(description="Events")
    def wanted(self, endpoint: Endpoint) -> str:
        if len(endpoint.events) > SHOWN_EVENTS:
            return f"{len(endpoint.events)} kinds"
        return ", ".join(endpoint.events) or "all of them"

    def secrets(self, endpoint: Endpoint) -> str:
        if endpoints.secret(endpoint) is None:
            return "sealed under another SECRET_KEY, it cannot be read: nothing is sent until you make a new one"
        newest, *before = endpoints.secrets_in_use(endpoint, now=clock.now())
        shown = f"ends in …{newest[-4:]}; the whole was shown when it was made"
        for text in before:
            until = f"{endpoint.previous_secret_until:%Y-%m-%d %H:%M} UTC"
            shown += f". The one before (…{text[-4:]}) signs beside it until {until}"
        return shown

    def pages(self) -> dict[str, View]:
        return {
            "<id>/edit": self.edit,
            "<id>/new-secret": self.new_secret,
            "<id>/end-rotation": self.end_rotation,
            "<id>/enable": self.enable,
            "<id>/disable": self.disable,
            "<id>/remove": self.remove,
        }

    # --- making and changing ---
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))

        def act(values: dict[str, Any]) -> HttpResponse:
            made, secret = endpoints.create(retailer_id=values["retailer"].pk, **self._shared(request, values))
            return self._reveal(request, made, secret)

        return self.ask(
            request,
            form=EndpointForm(posted(request)),
            title="New webhook",
            text="Its secret is shown once, after it is made.",
            button="Create webhook",
            back=self.url("changelist"),
            act=act,
        )

    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        """Change where events go and which; the secret stays."""
        self.demand(request, self.permission("change"))
        row: Endpoint = self.find(key)
        form = EndpointForm(posted(request), initial={"url": row.url, "events": row.events})
        del form.fields["retailer"]

        def act(values: dict[str, Any]) -> str:
            endpoints.change(row, **self._shared(request, values))
            return "The webhook has been saved."

        return self.ask(
            request,
            form=form,
            title="Edit the webhook",
            text=row.url,
            button="Save",
            back=self.url("change", key),
            act=act,
        )

    def _shared(self, request: HttpRequest, values: dict[str, Any]) -> dict[str, Any]:
        who = {"actor": actor_of(request), "now": clock.now(), "allow_http": settings.WEBHOOK_ALLOW_HTTP}
        return {"url": values["url"], "events": values["events"], **who}

    def new_secret(self, request: HttpRequest, key: int) -> HttpResponse:
        """Ask, then give a webhook a new secret and show it once."""
        self.demand(request, self.permission("change"))
        row: Endpoint = self.find(key)

        def act(_: dict[str, Any]) -> HttpResponse:
            secret = endpoints.rotate(row, actor=actor_of(request), now=clock.now())
            return self._reveal(request, row, secret)

        return self._sure(
            request,
            row,
            title="Make a new secret?",
            text="Events are signed with both for 24 hours, so that you can exchange it without losing one.",
            button="Make a new secret",
            act=act,
        )

    def end_rotation(self, request: HttpRequest, key: int) -> HttpResponse:
        """Ask, then stop signing with the secret before."""
        self.demand(request, self.permission("change"))
        row: Endpoint = self.find(key)

        def act(_: dict[str, Any]) -> str:
            endpoints.end_rotation(row, actor=actor_of(request), now=clock.now())
            return "Only the newest secret signs from now on."

        text = "Whoever still checks with the old one takes no event for true from now on."
        return self._sure(
            request, row, title="End the old secret now?", text=text, button="End it", act=act, danger=True
        )

    def enable(self, request: HttpRequest, key: int) -> HttpResponse:
        """Ask, then switch a webhook on."""
        self.demand(request, self.permission("change"))
        row: Endpoint = self.find(key)

        def act(_: dict[str, Any]) -> str:
            endpoints.enable(row, actor=actor_of(request), now=clock.now())
            return "The webhook has been switched on."

        text = "What was set aside while it was off is sent at once."
        return self._sure(request, row, title="Switch the webhook on?", text=text, button="Switch on", act=act)

    def _sure(
        self,
        request: HttpRequest,
        row: Endpoint,
        *,
        title: str,
        text: str,
        button: str,
        act: Callable[[dict[str, Any]], str | HttpResponse],
        danger: bool = False,
    ) -> HttpResponse:
        return self.ask(
            request,
            form=SureForm(posted(request)),
            title=title,
            text=f"{row.url}. {text}",
            button=button,
            back=self.url("change", row.pk),
            act=act,
            danger=danger,
        )

    def disable(self, request: HttpRequest, key: int) -> HttpResponse:
        """Ask why, then switch a webhook off."""
        self.demand(request, self.permission("change"))
        row: Endpoint = self.find(key)

        def act(values: dict[str, Any]) -> str:
            endpoints.disable(row, actor=actor_of(request), now=clock.now(), reason=values["reason"])
            return "The webhook has been switched off."

        return self.ask(
            request,
            form=ReasonForm(posted(request)),
            title="Switch the webhook off?",
            text=f"{row.url}. What waits is kept until it is on again; new events are not for it.",
            button="Switch off",
            back=self.url("change", key),
            act=act,
            danger=True,
        )

    def remove(self, request: HttpRequest, key: int) -> HttpResponse:
        """Ask why, then forget a webhook."""
        self.demand(request, self.permission("delete"))
        row: Endpoint = self.find(key)

        def act(values: dict[str, Any]) -> str:
            endpoints.remove(row, actor=actor_of(request), now=clock.now(), reason=values["reason"])
            return f"The webhook has been deleted.\n{self.url('changelist')}"

        return self.ask(
            request,
            form=ReasonForm(posted(request)),
            title="Delete the webhook?",
            text=f"{row.url}. It is forgotten with the log of its deliveries; the events stay.",
            button="Delete",
            back=self.url("change", key),
            act=act,
            danger=True,
        )

    # --- one webhook ---
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        row: Endpoint = self.find(object_id, "retailer")
        newest = row.deliveries.select_related("event").order_by("-id")[:SHOWN_DELIVERIES]
        facts = [
            ("Events", ", ".join(row.events) or "all of them"),
            ("Why it is off", row.disabled_reason),
            ("Secret", self.secrets(row)),
            ("Made", self.made(row)),
            ("Its id", show.mono(row.public_id)),
            ("Retailer", row.retailer.name),
        ]
        table = Table(
            title="Newest deliveries",
            headers=["Event", "State", "Tries", "Last error"],
            rows=[
                [show.to_page(one, one.event.type), state_chip(one), str(one.attempts), one.last_error or show.NOTHING]
                for one in newest
            ],
            empty="Nothing has been sent to it yet.",
        )
        page = Page(
            title=row.url,
            chips=[self.switched(row)],
            buttons=self.buttons(request, row),
            blocks=[Facts(facts=[fact for fact in facts if fact[1]]), table],
        )
        return self.show(request, page)

    def buttons(self, request: HttpRequest, row: Endpoint) -> list[Button]:
        found: list[Button] = []
        if self.may(request, self.permission("change")):
            switch = ("Switch off…", "disable") if row.active else ("Switch on…", "enable")
            found += [
                Button(text="Edit", url=self.url("edit", row.pk), tone="main"),
                Button(text=switch[0], url=self.url(switch[1], row.pk)),
                Button(text="New secret…", url=self.url("new_secret", row.pk)),
            ]
            if row.previous_secret:
                found.append(Button(text="End the old secret…", url=self.url("end_rotation", row.pk)))
        if self.may(request, self.permission("delete")):
            found.append(Button(text="Delete…", url=self.url("remove", row.pk), tone="danger"))
        return found

    def _reveal(self, request: HttpRequest, row: Endpoint, secret: str) -> HttpResponse:
        """Show a secret: the only time it can be read, so this page is never cached."""
        page = Page(
            title="Secret of the webhook",
            subtitle=row.url,
            notice="Copy it now: it is not shown again. Whoever gets the events checks their signature with it.",
            buttons=[Button(text="Done", url=self.url("change", row.pk), tone="main")],
            blocks=[Facts(facts=[("Secret", show.secret(secret)), ("Signature", show.mono("x-voucherify-signature"))])],
        )
        answer = self.show(request, page)
        answer["Cache-Control"] = "no-store"
        return answer
