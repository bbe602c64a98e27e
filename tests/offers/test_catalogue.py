"""Products and variants: upserted by either id, changed field by field, deleted with what belongs to them."""

from datetime import UTC, datetime

import pytest

from offers import catalogue
from offers.lib.actors import SYSTEM
from offers.lib.errors import Duplicate, NotFound
from offers.models import AuditEntry, Product, Retailer, Sku

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Retailer:
    return Retailer.objects.create(name="Alice's shop")


@pytest.fixture
def rival() -> Retailer:
    return Retailer.objects.create(name="Charlie's shop")


def product(shop: Retailer, **more: object) -> Product:
    return catalogue.upsert_product(retailer_id=shop.pk, actor=SYSTEM, now=NOW, **more)  # type: ignore[arg-type]


def sku(parent: Product, **more: object) -> Sku:
    return catalogue.upsert_sku(product=parent, actor=SYSTEM, now=NOW, **more)  # type: ignore[arg-type]


def test_a_source_id_names_one_product_and_only_sent_fields_change(shop: Retailer) -> None:
    first = product(shop, source_id="mug", fields={"name": "Mug", "price": 1000, "metadata": {"a": 1}})
    second = product(shop, source_id="mug", fields={"price": 1200, "metadata": {"b": 2}})
    second.refresh_from_db()
    assert second.pk == first.pk
    assert (second.name, second.price, second.metadata) == ("Mug", 1200, {"a": 1, "b": 2})


def test_a_known_id_wins_an_unknown_one_falls_back_to_the_source_id(shop: Retailer) -> None:
    mug = product(shop, source_id="mug")
    assert product(shop, ident=mug.public_id, source_id="other") == mug
    assert product(shop, ident="prod_unknown", source_id="mug") == mug
    assert product(shop, ident="prod_unknown", source_id="cup").source_id == "cup"
    with pytest.raises(NotFound):
        product(shop, ident="prod_unknown")


def test_retailers_never_see_each_others_products(shop: Retailer, rival: Retailer) -> None:
    mug = product(shop, source_id="mug")
    for ident in ("mug", mug.public_id):
        with pytest.raises(NotFound):
            catalogue.get_product(retailer_id=rival.pk, ident=ident)
        with pytest.raises(NotFound):
            catalogue.delete_product(retailer_id=rival.pk, ident=ident, actor=SYSTEM, now=NOW)
    assert product(rival, source_id="mug") != mug
    assert list(catalogue.products(retailer_id=shop.pk)) == [mug]


def test_a_variant_belongs_to_its_product(shop: Retailer) -> None:
    mug, cup = product(shop, source_id="mug"), product(shop, source_id="cup")
    red = sku(mug, source_id="mug-red", fields={"sku": "Red mug", "attributes": {"color": "red"}})
    assert sku(mug, source_id="mug-red", fields={"price": 900}) == red
    with pytest.raises(Duplicate):
        sku(cup, source_id="mug-red", fields={"price": 1})
    assert catalogue.get_sku(retailer_id=shop.pk, ident="mug-red").price == 900  # the refused call changed nothing
    with pytest.raises(NotFound):
        catalogue.update_sku(product=cup, ident="mug-red", fields={"price": 1}, actor=SYSTEM, now=NOW)
    assert list(catalogue.skus(product=cup)) == []


def test_deleting_a_product_takes_its_variants(shop: Retailer) -> None:
    mug = product(shop, source_id="mug")
    sku(mug, source_id="mug-red")
    catalogue.delete_product(retailer_id=shop.pk, ident="mug", actor=SYSTEM, now=NOW)
    assert not Product.objects.exists()
    assert not Sku.objects.exists()


def test_a_changed_price_leaves_an_audit_row_and_a_changed_name_none(shop: Retailer) -> None:
    mug = product(shop, source_id="mug", fields={"price": 1000})
    catalogue.update_product(retailer_id=shop.pk, ident="mug", fields={"name": "Big mug"}, actor=SYSTEM, now=NOW)
    assert not AuditEntry.objects.exists()
    catalogue.update_product(retailer_id=shop.pk, ident="mug", fields={"price": 1}, actor=SYSTEM, now=NOW)
    row = AuditEntry.objects.get()
    assert (row.action, row.object_id, row.before, row.after) == (
        "product.update",
        mug.public_id,
        {"price": 1000},
        {"price": 1},
    )


def test_lists_sort_and_cut(shop: Retailer) -> None:
    for name in ("b", "a", "c"):
        product(shop, source_id=name, fields={"name": name})
    assert [row.name for row in catalogue.products(retailer_id=shop.pk, order="name")] == ["a", "b", "c"]
    assert [row.name for row in catalogue.products(retailer_id=shop.pk, order="-name")] == ["c", "b", "a"]
    assert list(catalogue.products(retailer_id=shop.pk, until=datetime(2000, 1, 1, tzinfo=UTC))) == []
