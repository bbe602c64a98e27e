"""The ledger in the back office: counters, holds and journal, to look at only, quick with millions of rows."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from unfold.admin import ModelAdmin

from offers.ledger.models import Counter, Entry, Hold

COUNTED = 5000
LARGEST = 2**63 - 1


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than anybody pages."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list[:COUNTED]  # type: ignore[assignment]
        return rows.count()


class LookOnly(ModelAdmin):  # type: ignore[misc]
    """Nobody edits the ledger; search finds by an indexed column and nothing else."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering = ("-id",)
    sortable_by = ()
    list_display_links = ("id",)
    actions = None
    searched = ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        return queryset.filter(**{self.searched: search_term.strip()}), False


@admin.register(Counter)
class CounterAdmin(LookOnly):
    list_display = ("id", "kind", "owner", "subject", "scope", "period", "shard", "limit", "taken", "overdrawn")
    search_fields = ("owner",)
    search_help_text = "Key of the voucher, campaign or tier that is counted"
    readonly_fields = ("limit", "holds", "journal")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if not (term.isascii() and term.isdigit() and int(term[:20]) <= LARGEST):
            return queryset.none(), False
        return queryset.filter(owner=int(term[:20])), False

    @admin.display(description="granted")
    def limit(self, counter: Counter) -> str:
        return "unlimited" if counter.granted is None else str(counter.granted + counter.withheld)

    @admin.display(description="live holds")
    def holds(self, counter: Counter) -> str:
        return _link("ledger_hold", f"counter={counter.pk}&state=live", "show")

    @admin.display(description="journal")
    def journal(self, counter: Counter) -> str:
        return _link("ledger_entry", f"counter={counter.pk}", "show")


@admin.register(Hold)
class HoldAdmin(LookOnly):
    list_display = ("id", "counter_id", "reference", "item", "amount", "state", "pinned", "expires_at", "ended_at")
    search_fields = ("reference",)
    search_help_text = "Reference, whole"
    searched = "reference"
    raw_id_fields = ("counter",)


@admin.register(Entry)
class EntryAdmin(LookOnly):
    list_display = ("id", "counter_id", "kind", "delta", "reference", "reason", "created_at")
    search_fields = ("reference",)
    search_help_text = "Reference, whole"
    searched = "reference"
    raw_id_fields = ("counter",)


def _link(page: str, query: str, text: str) -> str:
    return format_html('<a href="{}?{}">{}</a>', reverse(f"admin:{page}_changelist"), query, text)
