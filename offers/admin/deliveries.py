"""The back office of events and their deliveries: what happened, and every attempt to tell it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from unfold.decorators import action

from offers.admin import show
from offers.admin.filters import PickFilter, RetailerFilter
from offers.admin.office import ReadOnlyAdmin, SureForm, View, actor_of, posted
from offers.admin.page import Block, Button, Facts, Page, Table
from offers.lib import clock
from offers.outbox import delivery
from offers.outbox.models import Delivery, Event

SHOWN_DELIVERIES = 50
State = Delivery.State
TONES = {State.WAITING: "info", State.PAUSED: "warn", State.DELIVERED: "good", State.GIVEN_UP: "bad"}
WORDS = {
    State.WAITING: "Waiting",
    State.PAUSED: "Paused",
    State.DELIVERED: "Delivered",
    State.GIVEN_UP: "Given up",
}


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
