"""The audit trail: who changed money, limits or rights, when, from what to what, and why. Read-only."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest

from offers.admin import show
from offers.admin.filters import ExactFilter, HistoryDaysFilter, RetailerFilter
from offers.admin.office import ReadOnlyAdmin
from offers.admin.page import Facts, Page, Table
from offers.models import AuditEntry

Rows = QuerySet[AuditEntry]


class ActorFilter(ExactFilter):
    title = "who"
    parameter_name = "who"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(actor=text)


class ActionFilter(ExactFilter):
    title = "action"
    parameter_name = "action"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(action__startswith=text)


class AuditDays(HistoryDaysFilter):
    field = "at"


def changed(row: AuditEntry) -> list[list[str]]:
    """Return what differs as rows of (field, before, after)."""
    before, after = row.before or {}, row.after or {}
    names = dict.fromkeys([*before, *after])
    return [
        [name.replace("_", " ").capitalize(), show.plain(before.get(name)), show.plain(after.get(name))]
        for name in names
    ]


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("when", "who", "action_", "object_", "reason_")
    list_filter = (AuditDays, ActorFilter, ActionFilter, RetailerFilter)
    search_fields = ("object_id",)
    search_help_text = "Id or code of what was changed"
    list_select_related = ("retailer",)
    nothing_text = "Nothing has been changed yet."

    def get_search_results(self, request: HttpRequest, queryset: Rows, search_term: str) -> tuple[Rows, bool]:
        text = search_term.strip()
        if not text or "\x00" in text:
            return queryset, False
        types = AuditEntry.objects.order_by("object_type").values_list("object_type", flat=True).distinct()
        return queryset.filter(object_type__in=list(types), object_id=text), False

    @display(description="When")
    def when(self, row: AuditEntry) -> str:
        return show.moment(row.at, row.retailer.timezone if row.retailer else "UTC")

    @display(description="Who")
    def who(self, row: AuditEntry) -> str:
        return row.actor

    @display(description="Did")
    def action_(self, row: AuditEntry) -> str:
        return row.action.replace(".", " › ").replace("_", " ")

    @display(description="To")
    def object_(self, row: AuditEntry) -> str:
        return show.mono(row.object_id)

    @display(description="Reason")
    def reason_(self, row: AuditEntry) -> str:
        return row.reason[:80] or show.NOTHING

    def page(self, request: HttpRequest, key: Any) -> Page:
        row: AuditEntry = self.find(key, "retailer")
        facts = [
            ("When", show.moment(row.at, row.retailer.timezone if row.retailer else "UTC")),
            ("Who", f"{row.actor} ({row.actor_kind.lower()})"),
            ("Object", show.mono(f"{row.object_type} {row.object_id}")),
            ("Reason", row.reason or show.NOTHING),
            ("Request", row.request_id or show.NOTHING),
            ("Retailer", row.retailer.name if row.retailer else show.NOTHING),
        ]
        table = Table(title="Changes", headers=["Field", "Before", "After"], rows=changed(row), empty="No values kept.")
        return Page(title=self.action_(row), blocks=[Facts(facts=facts), table])
