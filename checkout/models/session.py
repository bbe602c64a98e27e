"""Lock sessions: a key with a time to live that holds a redeemable for one cart."""

from django.db import models
from django.db.models import Q

from offers.lib.fields import PublicIdField
from offers.models import Retailer


class LockSession(models.Model):
    """One redeemable locked under one key. What it holds stands in the ledger under `hold_reference`.

    Ends once: redeemed, released (by whom) or expired; a live row past `expires_at` is expired even if unswept.
    Its foreign keys carry no database constraint: the check would lock the retailer's row in every request.
    """

    class State(models.TextChoices):
        LIVE = "live"
        REDEEMED = "redeemed"
        RELEASED = "released"
        EXPIRED = "expired"

    public_id = PublicIdField(prefix="lock_", unique=False)
    retailer = models.ForeignKey(Retailer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    key = models.CharField(max_length=128)
    object = models.CharField(max_length=16, help_text="voucher or promotion_tier")
    object_id = models.BigIntegerField()
    object_label = models.CharField(max_length=255, help_text="The code or the tier's public id.")
    campaign_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    tracking_id = models.CharField(max_length=80, blank=True, default="")
    discount_amount = models.BigIntegerField(default=0)
    credits = models.BigIntegerField(null=True)
    ttl = models.DecimalField(max_digits=24, decimal_places=6)
    ttl_unit = models.CharField(max_length=12)
    state = models.CharField(max_length=8, choices=State, default=State.LIVE)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, blank=True, default="")
    actor = models.CharField(max_length=150, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["object_id", "object", "key"], condition=Q(state="live"), name="lock_once_per_key"
            )
        ]
        indexes = [
            models.Index(fields=["retailer", "key"], name="lock_key"),
            # Both only for whoever asks by the clock (see Hold's indexes): a redemption that ends its own lock of a
            # popular code would otherwise read all locks the code ever had.
            models.Index(
                fields=["object", "object_id", "-id"], condition=Q(created_at__isnull=False), name="lock_of_object"
            ),
            models.Index(fields=["expires_at"], condition=Q(state="live", expires_at__isnull=False), name="lock_due"),
        ]
        permissions = [("release_locksession", "Can release a lock")]

    def __str__(self) -> str:
        return f"{self.key} locks {self.object_label}"
