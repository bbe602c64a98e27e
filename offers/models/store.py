"""Stores: where a retailer sells; tills send their id with every call."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from offers.models.retailer import Retailer


class Store(models.Model):
    """A shop or till location. Times that tills print without a zone are meant in `timezone`."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="stores")
    name = models.CharField(max_length=200)
    timezone = models.CharField(max_length=64, blank=True, default="", help_text="Empty: the retailer's zone.")
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    prices_include_tax = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["retailer", "name"], name="store_name")]

    def __str__(self) -> str:
        return self.name
