"""What customers did: redemptions, gift credits, points and orders, counted from the rows themselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, Sum

from checkout.models import Order, Redemption
from offers import vouchers
from offers.ledger import counters
from offers.models import Customer, Voucher

BOUGHT = (Order.Status.PAID, Order.Status.FULFILLED)


@dataclass(slots=True)
class CustomerSummary:
    """Amounts in cents. A stack counts once per redeemable. Orders are those paid or fulfilled."""

    succeeded: int = 0
    failed: int = 0
    rolled_back: int = 0
    rollbacks_succeeded: int = 0
    rollbacks_failed: int = 0
    gift_redeemed: int = 0
    gift_to_go: int = 0
    points_redeemed: int = 0
    points_to_go: int = 0
    orders_amount: int = 0
    orders_count: int = 0
    last_order_amount: int = 0
    last_order_date: datetime | None = None

    @property
    def redeemed(self) -> int:
        """Redemptions that stand."""
        return self.succeeded - self.rolled_back

    @property
    def average_amount(self) -> int:
        return self.orders_amount // self.orders_count if self.orders_count else 0


def of(customers: Iterable[Customer], *, now: datetime) -> dict[int, CustomerSummary]:
    """Return each customer's summary by the customer's key; at most five statements however many customers."""
    found = {customer.pk: CustomerSummary() for customer in customers}
    if found:
        _count_redemptions(found)
        _count_orders(found)
        _count_cards(found, now)
    return found


def _count_redemptions(found: dict[int, CustomerSummary]) -> None:
    redemption = Q(kind=Redemption.Kind.REDEMPTION)
    spent = redemption & Q(succeeded=True, rolled_back_at=None)
    rows = (
        Redemption.objects.filter(customer__in=found)
        .exclude(voucher=None, tier=None, code="")  # the parent of a stack
        .values("customer_id")
        .annotate(
            succeeded_=Count("id", filter=redemption & Q(succeeded=True)),
            failed_=Count("id", filter=redemption & Q(succeeded=False)),
            rolled_back_=Count("id", filter=redemption & Q(rolled_back_at__isnull=False)),
            rollbacks_succeeded_=Count("id", filter=~redemption & Q(succeeded=True)),
            rollbacks_failed_=Count("id", filter=~redemption & Q(succeeded=False)),
            gift_redeemed_=Sum("amount", filter=spent & Q(voucher__type=Voucher.Type.GIFT)),
            points_redeemed_=Sum("amount", filter=spent & Q(voucher__type=Voucher.Type.LOYALTY)),
        )
    )
    for row in rows:
        summary = found[row["customer_id"]]
        summary.succeeded, summary.failed, summary.rolled_back = row["succeeded_"], row["failed_"], row["rolled_back_"]
        summary.rollbacks_succeeded, summary.rollbacks_failed = row["rollbacks_succeeded_"], row["rollbacks_failed_"]
        summary.gift_redeemed = int(row["gift_redeemed_"] or 0)
        summary.points_redeemed = int(row["points_redeemed_"] or 0)


def _count_orders(found: dict[int, CustomerSummary]) -> None:
    bought = Order.objects.filter(customer__in=found, status__in=BOUGHT)
    for key, count, amount in bought.values_list("customer_id").annotate(Count("id"), Sum("total_amount")):
        found[key].orders_count, found[key].orders_amount = count, int(amount or 0)
    last = bought.order_by("customer_id", "-created_at", "-id").distinct("customer_id")
    for key, amount, moment in last.values_list("customer_id", "total_amount", "created_at"):
        if key is not None:
            found[key].last_order_amount, found[key].last_order_date = amount or 0, moment


def _count_cards(found: dict[int, CustomerSummary], now: datetime) -> None:
    held = Voucher.objects.filter(holder__in=found, type__in=vouchers.CARDS, deleted_at=None)
    cards = list(held.values_list("id", "type", "holder_id", "gift_amount"))
    states = counters.states(kinds=[vouchers.CREDITS], owners=[key for key, *_ in cards], now=now) if cards else {}
    opened = {name.owner: (state.granted or 0) - state.settled for name, state in states.items()}
    for key, kind, holder, amount in cards:
        left = opened.get(key, amount or 0)
        if kind == Voucher.Type.GIFT:
            found[holder].gift_to_go += left
        else:
            found[holder].points_to_go += left
