"""What lists and pages show of redemptions: one wording of results, one table, used by codes, campaigns, customers."""

from collections.abc import Callable, Iterable, Sequence

from django.db.models import QuerySet

from checkout.models import Redemption
from offers.admin import callers, show
from offers.admin.page import Button, Table

# A redemption row carries the whole answer as JSON: lists must not read it.
COLUMNS = [
    "public_id",
    "kind",
    "succeeded",
    "rolled_back_at",
    "parent_id",
    "rolls_back_id",
    "voucher_id",
    "tier_id",
    "campaign_id",
    "code",
    "customer_id",
    "order_id",
    "order_ident",
    "amount",
    "discount_amount",
    "failure_code",
    "ran_out",
    "failure_message",
    "reason",
    "channel_type",
    "channel_id",
    "created_at",
]
JOINED = [
    "retailer__currency",
    "retailer__name",
    "retailer__timezone",
    "campaign__name",
    "customer__source_id",
    "customer__public_id",
    "order__source_id",
    "order__public_id",
    "order__status",
]
SHOWN = 20


def slim(rows: QuerySet[Redemption]) -> QuerySet[Redemption]:
    """Return redemptions with only what a list shows, in one statement."""
    return rows.select_related("retailer", "campaign", "customer", "order").only(*COLUMNS, *JOINED)


def result(row: Redemption) -> tuple[str, str]:
    """Return (words, tone) for what became of a redemption."""
    if row.kind == Redemption.Kind.ROLLBACK:
        return ("Roll-back", "info") if row.succeeded else ("Roll-back failed", "bad")
    if not row.succeeded:
        return show.reason(row.failure_code, row.ran_out), "bad"
    if row.rolled_back_at:
        return "Rolled back", "warn"
    return "Redeemed", "good"


def result_chip(row: Redemption) -> str:
    return show.chip(*result(row))


def worth(row: Redemption) -> str:
    """Return the money a redemption took off, gift credits included."""
    if not row.succeeded:
        return show.NOTHING
    return show.amount(row.discount_amount, row.retailer.currency)


def what(row: Redemption) -> str:
    if row.code:
        return row.code
    return "Several codes" if row.voucher_id is None and row.tier_id is None else row.public_id


def order(row: Redemption) -> str:
    """Return the order of a redemption with a link; of a failed one the id it came with."""
    return show.to_page(row.order) if row.order else row.order_ident or show.NOTHING


def by(row: Redemption) -> str:
    """Return who asked for it."""
    return callers.said(row.channel_id) if row.channel_id else row.channel_type.capitalize()


def table(rows: Iterable[Redemption], *, title: str, empty: str, more: str = "", without: Sequence[str] = ()) -> Table:
    """Return redemptions as a table; `without` leaves columns out."""
    columns: dict[str, Callable[[Redemption], str]] = {
        "When": lambda row: show.to_page(row, show.moment(row.created_at, row.retailer.timezone)),
        "Code": lambda row: show.mono(what(row)),
        "Result": result_chip,
        "Money off": worth,
        "Customer": lambda row: show.to_page(row.customer),
        "Order": order,
    }
    kept = {name: cell for name, cell in columns.items() if name not in without}
    return Table(
        title=title,
        headers=list(kept),
        rows=[[cell(row) for cell in kept.values()] for row in rows],
        empty=empty,
        more=Button(text="Open in the redemption history", url=more) if more else None,
    )


def codes_of(rows: Iterable[Redemption]) -> str:
    return ", ".join(what(row) for row in rows)
