"""Products and their variants: upserted by our id or the shop's, found by either."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypedDict, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from offers import audit
from offers.lib import lookups, metadata
from offers.lib.actors import Actor
from offers.lib.errors import Duplicate, NotFound
from offers.models import Product, Sku

ORDERS = ("created_at", "updated_at", "name", "source_id")
SKU_ORDERS = ("created_at", "updated_at", "sku", "source_id")

Row = TypeVar("Row", Product, Sku)


class ProductFields(TypedDict, total=False):
    """What a caller may set of a product; a key left out stays as it is, None clears."""

    name: str | None
    price: int | None
    attributes: list[str] | None
    metadata: dict[str, Any] | None
    image_url: str | None


class SkuFields(TypedDict, total=False):
    """What a caller may set of a variant; a key left out stays as it is, None clears."""

    sku: str | None
    price: int | None
    currency: str | None
    attributes: dict[str, Any] | None
    metadata: dict[str, Any] | None
    image_url: str | None


def get_product(*, retailer_id: int, ident: str) -> Product:
    """Return the product with this id or source id. Refuses `not_found`."""
    return _found(Product.objects.filter(retailer_id=retailer_id), "product", ident)


def get_sku(*, retailer_id: int, ident: str, product: Product | None = None) -> Sku:
    """Return the variant with this id or source id, of one product if given. Refuses `not_found`."""
    rows = Sku.objects.filter(retailer_id=retailer_id).select_related("product")
    return _found(rows.filter(product=product) if product else rows, "sku", ident)


def products(
    *, retailer_id: int, since: datetime | None = None, until: datetime | None = None, order: str = "-created_at"
) -> QuerySet[Product]:
    """Return the retailer's products made in [since, until), ordered by one of ORDERS, - for descending."""
    return lookups.ordered(_between(Product.objects.filter(retailer_id=retailer_id), since, until), order)


def skus(
    *, product: Product, since: datetime | None = None, until: datetime | None = None, order: str = "-created_at"
) -> QuerySet[Sku]:
    """Return a product's variants made in [since, until), ordered by one of SKU_ORDERS, - for descending."""
    return lookups.ordered(_between(Sku.objects.filter(product=product).select_related("product"), since, until), order)


def skus_of(products: Iterable[Product]) -> dict[int, list[Sku]]:
    """Return the variants of several products by the product's key, oldest first; one statement."""
    found: dict[int, list[Sku]] = {product.pk: [] for product in products}
    for sku in Sku.objects.filter(product__in=found).select_related("product").order_by("pk"):
        found[sku.product_id].append(sku)
    return found


def upsert_product(
    *,
    retailer_id: int,
    actor: Actor,
    now: datetime,
    ident: str | None = None,
    source_id: str | None = None,
    fields: ProductFields | None = None,
) -> Product:
    """Change the product with this id or this source id, or make one.

    An id wins; unknown, it falls back to the source id. Refuses `not_found` when only an unknown id is given.
    """
    rows = Product.objects.filter(retailer_id=retailer_id)
    new = Product(retailer_id=retailer_id, source_id=source_id or None)
    return _upsert(rows, new, "product", ident, fields or {}, actor, now)


def update_product(*, retailer_id: int, ident: str, fields: ProductFields, actor: Actor, now: datetime) -> Product:
    """Change the sent fields of a product; locks its row. Refuses `not_found`."""
    with transaction.atomic():
        rows = Product.objects.filter(retailer_id=retailer_id).select_for_update()
        product = _found(rows, "product", ident)
        _change(product, "product", fields, actor, now)
    return product


def delete_product(*, retailer_id: int, ident: str, actor: Actor, now: datetime) -> None:
    """Delete a product and its variants; orders keep what they say about them. Refuses `not_found`."""
    with transaction.atomic():
        product = _found(Product.objects.filter(retailer_id=retailer_id).select_for_update(), "product", ident)
        product.delete()
        _record(product, "product", "delete", actor, now, before=_priced(product))


