"""Launches: one page that builds a queue, a draw or an auction, and one that shows it running and steers it."""

from dataclasses import dataclass
from typing import Any

import orjson
from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse

from checkout.admission import distributions, line, progress
from checkout.admission.admin import launch_facts, launch_form
from checkout.admission.admin.auctions import AuctionPages
from checkout.admission.admin.draws import DrawPages
from checkout.admission.admin.queue_pages import QueuePages
from checkout.admission.models import Admission, Consumer, Distribution
from offers.admin import show
from offers.admin.filters import RetailerFilter
from offers.admin.office import View, actor_of, now, posted
from offers.admin.own_search import OwnSearch
from offers.admin.page import Block, Button, Figure, Page, Table

Rows = QuerySet[Distribution]
TONES = {"OPEN": "good", "SCHEDULED": "info", "CLOSED": "warn", "DRAWN": "info", "SETTLED": "info"}
HEAD = 15


@dataclass(frozen=True, kw_only=True)
class Live(Block):
    """Figures and a chart that the page keeps asking for; a figure's note is its name in the answer."""

    template = "admin/office/block_live.html"
    url: str = ""
    figures: tuple[Figure, ...] = ()
    first: str = ""


@admin.register(Distribution)
class LaunchAdmin(OwnSearch, QueuePages, DrawPages, AuctionPages):
    called = ("launch", "launches")
    list_display = ("name_", "mechanism", "state_", "opens", "closes", "retailer")
    list_filter = (RetailerFilter, "mechanism")
    list_select_related = ("retailer", "sequence__experience")
    search_fields = ("sequence__experience__name",)
    search_help_text = "Name or id"
    nothing_text = "No launches yet. Build one: a queue, a draw or an auction before the checkout."

    def search(self, rows: Rows, text: str) -> Rows:
        found = Q(sequence__experience__name__icontains=text)
        if ident := show.uuid_of(text):
            found |= Q(uuid=ident) | Q(sequence__experience__uuid=ident)
        return rows.filter(found)

    @display(description="Launch")
    def name_(self, row: Distribution) -> str:
        return row.sequence.experience.name

    @display(description="State")
    def state_(self, row: Distribution) -> str:
        return chip(row)

    @display(description="Opens")
    def opens(self, row: Distribution) -> str:
        return show.moment(row.open_at, row.retailer.timezone)

    @display(description="Closes")
    def closes(self, row: Distribution) -> str:
        return show.moment(row.close_at, row.retailer.timezone)

    def pages(self) -> dict[str, View]:
        return {
            "<id>/edit": self.edit,
            "<id>/live": self.live,
            "<id>/pause": self.pause,
            "<id>/resume": self.resume,
            **self.queue_pages(),
            **self.draw_pages(),
            **self.auction_pages(),
        }

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        form = launch_form.LaunchForm(posted(request))

        def act(values: dict[str, Any]) -> str:
            made = distributions.create(
                retailer_id=values["retailer"].pk,
                mechanism=values["mechanism"],
                fields={"currency": values["retailer"].currency, **form.terms(values["retailer"], values["mechanism"])},
                experience={name: values[name] for name in ("name", "description", "image_url")},
                access_code=values["access_code"],
                when_unknown=values["when_unknown"],
                actor=actor_of(request),
                now=now(),
            )
            return f"{values['name']} has been built.\n{self.url('change', made.pk)}"

        return self.ask(
            request, form=form, title="New launch", button="Build launch", back=self.url("changelist"), act=act
        )

    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Distribution = self.find(key, "retailer", "sequence__experience")
        form = launch_form.LaunchForm(posted(request), initial=launch_form.initial(row))
        for name in ("retailer", "name", "description", "image_url", "mechanism"):
            del form.fields[name]
        for name in launch_form.LaunchForm.shown_when:
            if not form.belongs(name, row.mechanism):
                del form.fields[name]
        form.shown_when = {}  # type: ignore[misc]

        def act(values: dict[str, Any]) -> str:
            distributions.update(
                retailer_id=row.retailer_id,
                uuid=str(row.uuid),
                fields=launch_form.changes(form, row),
                access_code=values["access_code"],
                when_unknown=values["when_unknown"] or None,
                actor=actor_of(request),
                now=now(),
            )
            return f"{row.sequence.experience.name} has been saved; it is in force from now on."

        title = f"Edit {row.sequence.experience.name}"
        return self.ask(request, form=form, title=title, button="Save", back=self.url("change", key), act=act)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        row: Distribution = self.find(object_id, "retailer", "sequence__experience")
        told, running = self.told(row), self.running(row)
        blocks: list[Block]
        if row.mechanism == Distribution.Mechanism.QUEUE:
            blocks = [running, *told]
        else:
            # Nobody is admitted before the end: until then there is nothing to watch.
            blocks = [*told, running] if row.admissions.exists() else told
        blocks.append(launch_facts.setup(row))
        page = Page(
            title=row.sequence.experience.name,
            subtitle=row.get_mechanism_display(),
            chips=[chip(row)],
            buttons=self.buttons(request, row),
            blocks=blocks,
        )
        return self.show(request, page)

    def told(self, row: Distribution) -> list[Block]:
        """Return what only this mechanism has to tell."""
        if row.mechanism == Distribution.Mechanism.DRAW:
            return self.draw_blocks(row)
        return self.auction_blocks(row) if row.mechanism == Distribution.Mechanism.AUCTION else [self.in_line(row)]

    def buttons(self, request: HttpRequest, row: Distribution) -> list[Button]:
        found = [Button(text="Admissions", url=show.list_of(Admission, launch=row.uuid))]
        if not self.may(request, self.permission("change")):
            return found
        found.append(Button(text="Edit", url=self.url("edit", row.pk)))
        if row.mechanism == Distribution.Mechanism.DRAW:
            return [*found, *self.draw_buttons(row)]
        if row.mechanism == Distribution.Mechanism.AUCTION:
            return [*found, *self.auction_buttons(row)]
        found += self.queue_buttons(row.pk)
        name = "resume" if row.paused else "pause"
        return [
            *found,
            Button(text=name.capitalize(), url=self.url(name, row.pk), tone="main" if row.paused else "danger"),
        ]

    def running(self, row: Distribution) -> Live:
        said = live_of(row)
        names = {
            "waiting": "Waiting",
            "admitted": "Admitted, not yet in checkout",
            "completing": "In checkout",
            "completed": "Completed",
            "expired": "Ran out",
            "revenue": "Orders",
            "per_minute": "Admitted a minute",
            "estimate": "Wait at the end of the line",
        }
        if row.mechanism != Distribution.Mechanism.QUEUE:
            names = {name: text for name, text in names.items() if name not in {"waiting", "per_minute", "estimate"}}
        figures = tuple(Figure(label=text, value=said["figures"][name], note=name) for name, text in names.items())
        first = orjson.dumps(said).decode().replace("<", "\\u003c")
        return Live(title="At this moment", url=self.url("live", row.pk), figures=figures, first=first)

    def in_line(self, row: Distribution) -> Table:
        try:
            front = line.head(row.uuid.hex, most=HEAD)
        except line.LineUnavailable:
            return Table(title="Next in line", empty="The waiting line cannot be reached. Places are kept.")
        known = {one.pk: one for one in Consumer.objects.filter(pk__in=[consumer for consumer, _ in front])}
        rows = [
            (str(at), show.mono(str(known[consumer].uuid)), "Guest" if known[consumer].guest else known[consumer].email)
            for at, (consumer, _) in enumerate(front, start=1)
            if consumer in known
        ]
        return Table(title="Next in line", headers=("Place", "Consumer", "Who"), rows=rows, empty="Nobody waits.")

    def live(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("view"))
        response = JsonResponse(live_of(self.find(key, "retailer")))
        response["Cache-Control"] = "no-store"
        return response

    def pause(self, request: HttpRequest, key: int) -> HttpResponse:
        return self.set_paused(request, key, paused=True)

    def resume(self, request: HttpRequest, key: int) -> HttpResponse:
        return self.set_paused(request, key, paused=False)

    def set_paused(self, request: HttpRequest, key: int, *, paused: bool) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Distribution = self.find(key, "sequence__experience")
        name = row.sequence.experience.name

        def act(reason: str) -> str:
            distributions.update(
                retailer_id=row.retailer_id,
                uuid=str(row.uuid),
                fields={"paused": paused},
                reason=reason,
                actor=actor_of(request),
                now=now(),
            )
            return f"{name} {'is paused: nobody is admitted' if paused else 'goes on admitting'}."

        return self.ask_reason(
            request,
            key,
            act,
            title=f"{'Pause' if paused else 'Resume'} {name}?",
            text="People may still join and keep their places; open checkouts go on." if paused else "",
            button="Pause" if paused else "Resume",
            danger=paused,
        )

    def overriding(self, key: int) -> tuple[Distribution, str]:
        return self.find(key, "retailer", "sequence__experience"), ""


def chip(row: Distribution) -> str:
    state = distributions.state_of(row, now())
    if state == "OPEN" and row.paused:
        return show.chip("Paused", "warn")
    return show.chip(state.capitalize(), TONES.get(state, ""))


def live_of(row: Distribution) -> dict[str, Any]:
    """Return what the live view asks for: figures as texts, and the bars."""
    found = progress.of(distribution=row, now=now())
    wait = "–" if found.estimate is None else f"about {-(-found.estimate // 60)} min"
    return {
        "figures": {
            "waiting": "?" if found.waiting is None else show.count(found.waiting),
            "admitted": show.count(found.admitted),
            "completing": show.count(found.completing),
            "completed": show.count(found.completed),
            "expired": show.count(found.expired),
            "revenue": " + ".join(show.amount(much, code) for code, much in found.revenue.items()) or show.NOTHING,
            "per_minute": show.count(found.per_minute),
            "estimate": wait,
        },
        "series": found.series,
        "status": f"{'Paused' if row.paused else found.state.capitalize()}, {found.total:,} admitted so far.",
    }
