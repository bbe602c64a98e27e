"""Products, their variants (SKUs) and named collections, as far as rules and unit discounts need them."""

from django.db import models
from django.db.models import Q

from offers.lib.fields import PublicIdField
from offers.models.retailer import Retailer


class Product(models.Model):
    """Something a shop sells; `price` is in cents and serves unit discounts when the order line names none."""

    public_id = PublicIdField(prefix="prod_")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="products")
    source_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    name = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    price = models.BigIntegerField(null=True, blank=True)
    attributes = models.JSONField(default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    image_url = models.CharField(max_length=1000, null=True, blank=True)  # noqa: DJ001
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["retailer", "source_id"], condition=Q(source_id__isnull=False), name="product_source_once"
            )
        ]
        indexes = [models.Index(fields=["retailer", "-id"], name="product_newest")]

    def __str__(self) -> str:
        return self.name or self.source_id or self.public_id


class Sku(models.Model):
    """A variant of a product."""

    public_id = PublicIdField(prefix="sku_")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="skus")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="skus")
    source_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    sku = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    price = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, null=True, blank=True)  # noqa: DJ001
    attributes = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    image_url = models.CharField(max_length=1000, null=True, blank=True)  # noqa: DJ001
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["retailer", "source_id"], condition=Q(source_id__isnull=False), name="sku_source_once"
            )
        ]
        indexes = [models.Index(fields=["retailer", "-id"], name="sku_newest")]

    def __str__(self) -> str:
        return self.sku or self.source_id or self.public_id


class ProductCollection(models.Model):
    """A named set of products that rules can name: the list of product and SKU public ids in it."""

    public_id = PublicIdField(prefix="pc_")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="collections")
    name = models.CharField(max_length=200)
    products = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
