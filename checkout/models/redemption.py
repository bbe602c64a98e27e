"""Redemptions and their rollbacks, succeeded and failed: the history staff and shops read."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from checkout.models.order import Order
from offers.lib.fields import PublicIdField
from offers.models import Campaign, Customer, PromotionTier, Retailer, Voucher


class Redemption(models.Model):
    """One row of history. Never edited, but for `rolled_back_at` of a redemption that was rolled back.

    kind redemption: prefix r_ (succeeded) or rf_ (failed); kind rollback: rr_ or rrf_. A stack has a parent row
    without voucher or tier and a child per redeemable. Foreign keys carry no database constraint: checking them would
    lock the row of one popular code in every request; vouchers and campaigns are never deleted from the table.
    """

    class Kind(models.TextChoices):
        REDEMPTION = "redemption"
        ROLLBACK = "redemption_rollback"

    public_id = PublicIdField(prefix="r_")
    retailer = models.ForeignKey(Retailer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.REDEMPTION)
    succeeded = models.BooleanField()
    parent = models.ForeignKey("self", null=True, on_delete=models.DO_NOTHING, db_index=False, related_name="children")
    rolls_back = models.ForeignKey(
        "self", null=True, on_delete=models.DO_NOTHING, db_index=False, related_name="rollbacks"
    )
    rolled_back_at = models.DateTimeField(null=True)
    voucher = models.ForeignKey(
        Voucher, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="redemptions"
    )
    tier = models.ForeignKey(
        PromotionTier,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="redemptions",
    )
    campaign = models.ForeignKey(
        Campaign,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="redemptions",
    )
    code = models.CharField(max_length=255, blank=True, default="", help_text="Code or tier id as it was asked for.")
    customer = models.ForeignKey(
        Customer,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="redemptions",
    )
    order = models.ForeignKey(
        Order, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="redemption_rows"
    )
    order_ident = models.CharField(  # noqa: DJ001 - an ordinary redemption has none, and pays for no entry
        max_length=255, null=True, help_text="The order a failed redemption was for: the shop's id of it, or ours."
    )
    tracking_id = models.CharField(max_length=80, null=True)  # noqa: DJ001 - shown as null
    session_key = models.CharField(max_length=128, blank=True, default="")
    amount = models.BigIntegerField(null=True, help_text="Credits or points used of a card; negative in a rollback.")
    discount_amount = models.BigIntegerField(default=0, help_text="Money this redemption took off, in cents.")
    metadata = models.JSONField(null=True)
    failure_code = models.CharField(max_length=60, blank=True, default="")
    ran_out = models.CharField(  # noqa: DJ001 - an ordinary redemption has none
        max_length=80, null=True, help_text="The count of its conditions that was full, where that was the reason."
    )
    failure_message = models.TextField(blank=True, default="")
    reason = models.TextField(blank=True, default="")
    detail = models.JSONField(default=dict, help_text="The order and the redeemable as answered at that moment.")
    trace = models.JSONField(null=True, help_text="Why: every check with needed and actual value.")
    channel_type = models.CharField(max_length=12, default="API")
    channel_id = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rolls_back"],
                condition=Q(succeeded=True, rolls_back__isnull=False),
                name="redemption_rolled_back_once",
            )
        ]
        indexes = [
            # An ordinary redemption has none of these: it pays for no entry.
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="redemption_of_parent"),
            models.Index(fields=["rolls_back"], condition=Q(rolls_back__isnull=False), name="redemption_undoing"),
            models.Index(fields=["tier", "-id"], condition=Q(tier__isnull=False), name="redemption_of_tier"),
            models.Index(fields=["id"], condition=Q(trace__isnull=False), name="redemption_traced"),
            models.Index(fields=["retailer", "-id"], name="redemption_newest"),
            models.Index(fields=["voucher", "-id"], name="redemption_of_voucher"),
            models.Index(fields=["campaign", "-id"], name="redemption_of_campaign"),
            models.Index(fields=["customer", "-id"], name="redemption_of_customer"),
            # For staff who look for the rare rows: cheap, because an ordinary redemption is in none of them.
            models.Index(fields=["-id"], condition=Q(succeeded=False), name="redemption_failed"),
            models.Index(fields=["-id"], condition=Q(kind="redemption_rollback"), name="redemption_rollbacks"),
            models.Index(fields=["-id"], condition=Q(rolled_back_at__isnull=False), name="redemption_undone"),
            models.Index(
                fields=["order_ident"], condition=Q(order_ident__isnull=False), name="redemption_refused_order"
            ),
            models.Index(fields=["code", "-id"], condition=Q(voucher__isnull=True), name="redemption_codeless"),
            BrinIndex(fields=["created_at"], name="redemption_day", pages_per_range=32, autosummarize=True),
        ]
        permissions = [("rollback_redemption", "Can roll back a redemption")]

    def __str__(self) -> str:
        return str(self.public_id)