def upsert_sku(
    *,
    product: Product,
    actor: Actor,
    now: datetime,
    ident: str | None = None,
    source_id: str | None = None,
    fields: SkuFields | None = None,
) -> Sku:
    """Change the variant with this id or this source id, or make one of this product.

    Refuses `not_found` when only an unknown id is given, `duplicate_found` when the variant is another product's.
    """
    rows = Sku.objects.filter(retailer_id=product.retailer_id)
    new = Sku(retailer_id=product.retailer_id, product=product, source_id=source_id or None)
    with transaction.atomic():
        sku = _upsert(rows, new, "sku", ident, fields or {}, actor, now)
        if sku.product_id != product.pk:
            raise Duplicate(resource_id=sku.public_id, resource_type="sku")
    return sku


def update_sku(*, product: Product, ident: str, fields: SkuFields, actor: Actor, now: datetime) -> Sku:
    """Change the sent fields of a product's variant; locks its row. Refuses `not_found`."""
    with transaction.atomic():
        sku = _found(Sku.objects.filter(product=product).select_for_update(), "sku", ident)
        _change(sku, "sku", fields, actor, now)
    return sku


def delete_sku(*, product: Product, ident: str, actor: Actor, now: datetime) -> None:
    """Delete a product's variant; orders keep what they say about it. Refuses `not_found`."""
    with transaction.atomic():
        sku = _found(Sku.objects.filter(product=product).select_for_update(), "sku", ident)
        sku.delete()
        _record(sku, "sku", "delete", actor, now, before=_priced(sku))


def _upsert(
    rows: QuerySet[Row],
    new: Row,
    kind: str,
    ident: str | None,
    fields: Mapping[str, Any],
    actor: Actor,
    now: datetime,
) -> Row:
    with transaction.atomic():
        row = _locked(rows, ident, new.source_id)
        if row is None and ident and not new.source_id:
            raise NotFound(kind, ident)
        if row is None:
            _apply(new, fields)
            try:
                with transaction.atomic():
                    new.save(force_insert=True)
                return new
            except IntegrityError:  # somebody made the same one a moment ago
                row = _locked(rows, None, new.source_id)
                if row is None:
                    raise
        _change(row, kind, fields, actor, now)
        return row


def _locked(rows: QuerySet[Row], ident: str | None, source_id: str | None) -> Row | None:
    rows = rows.select_for_update(of=("self",))
    found = rows.filter(public_id=ident).first() if ident else None
    return found or (rows.filter(source_id=source_id).first() if source_id else None)


def _found(rows: QuerySet[Row], kind: str, ident: str) -> Row:
    row = lookups.by_ident(rows, ident)
    if row is None:
        raise NotFound(kind, ident)
    return row


def _change(row: Row, kind: str, fields: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    if not fields:
        return
    before = _priced(row)
    _apply(row, fields)
    row.updated_at = now
    row.save(update_fields=[*fields, "updated_at"])
    if _priced(row) != before:
        _record(row, kind, "update", actor, now, before=before, after=_priced(row))


def _apply(row: Row, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name == "metadata":
            value = metadata.merged(row.metadata, value)
        elif name == "attributes" and value is None:
            value = [] if isinstance(row, Product) else {}
        setattr(row, name, value)


def _priced(row: Row) -> dict[str, Any]:
    """What of a row is money: the price of its free units."""
    return {"price": row.price}


def _record(row: Row, kind: str, verb: str, actor: Actor, now: datetime, **values: Any) -> None:
    audit.record(
        retailer_id=row.retailer_id,
        actor=actor,
        action=f"{kind}.{verb}",
        object_type=kind,
        object_id=row.public_id,
        now=now,
        **values,
    )


def _between(rows: QuerySet[Row], since: datetime | None, until: datetime | None) -> QuerySet[Row]:
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    return rows if until is None else rows.filter(created_at__lt=until)
