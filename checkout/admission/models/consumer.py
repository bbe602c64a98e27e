"""Consumers: who takes part, a guest or a signed-in customer."""

import uuid

from django.db import models
from django.db.models import Q

from offers.models.retailer import Retailer


class Consumer(models.Model):
    """One shopper of a retailer. A device is a signal, hashed, never an identity."""

    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="+")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    guest = models.BooleanField(default=True)
    email = models.EmailField(blank=True, default="")
    device_hash = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()
    logged_out_at = models.DateTimeField(null=True, blank=True, help_text="Tokens written until then do not count.")

    class Meta:
        indexes = [models.Index(fields=["retailer", "email"], condition=~Q(email=""), name="consumer_email")]

    def __str__(self) -> str:
        return self.email or str(self.uuid)
