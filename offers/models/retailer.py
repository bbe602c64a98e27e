"""The tenant: every row belongs to one retailer, and its settings steer time zone, currency and stacking."""

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.db import models

from offers.lib.fields import PublicIdField


class Retailer(models.Model):
    """A shop chain. A Voucherify project, a SessionM retailer and an admission organisation are this one thing."""

    public_id = PublicIdField(prefix="proj_")
    uuid = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False, help_text="Its id at tills."
    )
    name = models.CharField(max_length=200, unique=True)
    timezone = models.CharField(max_length=64, default="UTC", help_text="IANA zone that days and hours are meant in.")
    currency = models.CharField(max_length=3, default="USD", help_text="ISO 4217 code; all amounts are in its cents.")
    stacking = models.JSONField(default=dict, blank=True, help_text="Stacking rules that differ from the defaults.")
    settings = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class RetailerVersion(models.Model):
    """One number per retailer that database triggers raise whenever its configuration changes.

    Web processes keep campaigns, rules and credentials in memory; every hot read returns this number, so that a copy
    is never used past the first request after a change was committed. It stands apart from Retailer so that a bump
    does not lock the row everything points to.
    """

    retailer = models.OneToOneField(Retailer, on_delete=models.CASCADE, primary_key=True, related_name="version")
    number = models.BigIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.retailer_id}@{self.number}"
