"""Orders: lines make the amount, discounts stay as granted, two writers never lose one another's change."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from checkout import orders
from checkout.asks import ItemAsk, ProductAsk
from checkout.models import Order
from offers import catalogue
from offers.lib.actors import SYSTEM
from offers.lib.errors import Duplicate, InvalidPayload, NotFound
from offers.models import AuditEntry, Customer, Product, Retailer, Sku
from tests import factories

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Retailer:
    return factories.retailer()


def upsert(shop: Retailer, source_id: str | None = None, ident: str | None = None, **fields: Any) -> Order:
    return orders.upsert(
        retailer_id=shop.pk,
        source_id=source_id,
        ident=ident,
        fields=fields,  # type: ignore[arg-type]
        actor=SYSTEM,
        now=NOW,
    )


def product(shop: Retailer, source_id: str, price: int) -> Product:
    return catalogue.upsert_product(
        retailer_id=shop.pk, source_id=source_id, fields={"price": price, "name": source_id}, actor=SYSTEM, now=NOW
    )


def test_lines_make_the_amount(shop: Retailer) -> None:
    items = [ItemAsk(price=1000, quantity=2), ItemAsk(amount=1500, price=1), ItemAsk(quantity=3)]
    order = upsert(shop, "o-1", items=items, amount=1)
    assert (order.amount, order.initial_amount, order.total_amount) == (3500, 3500, 3500)
    assert [line.get("amount") for line in order.items] == [2000, 1500, 0]
    assert [line["quantity"] for line in order.items] == [2, 1, 3]
    assert order.items[0]["subtotal_amount"] == 2000
    assert all(line["id"].startswith("ordli_") for line in order.items)


def test_without_lines_the_shop_says_the_amount(shop: Retailer) -> None:
    assert upsert(shop, "o-1", amount=900).total_amount == 900
    assert upsert(shop, "o-1", items=[]).amount == 900
    assert upsert(shop, "o-2").total_amount is None


def test_lines_are_resolved_to_what_the_catalogue_knows(shop: Retailer) -> None:
    mug = product(shop, "mug", 1000)
    red = catalogue.upsert_sku(product=mug, source_id="mug-red", fields={"sku": "Red"}, actor=SYSTEM, now=NOW)
    order = upsert(
        shop,
        "o-1",
        items=[
            ItemAsk(source_id="mug", related_object="product"),
            ItemAsk(product_id=mug.public_id, quantity=2),
            ItemAsk(source_id="mug-red", related_object="sku", price=1200),
            ItemAsk(source_id="unknown", related_object="product", price=5),
        ],
    )
    first, second, third, fourth = order.items
    assert (first["product_id"], first["price"], first["amount"]) == (mug.public_id, 1000, 1000)
    assert (second["amount"], second["product"]["source_id"]) == (2000, "mug")
    assert (third["sku_id"], third["product_id"], third["amount"]) == (red.public_id, mug.public_id, 1200)
    assert (fourth["source_id"], fourth["product"]["source_id"], fourth["amount"]) == ("unknown", "unknown", 5)


def test_override_stores_the_product_and_nothing_else_does(shop: Retailer) -> None:
    mug = ProductAsk(source_id="mug", name="Mug", price=1000)
    upsert(shop, "o-1", items=[ItemAsk(product=mug, quantity=1)])
    assert not Product.objects.exists()
    stored = ProductAsk(source_id="mug", name="Mug", price=1000, override=True)
    red = ProductAsk(source_id="mug-red", sku="Red", price=1100, override=True)
    order = upsert(shop, "o-2", items=[ItemAsk(product=stored, sku=red)])
    assert (Product.objects.get().price, Sku.objects.get().price, order.amount) == (1000, 1100, 1100)
    assert order.items[0]["sku_id"] == Sku.objects.get().public_id
    with pytest.raises(InvalidPayload):
        upsert(shop, "o-3", items=[ItemAsk(product=ProductAsk(name="Mug", override=True))])


def test_a_sum_that_cannot_be_counted_is_refused(shop: Retailer) -> None:
    with pytest.raises(InvalidPayload):
        upsert(shop, "o-1", items=[ItemAsk(amount=10**15), ItemAsk(amount=1)])
    with pytest.raises(InvalidPayload):
        upsert(shop, "o-1", items=[ItemAsk(price=10**15, quantity=10**9)])
    assert not Order.objects.exists()


def test_only_sent_fields_change(shop: Retailer) -> None:
    first = upsert(shop, "o-1", amount=900, metadata={"a": 1, "b": 2})
    second = upsert(shop, "o-1", status="PAID", metadata={"b": None, "c": 3})
    assert (second.pk, second.amount, second.status) == (first.pk, 900, "PAID")
    assert second.metadata == {"a": 1, "c": 3}
    assert (first.revision, second.revision) == (0, 1)


def test_an_id_wins_and_an_unknown_one_falls_back(shop: Retailer) -> None:
    order = upsert(shop, "o-1")
    assert upsert(shop, "o-9", ident=order.public_id).pk == order.pk
    assert upsert(shop, "o-1", ident="ord_unknown").pk == order.pk
    with pytest.raises(NotFound):
        upsert(shop, ident="ord_unknown")


def test_a_source_id_stays_with_its_order(shop: Retailer) -> None:
    upsert(shop, "o-1")
    upsert(shop, "o-2")
    with pytest.raises(Duplicate):
        orders.update(retailer_id=shop.pk, ident="o-2", fields={"source_id": "o-1"}, actor=SYSTEM, now=NOW)
    changed = orders.update(retailer_id=shop.pk, ident="o-2", fields={"source_id": "o-3"}, actor=SYSTEM, now=NOW)
    assert changed.source_id == "o-3"


def test_a_customer_comes_along_and_null_takes_it_off(shop: Retailer) -> None:
    order = upsert(shop, "o-1", customer=orders.Person(source_id="ann", fields={"name": "Ann"}))
    assert (order.customer, Customer.objects.get().name) == (Customer.objects.get(), "Ann")
    assert upsert(shop, "o-1", amount=5).customer is not None
    assert upsert(shop, "o-1", customer=None).customer is None
    with pytest.raises(NotFound):
        upsert(shop, "o-1", customer=orders.Person(ident="cust_unknown"))


def test_granted_discounts_stay_as_far_as_they_fit(shop: Retailer) -> None:
    order = upsert(shop, "o-1", amount=1000)
    Order.objects.filter(pk=order.pk).update(
        discount_amount=300, items_discount_amount=200, total_discount_amount=500, redemptions={"r_1": {}}
    )
    changed = upsert(shop, "o-1", amount=2000)
    assert (changed.total_discount_amount, changed.total_amount) == (500, 1500)
    changed = upsert(shop, "o-1", amount=400)
    assert (changed.items_discount_amount, changed.discount_amount, changed.total_amount) == (200, 200, 0)
    actions = (
        AuditEntry.objects.filter(action="order.update").order_by("pk").values_list("before__amount", "after__amount")
    )
    assert list(actions) == [(1000, 2000), (2000, 400)]


def test_another_retailer_cannot_reach_an_order(shop: Retailer) -> None:
    rival = factories.retailer()
    order = upsert(shop, "o-1", amount=1)
    for ident in ("o-1", order.public_id):
        with pytest.raises(NotFound):
            orders.get(retailer_id=rival.pk, ident=ident)
    assert upsert(rival, "o-1").pk != order.pk
    assert list(orders.search(retailer_id=rival.pk).values_list("retailer_id", flat=True)) == [rival.pk]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_first_calls_at_once_make_one_order_and_lose_no_key() -> None:
    shop = factories.retailer()
    start, failures = threading.Barrier(6), []

    def call(number: int) -> None:
        try:
            start.wait()
            upsert(shop, "o-1", metadata={f"key{number}": number})
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert Order.objects.get().metadata == {f"key{number}": number for number in range(6)}
