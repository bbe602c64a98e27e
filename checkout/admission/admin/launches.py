"""Launches: one page that builds a queue, a draw or an auction, and one that shows it running and steers it."""

from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse

from checkout.admission import consumers, distributions, line, progress, queue_overrides
from checkout.admission.models import Consumer, Distribution, Experience
from offers.admin import fields, show
from offers.admin.filters import RetailerFilter
from offers.admin.office import OfficeAdmin, OfficeForm, ReasonForm, View, actor_of, now, posted
from offers.admin.page import Block, Button, Facts, Figure, Page, Table
from offers.lib.money import to_major, to_minor
from offers.models import Retailer

Rows = QuerySet[Distribution]
TONES = {"OPEN": "good", "SCHEDULED": "info", "CLOSED": "warn"}
HEAD = 15


@dataclass(frozen=True, kw_only=True)
class Live(Block):
    """Figures and a chart that the page keeps asking for; a figure's note is its name in the answer."""

    template = "admin/office/block_live.html"
    url: str = ""
    figures: tuple[Figure, ...] = ()
    first: str = ""


class LaunchForm(OfficeForm):
    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    name = forms.CharField(max_length=200, widget=fields.text(), help_text="The headline of the waiting page.")
    description = forms.CharField(max_length=2000, required=False, widget=fields.area(2))
    image_url = forms.URLField(
        required=False, max_length=500, assume_scheme="https", label="Picture", widget=fields.text()
    )
    mechanism = forms.ChoiceField(
        choices=Distribution.Mechanism.choices, initial="queue", widget=fields.Choices(), label="Who gets in"
    )
    open_at = fields.LocalMomentField(label="Opens", help_text="On the retailer's clock. Empty: at once.")
    close_at = fields.LocalMomentField(label="Closes", help_text="Nobody new joins afterwards.")
    serve_until = fields.LocalMomentField(label="Serve until", help_text="Those in line at the end are still admitted.")
    access_code = forms.CharField(
        max_length=60, required=False, widget=fields.short(), help_text="Empty: everybody may join."
    )
    admission_rate = fields.LimitField(label="Admitted a minute")
    max_active = fields.LimitField(
        label="Checkouts at a time", help_text="About three quarters of what the shop bears."
    )
    total_admissions = fields.LimitField(label="Admitted in all")
    max_capacity = fields.LimitField(label="Places in line")
    pre_queue_minutes = forms.IntegerField(
        min_value=0,
        max_value=10080,
        initial=0,
        widget=fields.short(inputmode="numeric"),
        label="Doors before the opening (minutes)",
        help_text="Who comes in this time is shuffled at the opening, so that being early is no advantage.",
    )
    draw_at = fields.LocalMomentField(label="Drawn")
    winner_count = forms.IntegerField(min_value=1, initial=1, widget=fields.short(inputmode="numeric"), label="Winners")
    start_price = fields.MoneyField(label="Starts at")
    reserve_price = fields.MoneyField(label="Reserve", help_text="Not shown to shoppers. Empty: none.")
    min_bid_increment = fields.MoneyField(label="Least step")
    quantity = forms.IntegerField(min_value=1, initial=1, widget=fields.short(inputmode="numeric"), label="Winners")
    auto_extend_seconds = forms.IntegerField(
        min_value=0,
        max_value=86400,
        initial=60,
        widget=fields.short(inputmode="numeric"),
        label="Late bids extend by (seconds)",
    )
    admission_ttl_seconds = forms.IntegerField(
        min_value=60,
        max_value=3600,
        initial=900,
        widget=fields.short(inputmode="numeric"),
        label="Time to check out (seconds)",
        help_text="600 to 1800 suits most shops.",
    )
    allow_reentry = forms.BooleanField(
        required=False, initial=True, widget=fields.tick(), label="Whose time ran out may join again, at the back"
    )
    when_unknown = forms.ChoiceField(
        required=False,
        choices=Experience.WhenUnknown.choices,
        initial=Experience.WhenUnknown.CLOSED,
        widget=fields.Choices(),
        label="If an external checkout cannot reach us",
        help_text="Paying all the same sells more; what it sells may be gone to somebody else by then.",
    )
    sku = forms.CharField(max_length=255, required=False, widget=fields.text(), label="Variant sold (SKU)")
    max_units = forms.IntegerField(
        min_value=1, max_value=10000, initial=1, widget=fields.short(inputmode="numeric"), label="Units a person"
    )
    reserve_on_admission = forms.BooleanField(
        required=False,
        widget=fields.tick(),
        label="Reserve stock on admission",
        help_text="Nobody is admitted whom the stock cannot serve.",
    )
    require_settled_guest = forms.BooleanField(
        required=False, widget=fields.tick(), label="Guests of less than a second wait"
    )
    require_challenge = forms.BooleanField(
        required=False,
        widget=fields.tick(),
        label="Ask for a proof of being a person",
        help_text="Needs a CHALLENGE_PROVIDER in the settings.",
    )
    max_per_device = fields.LimitField(
        label="Accounts a device", help_text="Empty: as many as come; several are flagged, not refused."
    )
    max_per_network = fields.LimitField(
        label="Accounts an address", help_text="Homes, offices and mobile networks share addresses: better left empty."
    )
    sections: ClassVar = [
        ("What", "", ["retailer", "name", "description", "image_url", "mechanism"]),
        ("When", "", ["open_at", "close_at", "serve_until", "draw_at"]),
        (
            "How fast",
            "The next in line are admitted once a second, as far as all of these allow.",
            ["admission_rate", "max_active", "total_admissions", "max_capacity", "pre_queue_minutes"],
        ),
        ("The draw", "", ["winner_count"]),
        ("The auction", "", ["start_price", "reserve_price", "min_bid_increment", "quantity", "auto_extend_seconds"]),
        ("The checkout", "", ["admission_ttl_seconds", "allow_reentry", "access_code", "when_unknown"]),
        ("Stock", "", ["sku", "max_units", "reserve_on_admission"]),
        (
            "Robots",
            "",
            ["require_settled_guest", "require_challenge", "max_per_device", "max_per_network"],
        ),
    ]
    shown_when: ClassVar = {
        **dict.fromkeys(
            ("serve_until", "admission_rate", "max_active", "total_admissions", "max_capacity", "pre_queue_minutes"),
            "mechanism=queue",
        ),
        **dict.fromkeys(("draw_at", "winner_count"), "mechanism=draw"),
        **dict.fromkeys(
            ("start_price", "reserve_price", "min_bid_increment", "quantity", "auto_extend_seconds"),
            "mechanism=auction",
        ),
    }

    def terms(self, retailer: Retailer, mechanism: str) -> dict[str, Any]:
        """Return the values as the verbs take them, only those of the mechanism."""
        found: dict[str, Any] = {}
        for name in distributions.FIELDS & self.cleaned_data.keys():
            value = self.cleaned_data[name]
            if self.shown_when.get(name, f"mechanism={mechanism}") != f"mechanism={mechanism}":
                continue
            if name in distributions.MOMENTS:
                value = fields.in_zone(value, retailer.timezone)
            elif name in distributions.MONEY:
                if value is None and name != "reserve_price":
                    continue
                value = None if value is None else to_minor(value, retailer.currency)
            found[name] = value
        return found


