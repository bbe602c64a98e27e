"""Carts of the shop's own pages: one per visit, what is in it and which codes are on it; never a price."""

from django.db import models

from offers.models import Retailer


class Cart(models.Model):
    """What a visit wants to buy. `lines` maps a sku to a quantity; prices are worked out at every look.

    `messages` are told with the next look and then gone. Placing the order empties it and leaves the order's id.
    """

    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="carts")
    session_hash = models.CharField(max_length=64)
    lines = models.JSONField(default=dict)
    codes = models.JSONField(default=list)
    messages = models.JSONField(default=list)
    last_order = models.CharField(max_length=64, blank=True, default="")
    last_total = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["retailer", "session_hash"], name="cart_once")]

    def __str__(self) -> str:
        return f"cart of {self.session_hash[:12]}"
