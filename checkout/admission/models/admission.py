"""Admissions: the dated right to check out, a hold on places, bound to one cart."""

import uuid

from django.db import models
from django.db.models import Q

from checkout.admission.models.consumer import Consumer
from checkout.admission.models.distribution import Distribution
from checkout.admission.models.entry import Entry
from offers.models.retailer import Retailer


class Admission(models.Model):
    """One admission; `uuid` is the token's jti. ISSUED and CLAIMED are open, the other states final."""

    class State(models.TextChoices):
        ISSUED = "ISSUED"
        CLAIMED = "CLAIMED"
        COMPLETED = "COMPLETED"
        EXPIRED = "EXPIRED"
        REVOKED = "REVOKED"
        RELEASED = "RELEASED"

    OPEN = (State.ISSUED, State.CLAIMED)

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="+")
    distribution = models.ForeignKey(Distribution, on_delete=models.CASCADE, related_name="admissions")
    consumer = models.ForeignKey(Consumer, on_delete=models.CASCADE, related_name="admissions")
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="admissions")
    state = models.CharField(max_length=10, choices=State, default=State.ISSUED)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    session_hash = models.CharField(max_length=64, blank=True, default="")
    claimed_at = models.DateTimeField(null=True, blank=True)
    payment_started_at = models.DateTimeField(null=True, blank=True)
    declines = models.PositiveSmallIntegerField(default=0)
    extensions = models.PositiveSmallIntegerField(default=0)
    order_id = models.CharField(max_length=255, blank=True, default="")
    order_amount = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    completed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    quantity = models.PositiveIntegerField(default=1)
    sku = models.CharField(max_length=255, blank=True, default="")
    amount = models.BigIntegerField(null=True, blank=True, help_text="The price won at an auction.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["consumer", "distribution"],
                condition=Q(state__in=["ISSUED", "CLAIMED"]),
                name="admission_one_open",
            )
        ]
        indexes = [
            models.Index(
                fields=["distribution", "expires_at"],
                condition=Q(state__in=["ISSUED", "CLAIMED"]),
                name="admission_due",
            ),
            models.Index(fields=["distribution", "-id"], name="admission_newest"),
            models.Index(fields=["state", "-id"], name="admission_of_state"),
            models.Index(fields=["retailer", "order_id"], condition=~Q(order_id=""), name="admission_of_order"),
        ]

    def __str__(self) -> str:
        return str(self.uuid)
