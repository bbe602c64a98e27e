"""The validations of the last weeks, each with the checks behind its answer."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest

from checkout.admin import trace
from checkout.models import Validation
from offers.admin import callers, lookups, show
from offers.admin.filters import HistoryDaysFilter, PickFilter, RetailerFilter
from offers.admin.office import ReadOnlyAdmin
from offers.admin.own_search import OwnSearch
from offers.admin.page import Facts, Page
from offers.models import Customer

Rows = QuerySet[Validation]
COLUMNS = ["public_id", "valid", "customer_id", "session_key", "amount", "codes", "channel_id", "created_at"]


class VerdictFilter(PickFilter):
    title = "answer"
    parameter_name = "answer"
    choices_of = (("yes", "Applies"), ("no", "Does not apply"))

    def narrow(self, queryset: Rows, value: str) -> Rows:
        return queryset.filter(valid=value == "yes")


def verdict_chip(row: Validation) -> str:
    return show.chip("Applies", "good") if row.valid else show.chip("Does not apply", "bad")


@admin.register(Validation)
class ValidationAdmin(OwnSearch, ReadOnlyAdmin):
    list_display = ("when", "codes_", "verdict", "amount_", "key_", "asked")
    list_filter = (VerdictFilter, HistoryDaysFilter, RetailerFilter)
    search_fields = ("codes",)
    search_help_text = "Code, validation id, session key or customer"
    nothing_text = "Nobody has validated a code lately."

    def get_queryset(self, request: HttpRequest) -> Rows:
        rows: Rows = super().get_queryset(request)
        return rows.select_related("retailer").only(*COLUMNS, "retailer__currency", "retailer__timezone")

    def search(self, rows: Rows, text: str) -> Rows:
        if text.startswith("valid_"):
            return rows.filter(public_id=text)
        if customers := lookups.customer_ids(text):
            return rows.filter(customer_id__in=customers)
        keyed = rows.filter(session_key=text)
        return keyed if keyed[:1] else rows.filter(codes__contains=[text])

    def prepared(self, rows: list[Validation]) -> list[Validation]:
        known = callers.named(row.channel_id for row in rows)
        for row in rows:
            row.callers = known  # type: ignore[attr-defined]
        return rows

    @display(description="When")
    def when(self, row: Validation) -> str:
        return show.moment(row.created_at, row.retailer.timezone)

    @display(description="Codes")
    def codes_(self, row: Validation) -> str:
        return show.mono(show.plain(row.codes))

    @display(description="Answer")
    def verdict(self, row: Validation) -> str:
        return verdict_chip(row)

    @display(description="Order amount")
    def amount_(self, row: Validation) -> str:
        return show.amount(row.amount, row.retailer.currency)

    @display(description="Lock session")
    def key_(self, row: Validation) -> str:
        return show.mono(row.session_key) if row.session_key else show.NOTHING

    @display(description="Asked by")
    def asked(self, row: Validation) -> str:
        return callers.said(row.channel_id, row.callers) if row.channel_id else show.NOTHING  # type: ignore[attr-defined]

    def page(self, request: HttpRequest, key: Any) -> Page:
        row: Validation = self.find(key, "retailer")
        known = {
            "When": show.moment(row.created_at, row.retailer.timezone),
            "Codes": show.mono(show.plain(row.codes)),
            "Order amount": show.amount(row.amount, row.retailer.currency),
            "Customer": show.to_page(Customer.objects.filter(pk=row.customer_id or 0).first()),
            "Lock session": row.session_key,
            "Asked by": callers.said(row.channel_id),
            "Retailer": row.retailer.name,
        }
        facts = [(name, value) for name, value in known.items() if value and value != show.NOTHING]
        return Page(
            title=show.plain(row.codes),
            subtitle=row.public_id,
            chips=[verdict_chip(row)],
            blocks=[Facts(title="What was asked", facts=facts), *trace.checklists(row.trace, row.retailer.currency)],
        )
