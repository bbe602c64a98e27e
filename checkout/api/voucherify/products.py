"""/v1/products and /v1/skus: upsert, get, list, update, delete."""

from typing import Annotated, Any

from django.http import HttpRequest
from django.urls import path
from msgspec import UNSET, Meta, Struct, UnsetType

from checkout.api.common import lists
from checkout.api.common.parse import Ident
from checkout.api.common.views import ApiView
from checkout.api.voucherify import bodies
from offers import catalogue
from offers.models import Product, Sku

# Documented for these lists, but neither products nor variants have any of it: all are equal, the newest first.
EQUAL = ("type", "code", "campaign", "category")
Attribute = Annotated[str, Meta(max_length=255)]


class ProductBody(Struct):
    id: Ident | UnsetType | None = UNSET
    source_id: Ident | UnsetType | None = UNSET
    name: bodies.Text | UnsetType | None = UNSET
    price: bodies.Money | UnsetType | None = UNSET
    attributes: Annotated[list[Attribute], Meta(max_length=100)] | UnsetType | None = UNSET
    metadata: bodies.Metadata | UnsetType | None = UNSET
    image_url: bodies.Url | UnsetType | None = UNSET

    def fields(self) -> catalogue.ProductFields:
        names = ("name", "price", "attributes", "metadata", "image_url")
        return bodies.sent(self, *names)  # type: ignore[return-value]


class SkuBody(Struct):
    id: Ident | UnsetType | None = UNSET
    source_id: Ident | UnsetType | None = UNSET
    sku: bodies.Text | UnsetType | None = UNSET
    price: bodies.Money | UnsetType | None = UNSET
    currency: Annotated[str, Meta(max_length=3)] | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType | None = UNSET
    metadata: bodies.Metadata | UnsetType | None = UNSET
    image_url: bodies.Url | UnsetType | None = UNSET

    def fields(self) -> catalogue.SkuFields:
        names = ("sku", "price", "currency", "attributes", "metadata", "image_url")
        return bodies.sent(self, *names)  # type: ignore[return-value]


def _order(order: str) -> str:
    name = order.removeprefix("-")
    return order.replace(name, "created_at") if name in EQUAL else order


def product_json(product: Product) -> dict[str, Any]:
    """Return a product without its variants."""
    return {
        "id": product.public_id,
        "source_id": product.source_id,
        "name": product.name,
        "price": product.price,
        "attributes": product.attributes,
        "metadata": product.metadata,
        "image_url": product.image_url,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
        "object": "product",
    }


def products_json(products: list[Product]) -> list[dict[str, Any]]:
    """Return products with their variants; one statement more, however many there are."""
    variants = catalogue.skus_of(products)
    shown = []
    for product in products:
        skus = [sku_json(sku) for sku in variants[product.pk]]
        shown.append(product_json(product) | {"skus": lists.envelope("data", skus, len(skus))})
    return shown


def product_json_full(product: Product) -> dict[str, Any]:
    """Return a product with its variants."""
    return products_json([product])[0]


def sku_json(sku: Sku) -> dict[str, Any]:
    """Return a variant."""
    return {
        "id": sku.public_id,
        "source_id": sku.source_id,
        "product_id": sku.product.public_id,
        "sku": sku.sku,
        "price": sku.price,
        "currency": sku.currency,
        "attributes": sku.attributes,
        "image_url": sku.image_url,
        "metadata": sku.metadata,
        "created_at": sku.created_at,
        "updated_at": sku.updated_at,
        "object": "sku",
    }


class Products(ApiView):
    """List products, or make or change one."""

    scope = "products"

    def get(self, request: HttpRequest) -> Any:
        """List products, newest first."""
        query = lists.read(request.GET, order=(*catalogue.ORDERS, *EQUAL))
        since, until = bodies.period(request.GET)
        rows = catalogue.products(retailer_id=self.retailer_id, since=since, until=until, order=_order(query.order))
        found = lists.answer(rows, query, "products", lambda row: row)
        return found | {"products": products_json(found["products"])}

    def post(self, request: HttpRequest) -> Any:
        """Create or update a product: one with this id or source id is changed."""
        body = bodies.read(self.read_object(), ProductBody)
        return product_json_full(
            catalogue.upsert_product(
                retailer_id=self.retailer_id,
                ident=body.id or None,
                source_id=body.source_id or None,
                fields=body.fields(),
                actor=self.actor,
                now=self.now,
            )
        )


