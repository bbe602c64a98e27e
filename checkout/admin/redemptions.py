"""Redemption history: found, exported, looked into, and rolled back with a reason."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import SuspiciousOperation
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse

from checkout import rollback
from checkout.admin import exports, history, order_lookups, redemption_words, trace
from checkout.models import Redemption
from offers.admin import lookups, show
from offers.admin.filters import (
    CampaignFilter,
    CustomerFilter,
    ExactFilter,
    HistoryDaysFilter,
    PickFilter,
    RetailerFilter,
)
from offers.admin.office import (
    ReadOnlyAdmin,
    View,
    actor_of,
    now,
)
from offers.admin.own_search import OwnSearch
from offers.admin.page import Block, Button, Facts, Figure, Figures, Page
from offers.lib.money import to_major

HEADERS = [
    "Redemption",
    "Date (UTC)",
    "Code",
    "Result",
    "Reason",
    "Money off",
    "Currency",
    "Customer",
    "Order",
    "Order status",
    "Campaign",
    "Asked by",
    "Note",
    "Retailer",
    "Part of stack",
]
Rows = QuerySet[Redemption]


class CodeFilter(ExactFilter):
    title = "code"
    parameter_name = "code"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return of_code(queryset, text)


class OrderFilter(ExactFilter):
    title = "order id"
    parameter_name = "order"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(order_lookups.of_order(text) or Q(pk__in=[]))


class ResultFilter(PickFilter):
    title = "result"
    parameter_name = "result"
    choices_of = (
        ("redeemed", "Redeemed"),
        ("failed", "Failed"),
        ("undone", "Rolled back"),
        ("rollback", "Roll-backs"),
    )

    def narrow(self, queryset: Rows, value: str) -> Rows:
        conditions: dict[str, dict[str, Any]] = {
            "redeemed": {"kind": Redemption.Kind.REDEMPTION, "succeeded": True, "rolled_back_at__isnull": True},
            "failed": {"succeeded": False},
            "undone": {"rolled_back_at__isnull": False},
            "rollback": {"kind": Redemption.Kind.ROLLBACK},
        }
        return queryset.filter(**conditions[value])


def of_code(rows: Rows, code: str) -> Rows:
    """Narrow to a code: by its voucher where it is one, else by what was asked for."""
    vouchers = lookups.voucher_ids(code)
    if vouchers:
        return rows.filter(voucher_id__in=vouchers)
    return rows.filter(voucher__isnull=True, code__in=lookups.spellings(code))


@admin.register(Redemption)
class RedemptionAdmin(OwnSearch, ReadOnlyAdmin):
    list_display = ("when", "code_", "result", "money", "customer_", "order_", "campaign_")
    list_filter = (
        ResultFilter,
        HistoryDaysFilter,
        CodeFilter,
        CustomerFilter,
        CampaignFilter,
        OrderFilter,
        RetailerFilter,
    )
    search_fields = ("code",)
    search_help_text = "Code, redemption id, order id or customer"
    nothing_text = "Nothing has been redeemed yet."
    list_before_template = "admin/office/redemption_tools.html"

    def get_queryset(self, request: HttpRequest) -> Rows:
        return history.slim(super().get_queryset(request))

    def search(self, rows: Rows, text: str) -> Rows:
        if text.startswith(("r_", "rf_", "rr_", "rrf_")):
            return rows.filter(public_id=text)
        if vouchers := lookups.voucher_ids(text):
            return rows.filter(voucher_id__in=vouchers)
        if order := order_lookups.of_order(text):
            return rows.filter(order)
        if customers := lookups.customer_ids(text):
            return rows.filter(customer_id__in=customers)
        return of_code(rows, text)

    @display(description="When")
    def when(self, row: Redemption) -> str:
        return show.moment(row.created_at, row.retailer.timezone)

    @display(description="Code")
    def code_(self, row: Redemption) -> str:
        return show.mono(history.what(row))

    @display(description="Result")
    def result(self, row: Redemption) -> str:
        return history.result_chip(row)

    @display(description="Money off")
    def money(self, row: Redemption) -> str:
        return history.worth(row)

    @display(description="Customer")
    def customer_(self, row: Redemption) -> str:
        return show.to_page(row.customer)

    @display(description="Order")
    def order_(self, row: Redemption) -> str:
        return history.order(row)

    @display(description="Campaign")
    def campaign_(self, row: Redemption) -> str:
        return row.campaign.name if row.campaign else show.NOTHING

    def pages(self) -> dict[str, View]:
        return {"export": self.export, "<id>/roll-back": self.roll_back}

    # --- export ---
    def export(self, request: HttpRequest) -> Any:
        self.demand(request, self.permission("view"))
        query = request.GET.copy()
        kind = (query.pop("as", None) or ["csv"])[-1]
        request.GET = query  # type: ignore[assignment]
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)[: exports.MOST_ROWS]
        except (IncorrectLookupParameters, SuspiciousOperation):
            return HttpResponseBadRequest("These are not the filters of the list.")
        name = f"redemptions-{now():%Y-%m-%d-%H%M}"
        if kind == "csv":
            lines = exports.as_csv(HEADERS, self.cells(rows))
            return self.attachment(StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8"), f"{name}.csv")
        if kind == "xlsx":
            book = exports.as_xlsx("Redemptions", HEADERS, self.cells(rows))
            return self.attachment(HttpResponse(book, content_type=exports.XLSX), f"{name}.xlsx")
        return HttpResponseBadRequest("Exports are csv or xlsx.")

    def attachment(self, response: Any, name: str) -> Any:
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def cells(self, rows: Rows) -> Iterator[list[Any]]:
        stacks: dict[int, str] = {}
        for row in rows.iterator(chunk_size=2000):
            currency = row.retailer.currency
            if row.parent_id and row.parent_id not in stacks:
                stacks[row.parent_id] = Redemption.objects.values_list("public_id", flat=True).get(pk=row.parent_id)
            yield [
                row.public_id,
                f"{row.created_at:%Y-%m-%d %H:%M:%S}",
                "Stack" if redemption_words.is_stack(row) else row.code,
                history.result(row)[0],
                row.failure_code,
                # The row of a stack says again what those of its codes say: summed up, it would count twice.
                "" if redemption_words.is_stack(row) else to_major(row.discount_amount, currency),
                currency,
                str(row.customer or ""),
                str(row.order or row.order_ident or ""),
                row.order.status if row.order else "",
                row.campaign.name if row.campaign else "",
                row.channel_id,
                row.reason or row.failure_message,
                row.retailer.name,
                stacks.get(row.parent_id or 0, ""),
            ]

    # --- one redemption ---
    def page(self, request: HttpRequest, key: Any) -> Page:
        row: Redemption = self.find(key, "retailer", "voucher", "tier", "campaign", "customer", "order")
        words, tone = history.result(row)
        blocks: list[Block] = [*self.figures(row), self.facts(row), *self.lines(row)]
        children = list(history.slim(row.children.all()).order_by("id"))
        if children:
            blocks.append(history.table(children, title="Codes of this stack", empty="", without=["Customer", "Order"]))
        blocks += trace.checklists(row.trace, row.retailer.currency)
        return Page(
            title=history.codes_of(children) or history.what(row),
            subtitle=row.public_id,
            chips=[show.chip(words, tone)],
            buttons=self.buttons(request, row),
            blocks=blocks,
            notice=redemption_words.notice(row),
        )

    def buttons(self, request: HttpRequest, row: Redemption) -> list[Button]:
        if not redemption_words.may_roll_back(row) or not self.may(request, "checkout.rollback_redemption"):
            return []
        if row.parent_id:
            return [Button(text="Open the whole stack", url=self.url("change", row.parent_id))]
        return [Button(text="Roll back…", url=self.url("roll_back", row.pk), tone="danger")]

    def figures(self, row: Redemption) -> list[Block]:
        order = (row.detail or {}).get("order") or {}
        currency = row.retailer.currency
        if not isinstance(order, dict) or order.get("amount") is None:
            return []
        off = order.get("total_applied_discount_amount", row.discount_amount)
        figures = [
            Figure(label="Order", value=show.amount(order["amount"], currency)),
            Figure(label="Money off by this", value=show.amount(off, currency)),
            Figure(label="Discounts in all", value=show.amount(order.get("total_discount_amount"), currency)),
            Figure(label="To pay", value=show.amount(order.get("total_amount"), currency)),
        ]
        return [Figures(figures=figures)]

    def facts(self, row: Redemption) -> Facts:
        zone = row.retailer.timezone
        undone = row.rollbacks.filter(succeeded=True).first() if row.rolled_back_at else None
        known = {
            "When": show.moment(row.created_at, zone),
            "Code": show.to_page(row.voucher, show.mono(row.voucher.code)) if row.voucher else "",
            "Promotion": show.to_page(row.tier) if row.tier else "",
            "Campaign": show.to_page(row.campaign) if row.campaign else "",
            "Customer": show.to_page(row.customer) if row.customer else "",
            "Order": show.to_page(order) if (order := order_lookups.order_of(row)) else row.order_ident or "",
            "Off the card": redemption_words.off_card(row),
            "Lock session": show.mono(row.session_key) if row.session_key else "",
            "Rolled back": show.to_page(undone, show.moment(row.rolled_back_at, zone)) if undone else "",
            "Rolled back by": history.by(undone) if undone else "",
            "Why": undone.reason if undone else "",
            "Rolls back": show.link("the redemption", self.url("change", row.rolls_back_id))
            if row.rolls_back_id
            else "",
            "Part of": show.link("a stack", self.url("change", row.parent_id)) if row.parent_id else "",
            "Reason": row.reason,
            "Failure": show.reason(row.failure_code, row.ran_out) if row.failure_code else "",
            "Asked by": history.by(row),
            "Retailer": row.retailer.name,
        }
        known |= {name: show.plain(value) for name, value in (row.metadata or {}).items()}
        return Facts(title="What happened", facts=[(name, value) for name, value in known.items() if value])

    def lines(self, row: Redemption) -> list[Block]:
        order = (row.detail or {}).get("order")
        items = (order or {}).get("items") if isinstance(order, dict) else None
        items = items or (row.order.items if row.order else [])
        return [redemption_words.lines_table(items, row.retailer.currency)] if items else []

    # --- rolling back ---
    def roll_back(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, "checkout.view_redemption", "checkout.rollback_redemption")
        row: Redemption = self.find(key, "retailer")

        def act(reason: str) -> str:
            rollback.roll_back(
                retailer_id=row.retailer_id,
                redemption_public_id=row.public_id,
                reason=reason,
                stack=True,
                actor=actor_of(request),
                now=now(),
            )
            return f"{history.what(row)} has been rolled back: its use, credits and budget are free again."

        return self.ask_reason(
            request,
            key,
            act,
            title=f"Roll back {history.what(row)}?",
            text=f"Takes back {history.worth(row)} of discount and gives the use back. This cannot be undone.",
            button="Roll back",
            danger=True,
            atomic=False,  # a second attempt is refused, and that refusal is recorded
        )
