"""Signing keys: which one signs, which ones are still believed and until when; renewed and retired with a reason."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from offers import signing_keys
from offers.admin import fields, show
from offers.admin.filters import PickFilter, RetailerFilter
from offers.admin.office import ReadOnlyAdmin, ReasonForm, View, actor_of, now, posted
from offers.admin.page import Button, Facts, Page
from offers.models import Retailer, SigningKey

Rows = QuerySet[SigningKey]
State = SigningKey.State
PURPOSES = {
    signing_keys.ADMISSION: "Admission tokens",
    signing_keys.ORDERS: "Order hook of external shops",
}
# Whose secret somebody outside has to know; that of the others never leaves the server.
GIVEN = {signing_keys.ORDERS}
CHIPS = {State.ACTIVE: ("Signs", "good"), State.VERIFY: ("Only checks", "info"), State.RETIRED: ("Retired", "")}


class PurposeFilter(PickFilter):
    title = "purpose"
    parameter_name = "purpose"
    choices_of = tuple(PURPOSES.items())

    def narrow(self, queryset: Rows, value: str) -> Rows:
        return queryset.filter(purpose=value)


class StateFilter(PickFilter):
    """States by the clock: a key whose time of being believed is over is retired, written down or not."""

    title = "state"
    parameter_name = "state"
    choices_of = tuple((state.value, words) for state, (words, _) in CHIPS.items())

    def narrow(self, queryset: Rows, value: str) -> Rows:
        over = Q(state=State.VERIFY, verify_until__lte=now())
        if value == State.RETIRED:
            return queryset.filter(Q(state=value) | over)
        return queryset.filter(state=value).exclude(over)


class RingForm(ReasonForm):
    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    purpose = forms.ChoiceField(
        choices=tuple(PURPOSES.items()), widget=fields.Choices(), initial=signing_keys.ADMISSION, label="It signs"
    )
    sections: ClassVar = [("", "", ["retailer", "purpose", "reason"])]


def state(row: SigningKey) -> State:
    """Return the state by the clock."""
    over = row.state == State.VERIFY and row.verify_until is not None and row.verify_until <= now()
    return State.RETIRED if over else State(row.state)


def purpose(row: SigningKey) -> str:
    return PURPOSES.get(row.purpose) or row.purpose.replace("_", " ").capitalize()


def overlap(name: str) -> str:
    return show.duration(signing_keys.OVERLAPS[name]).partition(" 0 ")[0]


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    called = ("signing key", "signing keys")
    list_display = ("kid_", "purpose_", "state_", "since", "until", "retailer")
    list_filter = (PurposeFilter, StateFilter, RetailerFilter)
    list_select_related = ("retailer",)
    search_fields = ("=kid",)
    search_help_text = "Id of the key, whole"
    nothing_text = "No keys yet. They are made when something is signed for the first time."

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, self.permission("add"))

    @display(description="Key")
    def kid_(self, row: SigningKey) -> str:
        return show.mono(row.kid)

    @display(description="It signs")
    def purpose_(self, row: SigningKey) -> str:
        return purpose(row)

    @display(description="State")
    def state_(self, row: SigningKey) -> str:
        return show.chip(*CHIPS[state(row)])

    @display(description="Since")
    def since(self, row: SigningKey) -> str:
        return show.moment(row.created_at, row.retailer.timezone)

    @display(description="Believed until")
    def until(self, row: SigningKey) -> str:
        empty = "it is replaced" if state(row) == State.ACTIVE else show.NOTHING
        return show.moment(row.retired_at or row.verify_until, row.retailer.timezone, empty)

    def pages(self) -> dict[str, View]:
        return {"<id>/rotate": self.rotate, "<id>/retire": self.retire}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))

        def act(values: dict[str, Any]) -> str | HttpResponse:
            return self.renewed(request, values["retailer"].pk, values["purpose"], values["reason"])

        return self.ask(
            request,
            form=RingForm(posted(request)),
            title="New signing key",
            text="It signs from now on. The one before is believed for a while longer, so that nothing breaks.",
            button="Make the key",
            back=self.url("changelist"),
            act=act,
        )

    def page(self, request: HttpRequest, key: Any) -> Page:
        row: SigningKey = self.find(key, "retailer")
        known = {
            "It signs": purpose(row),
            "Since": self.since(row),
            "Believed until": self.until(row),
            "Retailer": row.retailer.name,
        }
        said = "Its secret is shown when it is made, and never again." if row.purpose in GIVEN else ""
        return Page(
            title=f"Key of {row.retailer.name}",
            subtitle=row.kid,
            chips=[show.chip(*CHIPS[state(row)])],
            buttons=self.buttons(request, row),
            blocks=[Facts(text=said, facts=list(known.items()))],
        )

    def buttons(self, request: HttpRequest, row: SigningKey) -> list[Button]:
        if not self.may(request, self.permission("change")) or state(row) == State.RETIRED:
            return []
        found = [Button(text="Retire…", url=self.url("retire", row.pk), tone="danger")]
        if row.state == State.ACTIVE:
            found.insert(0, Button(text="Rotate…", url=self.url("rotate", row.pk)))
        return found

    def rotate(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("view"), self.permission("change"))
        row: SigningKey = self.find(key)
        if row.state != State.ACTIVE:  # somebody else was faster: what is asked for here has happened
            return self.show(request, self.page(request, key))

        def act(reason: str) -> str | HttpResponse:
            return self.renewed(request, row.retailer_id, row.purpose, reason)

        return self.ask_reason(
            request,
            key,
            act,
            title=f"Replace the key for {purpose(row).lower()}?",
            text=f"A new key signs from now on; what this one signed is believed for {overlap(row.purpose)} longer.",
            button="Rotate",
        )

    def retire(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("view"), self.permission("change"))
        row: SigningKey = self.find(key)
        was_active = row.state == State.ACTIVE

        def act(reason: str) -> str | HttpResponse:
            shared: dict[str, Any] = {"retailer_id": row.retailer_id, "now": now()}
            signing_keys.retire(kid=row.kid, actor=actor_of(request), reason=reason, **shared)
            if was_active and row.purpose in GIVEN:
                return self.reveal(request, signing_keys.active(purpose=row.purpose, **shared))
            return f"{row.kid} is believed no more."

        follows = " A new key takes its place." if was_active else ""
        return self.ask_reason(
            request,
            key,
            act,
            title=f"Retire {row.kid}?",
            text=f"For a key that has leaked: everything it has signed is refused from this moment on.{follows}",
            button="Retire",
            danger=True,
        )

    def renewed(self, request: HttpRequest, retailer_id: int, name: str, reason: str) -> str | HttpResponse:
        made = signing_keys.rotate(
            retailer_id=retailer_id, purpose=name, actor=actor_of(request), reason=reason, now=now()
        )
        if name in GIVEN:
            return self.reveal(request, made)
        return f"{made.kid} signs from now on.\n{self.url('change', made.pk)}"

    def reveal(self, request: HttpRequest, row: SigningKey) -> HttpResponse:
        """Show the secret of a key somebody outside signs with; this page is never cached."""
        page = Page(
            title=f"Secret of the {purpose(row)[:1].lower()}{purpose(row)[1:]}",
            notice="It is shown this once. Put it into the shop's settings; the one before still works for "
            f"{overlap(row.purpose)} unless it was retired.",
            buttons=[Button(text="To the key", url=self.url("change", row.pk), tone="main")],
            blocks=[Facts(facts=[("Key", show.mono(row.kid)), ("Secret", show.secret(signing_keys.secret(row)))])],
        )
        answer = self.show(request, page)
        answer["Cache-Control"] = "no-store"
        return answer