class OneProduct(ApiView):
    """Get, change or delete a product by id or source id."""

    scope = "products"

    def get(self, request: HttpRequest, ident: str) -> Any:
        """Get a product by id or source id."""
        return product_json_full(catalogue.get_product(retailer_id=self.retailer_id, ident=ident))

    def put(self, request: HttpRequest, ident: str) -> Any:
        """Update a product: only the fields that are sent change."""
        body = bodies.read(self.read_object(), ProductBody)
        return product_json_full(
            catalogue.update_product(
                retailer_id=self.retailer_id, ident=ident, fields=body.fields(), actor=self.actor, now=self.now
            )
        )

    def delete(self, request: HttpRequest, ident: str) -> Any:
        """Delete a product, and its variants with it."""
        catalogue.delete_product(retailer_id=self.retailer_id, ident=ident, actor=self.actor, now=self.now)


class Skus(ApiView):
    """List a product's variants, or make or change one."""

    scope = "products"

    def get(self, request: HttpRequest, ident: str) -> Any:
        """List a product's variants (SKUs)."""
        query = lists.read(request.GET, order=(*catalogue.SKU_ORDERS, *EQUAL))
        since, until = bodies.period(request.GET)
        product = catalogue.get_product(retailer_id=self.retailer_id, ident=ident)
        rows = catalogue.skus(product=product, since=since, until=until, order=_order(query.order))
        return lists.answer(rows, query, "skus", sku_json)

    def post(self, request: HttpRequest, ident: str) -> Any:
        """Create or update a variant of a product."""
        body = bodies.read(self.read_object(), SkuBody)
        sku = catalogue.upsert_sku(
            product=catalogue.get_product(retailer_id=self.retailer_id, ident=ident),
            ident=body.id or None,
            source_id=body.source_id or None,
            fields=body.fields(),
            actor=self.actor,
            now=self.now,
        )
        return sku_json(sku)


class SkuOfProduct(ApiView):
    """Get, change or delete a product's variant by id or source id."""

    scope = "products"

    def get(self, request: HttpRequest, ident: str, sku_ident: str) -> Any:
        """Get a product's variant by id or source id."""
        return sku_json(catalogue.get_sku(retailer_id=self.retailer_id, ident=sku_ident, product=self.product(ident)))

    def put(self, request: HttpRequest, ident: str, sku_ident: str) -> Any:
        """Update a product's variant: only the fields that are sent change."""
        body = bodies.read(self.read_object(), SkuBody)
        return sku_json(
            catalogue.update_sku(
                product=self.product(ident), ident=sku_ident, fields=body.fields(), actor=self.actor, now=self.now
            )
        )

    def delete(self, request: HttpRequest, ident: str, sku_ident: str) -> Any:
        """Delete a product's variant."""
        catalogue.delete_sku(product=self.product(ident), ident=sku_ident, actor=self.actor, now=self.now)

    def product(self, ident: str) -> Product:
        return catalogue.get_product(retailer_id=self.retailer_id, ident=ident)


class OneSku(ApiView):
    """Get a variant by id or source id."""

    scope = "products"

    def get(self, request: HttpRequest, ident: str) -> Any:
        return sku_json(catalogue.get_sku(retailer_id=self.retailer_id, ident=ident))


urlpatterns = [
    path("products/<code:ident>/skus/<code:sku_ident>", SkuOfProduct.as_view()),
    path("products/<code:ident>/skus", Skus.as_view()),
    path("products/<code:ident>", OneProduct.as_view()),
    path("products", Products.as_view()),
    path("skus/<code:ident>", OneSku.as_view()),
]
