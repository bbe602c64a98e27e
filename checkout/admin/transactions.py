"""Purchase transactions: found by state, store or customer, where the queue stands, and what is done to dead ones."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Case, JSONField, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse

from checkout import transactions
from checkout.admin import transaction_blocks, transaction_outcome
from checkout.admin.transaction_blocks import WAITING, body_of, said_amount, state_chip, zone_of
from checkout.models import Revision, Transaction
from loyalty.models import Award
from offers.admin import lookups, show
from offers.admin.filters import ExactFilter, HistoryDaysFilter, PickFilter, RetailerFilter
from offers.admin.office import ReadOnlyAdmin, View, actor_of, now
from offers.admin.own_search import OwnSearch
from offers.admin.page import Block, Button, Facts, Figure, Figures, Page, Table
from offers.models import Customer, Store, UserOffer

Rows = QuerySet[Transaction]
State = Revision.State
SHOWN = 5
LATE = timedelta(seconds=30)
LOOKED_AT = timedelta(days=7)  # how long a refused discount is counted
COUNTED = 100_000
DISCARDED = Case(When(result__has_key="discarded", then=1), default=0)  # in an order: what counts comes first


class StateFilter(PickFilter):
    title = "state of the newest revision"
    parameter_name = "state"
    choices_of = (
        ("waiting", "Waiting"),
        ("refused", "A discount used no offer"),
        (State.DEAD.value, "Given up"),
        (State.PROCESSED.value, "Processed"),
        (State.OPEN.value, "Not closed yet"),
    )

    def narrow(self, queryset: Rows, value: str) -> Rows:
        if value == "refused":
            return queryset.filter(pk__in=refused().values("transaction_id"))
        wanted = WAITING if value == "waiting" else (value,)
        if value in ("waiting", State.DEAD):  # few rows, each behind an index of its own
            return queryset.filter(pk__in=Revision.objects.filter(state__in=wanted).values("transaction_id"))
        return queryset.filter(Q(state__in=wanted))  # annotated, see get_queryset


def refused() -> QuerySet[Revision]:
    """Return the revisions with a discount that used up no offer; written as the index that finds them is."""
    rejected = RawSQL("result #> '{rejected,0}'", [], output_field=JSONField())
    return Revision.objects.alias(rejected=rejected).filter(rejected__isnull=False)


def refused_chip(newest: Revision | None) -> list[str]:
    return [show.chip("Discount without its offer", "bad")] if transaction_outcome.refused(newest) else []


class StoreFilter(ExactFilter):
    title = "store (name or id)"
    parameter_name = "store"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(store_id__in=stores_of(text))


class CustomerFilter(ExactFilter):
    title = "customer (id, shop id or e-mail)"
    parameter_name = "customer"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(pk__in=of_customers(lookups.customer_ids(text)))


def stores_of(text: str) -> list[int]:
    if ident := show.uuid_of(text):
        return list(Store.objects.filter(uuid=ident).values_list("pk", flat=True))
    return list(Store.objects.filter(name__icontains=text).values_list("pk", flat=True)[: lookups.MOST_MATCHES])


def of_customers(customers: Sequence[int]) -> list[int]:
    """Return the transactions that gave customers something or used what they held."""
    heads: set[tuple[str, str]] = set()
    occasions = Award.objects.filter(member__customer_id__in=customers, occasion__startswith="transaction:")
    for occasion in occasions.order_by("-id").values_list("occasion", flat=True)[:500]:
        store, _, ident = occasion.removeprefix("transaction:").partition(":")
        heads.add((store, ident))
    used = UserOffer.objects.filter(customer_id__in=customers).exclude(redeemed_in="")
    for place in used.order_by("-id").values_list("redeemed_in", flat=True)[:500]:
        store, _, ident = place.partition(":")
        heads.add((store, ident))
    stores = {str(row.uuid): row.pk for row in Store.objects.filter(uuid__in={s for s, _ in heads if show.uuid_of(s)})}
    found: list[int] = []
    for key in set(stores.values()):
        idents = [ident for store, ident in heads if stores.get(store) == key]
        rows = Transaction.objects.filter(store_id=key, transaction_id__in=idents)
        found += rows.values_list("pk", flat=True)
    return found


@admin.register(Transaction)
class TransactionAdmin(OwnSearch, ReadOnlyAdmin):
    called = ("transaction", "transactions")
    list_display = ("ident", "store_", "amount_", "state_", "tries", "closed", "received")
    list_filter = (StateFilter, StoreFilter, CustomerFilter, HistoryDaysFilter, RetailerFilter)
    list_select_related = ("store", "retailer")
    search_fields = ("transaction_id",)
    search_help_text = "Transaction id, receipt, store or customer"
    nothing_text = "No till has sent a purchase yet."
    list_before_template = "admin/office/standing.html"

    def get_queryset(self, request: HttpRequest) -> Rows:
        rows: Rows = super().get_queryset(request)
        newest = Revision.objects.filter(transaction=OuterRef("pk")).order_by(DISCARDED, "-number")
        return rows.annotate(state=Subquery(newest.values("state")[:1]))

    def prepared(self, rows: list[Transaction]) -> list[Transaction]:
        newest = Revision.objects.filter(transaction__in=rows).order_by("transaction_id", DISCARDED, "-number")
        found = {row.transaction_id: row for row in newest.distinct("transaction_id")}
        for row in rows:
            row.newest = found.get(row.pk)  # type: ignore[attr-defined]
        return rows

    def search(self, rows: Rows, text: str) -> Rows:
        keys = set(
            Transaction.objects.filter(store__in=Store.objects.all(), transaction_id=text).values_list("pk", flat=True)
        )
        retailers = lookups.retailer_ids()
        keys |= set(
            Transaction.objects.filter(retailer_id__in=retailers, receipt_code=text).values_list("pk", flat=True)
        )
        if keys:
            return rows.filter(pk__in=keys)
        if customers := lookups.customer_ids(text):
            return rows.filter(pk__in=of_customers(customers))
        return rows.filter(store_id__in=stores_of(text))

    @display(description="Transaction")
    def ident(self, row: Transaction) -> str:
        return show.mono(row.transaction_id)

    @display(description="Store")
    def store_(self, row: Transaction) -> str:
        return row.store.name

    @display(description="Subtotal")
    def amount_(self, row: Transaction) -> str:
        newest: Revision | None = row.newest  # type: ignore[attr-defined]
        return said_amount(body_of(newest).get("subtotal")) if newest else show.NOTHING

    @display(description="State")
    def state_(self, row: Transaction) -> str:
        newest: Revision | None = row.newest  # type: ignore[attr-defined]
        return show.lines([state_chip(newest.state if newest else ""), *refused_chip(newest)])

    @display(description="Tries")
    def tries(self, row: Transaction) -> str:
        newest: Revision | None = row.newest  # type: ignore[attr-defined]
        return str(newest.attempts) if newest else show.NOTHING

    @display(description="Closed")
    def closed(self, row: Transaction) -> str:
        return show.moment(row.first_closed_at, zone_of(row))

    @display(description="First received")
    def received(self, row: Transaction) -> str:
        return show.moment(row.created_at, zone_of(row))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        standing = [queue_figures()] if self.has_view_permission(request) else []
        return super().changelist_view(request, {"standing": standing, **(extra_context or {})})

    def pages(self) -> dict[str, View]:
        return {"<id>/retry": self.retry, "<id>/discard": self.discard}

    # --- what is done to a dead one ---
    def dead(self, row: Transaction) -> Revision | None:
        return Revision.objects.filter(transaction=row, state=State.DEAD).order_by("-number").first()

    def retry(self, request: HttpRequest, key: int) -> HttpResponse:
        text = "It goes into the queue again, its tries forgotten. Nothing it did already happens twice."
        return self.settle(request, key, transactions.retry, "Retry", text, "waits in the queue again")

    def discard(self, request: HttpRequest, key: int) -> HttpResponse:
        text = (
            "It is never processed: no points, no offers used or earned. What was sent is kept. "
            "An older revision of the sale counts again."
        )
        return self.settle(request, key, transactions.discard, "Discard", text, "has been discarded", danger=True)

    def settle(
        self, request: HttpRequest, key: int, verb: Any, word: str, text: str, said: str, danger: bool = False
    ) -> HttpResponse:
        self.demand(request, self.permission("view"), "checkout.change_transaction")
        row: Transaction = self.find(key)
        dead = self.dead(row)

        def act(reason: str) -> str:
            if dead is None:
                return "Nothing of it is given up any more."
            verb(
                retailer_id=row.retailer_id,
                revision_id=dead.pk,
                reason=reason,
                actor=actor_of(request),
                now=now(),
            )
            return f"Transaction {row.transaction_id} {said}."

        return self.ask_reason(
            request,
            key,
            act,
            title=f"{word} {row.transaction_id}?",
            text=text,
            button=word,
            danger=danger,
        )

    # --- one transaction ---
    def page(self, request: HttpRequest, key: Any) -> Page:
        row: Transaction = self.find(key, "retailer", "store")
        revisions = list(Revision.objects.filter(transaction=row).order_by("-number")[:SHOWN])
        newest = min(revisions, key=lambda one: "discarded" in (one.result or {}), default=None)
        blocks: list[Block] = []
        if newest:
            blocks.append(Figures(figures=transaction_blocks.figures(newest)))
        blocks.append(transaction_blocks.facts(row, revisions))
        if newest and newest.error:
            blocks.append(Facts(title="What went wrong", facts=[("Message", newest.error)]))
        blocks.append(transaction_outcome.told(row, revisions))
        blocks += [transaction_blocks.outcome(row), transaction_blocks.locks(row)]
        blocks.append(transaction_blocks.compared(revisions, zone_of(row)))
        blocks += [transaction_blocks.items(newest)] if newest else []
        return Page(
            title=row.transaction_id,
            subtitle=f"{row.store.name}, {row.retailer.name}",
            chips=[state_chip(newest.state if newest else ""), *refused_chip(newest)],
            buttons=self.buttons(request, row),
            blocks=blocks,
        )

    def buttons(self, request: HttpRequest, row: Transaction) -> list[Button]:
        if not self.may(request, "checkout.change_transaction") or self.dead(row) is None:
            return []
        return [
            Button(text="Retry…", url=self.url("retry", row.pk), tone="main"),
            Button(text="Discard…", url=self.url("discard", row.pk), tone="danger"),
        ]


def queue_figures() -> Figures:
    """Return where the queue of all retailers stands; each figure along an index of the waiting or the dead."""
    waiting = Revision.objects.filter(state__in=WAITING)
    oldest = waiting.order_by("received_at").values_list("received_at", flat=True).first()
    age = now() - oldest if oldest else None
    long = waiting[: COUNTED + 1].count()
    dead = Revision.objects.filter(state=State.DEAD)[: COUNTED + 1].count()
    again = Revision.objects.filter(state=State.RETRY)[: COUNTED + 1].count()
    odd = refused().filter(received_at__gt=now() - LOOKED_AT)[: COUNTED + 1].count()
    return Figures(
        figures=[
            Figure(label="Waiting", value=show.count(long), url=show.list_of(Transaction, state="waiting")),
            Figure(
                label="Oldest waits for",
                value=show.duration(age) if age else "nothing waits",
                tone="warn" if age and age > LATE else "",
            ),
            Figure(label="To be tried again", value=show.count(again)),
            Figure(
                label="Given up",
                value=show.count(dead),
                tone="bad" if dead else "",
                url=show.list_of(Transaction, state="dead"),
            ),
            Figure(
                label="Discounts without their offer",
                value=show.count(odd),
                note="in the last 7 days",
                tone="warn" if odd else "",
                url=show.list_of(Transaction, state="refused"),
            ),
        ]
    )


def of_customer(row: Customer) -> Table:
    """Return the newest transactions of a customer, for his page."""
    found = Transaction.objects.filter(pk__in=of_customers([row.pk])).select_related("store", "retailer")
    cells = [
        [show.to_page(one), one.store.name, show.moment(one.first_closed_at or one.created_at, zone_of(one))]
        for one in found.order_by("-id")[:10]
    ]
    return Table(
        title="Transactions",
        headers=["Transaction", "Store", "Closed"],
        rows=cells,
        empty="No purchase has been booked for this customer.",
        more=Button(text="All transactions", url=show.list_of(Transaction, customer=row.public_id)) if cells else None,
    )
