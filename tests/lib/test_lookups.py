"""Rows are sorted as asked: values that are missing come last in both directions, ties by key."""

from datetime import UTC, datetime

import pytest

from offers.lib import lookups
from offers.models import Product
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("price", ["b", "c", "a", "d"]),
        ("-price", ["a", "c", "b", "d"]),
        ("created_at", ["a", "b", "c", "d"]),
        ("-created_at", ["d", "c", "b", "a"]),
    ],
)
def test_order(order: str, expected: list[str]) -> None:
    shop = factories.retailer()
    for name, price in (("a", 2), ("b", 1), ("c", 1), ("d", None)):
        Product.objects.create(retailer=shop, name=name, price=price)
    assert [row.name for row in lookups.ordered(Product.objects.all(), order)] == expected


def test_created_at_can_mean_the_moment_itself() -> None:
    shop = factories.retailer()
    for number, name in enumerate(("new", "old")):
        row = Product.objects.create(retailer=shop, name=name)
        Product.objects.filter(pk=row.pk).update(created_at=datetime(2026 - number, 1, 1, tzinfo=UTC))
    rows = lookups.ordered(Product.objects.all(), "-created_at", created="created_at")
    assert [row.name for row in rows] == ["new", "old"]


def test_our_own_id_wins_over_the_shops() -> None:
    shop = factories.retailer()
    first = Product.objects.create(retailer=shop)
    second = Product.objects.create(retailer=shop, source_id=first.public_id)
    assert lookups.by_ident(Product.objects.all(), first.public_id) == first
    assert lookups.by_ident(Product.objects.all(), second.public_id) == second
    assert lookups.by_ident(Product.objects.all(), "\x00") is None
