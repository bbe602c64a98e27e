"""API credentials: issued with their secret shown once, given a new secret, revoked."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse

from offers import clients
from offers.admin import fields, show
from offers.admin.filters import PickFilter, RetailerFilter
from offers.admin.office import (
    OfficeAdmin,
    OfficeForm,
    View,
    actor_of,
    now,
    posted,
)
from offers.admin.page import Button, Facts, Page
from offers.models import Client, Retailer

SCOPE_CHOICES = [
    (scope, scope.replace(":", ": ").replace("_", " "))
    for scope in sorted(clients.SCOPES - {"*", *clients.OFFER_SCOPES})
]


class ClientForm(OfficeForm):
    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    name = forms.CharField(
        max_length=clients.NAME_MOST, widget=fields.text(), help_text="Who uses it, e.g. Webshop checkout."
    )
    kind = forms.ChoiceField(choices=Client.Kind.choices, widget=fields.Choices(), initial=Client.Kind.SERVER)
    origins = forms.CharField(
        required=False,
        widget=fields.area(2, placeholder="https://shop.example"),
        label="Web addresses of the shop",
        help_text="One per line: a browser credential only works from there.",
    )
    everything = forms.BooleanField(required=False, initial=True, widget=fields.tick(), label="May do everything")
    scopes = forms.MultipleChoiceField(required=False, choices=SCOPE_CHOICES, widget=fields.Ticks(), label="May only")
    rate_limited = forms.BooleanField(
        required=False,
        initial=True,
        widget=fields.tick(),
        label="Limit the rate of its requests",
        help_text="Switch off only for callers you run yourself.",
    )
    sections = [
        ("Who", "", ["retailer", "name", "kind", "origins"]),
        ("What it may do", "", ["everything", "scopes", "rate_limited"]),
    ]
    shown_when = {"origins": "kind=browser", "everything": "kind=server", "scopes": "kind=server;everything="}

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("kind") == Client.Kind.BROWSER and not found.get("origins", "").split():
            self.add_error("origins", "A browser credential needs at least one web address.")
        if found.get("kind") == Client.Kind.SERVER and not (found.get("everything") or found.get("scopes")):
            self.add_error("scopes", "Choose at least one thing it may do.")
        return found

    def wanted_scopes(self) -> list[str] | None:
        if self.cleaned_data["kind"] != Client.Kind.SERVER or self.cleaned_data["everything"]:
            return None
        return list(self.cleaned_data["scopes"])


class NameForm(OfficeForm):
    name = forms.CharField(
        max_length=clients.NAME_MOST, widget=fields.text(), help_text="Who uses it, e.g. Webshop checkout."
    )
    sections = [("", "", ["name"])]


class LiveFilter(PickFilter):
    title = "state"
    parameter_name = "state"
    choices_of = (("live", "In use"), ("revoked", "Revoked"))

    def narrow(self, queryset: Any, value: str) -> Any:
        return queryset.filter(revoked_at__isnull=value == "live")


@admin.register(Client)
class ClientAdmin(OfficeAdmin):
    called = ("API credential", "API credentials")
    list_display = ("name", "key_", "kind_", "state_", "used", "retailer")
    list_filter = (LiveFilter, RetailerFilter)
    list_select_related = ("retailer",)
    search_fields = ("name", "key")
    nothing_text = "No shop can call the API yet."

    @display(description="Application id")
    def key_(self, row: Client) -> str:
        return show.mono(row.key)

    @display(description="Kind")
    def kind_(self, row: Client) -> str:
        return row.kind.capitalize()

    @display(description="State")
    def state_(self, row: Client) -> str:
        return show.chip("Revoked", "bad") if row.revoked_at else show.chip("In use", "good")

    @display(description="Last used")
    def used(self, row: Client) -> str:
        return show.moment(row.last_used_at, row.retailer.timezone, "never")

    def pages(self) -> dict[str, View]:
        return {"<id>/rename": self.rename, "<id>/revoke": self.revoke, "<id>/new-secret": self.new_secret}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        form = ClientForm(posted(request))

        def act(values: dict[str, Any]) -> HttpResponse:
            client, secret = clients.create(
                retailer_id=values["retailer"].pk,
                kind=values["kind"],
                name=values["name"],
                scopes=form.wanted_scopes(),
                origins=values["origins"].split(),
                rate_limited=values["rate_limited"],
                actor=actor_of(request),
                now=now(),
            )
            return self.reveal(request, client, secret)

        return self.ask(
            request, form=form, title="New API credential", button="Create", back=self.url("changelist"), act=act
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        row: Client = self.find(object_id, "retailer")
        zone, words = row.retailer.timezone, dict(SCOPE_CHOICES)
        allowed = "everything" if row.scopes == ["*"] else show.plain([words.get(one, one) for one in row.scopes])
        facts = [
            ("Application id", show.mono(row.key)),
            ("Kind", row.get_kind_display()),
            ("May do", allowed),
            ("Web addresses", show.plain(row.origins) if row.kind == Client.Kind.BROWSER else ""),
            ("Rate limit", "on" if row.rate_limited else "off"),
            ("Created", show.moment(row.created_at, zone)),
            ("Last used", show.moment(row.last_used_at, zone, "never")),
            ("Revoked", show.moment(row.revoked_at, zone, "") if row.revoked_at else ""),
            ("Retailer", row.retailer.name),
        ]
        may = not row.revoked_at and self.may(request, self.permission("change"))
        buttons = [
            Button(text="Rename…", url=self.url("rename", row.pk)),
            Button(text="New secret…", url=self.url("new_secret", row.pk)),
            Button(text="Revoke…", url=self.url("revoke", row.pk), tone="danger"),
        ]
        page = Page(
            title=row.name,
            chips=[self.state_(row)],
            buttons=buttons if may else [],
            blocks=[Facts(facts=[fact for fact in facts if fact[1]])],
        )
        return self.show(request, page)

    def reveal(self, request: HttpRequest, row: Client, secret: str) -> HttpResponse:
        """Show a fresh secret: the only time it can be read, so this page is never cached."""
        facts = [("Application id", show.mono(row.key)), ("Secret", show.secret(secret))]
        notice = "Copy the secret now. Only its fingerprint is kept: nobody can show it again."
        page = Page(
            title=row.name,
            notice=notice,
            buttons=[Button(text="Done", url=self.url("change", row.pk), tone="main")],
            blocks=[Facts(facts=facts)],
        )
        response = self.show(request, page)
        response["Cache-Control"] = "no-store"
        return response

    def rename(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Client = self.find(key)

        def act(values: dict[str, Any]) -> str:
            made = clients.rename(
                retailer_id=row.retailer_id, key=row.key, name=values["name"], actor=actor_of(request), now=now()
            )
            return f"The credential is called {made.name} now."

        return self.ask(
            request,
            form=NameForm(posted(request), initial={"name": row.name}),
            title=f"Rename {row.name}",
            text="Only what staff see changes: its id, secret and rights stay.",
            button="Rename",
            back=self.url("change", key),
            act=act,
        )

    def revoke(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Client = self.find(key)
        text = "Whoever uses this credential is locked out at once. This cannot be undone."
        told = f"{row.name} has been revoked: its requests are refused from now on."
        more: dict[str, Any] = {"key": row.key, "danger": True}
        return self.ask_why(request, row, clients.revoke, word="Revoke", text=text, told=told, **more)

    def new_secret(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Client = self.find(key)

        def act(reason: str) -> HttpResponse:
            client, secret = clients.rotate(
                retailer_id=row.retailer_id, key=row.key, reason=reason, actor=actor_of(request), now=now()
            )
            return self.reveal(request, client, secret)

        return self.ask_reason(
            request,
            key,
            act,
            title=f"New secret for {row.name}?",
            text="The old secret is refused from the next request on.",
            button="Make a new secret",
            danger=True,
        )
