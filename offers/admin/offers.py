"""Offers: made by type, published, paused, ended, put away; what the customer sees per culture; every revision."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse

from offers import offer_templates
from offers.admin import offer_facts, show
from offers.admin.filters import PickFilter, RetailerFilter
from offers.admin.offer_form import NAMES, OfferForm
from offers.admin.office import (
    OfficeAdmin,
    ReasonForm,
    SureForm,
    View,
    actor_of,
    locked,
    now,
    posted,
    stamp,
)
from offers.admin.own_search import OwnSearch
from offers.admin.page import Button, Figures, Page
from offers.models import Offer, UserOffer

Rows = QuerySet[Offer]
Status = Offer.Status
TONES = {Status.DRAFT: "", Status.PUBLISHED: "good", Status.PAUSED: "warn", Status.EXPIRED: "", Status.ARCHIVED: ""}
# verb -> (button, from which statuses, what it does, said afterwards)
MOVES: dict[str, tuple[str, tuple[Status, ...], str, str]] = {
    "publish": ("Publish", (Status.DRAFT, Status.PAUSED), "From now on it can be given to customers.", "is published"),
    "pause": ("Pause", (Status.PUBLISHED,), "Nobody gets it any more; who holds it can still use it.", "is paused"),
    "expire": (
        "End now",
        (Status.PUBLISHED, Status.PAUSED),
        "Nobody gets it any more. Who holds it can only use it if it may be used after its end.",
        "has ended",
    ),
    "archive": (
        "Archive",
        (Status.DRAFT, Status.PAUSED, Status.EXPIRED),
        "It is put away for good: nobody gets it and nobody can start to use it. Its history is kept.",
        "has been archived",
    ),
}


class StatusFilter(PickFilter):
    title = "status"
    parameter_name = "status"
    choices_of = tuple((str(value), label) for value, label in Status.choices)

    def narrow(self, queryset: Rows, value: str) -> Rows:
        ended = Q(status__in=(Status.PUBLISHED, Status.PAUSED), acquisition_end_at__lte=now())
        if value == str(Status.EXPIRED.value):
            return queryset.filter(ended | Q(status=Status.EXPIRED))
        return queryset.filter(status=int(value)).exclude(ended)


class TypeFilter(PickFilter):
    title = "type"
    parameter_name = "type"
    choices_of = tuple(NAMES.items())

    def narrow(self, queryset: Rows, value: str) -> Rows:
        return queryset.filter(offer_type=value)


def status_chip(row: Offer) -> str:
    if row.frozen_at:
        return show.chip("Earlier revision")
    status = Status(offer_templates.status_of(row, now()))
    return show.chip(status.label, TONES[status])


@admin.register(Offer)
class OfferAdmin(OwnSearch, OfficeAdmin):
    list_display = ("title", "kind", "status_", "key_", "held", "until", "retailer")
    list_filter = (StatusFilter, TypeFilter, RetailerFilter)
    list_select_related = ("retailer",)
    search_fields = ("key",)
    search_help_text = "Title, short name or id"
    nothing_text = "No offers yet. Make one, publish it, and rules, tills or staff can give it to customers."

    def get_queryset(self, request: HttpRequest) -> Rows:
        rows: Rows = super().get_queryset(request)
        return rows.filter(frozen_at=None)

    def prepared(self, rows: list[Offer]) -> list[Offer]:
        roots = [row.root for row in rows]
        counted = UserOffer.objects.filter(offer__root__in=roots).values_list("offer__root").annotate(n=Count("pk"))
        found = dict(counted)
        for row in rows:
            row.held = found.get(row.root, 0)  # type: ignore[attr-defined]
        return rows

    def search(self, rows: Rows, text: str) -> Rows:
        if ident := show.uuid_of(text):
            return rows.filter(root__in=Offer.objects.filter(uuid=ident).values("root"))
        return rows.filter(Q(key=text) | Q(texts__icontains=text))

    @display(description="Offer")
    def title(self, row: Offer) -> str:
        return str(row)

    @display(description="Type")
    def kind(self, row: Offer) -> str:
        return NAMES.get(row.offer_type, row.offer_type)

    @display(description="Status")
    def status_(self, row: Offer) -> str:
        return status_chip(row)

    @display(description="Short name")
    def key_(self, row: Offer) -> str:
        return show.mono(row.key) if row.key else show.NOTHING

    @display(description="Given out")
    def held(self, row: Offer) -> str:
        return show.count(row.held)  # type: ignore[attr-defined]

    @display(description="Given out until")
    def until(self, row: Offer) -> str:
        return show.moment(row.acquisition_end_at, row.retailer.timezone, "no end")

    def pages(self) -> dict[str, View]:
        moves: dict[str, View] = {f"<id>/{verb}": self.mover(verb) for verb in MOVES}
        return {"<id>/edit": self.edit, **moves}

    # --- making and changing one ---
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        form = OfferForm(posted(request))

        def act(_: dict[str, Any]) -> str:
            made = checked(
                form,
                lambda: offer_templates.create(
                    retailer_id=form.owner.pk, body=form.body(), actor=actor_of(request), now=now()
                ),
            )
            return f"Offer {made.offer} has been made.\n{self.url('change', made.offer.pk)}"

        return self.ask(
            request,
            form=form,
            title="New offer",
            button="Create offer",
            back=self.url("changelist"),
            act=act,
            extra={"preview": True},
        )

    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Offer = self.find(key, "retailer")
        form = OfferForm(posted(request), offer=row, initial={"version": stamp(row)})

        def act(values: dict[str, Any]) -> str:
            locked(row, values["version"])
            changed = checked(
                form,
                lambda: offer_templates.update(
                    retailer_id=row.retailer_id,
                    offer_id=row.uuid,
                    body=form.body(),
                    actor=actor_of(request),
                    now=now(),
                    reason=values["reason"],
                ),
            )
            said = "has been saved as a new revision" if changed.revisioned else "has been saved"
            return f"Offer {changed.offer} {said}.\n{self.url('change', changed.offer.pk)}"

        return self.ask(
            request,
            form=form,
            title=f"Edit {row}",
            text="Customers keep the terms under which they got it; new terms become a new revision.",
            button="Save",
            back=self.url("change", key),
            act=act,
            extra={"preview": True},
        )

    def mover(self, verb: str) -> View:
        word, _, text, said = MOVES[verb]

        def move(request: HttpRequest, key: int) -> HttpResponse:
            self.demand(request, self.permission("change"))
            row: Offer = self.find(key)

            def act(values: dict[str, Any]) -> str:
                call, why = getattr(offer_templates, verb), values.get("reason", "")
                call(retailer_id=row.retailer_id, offer_id=row.uuid, actor=actor_of(request), now=now(), reason=why)
                return f"{row} {said}."

            return self.ask(
                request,
                form=(SureForm if verb == "publish" else ReasonForm)(posted(request)),
                title=f"{word}: {row}?",
                text=text,
                button=word,
                back=self.url("change", key),
                act=act,
                danger=verb in {"expire", "archive"},
            )

        return move

    # --- one offer ---
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        row: Offer = self.find(object_id, "retailer")
        revisions = offer_templates.revisions(row)
        page = Page(
            title=str(row),
            subtitle=NAMES.get(row.offer_type, row.offer_type),
            chips=[status_chip(row)],
            buttons=self.buttons(request, row),
            notice="Customers who hold this revision keep its terms. New ones get a later one."
            if row.frozen_at
            else "",
            blocks=[
                Figures(figures=offer_facts.figures(row, revisions)),
                *offer_facts.previews(row),
                offer_facts.terms(row),
                offer_facts.history(row, revisions),
            ],
        )
        return self.show(request, page)

    def buttons(self, request: HttpRequest, row: Offer) -> list[Button]:
        status = offer_templates.status_of(row, now())
        held = [Button(text="Wallets", url=show.list_of(UserOffer, offer=str(row.uuid)))]
        if row.frozen_at or status == Status.ARCHIVED or not self.may(request, self.permission("change")):
            return held
        moves = [
            Button(text=f"{word}…", url=self.url(verb, row.pk))
            for verb, (word, sources, _, _) in MOVES.items()
            if status in sources
        ]
        return [Button(text="Edit", url=self.url("edit", row.pk), tone="main"), *moves, *held]


def checked(form: OfferForm, call: Callable[[], offer_templates.Change]) -> offer_templates.Change:
    """Call the verb; what it finds wrong with single terms goes beside their fields."""
    try:
        return call()
    except offer_templates.OfferInvalid as wrong:
        form.show_wrong(wrong.data["validation_errors"])
        raise
