"""Customers: upserted field by field, found by either id, scrolled without gaps, erased without losing history."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from checkout.models import Redemption
from offers import customers
from offers.lib.actors import SYSTEM
from offers.lib.errors import NotFound
from offers.models import AuditEntry, Customer, Retailer

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Retailer:
    return Retailer.objects.create(name="Alice's shop")


@pytest.fixture
def rival() -> Retailer:
    return Retailer.objects.create(name="Charlie's shop")


def upsert(shop: Retailer, source_id: str | None = None, **more: object) -> Customer:
    return customers.upsert(retailer_id=shop.pk, source_id=source_id, actor=SYSTEM, now=NOW, **more)  # type: ignore[arg-type]


def test_the_first_call_makes_a_customer_and_the_second_changes_only_what_it_sends(shop: Retailer) -> None:
    first = upsert(shop, "shopper-7", fields={"name": "Ann", "email": "ann@example.com", "metadata": {"a": 1, "b": 2}})
    second = upsert(shop, "shopper-7", fields={"name": "Anne", "metadata": {"b": None, "c": 3}})
    assert second.pk == first.pk
    second.refresh_from_db()
    assert (second.name, second.email, second.metadata) == ("Anne", "ann@example.com", {"a": 1, "c": 3})
    assert second.updated_at == NOW


def test_none_clears_a_field_and_all_metadata(shop: Retailer) -> None:
    upsert(shop, "shopper-7", fields={"phone": "+1", "metadata": {"a": 1}})
    customer = upsert(shop, "shopper-7", fields={"phone": None, "metadata": None})
    assert (customer.phone, customer.metadata) == (None, {})


def test_an_id_wins_over_a_source_id_and_must_exist(shop: Retailer) -> None:
    known = upsert(shop, "shopper-7")
    changed = upsert(shop, "someone-else", ident=known.public_id, fields={"name": "Ann"})
    assert (changed.pk, changed.source_id, changed.name) == (known.pk, "shopper-7", "Ann")
    with pytest.raises(NotFound):
        upsert(shop, ident="cust_unknown")


def test_without_any_id_every_call_makes_a_customer(shop: Retailer) -> None:
    assert upsert(shop).pk != upsert(shop).pk
    assert upsert(shop, "").source_id is None


def test_both_ids_find_a_customer_and_other_retailers_find_nothing(shop: Retailer, rival: Retailer) -> None:
    customer = upsert(shop, "shopper-7")
    assert customers.get(retailer_id=shop.pk, ident="shopper-7") == customer
    assert customers.get(retailer_id=shop.pk, ident=customer.public_id) == customer
    for ident in ("shopper-7", customer.public_id):
        with pytest.raises(NotFound):
            customers.get(retailer_id=rival.pk, ident=ident)
    with pytest.raises(NotFound):
        customers.get(retailer_id=shop.pk, ident="a\x00b")


def test_our_own_id_wins_where_it_is_also_somebodys_source_id(shop: Retailer) -> None:
    real = upsert(shop, "real")
    upsert(shop, real.public_id)
    assert customers.get(retailer_id=shop.pk, ident=real.public_id) == real


def test_search_combines_its_filters(shop: Retailer, rival: Retailer) -> None:
    ann = upsert(shop, "ann", fields={"name": "Ann", "email": "a@x", "address": {"city": "Oslo"}})
    upsert(shop, "bea", fields={"name": "Ann", "email": "b@x", "address": {"city": "Rome"}})
    upsert(rival, "ann", fields={"name": "Ann", "email": "a@x", "address": {"city": "Oslo"}})
    assert list(customers.search(retailer_id=shop.pk, name="Ann", city="Oslo")) == [ann]
    assert list(customers.search(retailer_id=shop.pk, email="nobody")) == []
    assert [c.source_id for c in customers.search(retailer_id=shop.pk, order="source_id")] == ["ann", "bea"]
    assert [c.source_id for c in customers.search(retailer_id=shop.pk)] == ["bea", "ann"]


@pytest.mark.parametrize("oldest_first", [True, False])
def test_scrolling_by_millisecond_meets_every_customer_once(shop: Retailer, oldest_first: bool) -> None:
    for number in range(9):  # three in every millisecond
        made = upsert(shop, f"c{number}")
        Customer.objects.filter(pk=made.pk).update(created_at=NOW + timedelta(microseconds=number * 333))
    seen: list[str | None] = []
    after, more = (NOW - timedelta(days=1) if oldest_first else NOW + timedelta(days=1)), True
    while more:
        rows = customers.search(retailer_id=shop.pk)
        page, more = customers.scroll(rows, after=after, limit=2, oldest_first=oldest_first)
        seen += [customer.source_id for customer in page]
        last = page[-1].created_at
        after = last.replace(microsecond=last.microsecond // 1000 * 1000)  # all a caller is told
    expected = [f"c{number}" for number in range(9)]
    assert seen == (expected if oldest_first else expected[::-1])


def test_erasing_forgets_the_person_and_keeps_the_redemption(shop: Retailer) -> None:
    customer = upsert(shop, "shopper-7", fields={"name": "Ann", "email": "a@x", "metadata": {"vip": True}})
    redemption = Redemption.objects.create(
        public_id="r_1", retailer=shop, succeeded=True, customer=customer, created_at=NOW
    )
    customers.erase(retailer_id=shop.pk, ident="shopper-7", actor=SYSTEM, now=NOW, reason="asked to")
    kept = Redemption.objects.get(pk=redemption.pk).customer
    assert kept is not None
    assert (kept.name, kept.email, kept.source_id, kept.metadata) == (None, None, None, {})
    for ident in ("shopper-7", customer.public_id):
        with pytest.raises(NotFound):
            customers.get(retailer_id=shop.pk, ident=ident)
    assert upsert(shop, "shopper-7").pk != customer.pk
    audited = AuditEntry.objects.get(action="customer.erase")
    assert (audited.object_id, audited.reason, audited.before) == (customer.public_id, "asked to", None)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_eight_first_calls_for_one_source_id_make_one_customer() -> None:
    shop = Retailer.objects.create(name="Race")
    start = threading.Barrier(8)
    failures: list[BaseException] = []

    def call(number: int) -> None:
        try:
            start.wait()
            upsert(shop, "shopper-7", fields={"metadata": {f"key{number}": number}})
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    customer = Customer.objects.get(retailer=shop)
    assert customer.metadata == {f"key{number}": number for number in range(8)}  # no key was lost


@pytest.mark.parametrize("order", ["-created_at", "created_at"])
def test_a_page_of_many_customers_is_read_off_an_index(shop: Retailer, order: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO offers_customer (public_id, retailer_id, metadata, segments, created_at)"
            " SELECT 'cust_' || n, %s, '{}', '[]', now() - n * interval '1 second' FROM generate_series(1, 20000) n",
            [shop.pk],
        )
        cursor.execute("ANALYZE offers_customer")
    plan = customers.search(retailer_id=shop.pk, order=order)[:11].explain()
    assert "customer_newest" in plan
    assert "Seq Scan" not in plan
