"""The back office of webhooks: endpoints and their secrets, what happened, every delivery with its attempts."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from offers.admin import show
from offers.admin.filters import PickFilter, RetailerFilter
from offers.admin.office import OfficeAdmin, ReadOnlyAdmin, SureForm, View, actor_of, posted
from offers.admin.page import Block, Button, Facts, Page, Table
from offers.lib import clock
from offers.lib.errors import Refusal
from offers.outbox import addresses, delivery, endpoints
from offers.outbox.models import Delivery, Endpoint, Event
from offers.outbox.types import TYPES

SHOWN_DELIVERIES = 50
State = Delivery.State
TONES = {State.WAITING: "info", State.PAUSED: "warn", State.DELIVERED: "good", State.GIVEN_UP: "bad"}
WORDS = {
    State.WAITING: "Waiting",
    State.PAUSED: "Paused",
    State.DELIVERED: "Delivered",
    State.GIVEN_UP: "Given up",
}


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """Where events go, and which."""

    url = forms.CharField(max_length=1000, label="Address", widget=UnfoldAdminTextInputWidget)
    events = forms.MultipleChoiceField(
        choices=[(kind, kind) for kind in TYPES],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="None ticked: all of them, also those of later versions.",
    )

    class Meta:
        model = Endpoint
        fields = ("retailer", "url", "events")

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
    form = EndpointForm
    list_display = ("url", "switched", "wanted", "why_off", "made", "retailer")
    list_select_related = ("retailer",)
    list_filter = (RetailerFilter,)
    search_fields = ("url", "=public_id")
    search_help_text = "Address or id"
    actions = ("rotate", "end_rotation", "enable", "disable")
    readonly_fields = ("public_id", "switched", "why_off", "secrets", "made")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may(request, self.permission("delete"))

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
        return ", ".join(endpoint.events) or "all of them"

    @display(description="Secret")
    def secrets(self, endpoint: Endpoint) -> str:
        if endpoints.secret(endpoint) is None:
            return "sealed under another SECRET_KEY, it cannot be read: nothing is sent until you make a new one"
        newest, *before = endpoints.secrets_in_use(endpoint, now=clock.now())
        shown = f"ends in …{newest[-4:]}; the whole was shown when it was made"
        for text in before:
            until = f"{endpoint.previous_secret_until:%Y-%m-%d %H:%M} UTC"
            shown += f". The one before (…{text[-4:]}) signs beside it until {until}"
        return shown

    def get_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> list[str]:
        return ["retailer", "url", "events"] if obj is None else ["retailer", "url", "events", *self.readonly_fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> tuple[str, ...]:
        return () if obj is None else ("retailer", *self.readonly_fields)

    def save_model(self, request: HttpRequest, obj: Endpoint, form: EndpointForm, change: bool) -> None:
        shared: dict[str, Any] = {
            "url": form.cleaned_data["url"],
            "events": form.cleaned_data["events"],
            "allow_http": settings.WEBHOOK_ALLOW_HTTP,
            "actor": actor_of(request),
            "now": clock.now(),
        }
        if change:
            endpoints.change(obj, **shared)
            return
        made, _ = endpoints.create(retailer_id=obj.retailer_id, **shared)
        obj.pk, obj.public_id, obj.secret = made.pk, made.public_id, made.secret

    def response_add(self, request: HttpRequest, obj: Endpoint, post_url_continue: str | None = None) -> HttpResponse:
        return self._show_secrets(request, [(obj, endpoints.secret(obj) or "")])

    def delete_model(self, request: HttpRequest, obj: Endpoint) -> None:
        endpoints.remove(obj, actor=actor_of(request), now=clock.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset:
            endpoints.remove(endpoint, actor=actor_of(request), now=clock.now())

    @action(description="Make a new secret (the old one stays good for 24 hours)", permissions=["change"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> HttpResponse | None:
        made = []
        for endpoint in queryset:
            try:
                made.append((endpoint, endpoints.rotate(endpoint, actor=actor_of(request), now=clock.now())))
            except Refusal as refusal:
                messages.error(request, f"{endpoint.url}: {refusal.message}")
        return self._show_secrets(request, made) if made else None

    @action(description="Stop signing with the old secret now", permissions=["change"])
    def end_rotation(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset:
            endpoints.end_rotation(endpoint, actor=actor_of(request), now=clock.now())
        messages.success(request, "Only the newest secrets sign from now on.")

    @action(description="Switch on, and send what was set aside", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset:
            endpoints.enable(endpoint, actor=actor_of(request), now=clock.now())
        messages.success(request, "Switched on.")

    @action(description="Switch off", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        actor = actor_of(request)
        for endpoint in queryset:
            endpoints.disable(endpoint, actor=actor, now=clock.now(), reason=f"switched off by {actor.label}")
        messages.success(
            request, "Switched off. What waits is kept until they are on again, new events are not for them."
        )

    def _show_secrets(self, request: HttpRequest, made: list[tuple[Endpoint, str]]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "made": made,
            "opts": self.opts,
            "title": "Secret of the webhook",
        }
        answer = TemplateResponse(request, "admin/outbox/secret.html", context)
        answer["Cache-Control"] = "no-store"
        return answer


def state_chip(one: Delivery) -> str:
    return show.chip(WORDS[State(one.state)], TONES[State(one.state)])


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    called = ("event", "events")
    list_display = ("what", "ident", "when", "shop")
    list_select_related = ("retailer",)
    list_filter = (RetailerFilter,)
    search_fields = ("=public_id",)
    search_help_text = "Id of the event, whole"
    nothing_text = "No events yet. They are kept for webhooks."

    @display(description="Event")
    def what(self, event: Event) -> str:
        return event.type

    @display(description="Id")
    def ident(self, event: Event) -> str:
        return show.mono(event.public_id)

    @display(description="When")
    def when(self, event: Event) -> str:
        return show.moment(event.created_at, event.retailer.timezone)

    @display(description="Retailer")
    def shop(self, event: Event) -> str:
        return event.retailer.name

    def page(self, request: HttpRequest, key: Any) -> Page:
        event: Event = self.find(key, "retailer")
        zone = event.retailer.timezone
        facts = [
            ("When", show.moment(event.created_at, zone)),
            ("Given to webhooks", show.moment(event.fanned_out_at, zone, "not yet")),
            ("About", _as_json(event.data)),
            ("Came from", _as_json(event.source) if event.source else show.NOTHING),
            ("Retailer", event.retailer.name),
        ]
        rows = event.deliveries.select_related("endpoint").order_by("id")[:SHOWN_DELIVERIES]
        table = Table(
            title="Deliveries",
            headers=["To", "State", "Tries", "Last error"],
            rows=[
                [
                    show.to_page(one, one.endpoint.url),
                    state_chip(one),
                    str(one.attempts),
                    one.last_error or show.NOTHING,
                ]
                for one in rows
            ],
            empty="No webhook wanted it.",
        )
        blocks: list[Block] = [Facts(facts=facts), table]
        return Page(title=event.type, subtitle=event.public_id, blocks=blocks)


class StateFilter(PickFilter):
    title = "state"
    parameter_name = "state"
    choices_of = tuple((state.value, word) for state, word in WORDS.items())

    def narrow(self, queryset: QuerySet[Delivery], value: str) -> QuerySet[Delivery]:
        return queryset.filter(state=value)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    called = ("delivery", "deliveries")
    list_display = ("what", "to", "state_", "tries", "answer", "when")
    list_select_related = ("event", "endpoint__retailer")
    list_filter = (StateFilter, "endpoint")
    search_fields = ("=event__public_id",)
    search_help_text = "Id of the event, whole"
    actions = ("resend",)
    nothing_text = "Nothing has been sent yet."

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return self.may(request, self.permission("change"))

    @display(description="Event")
    def what(self, one: Delivery) -> str:
        return one.event.type

    @display(description="To")
    def to(self, one: Delivery) -> str:
        return show.mono(one.endpoint.url)

    @display(description="State")
    def state_(self, one: Delivery) -> str:
        return state_chip(one)

    @display(description="Tries")
    def tries(self, one: Delivery) -> str:
        return show.count(one.attempts)

    @display(description="Last answer")
    def answer(self, one: Delivery) -> str:
        return one.last_error or (f"HTTP {one.last_status}" if one.last_status else show.NOTHING)

    @display(description="Delivered, or next try")
    def when(self, one: Delivery) -> str:
        at = one.delivered_at or (one.next_at if one.state == State.WAITING else None)
        return show.moment(at, one.endpoint.retailer.timezone)

    def pages(self) -> dict[str, View]:
        return {"<id>/send-again": self.send_again}

    def page(self, request: HttpRequest, key: Any) -> Page:
        one: Delivery = self.find(key, "event", "endpoint__retailer")
        zone = one.endpoint.retailer.timezone
        facts = [
            ("Event", show.to_page(one.event, one.event.type)),
            ("To", show.to_page(one.endpoint, one.endpoint.url)),
            ("Delivered", show.moment(one.delivered_at, zone, "not yet")),
            ("Next try", show.moment(one.next_at, zone) if one.state == State.WAITING else show.NOTHING),
            ("Tries", show.count(one.attempts)),
            ("Retailer", one.endpoint.retailer.name),
        ]
        table = Table(
            title="Tries",
            headers=["When", "Answer", "Took", "Error"],
            rows=[_tried(entry, zone) for entry in reversed(one.log)],
            empty="Not tried yet.",
        )
        again = Button(text="Send again…", url=self.url("send_again", one.pk))
        return Page(
            title=one.event.type,
            subtitle=f"to {one.endpoint.url}",
            chips=[state_chip(one)],
            buttons=[again] if self.has_resend_permission(request) else [],
            blocks=[Facts(facts=facts), table],
        )

    def send_again(self, request: HttpRequest, key: int) -> HttpResponse:
        """Ask whether to send a delivery once more, then make it due."""
        self.demand(request, self.permission("view"), self.permission("change"))
        one: Delivery = self.find(key, "event", "endpoint")

        def act(_: dict[str, Any]) -> str:
            delivery.resend(one, actor=actor_of(request), now=clock.now())
            return "It is due again." if one.endpoint.active else "It is sent once its webhook is switched on."

        return self.ask(
            request,
            form=SureForm(posted(request)),
            title=f"Send {one.event.type} again?",
            text=f"{one.endpoint.url} gets it once more, with all tries before it.",
            button="Send again",
            back=self.url("change", one.pk),
            act=act,
        )

    @action(description="Send again", permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        count = 0
        for one in queryset.select_related("event", "endpoint"):
            delivery.resend(one, actor=actor_of(request), now=clock.now())
            count += 1
        messages.success(request, f"{count} deliveries are due again; those to webhooks that are off wait for them.")


def _tried(entry: Mapping[str, Any], zone: str) -> list[str]:
    """Return a line of the log as a row: when, answer, how long, error."""
    at = datetime.fromisoformat(entry["at"])
    when = show.moment(at if at.tzinfo else at.replace(tzinfo=UTC), zone)
    status = f"HTTP {entry['status']}" if entry["status"] else "none"
    return [when, status, f"{entry['ms']} ms", entry["error"] or show.NOTHING]


def _as_json(value: Any) -> str:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
