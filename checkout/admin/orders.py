"""Orders as shops sent them, with their amounts, lines and redemptions."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest

from checkout.admin import history, order_lookups
from checkout.admin.redemption_words import lines_table
from checkout.models import Order, Redemption
from offers.admin import lookups, show
from offers.admin.filters import DaysFilter, PickFilter, RetailerFilter
from offers.admin.office import ReadOnlyAdmin
from offers.admin.own_search import OwnSearch
from offers.admin.page import Facts, Figure, Figures, Page

Rows = QuerySet[Order]
COLUMNS = [
    "public_id",
    "source_id",
    "status",
    "customer_id",
    "amount",
    "total_discount_amount",
    "total_amount",
    "created_at",
]
JOINED = ["retailer__currency", "retailer__timezone", "customer__source_id", "customer__public_id"]
TONES = {"PAID": "good", "FULFILLED": "good", "CANCELED": "bad"}


class StatusFilter(PickFilter):
    title = "status"
    parameter_name = "status"
    choices_of = tuple(Order.Status.choices)

    def narrow(self, queryset: Rows, value: str) -> Rows:
        return queryset.filter(status=value)


def status_chip(row: Order) -> str:
    return show.chip(row.get_status_display(), TONES.get(row.status, ""))


@admin.register(Order)
class OrderAdmin(OwnSearch, ReadOnlyAdmin):
    list_display = ("order_", "status_", "amount_", "off", "to_pay", "customer_", "when")
    list_filter = (StatusFilter, DaysFilter, RetailerFilter)
    search_fields = ("source_id",)
    search_help_text = "Order id or customer"
    nothing_text = "No orders yet."

    def get_queryset(self, request: HttpRequest) -> Rows:
        rows: Rows = super().get_queryset(request)
        return rows.select_related("retailer", "customer").only(*COLUMNS, *JOINED)

    def search(self, rows: Rows, text: str) -> Rows:
        if orders := order_lookups.order_ids(text):
            return rows.filter(pk__in=orders)
        return rows.filter(customer_id__in=lookups.customer_ids(text))

    @display(description="Order")
    def order_(self, row: Order) -> str:
        return show.mono(str(row))

    @display(description="Status")
    def status_(self, row: Order) -> str:
        return status_chip(row)

    @display(description="Amount")
    def amount_(self, row: Order) -> str:
        return show.amount(row.amount, row.retailer.currency)

    @display(description="Money off")
    def off(self, row: Order) -> str:
        return show.amount(row.total_discount_amount, row.retailer.currency)

    @display(description="To pay")
    def to_pay(self, row: Order) -> str:
        return show.amount(row.total_amount, row.retailer.currency)

    @display(description="Customer")
    def customer_(self, row: Order) -> str:
        return show.to_page(row.customer)

    @display(description="When")
    def when(self, row: Order) -> str:
        return show.moment(row.created_at, row.retailer.timezone)

    def page(self, request: HttpRequest, key: Any) -> Page:
        row: Order = self.find(key, "retailer", "customer")
        currency, zone = row.retailer.currency, row.retailer.timezone
        figures = [
            Figure(label="Amount", value=show.amount(row.amount, currency)),
            Figure(label="Off the order", value=show.amount(row.discount_amount, currency)),
            Figure(label="Off the items", value=show.amount(row.items_discount_amount, currency)),
            Figure(label="To pay", value=show.amount(row.total_amount, currency)),
        ]
        facts = [
            ("Customer", show.to_page(row.customer)),
            ("Made", show.moment(row.created_at, zone)),
            ("Changed", show.moment(row.updated_at, zone)),
            ("Retailer", row.retailer.name),
            *((name, show.plain(value)) for name, value in (row.metadata or {}).items()),
        ]
        redeemed = history.slim(Redemption.objects.filter(order_lookups.of(row))).order_by("-id")[: history.SHOWN]
        return Page(
            title=str(row),
            subtitle=row.public_id,
            chips=[status_chip(row)],
            blocks=[
                Figures(figures=figures),
                Facts(title="The order", facts=facts),
                lines_table(row.items, currency),
                history.table(redeemed, title="Redemptions", empty="Nothing was redeemed on it.", without=["Order"]),
            ],
        )
