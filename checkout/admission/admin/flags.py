"""Flagged consumers: who entered a launch with many accounts from one device or network, or without a proof."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from checkout.admission.admin.queue_pages import QueuePages
from checkout.admission.models import Distribution, Entry, Flag
from offers.admin import show
from offers.admin.filters import DaysFilter, ExactFilter, PickFilter
from offers.admin.office import ReadOnlyAdmin, View
from offers.admin.page import Facts, Page

Rows = QuerySet[Flag]


class KindFilter(PickFilter):
    title = "why"
    parameter_name = "kind"
    choices_of = tuple(Flag.Kind.choices)

    def narrow(self, queryset: Rows, value: str) -> Rows:
        return queryset.filter(kind=value)


class LaunchFilter(ExactFilter):
    title = "launch (its id)"
    parameter_name = "launch"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(distribution__uuid=show.uuid_of(text) or "00000000-0000-0000-0000-000000000000")


class MarkFilter(ExactFilter):
    title = "device or network"
    parameter_name = "mark"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(mark=text)


@admin.register(Flag)
class FlagAdmin(QueuePages, ReadOnlyAdmin):
    called = ("flag", "flagged consumers")
    list_display = ("consumer_", "launch", "kind_", "mark_", "accounts_", "entry", "flagged")
    list_filter = (KindFilter, LaunchFilter, MarkFilter, DaysFilter)
    list_select_related = ("distribution__retailer", "distribution__sequence__experience", "consumer")
    overrides = ("move", "deny")
    nothing_text = "Nobody is flagged: no launch saw many accounts from one device or network."

    def prepared(self, rows: list[Flag]) -> list[Flag]:
        where = Entry.objects.filter(
            distribution__in={row.distribution_id for row in rows}, consumer__in={row.consumer_id for row in rows}
        )
        states = {(entry.distribution_id, entry.consumer_id): entry.get_state_display() for entry in where}
        for row in rows:
            row.state = states.get((row.distribution_id, row.consumer_id), "")  # type: ignore[attr-defined]
        return rows

    @display(description="Consumer")
    def consumer_(self, row: Flag) -> str:
        return show.mono(str(row.consumer.uuid))

    @display(description="Launch")
    def launch(self, row: Flag) -> str:
        return row.distribution.sequence.experience.name

    @display(description="Why")
    def kind_(self, row: Flag) -> str:
        return show.chip(row.get_kind_display(), "warn")

    @display(description="Device or network")
    def mark_(self, row: Flag) -> str:
        return show.mono(row.mark) if row.mark else show.NOTHING

    @display(description="Accounts")
    def accounts_(self, row: Flag) -> str:
        return show.count(row.accounts)

    @display(description="Stands")
    def entry(self, row: Flag) -> str:
        return getattr(row, "state", "").capitalize() or "in line"

    @display(description="Flagged")
    def flagged(self, row: Flag) -> str:
        return show.moment(row.created_at, row.distribution.retailer.timezone)

    def pages(self) -> dict[str, View]:
        return self.queue_pages()

    def page(self, request: HttpRequest, key: Any) -> Page:
        row: Flag = self.find(key, "distribution__retailer", "distribution__sequence__experience", "consumer")
        alike = Flag.objects.filter(distribution=row.distribution, kind=row.kind, mark=row.mark).count()
        launch = reverse("admin:admission_distribution_change", args=[row.distribution_id])
        others = f"{self.url('changelist')}?mark={row.mark}&launch={row.distribution.uuid}"
        known = {
            "Consumer": show.mono(str(row.consumer.uuid)),
            "Who": "Guest" if row.consumer.guest else row.consumer.email,
            "Launch": show.link(row.distribution.sequence.experience.name, launch),
            "Device or network": show.mono(row.mark) if row.mark else "",
            "Accounts by then": show.count(row.accounts),
            "Flagged with the same": show.link(show.count(alike), others) if row.mark else "",
            "Consumer since": show.moment(row.consumer.created_at, row.distribution.retailer.timezone),
            "Flagged": show.moment(row.created_at, row.distribution.retailer.timezone),
            "What it means": "Nothing was taken from this consumer. Households, offices and campuses share devices and "
            "networks; a fingerprint is what a browser says of itself.",
        }
        queue = row.distribution.mechanism == Distribution.Mechanism.QUEUE
        may = queue and self.may(request, "admission.change_distribution")
        return Page(
            title=str(row.consumer.uuid),
            subtitle=row.distribution.sequence.experience.name,
            chips=[show.chip(row.get_kind_display(), "warn")],
            buttons=self.queue_buttons(row.pk) if may else [],
            blocks=[Facts(facts=[(name, value) for name, value in known.items() if value])],
        )

    def overriding(self, key: int) -> tuple[Distribution, str]:
        row: Flag = self.find(key, "distribution__sequence__experience", "consumer")
        return row.distribution, str(row.consumer.uuid)
