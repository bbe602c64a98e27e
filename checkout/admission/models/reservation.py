"""Reservations: units of stock that an admission keeps for its shopper until he has paid or his time is up."""

import uuid

from django.db import models
from django.db.models import Q

from checkout.admission.models.admission import Admission
from offers.models.product import Sku
from offers.models.retailer import Retailer


class Reservation(models.Model):
    """Units of one variant for one admission; the ledger's hold is the claim itself, this row its name and history.

    It ends with its admission, whose moments count: a HELD one of an admission that ran out has expired.
    """

    class State(models.TextChoices):
        HELD = "HELD"
        COMMITTED = "COMMITTED"
        RELEASED = "RELEASED"
        EXPIRED = "EXPIRED"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="+")
    admission = models.ForeignKey(Admission, on_delete=models.CASCADE, related_name="reservations")
    variant = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="+")
    quantity = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=State, default=State.HELD)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["admission", "variant"], condition=Q(state="HELD"), name="reservation_one_held"
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="reservation_of_something"),
            models.CheckConstraint(
                condition=Q(state="HELD", ended_at__isnull=True) | (~Q(state="HELD") & Q(ended_at__isnull=False)),
                name="reservation_ends_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.quantity}"
