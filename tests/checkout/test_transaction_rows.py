"""What the queue reads and keeps of its rows, and amounts read without a detour."""

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections, transaction
from hypothesis import given
from hypothesis import strategies as st

from checkout import till_fields, transaction_queue, transaction_rows, transaction_shape
from checkout.models import Revision
from offers.lib import clock, money
from offers.models import Retailer
from tests.api.sessionm.sales import sale
from tests.checkout.test_transactions import Shop

SIGNS = st.sampled_from(["", "+", "-"])
WHOLE = st.from_regex(r"[0-9]{1,12}", fullmatch=True)
REST = st.from_regex(r"\.[0-9]{1,2}", fullmatch=True)
AMOUNTS = st.builds("{}{}{}".format, SIGNS, WHOLE, st.one_of(st.just(""), REST)) | st.builds("{}{}".format, SIGNS, REST)


@given(AMOUNTS, st.sampled_from(["USD", "JPY", "BHD"]))
def test_an_amount_is_read_as_decimals_round_it(written: str, currency: str) -> None:
    expected = money.round_half_up(Decimal(written).scaleb(money.exponent(currency)))
    payload = {"transaction_id": "t", "is_closed": "true", "subtotal": written}
    assert transaction_shape.read(payload, currency=currency).subtotal == expected


@pytest.mark.parametrize("wrong", ["", ".", "1.", "1.234", "1e3", "--1", "1 ", "٣", "1,5", "1234567890123", "NaN"])
def test_what_is_no_amount_is_refused(wrong: str) -> None:
    with pytest.raises(till_fields.ArgumentError):
        transaction_shape.read({"transaction_id": "t", "is_closed": "true", "subtotal": wrong})


def test_a_row_has_what_its_revision_has(shop_a: Retailer) -> None:
    shop = Shop(shop_a)
    shop.send(sale())
    revision = Revision.objects.select_related("transaction__store", "transaction__retailer").get()
    with transaction.atomic():
        (row,) = transaction_rows.take([revision.pk])
    for name in ("pk", "number", "payload", "modified_at", "attempts", "state", "next_at", "error", "result"):
        if name != "next_at":
            assert getattr(row, name) == getattr(revision, name), name
    head = revision.transaction
    for name in ("pk", "transaction_id", "first_closed_at", "retailer_id", "store_id"):
        assert getattr(row.transaction, name) == getattr(head, name), name
    for name in ("uuid", "timezone", "prices_include_tax"):
        assert getattr(row.transaction.store, name) == getattr(head.store, name), name
    for name in ("timezone", "currency"):
        assert getattr(row.transaction.retailer, name) == getattr(head.retailer, name), name


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_claimer_that_comes_too_late_takes_no_row_from_who_has_it(shop_a: Retailer) -> None:
    shop = Shop(shop_a)
    shop.send(sale())
    pk = Revision.objects.get().pk
    taken: list[int] = []

    def take() -> None:
        with transaction.atomic():
            taken.extend(row.pk for row in transaction_rows.take([pk]))
        connection.close()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM checkout_revision WHERE id = %s FOR UPDATE", [pk])
        worker = threading.Thread(target=take)
        worker.start()
        worker.join(0.3)
    worker.join(20)
    assert taken == [pk]


def test_numbers_beyond_64_bits_are_read_as_they_stand() -> None:
    assert transaction_rows._payload('{"a": 1e400}') == {"a": float("inf")}


@pytest.mark.django_db(transaction=True)
def test_a_sale_another_worker_has_is_put_off_and_keeps_what_it_said(shop_a: Retailer) -> None:
    """Nothing waits for the other worker."""
    shop = Shop(shop_a)
    shop.send(sale())
    Revision.objects.update(state="retry", error="the shelf fell down", next_at=clock.now())
    row = Revision.objects.get()
    owned, leave = threading.Event(), threading.Event()

    def other() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                name = f"transaction:{row.transaction_id}"
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
                owned.set()
                leave.wait(30)
        finally:
            connections.close_all()

    thread = threading.Thread(target=other)
    thread.start()
    owned.wait(30)
    moment = clock.now() + timedelta(seconds=1)
    counted: Any = transaction_queue.drain(now=moment)
    leave.set()
    thread.join()
    row.refresh_from_db()
    assert (counted, row.state, row.error) == (1, "retry", "the shelf fell down")
    assert row.next_at == moment + transaction_queue.BUSY
    assert transaction_queue.drain(now=moment + timedelta(seconds=2)) == 1
    row.refresh_from_db()
    assert (row.state, row.error) == ("processed", "")
