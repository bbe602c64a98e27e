"""Promotion tiers: discounts without a code."""

from django.db import models

from offers.lib.fields import PublicIdField
from offers.models.campaign import Campaign
from offers.models.category import Category
from offers.models.retailer import Retailer
from offers.models.windows import Windowed


class PromotionTier(Windowed):
    """A codeless discount of a PROMOTION campaign; `hierarchy` orders the tiers of one campaign."""

    public_id = PublicIdField(prefix="promo_")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="promotion_tiers")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="tiers")
    name = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001
    banner = models.TextField(null=True, blank=True)  # noqa: DJ001
    discount = models.JSONField(help_text="What it takes off, e.g. 10 percent of the order.")
    hierarchy = models.IntegerField(default=1)
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.SET_NULL)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["retailer", "-id"], name="tier_newest")]

    def __str__(self) -> str:
        return self.name or self.public_id
