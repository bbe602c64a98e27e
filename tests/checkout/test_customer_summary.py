"""A customer's summary: redemptions that stand, gift credits left, orders that were paid."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from checkout import customer_summary
from checkout.models import Order, Redemption
from offers.models import Customer, Retailer, Voucher

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Retailer:
    return Retailer.objects.create(name="Alice's shop")


@pytest.fixture
def ann(shop: Retailer) -> Customer:
    return Customer.objects.create(retailer=shop, source_id="ann")


def record(ann: Customer, ident: str, **more: Any) -> Redemption:
    values = {"succeeded": True, "code": "X", **more}
    return Redemption.objects.create(
        public_id=ident, retailer_id=ann.retailer_id, customer=ann, created_at=NOW, **values
    )


def test_a_customer_who_did_nothing_has_zeros(ann: Customer) -> None:
    assert customer_summary.of([ann], now=NOW)[ann.pk] == customer_summary.CustomerSummary()
    assert customer_summary.of([], now=NOW) == {}


def test_redemptions_rollbacks_and_failures_are_told_apart(ann: Customer) -> None:
    record(ann, "r_stack", code="")  # the parent of a stack is not one more redemption
    record(ann, "r_1")
    record(ann, "r_2", rolled_back_at=NOW)
    record(ann, "rf_1", succeeded=False)
    record(ann, "rr_1", kind=Redemption.Kind.ROLLBACK)
    record(ann, "rrf_1", kind=Redemption.Kind.ROLLBACK, succeeded=False)
    found = customer_summary.of([ann], now=NOW)[ann.pk]
    assert (found.succeeded, found.failed, found.rolled_back, found.redeemed) == (2, 1, 1, 1)
    assert (found.rollbacks_succeeded, found.rollbacks_failed) == (1, 1)


def test_gift_credits_used_and_left(shop: Retailer, ann: Customer) -> None:
    card = Voucher.objects.create(retailer=shop, code="GIFT", type=Voucher.Type.GIFT, gift_amount=5000, holder=ann)
    record(ann, "r_1", voucher=card, amount=700)
    record(ann, "r_2", voucher=card, amount=300, rolled_back_at=NOW)
    found = customer_summary.of([ann], now=NOW)[ann.pk]
    assert (found.gift_redeemed, found.gift_to_go) == (700, 5000)


def test_only_paid_and_fulfilled_orders_count(shop: Retailer, ann: Customer) -> None:
    for number, (status, amount) in enumerate([("PAID", 1000), ("FULFILLED", 501), ("CREATED", 9), ("CANCELED", 9)]):
        Order.objects.create(
            retailer=shop,
            customer=ann,
            status=status,
            total_amount=amount,
            created_at=NOW + timedelta(hours=number),
        )
    found = customer_summary.of([ann], now=NOW)[ann.pk]
    assert (found.orders_count, found.orders_amount, found.average_amount) == (2, 1501, 750)
    assert (found.last_order_amount, found.last_order_date) == (501, NOW + timedelta(hours=1))


def test_a_page_of_customers_costs_no_more_statements_than_one(
    shop: Retailer, ann: Customer, django_assert_max_num_queries: Any
) -> None:
    others = [Customer.objects.create(retailer=shop, source_id=f"c{number}") for number in range(5)]
    Voucher.objects.create(retailer=shop, code="G", type=Voucher.Type.GIFT, gift_amount=1, holder=ann)
    with django_assert_max_num_queries(5) as queries:
        customer_summary.of([ann, *others], now=NOW)
    assert isinstance(queries, CaptureQueriesContext)