class ConsumerForm(OfficeForm):
    consumer = forms.CharField(max_length=60, widget=fields.text(), label="Consumer id")
    sections: ClassVar = [("", "", ["consumer"])]


class DenyForm(ConsumerForm, ReasonForm):
    sections: ClassVar = [("", "", ["consumer", "reason"])]


@admin.register(Distribution)
class LaunchAdmin(OfficeAdmin):
    called = ("launch", "launches")
    list_display = ("name_", "mechanism", "state_", "opens", "closes", "retailer")
    list_filter = (RetailerFilter, "mechanism")
    list_select_related = ("retailer", "sequence__experience")
    search_fields = ("sequence__experience__name",)
    search_help_text = "Name or id"
    nothing_text = "No launches yet. Build one: a queue, a draw or an auction before the checkout."

    def get_search_results(self, request: HttpRequest, queryset: Rows, search_term: str) -> tuple[Rows, bool]:
        text = search_term.strip()
        if not text or "\x00" in text:
            return queryset, False
        found = Q(sequence__experience__name__icontains=text)
        if ident := show.uuid_of(text):
            found |= Q(uuid=ident) | Q(sequence__experience__uuid=ident)
        return queryset.filter(found), False

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
            "<id>/admit": self.admit,
            "<id>/deny": self.deny,
        }

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        form = LaunchForm(posted(request))

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
        form = LaunchForm(posted(request), initial=initial(row))
        for name in ("retailer", "name", "description", "image_url", "mechanism"):
            del form.fields[name]
        for name, when in LaunchForm.shown_when.items():
            if when != f"mechanism={row.mechanism}":
                form.fields.pop(name, None)
        form.shown_when = {}  # type: ignore[misc]

        def act(values: dict[str, Any]) -> str:
            distributions.update(
                retailer_id=row.retailer_id,
                uuid=str(row.uuid),
                fields=form_terms(form, row),
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
        zone = row.retailer.timezone
        known = {
            "Waiting page": show.link(f"/shop/waiting/{row.uuid}/", f"/shop/waiting/{row.uuid}/"),
            "Id": show.mono(str(row.uuid)),
            "Experience id": show.mono(str(row.sequence.experience.uuid)),
            "Opens": show.moment(row.open_at, zone),
            "Closes": show.moment(row.close_at, zone),
            "Serves until": show.moment(row.serve_until, zone),
            "Time to check out": f"{row.admission_ttl_seconds} s",
            "Access code": show.mono(row.sequence.access_code) if row.sequence.access_code else "",
            "If we cannot be reached": row.sequence.experience.get_when_unknown_display(),
            "Variant sold": row.sku,
            "Retailer": row.retailer.name,
        }
        if row.mechanism == Distribution.Mechanism.QUEUE:
            known |= {
                "Admitted a minute": show.count(row.admission_rate),
                "Checkouts at a time": show.count(row.max_active),
                "Admitted in all": show.count(row.total_admissions),
                "Places in line": show.count(row.max_capacity),
            }
        facts = Facts(title="How it is set up", facts=[(name, value) for name, value in known.items() if value])
        blocks: list[Block] = [self.running(row), facts]
        if row.mechanism == Distribution.Mechanism.QUEUE:
            blocks.insert(1, self.in_line(row))
        page = Page(
            title=row.sequence.experience.name,
            subtitle=row.get_mechanism_display(),
            chips=[chip(row)],
            buttons=self.buttons(request, row),
            blocks=blocks,
        )
        return self.show(request, page)

    def buttons(self, request: HttpRequest, row: Distribution) -> list[Button]:
        if not self.may(request, self.permission("change")):
            return []
        found = [Button(text="Edit", url=self.url("edit", row.pk))]
        if row.mechanism != Distribution.Mechanism.QUEUE:
            return found
        found += [Button(text=name, url=self.url(name[:-1].lower(), row.pk)) for name in ("Admit…", "Deny…")]
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

        def act(values: dict[str, Any]) -> str:
            distributions.update(
                retailer_id=row.retailer_id,
                uuid=str(row.uuid),
                fields={"paused": paused},
                reason=values["reason"],
                actor=actor_of(request),
                now=now(),
            )
            return f"{name} {'is paused: nobody is admitted' if paused else 'goes on admitting'}."

        return self.ask(
            request,
            form=ReasonForm(posted(request)),
            title=f"{'Pause' if paused else 'Resume'} {name}?",
            text="People may still join and keep their places; open checkouts go on." if paused else "",
            button="Pause" if paused else "Resume",
            back=self.url("change", key),
            act=act,
            danger=paused,
        )

    def admit(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Distribution = self.find(key, "retailer", "sequence__experience")

        def act(values: dict[str, Any]) -> str:
            queue_overrides.admit(
                distribution=row, consumer_uuid=values["consumer"], actor=actor_of(request), now=now()
            )
            return "Admitted out of turn."

        return self.ask(
            request,
            form=ConsumerForm(posted(request)),
            title="Admit out of turn",
            text="For somebody who waits in this line. It takes a place in the checkout like everybody's.",
            button="Admit",
            back=self.url("change", key),
            act=act,
            atomic=False,
        )

    def deny(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Distribution = self.find(key, "retailer", "sequence__experience")

        def act(values: dict[str, Any]) -> str:
            named = consumers.find(retailer_id=row.retailer_id, uuid=values["consumer"])
            queue_overrides.deny(
                distribution=row,
                consumer_uuid=str(named.uuid),
                reason=values["reason"][:200],
                actor=actor_of(request),
                now=now(),
            )
            return "Denied: this consumer cannot come in again."

        return self.ask(
            request,
            form=DenyForm(posted(request)),
            title="Deny a place",
            text="The person sees the reason, and cannot join this line again.",
            button="Deny",
            back=self.url("change", key),
            act=act,
            danger=True,
            atomic=False,
        )


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
            "per_minute": show.count(found.per_minute),
            "estimate": wait,
        },
        "series": found.series,
        "status": f"{'Paused' if row.paused else found.state.capitalize()}, {found.total:,} admitted so far.",
    }


def initial(row: Distribution) -> dict[str, Any]:
    """Return what the form shows for a launch."""
    zone = row.retailer.timezone
    found: dict[str, Any] = {name: getattr(row, name) for name in distributions.FIELDS}
    found |= {name: fields.on_clock(getattr(row, name), zone) for name in distributions.MOMENTS}
    for name in distributions.MONEY:
        value = getattr(row, name)
        found[name] = None if value is None else to_major(value, row.currency)
    return {**found, "access_code": row.sequence.access_code, "when_unknown": row.sequence.experience.when_unknown}


def form_terms(form: LaunchForm, row: Distribution) -> dict[str, Any]:
    """Return what was changed, so that what the form shows with less precision (seconds) stays as it is."""
    terms = {}
    for name in distributions.FIELDS & form.cleaned_data.keys():
        if name in form.changed_data:
            terms[name] = form.cleaned_data[name]
    for name in list(terms):
        if name in distributions.MOMENTS:
            terms[name] = fields.in_zone(terms[name], row.retailer.timezone)
        elif name in distributions.MONEY and terms[name] is not None:
            terms[name] = to_minor(terms[name], row.currency)
    return terms
