"""Admissions: who may check out, how far each has come, and taking one away or giving it more time with a reason."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from checkout.admission import admissions, claims, extensions
from checkout.admission.admin import admission_life
from checkout.admission.models import Admission, Consumer, Distribution, Entry
from checkout.models import Order
from offers.admin import fields, lookups, show
from offers.admin.filters import ExactFilter, HistoryDaysFilter, PickFilter, RetailerFilter
from offers.admin.office import ReadOnlyAdmin, ReasonForm, View, actor_of, now, posted
from offers.admin.own_search import OwnSearch
from offers.admin.page import Block, Button, Facts, Figure, Figures, Page

Rows = QuerySet[Admission]
State = Admission.State
SHORT = 8


class StateFilter(PickFilter):
    """States by the clock: one past its time has expired, written down or not."""

    title = "state"
    parameter_name = "state"
    choices_of = tuple((state.value, admission_life.WORDS[state]) for state in State)

    def narrow(self, queryset: Rows, value: str) -> Rows:
        over = admissions.over(now())
        if value in Admission.OPEN:
            return queryset.filter(state=value).exclude(over)
        return queryset.filter(Q(state=value) | over) if value == State.EXPIRED else queryset.filter(state=value)


class LaunchFilter(ExactFilter):
    title = "launch (name or id)"
    parameter_name = "launch"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        named = Q(sequence__experience__name__icontains=text)
        if ident := show.uuid_of(text):
            named = Q(uuid=ident) | Q(sequence__experience__uuid=ident)
        found = Distribution.objects.filter(named).values_list("pk", flat=True)
        return queryset.filter(distribution_id__in=list(found[: lookups.MOST_MATCHES]))


class IssuedFilter(HistoryDaysFilter):
    title = "day of admission"
    field = "issued_at"


class ExtendForm(ReasonForm):
    minutes = forms.IntegerField(
        min_value=1,
        max_value=extensions.MOST // 60,
        initial=5,
        widget=fields.short(inputmode="numeric"),
        label="More time (minutes)",
    )
    sections: ClassVar = [("", "", ["minutes", "reason"])]


@admin.register(Admission)
class AdmissionAdmin(OwnSearch, ReadOnlyAdmin):
    called = ("admission", "admissions")
    list_display = ("ident", "launch", "state_", "left_", "issued", "order_", "consumer_")
    list_filter = (StateFilter, LaunchFilter, IssuedFilter, RetailerFilter)
    list_select_related = ("retailer", "consumer", "distribution__sequence__experience")
    search_fields = ("uuid",)
    search_help_text = "Id of the admission, consumer or entry, e-mail, or order"
    nothing_text = "Nobody has been admitted yet. A launch admits people to the checkout."

    def search(self, rows: Rows, text: str) -> Rows:
        retailers = lookups.retailer_ids()
        found = Q(retailer_id__in=retailers, order_id=text)
        if ident := show.uuid_of(text):
            # By keys: a condition on a joined table would have every admission looked at.
            people = list(Consumer.objects.filter(uuid=ident).values_list("pk", flat=True))
            entries = list(Entry.objects.filter(uuid=ident).values_list("pk", flat=True))
            found |= Q(uuid=ident) | Q(consumer_id__in=people) | Q(entry_id__in=entries)
        if "@" in text:
            named = Consumer.objects.filter(retailer_id__in=retailers, email=text).values_list("pk", flat=True)
            found |= Q(consumer_id__in=list(named[: lookups.MOST_MATCHES]))
        return rows.filter(found)

    @display(description="Admission")
    def ident(self, row: Admission) -> str:
        return show.mono(str(row.uuid)[:SHORT])

    @display(description="Launch")
    def launch(self, row: Admission) -> str:
        return row.distribution.sequence.experience.name

    @display(description="State")
    def state_(self, row: Admission) -> str:
        return admission_life.chip(row)

    @display(description="Time left / ended")
    def left_(self, row: Admission) -> str:
        return admission_life.left(row)

    @display(description="Admitted")
    def issued(self, row: Admission) -> str:
        return show.moment(row.issued_at, row.retailer.timezone)

    @display(description="Order")
    def order_(self, row: Admission) -> str:
        return show.mono(row.order_id) if row.order_id else show.NOTHING

    @display(description="Consumer")
    def consumer_(self, row: Admission) -> str:
        return row.consumer.email or show.mono(str(row.consumer.uuid)[:SHORT])

    def pages(self) -> dict[str, View]:
        return {"<id>/revoke": self.revoke, "<id>/extend": self.extend}

    def page(self, request: HttpRequest, key: Any) -> Page:
        row: Admission = self.find(key, "retailer", "consumer", "entry", "distribution__sequence__experience")
        blocks: list[Block] = [
            Figures(figures=self.figures(row)),
            admission_life.timeline(row),
            admission_life.held(row, linked=self.may(request, "ledger.view_hold")),
            *admission_life.reserved(row),
            Facts(title="The admission", facts=self.facts(row)),
        ]
        return Page(
            title=f"Admission to {row.distribution.sequence.experience.name}",
            subtitle=str(row.uuid),
            chips=[admission_life.chip(row)],
            buttons=self.buttons(request, row),
            blocks=blocks,
        )

    def buttons(self, request: HttpRequest, row: Admission) -> list[Button]:
        if not admission_life.is_open(row) or not self.may(request, self.permission("change")):
            return []
        return [
            Button(text="Extend…", url=self.url("extend", row.pk)),
            Button(text="Revoke…", url=self.url("revoke", row.pk), tone="danger"),
        ]

    def figures(self, row: Admission) -> list[Figure]:
        is_open = admission_life.is_open(row)
        found = [Figure(label="Time left", value=admission_life.left(row) if is_open else "none")]
        if row.amount is not None:
            found.append(Figure(label="Price won", value=show.amount(row.amount, row.currency)))
        if row.order_amount is not None:
            found.append(Figure(label="Order amount", value=show.amount(row.order_amount, row.currency)))
        if row.declines:
            found.append(Figure(label="Payments declined", value=show.count(row.declines), tone="warn"))
        return found

    def facts(self, row: Admission) -> list[tuple[str, str]]:
        order = Order.objects.filter(retailer_id=row.retailer_id, source_id=row.order_id) if row.order_id else None
        consumer = str(row.consumer.uuid)
        flags = row.consumer.flags.filter(distribution=row.distribution_id).order_by("id")[: admission_life.MOST]
        known = {
            "Launch": show.to_page(row.distribution, row.distribution.sequence.experience.name),
            "By": row.distribution.get_mechanism_display(),
            "Consumer": show.link(row.consumer.email or consumer, show.list_of(Admission, q=consumer)),
            "Flagged": ", ".join(dict.fromkeys(flag.get_kind_display() for flag in flags)),
            "Entry": show.mono(str(row.entry.uuid)),
            "Units at most": show.count(row.quantity),
            "Variant": row.sku,
            "Bound to a checkout": "yes" if row.session_hash else "not yet",
            "Order": show.to_page(order.first(), row.order_id, row.order_id) if order is not None else "",
            "Retailer": row.retailer.name,
        }
        return [(name, value) for name, value in known.items() if value]

    def revoke(self, request: HttpRequest, key: int) -> HttpResponse:
        row = self.changing(request, key)

        def act(reason: str) -> str:
            found = row
            if admission_life.is_open(row):
                found = claims.revoke(admission_id=row.pk, actor=actor_of(request), reason=reason, now=now())
            if found is row or found.state != State.REVOKED:
                raise claims.AdmissionOver(
                    f"It is {admission_life.WORDS[admission_life.state(found)].lower()} already."
                )
            return "Revoked: what it held is free for the next."

        return self.ask_reason(
            request,
            key,
            act,
            title="Revoke this admission?",
            text="The shopper can no longer pay with it, even from an open checkout.",
            button="Revoke",
            danger=True,
        )

    def extend(self, request: HttpRequest, key: int) -> HttpResponse:
        row = self.changing(request, key)

        def act(values: dict[str, Any]) -> str:
            found = extensions.prolong(
                admission_id=row.pk,
                seconds=60 * values["minutes"],
                actor=actor_of(request),
                reason=values["reason"],
                now=now(),
            )
            return f"Extended: {show.duration(found.expires_at - now())} are left."

        return self.ask(
            request,
            form=ExtendForm(posted(request)),
            title="Give this admission more time?",
            text="What it holds stays taken as much longer. Others wait on for it.",
            button="Extend",
            back=self.url("change", key),
            act=act,
        )

    def changing(self, request: HttpRequest, key: int) -> Admission:
        self.demand(request, self.permission("view"), self.permission("change"))
        found: Admission = self.find(key)
        return found
