"""Authorisations for staff: which session may use which code, until when, and taking that back with a reason."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from checkout import session_offers
from checkout.models import Authorization
from offers.admin import show
from offers.admin.filters import DaysFilter, ExactFilter, PickFilter, RetailerFilter
from offers.admin.office import ReadOnlyAdmin, View, now
from offers.admin.page import Button, Facts, Page
from offers.lib.normal_codes import folded

State = Authorization.State
TONES = {State.ACTIVE: "good", State.USED: "info", State.REVOKED: "bad", State.EXPIRED: ""}
SHORT = 12
Rows = QuerySet[Authorization]


class StateFilter(PickFilter):
    title = "state"
    parameter_name = "state"
    choices_of = tuple(State.choices)

    def narrow(self, queryset: Rows, value: str) -> Rows:
        if value == State.ACTIVE:
            return queryset.filter(Authorization.in_force(now()))
        if value == State.EXPIRED:
            return queryset.filter(state__in=(value, State.ACTIVE)).exclude(Authorization.in_force(now()))
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
