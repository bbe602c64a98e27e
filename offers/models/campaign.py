"""Campaigns: marketing actions that own vouchers or promotion tiers, their limits and their budget."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from offers.lib import clock
from offers.lib.fields import PublicIdField
from offers.models.category import Category
from offers.models.retailer import Retailer
from offers.models.windows import Windowed


class Campaign(Windowed):
    """A marketing action. Its discount, gift amount, limits and code settings are the template of its vouchers.

    Of a loyalty program `gift_amount` are the points that a new card begins with, and `points_ratio` points pay
    `exchange_ratio` minor units of an order.
    """

    class CampaignType(models.TextChoices):
        DISCOUNT_COUPONS = "DISCOUNT_COUPONS", "Discount coupons"
        GIFT_VOUCHERS = "GIFT_VOUCHERS", "Gift cards"
        LOYALTY_PROGRAM = "LOYALTY_PROGRAM", "Loyalty cards"
        PROMOTION = "PROMOTION", "Promotion without codes"

    class Type(models.TextChoices):
        STATIC = "STATIC", "Fixed pool of codes"
        AUTO_UPDATE = "AUTO_UPDATE", "Codes made on demand"
        STANDALONE = "STANDALONE", "One public code"

    class Generation(models.TextChoices):
        DONE = "DONE", "Done"
        IN_PROGRESS = "IN_PROGRESS", "In progress"
        FAILED = "FAILED", "Failed"

    public_id = PublicIdField(prefix="camp_")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="campaigns")
    name = models.CharField(max_length=200)
    description = models.TextField(null=True, blank=True)  # noqa: DJ001 - null and "" differ on the wire
    campaign_type = models.CharField(max_length=20, choices=CampaignType, default=CampaignType.DISCOUNT_COUPONS)
    type = models.CharField(max_length=12, choices=Type, default=Type.STATIC)
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.SET_NULL)
    timezone = models.CharField(max_length=64, blank=True, default="", help_text="Empty: the retailer's zone.")
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Its row stays for the history; its name is free again."
    )

    discount = models.JSONField(null=True, blank=True, help_text="What a code is worth, e.g. 10 percent off the order.")
    gift_amount = models.BigIntegerField(
        null=True, blank=True, help_text="What each card begins with: credits in cents, or points."
    )
    gift_effect = models.CharField(max_length=20, default="APPLY_TO_ORDER")
    exchange_ratio = models.DecimalField(
        max_digits=18,
        decimal_places=6,
        default=Decimal(1),
        help_text="Minor units that `points_ratio` points of a card pay.",
    )
    points_ratio = models.PositiveIntegerField(default=1)
    redemption_limit = models.BigIntegerField(
        null=True, blank=True, help_text="How often each code can be redeemed. Empty: unlimited."
    )
    customer_limit = models.BigIntegerField(
        null=True, blank=True, help_text="How often one customer can redeem each code. Empty: unlimited."
    )
    budget = models.BigIntegerField(
        null=True, blank=True, help_text="Most money all discounts of this campaign may cost, in cents. Empty: no cap."
    )
    hot = models.BooleanField(
        default=False, help_text="Very popular codes: spread their counters over many rows (exact, but faster)."
    )
    code_config = models.JSONField(default=dict, blank=True)

    vouchers_count = models.BigIntegerField(default=0, editable=False)
    vouchers_generation_status = models.CharField(
        max_length=12, choices=Generation, default=Generation.DONE, editable=False
    )
    activity_duration_after_publishing = models.CharField(max_length=40, null=True, blank=True)  # noqa: DJ001
    auto_join = models.BooleanField(default=False)
    join_once = models.BooleanField(default=False)
    use_voucher_metadata_schema = models.BooleanField(default=False)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["retailer", "name"], condition=Q(deleted_at__isnull=True), name="campaign_name_once"
            ),
            models.CheckConstraint(
                condition=Q(budget__isnull=True) | Q(budget__gte=0), name="campaign_budget_positive"
            ),
            models.CheckConstraint(
                condition=Q(redemption_limit__isnull=True) | Q(redemption_limit__gte=0), name="campaign_limit_positive"
            ),
            models.CheckConstraint(
                condition=Q(exchange_ratio__gt=0, points_ratio__gt=0), name="campaign_points_are_worth"
            ),
        ]
        indexes = [models.Index(fields=["retailer", "-id"], name="campaign_newest")]

    def __str__(self) -> str:
        return self.name
