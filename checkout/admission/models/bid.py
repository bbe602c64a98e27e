"""Auctions: the bids that were taken, and the one row that says where the auction stands."""

from django.db import models
from django.db.models import Q

from checkout.admission.models.distribution import Distribution
from checkout.admission.models.entry import Entry


class AuctionStanding(models.Model):
    """Where an auction stands; every bid owns this row while it is judged. Its end is the distribution's."""

    distribution = models.OneToOneField(Distribution, on_delete=models.CASCADE, related_name="standing")
    highest = models.BigIntegerField(null=True, blank=True)
    threshold = models.BigIntegerField(null=True, blank=True, help_text="The least bid that wins now; null: any.")
    threshold_of = models.PositiveIntegerField(default=0, help_text="The quantity it was found for.")
    leader = models.ForeignKey(Entry, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    bids = models.PositiveIntegerField(default=0)
    settled_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"auction {self.distribution_id} at {self.highest}"


class Bid(models.Model):
    """One bid that was taken, in minor units; `best` is the bidder's last, which is his highest."""

    distribution = models.ForeignKey(Distribution, on_delete=models.CASCADE, related_name="bids")
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="bids")
    amount = models.BigIntegerField()
    order = models.PositiveIntegerField(help_text="Grows with every bid of the auction.")
    created_at = models.DateTimeField()
    best = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entry"], condition=Q(best=True), name="bid_best_once"),
            models.UniqueConstraint(fields=["distribution", "order"], name="bid_order_once"),
            models.UniqueConstraint(fields=["distribution", "amount"], name="bid_amount_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="bid_not_negative"),
        ]
        indexes = [
            models.Index(fields=["entry", "-amount"], name="bid_of_entry"),
            models.Index(fields=["distribution", "-amount"], condition=Q(best=True), name="bid_ranking"),
        ]

    def __str__(self) -> str:
        return f"{self.amount}"
