"""Stock of the demo shop: set, held, sold, and read by its operations."""

import pytest

from checkout import shop_accounts
from checkout.configure import operations
from checkout.demo.people import ACME
from checkout.models import ShopAccount
from offers import stock
from offers.ledger import holds
from offers.lib import clock
from tests import factories

pytestmark = pytest.mark.django_db


def test_what_is_held_and_sold_is_told_apart_and_nothing_is_sold_twice() -> None:
    shop, now = factories.retailer(name=ACME), clock.now()
    made, read = operations.carry_out(
        [
            {
                "op": "create",
                "kind": "product",
                "fields": {"sku": "LP 1", "name": "Record", "price": 500, "on_hand": 3},
            },
            {"op": "read", "kind": "stock", "id": "LP 1"},
        ],
        now=now,
    )
    assert made["url"] == "/shop/products/LP%201/"
    assert read == {"on_hand": 3, "held": 0, "sold": 0}
    sku = stock.find(retailer_id=shop.pk, sku="LP 1")
    want = stock.wanted(sku=sku, quantity=2, entry="order-1")
    holds.use(retailer_id=shop.pk, wants=[want], reference="order-1", now=now)
    held = holds.Want(kind=stock.KIND, owner=sku.pk, amount=1, item="x")
    holds.hold(retailer_id=shop.pk, wants=[held], reference="somebody", ttl_seconds=60, now=now)
    assert stock.figures(sku=sku, now=now) == stock.Figures(3, 1, 2)
    with pytest.raises(holds.Exceeded):
        holds.use(
            retailer_id=shop.pk,
            wants=[stock.wanted(sku=sku, quantity=1, entry="order-2")],
            reference="order-2",
            now=now,
        )
    assert operations.carry_out(
        [
            {"op": "create", "kind": "stock", "fields": {"sku": "LP 1", "on_hand": 10}},
            {"op": "create", "kind": "stock", "fields": {"sku": "New", "on_hand": 4}},
            {"op": "read", "kind": "stock", "id": "New"},
        ],
        now=now,
    ) == [{"on_hand": 10, "held": 1, "sold": 2}, *[{"on_hand": 4, "held": 0, "sold": 0}] * 2]


def test_an_account_is_signed_in_to_by_its_password_only() -> None:
    shop = factories.retailer(name=ACME)
    op = {"op": "create", "kind": "customer", "fields": {"email": "Ada@Example.com", "password": "a long one"}}
    made, again = operations.carry_out([op, op], now=clock.now())
    assert made["id"].startswith("acct_") and again["error"].startswith("duplicate_found")
    row = ShopAccount.objects.get()
    assert "a long one" not in row.password
    assert shop_accounts.signed_in(retailer_id=shop.pk, email="ada@example.com", password="a long one") == row
    for email, password in (("ada@example.com", "wrong"), ("bob@example.com", "a long one"), ("\0", "x")):
        assert shop_accounts.signed_in(retailer_id=shop.pk, email=email, password=password) is None
