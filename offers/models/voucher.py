"""Vouchers: discount codes, gift cards and loyalty cards."""

from django.db import models
from django.db.models import Q

from offers.lib import clock
from offers.lib.fields import PublicIdField
from offers.models.campaign import Campaign
from offers.models.category import Category
from offers.models.customer import Customer
from offers.models.retailer import Retailer
from offers.models.windows import Windowed


class Voucher(Windowed):
    """One code. What is used or left of it stands in the ledger, never in this row.

    `discount` null means "as the campaign says". Limits and what a card begins with are copied from the campaign when
    the code is made, so that a later change of the template does not move codes that are already out. The campaign's
    windows and active flag bind its vouchers in addition to their own.
    """

    class Type(models.TextChoices):
        DISCOUNT = "DISCOUNT_VOUCHER", "Discount code"
        GIFT = "GIFT_VOUCHER", "Gift card"
        LOYALTY = "LOYALTY_CARD", "Loyalty card"

    public_id = PublicIdField(prefix="v_")
    # Each index and constraint costs every generated code: none that another one covers, no check of a campaign that
    # is never deleted from its table.
    retailer = models.ForeignKey(
        Retailer, on_delete=models.CASCADE, related_name="vouchers", db_constraint=False, db_index=False
    )
    campaign = models.ForeignKey(
        Campaign,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="vouchers",
        db_constraint=False,
        db_index=False,
    )
    code = models.CharField(max_length=255)
    type = models.CharField(max_length=16, choices=Type, default=Type.DISCOUNT)
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.SET_NULL, db_index=False)
    discount = models.JSONField(null=True, blank=True)
    gift_amount = models.BigIntegerField(
        null=True, blank=True, help_text="What a card was made with: credits in cents, or points."
    )
    gift_effect = models.CharField(max_length=20, default="APPLY_TO_ORDER")
    redemption_limit = models.BigIntegerField(null=True, blank=True, help_text="Empty: unlimited.")
    customer_limit = models.BigIntegerField(null=True, blank=True, help_text="Per customer. Empty: unlimited.")
    hot = models.BooleanField(default=False)
    additional_info = models.TextField(null=True, blank=True)  # noqa: DJ001
    metadata = models.JSONField(default=dict, blank=True)
    holder = models.ForeignKey(
        Customer, null=True, blank=True, on_delete=models.SET_NULL, related_name="vouchers", db_index=False
    )
    is_referral_code = models.BooleanField(default=False)
    publish_count = models.IntegerField(default=0)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # A deleted code keeps its place: an old receipt must never come to point to somebody else's code.
            models.UniqueConstraint(fields=["retailer", "code"], name="voucher_code_once"),
            models.CheckConstraint(
                condition=Q(redemption_limit__isnull=True) | Q(redemption_limit__gte=0), name="voucher_limit_positive"
            ),
            models.CheckConstraint(
                condition=Q(gift_amount__isnull=True) | Q(gift_amount__gte=0), name="voucher_gift_positive"
            ),
        ]
        indexes = [
            models.Index(fields=["retailer", "-id"], name="voucher_newest"),
            models.Index(fields=["campaign", "-id"], name="voucher_of_campaign"),
            models.Index(fields=["-id"], condition=Q(active=False), name="voucher_off"),
            models.Index(fields=["code"], name="voucher_code_begins", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["holder"], name="voucher_holder", condition=Q(holder__isnull=False)),
            models.Index(fields=["category"], name="voucher_category", condition=Q(category__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.code
