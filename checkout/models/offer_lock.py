"""Locks of wallet entries: one user offer bound to one transaction of one store, for minutes."""

from django.db import models
from django.db.models import Q

from offers.models import Retailer, Store, UserOffer


class OfferLock(models.Model):
    """ACTIVE until its time, unlock, redeem or an accepted transaction (CLAIMED: no longer ends by time).

    An ACTIVE row past `expires_at` is free at read time; the sweeper only tidies.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        CLAIMED = "claimed"
        CONSUMED = "consumed"
        RELEASED = "released"
        EXPIRED = "expired"

    retailer = models.ForeignKey(Retailer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    user_offer = models.ForeignKey(UserOffer, on_delete=models.CASCADE, related_name="locks")
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="locks", db_index=False)
    transaction_id = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    amount = models.BigIntegerField(default=0)
    discount = models.JSONField(default=dict, help_text="The discount object as last answered.")
    request = models.JSONField(default=dict, help_text="The transaction as last priced; PATCH changes parts of it.")
    calls = models.PositiveIntegerField(default=1)
    locked_at = models.DateTimeField()
    priced_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    actor = models.CharField(max_length=150, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_offer"], condition=Q(state__in=["active", "claimed"]), name="offer_locked_once"
            )
        ]
        indexes = [
            models.Index(fields=["store", "transaction_id"], name="offer_lock_transaction"),
            models.Index(
                fields=["expires_at"], condition=Q(state="active", expires_at__isnull=False), name="offer_lock_due"
            ),
            models.Index(fields=["retailer", "-id"], name="offer_lock_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.user_offer_id} for {self.transaction_id} ({self.state})"
