"""Promotion tiers: discounts without a code."""

from django.db import models

from offers.lib.fields import PublicIdField
from offers.models.campaign import Campaign
from offers.models.category import Category
from offers.models.retailer import Retailer
from offers.models.windows import Windowed


class PresentTiers(models.Manager["PromotionTier"]):
    """Tiers that were not deleted."""

    def get_queryset(self) -> models.QuerySet["PromotionTier"]:
        return super().get_queryset().filter(deleted_at=None)


class PromotionTier(Windowed):
    """A codeless discount of a PROMOTION campaign; `hierarchy` orders the tiers of one campaign.

    A deleted tier keeps its row for the redemptions that point to it: `objects` leaves it out.
    """

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
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = PresentTiers()
    with_deleted = models.Manager["PromotionTier"]()

    class Meta:
        indexes = [models.Index(fields=["retailer", "-id"], name="tier_newest")]

    def __str__(self) -> str:
        return self.name or self.public_id
