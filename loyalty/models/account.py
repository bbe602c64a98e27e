"""Point accounts: what kinds of points there are, and one member's share of one kind."""

import uuid

from django.db import models
from django.db.models import Q

from loyalty.models.member import Member
from offers.models import Retailer


class PointAccount(models.Model):
    """A kind of points of a retailer."""

    class Expiry(models.TextChoices):
        NEVER = "never"
        ROLLING = "rolling"
        INACTIVITY = "inactivity"
        FIXED_DATE = "fixed_date"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="point_accounts")
    name = models.CharField(max_length=120)
    grouping_label = models.CharField(max_length=120, blank=True, default="")
    spendable = models.BooleanField(default=True)
    default = models.BooleanField(default=False)
    allow_negative = models.BooleanField(default=True, help_text="Returns may take a balance below zero.")
    expiry = models.CharField(max_length=12, choices=Expiry, default=Expiry.NEVER)
    expiry_days = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["retailer", "name"], name="point_account_name_once"),
            models.UniqueConstraint(fields=["retailer"], condition=Q(default=True), name="point_account_one_default"),
        ]

    def __str__(self) -> str:
        return self.name


class MemberAccount(models.Model):
    """One member's account of one kind. Its balance stands in the ledger: kind "points", owner this row's key.

    available = granted - taken. Earning grants, spending and expiry settle, a return withdraws or reverses.
    `lifetime` is what was ever earned less what returns took back; it is written under the member's lock. Where an
    account may not go below zero, `shortfall` is what returns could not take back: the retailer's cost.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="accounts")
    account = models.ForeignKey(PointAccount, on_delete=models.PROTECT, related_name="member_accounts")
    lifetime = models.BigIntegerField(default=0)
    shortfall = models.BigIntegerField(default=0, help_text="Points returns could not take back: a cost.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "account"], name="member_account_once")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.account_id}"


class PointLot(models.Model):
    """Points earned together that expire together; spending takes the soonest first.

    `expired` is how many of them were left when their time came; of these `forgiven` came from purchases that were
    returned later: they are not taken a second time.
    """

    member_account = models.ForeignKey(MemberAccount, on_delete=models.CASCADE, related_name="lots")
    amount = models.BigIntegerField()
    left = models.BigIntegerField()
    expired = models.BigIntegerField(db_default=0)
    forgiven = models.BigIntegerField(db_default=0)
    earned_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    reference = models.CharField(max_length=160)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member_account", "reference"], name="point_lot_once"),
            models.CheckConstraint(condition=Q(left__gte=0, left__lte=models.F("amount")), name="point_lot_left"),
            models.CheckConstraint(
                condition=Q(forgiven__gte=0, forgiven__lte=models.F("expired"), expired__lte=models.F("amount")),
                name="point_lot_expired",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], condition=Q(left__gt=0), name="point_lot_due")]

    def __str__(self) -> str:
        return f"{self.left}/{self.amount}"
