"""Categories: names with a place in the stacking hierarchy."""

from django.db import models

from offers.lib import clock
from offers.lib.fields import PublicIdField
from offers.models.retailer import Retailer


class Category(models.Model):
    """Groups incentives for stacking limits and order; the lowest hierarchy number goes first."""

    public_id = PublicIdField(prefix="cat_")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="categories")
    name = models.CharField(max_length=100)
    hierarchy = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["retailer", "name"], name="category_name_once")]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name
