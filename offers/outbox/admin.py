"""The back office of webhooks: endpoints and their secrets, what happened, every delivery with its attempts."""

import json
from functools import cached_property
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from offers.lib import clock
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.outbox import addresses, delivery, endpoints
from offers.outbox.models import Delivery, Endpoint, Event
from offers.outbox.types import TYPES

MOST = 5000
SHOWN_DELIVERIES = 50
TONES = {"waiting": "info", "paused": "warning", "delivered": "success", "given_up": "danger"}
SWITCHED = {"On": "success", "Off": "danger"}


def actor_of(request: HttpRequest) -> Actor:
    name = request.user.get_username()
    return Actor(kind="USER", ident=name, label=name)


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than anybody pages: a list of millions opens as quickly as a short one."""

    @cached_property
    def count(self) -> int:
        return int(self.object_list[:MOST].count())  # type: ignore[attr-defined]


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
class EndpointAdmin(ModelAdmin):  # type: ignore[misc]
    form = EndpointForm
    list_display = ("url", "retailer", "switched", "wanted", "disabled_reason", "created_at")
    list_select_related = ("retailer",)
    list_filter = ("active", "retailer")
    search_fields = ("url", "public_id")
    actions = ("rotate", "end_rotation", "enable", "disable")
    show_full_result_count = False
    readonly_fields = ("public_id", "switched", "disabled_reason", "secrets", "created_at")

    @display(description="State", label=SWITCHED)
    def switched(self, endpoint: Endpoint) -> str:
        return "On" if endpoint.active else "Off"

    @display(description="Events")
    def wanted(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.events) or "all"

    @display(description="Secret")
    def secrets(self, endpoint: Endpoint) -> str:
        until = endpoint.previous_secret_until
        shown = f"ends in …{endpoint.secret[-4:]}; the whole was shown when it was made"
        if endpoint.previous_secret and until and until > clock.now():
            shown += (
                f". The one before (…{endpoint.previous_secret[-4:]}) signs beside it until {until:%Y-%m-%d %H:%M} UTC"
            )
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
        return self._show_secrets(request, [(obj, obj.secret)])

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
        context = {**self.admin_site.each_context(request), "made": made, "opts": self.opts, "title": "New secret"}
        answer = TemplateResponse(request, "admin/outbox/secret.html", context)
        answer["Cache-Control"] = "no-store"
        return answer


class ReadOnly(ModelAdmin):  # type: ignore[misc]
    """History: looked at, never edited."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering = ("-id",)
    sortable_by = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Event)
class EventAdmin(ReadOnly):
    list_display = ("type", "public_id", "retailer", "created_at")
    list_select_related = ("retailer",)
    list_filter = ("retailer",)
    search_fields = ("=public_id",)
    fields = ("public_id", "type", "retailer", "created_at", "fanned_out_at", "data_", "source_", "deliveries_")
    readonly_fields = fields

    @display(description="Data")
    def data_(self, event: Event) -> str:
        return _as_json(event.data)

    @display(description="Source")
    def source_(self, event: Event) -> str:
        return _as_json(event.source)

    @display(description="Deliveries")
    def deliveries_(self, event: Event) -> str:
        rows = event.deliveries.select_related("endpoint").order_by("id")[:SHOWN_DELIVERIES]
        lines = ((one.endpoint.url, one.get_state_display(), one.attempts, one.last_error) for one in rows)
        return format_html_join("", "<div>{}: {}, {} attempts {}</div>", lines) or "none"


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    list_display = ("type", "endpoint", "state_", "attempts", "last_status", "last_error", "next_at", "delivered_at")
    list_select_related = ("event", "endpoint")
    list_filter = ("state", "endpoint")
    search_fields = ("=event__public_id",)
    actions = ("resend",)
    fields = ("event", "endpoint", "state_", "attempts", "next_at", "delivered_at", "log_")
    readonly_fields = fields

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("outbox.change_delivery"))

    @display(description="Event", ordering=None)
    def type(self, one: Delivery) -> str:
        return one.event.type

    @display(description="State", label=TONES)
    def state_(self, one: Delivery) -> tuple[str, str]:
        return one.state, one.get_state_display()

    @display(description="Attempts")
    def log_(self, one: Delivery) -> str:
        lines = ((entry["at"], entry["status"] or "", entry["ms"], entry["error"]) for entry in reversed(one.log))
        return format_html_join("", "<div>{} {} after {} ms {}</div>", lines) or "none yet"

    @action(description="Send again", permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        count = 0
        for one in queryset.select_related("event", "endpoint"):
            delivery.resend(one, actor=actor_of(request), now=clock.now())
            count += 1
        messages.success(request, f"{count} deliveries are due again; those to endpoints that are off wait for them.")


def _as_json(value: Any) -> str:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
