"""Offers: the templates of what customers hold in their wallets, with texts per culture and revisions."""

import uuid

from django.db import models
from django.db.models import F, Q

from offers.models.retailer import Retailer


class Offer(models.Model):
    """One revision of an offer. A frozen revision keeps its terms for the wallets it is in; `root` joins revisions.

    How many were issued and how often each customer got or used one stands in the ledger, never in this row.
    """

    class Status(models.IntegerChoices):
        DRAFT = 0, "Draft"
        PUBLISHED = 1, "Published"
        PAUSED = 2, "Paused"
        EXPIRED = 3, "Expired"
        ARCHIVED = 4, "Archived"

    class Unit(models.TextChoices):
        MINUTES = "minutes"
        HOURS = "hours"
        DAYS = "days"
        WEEKS = "weeks"
        MONTHS = "months"
        YEARS = "years"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    root = models.UUIDField(db_index=True, editable=False, help_text="Id of the first revision.")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="offers")
    key = models.SlugField(max_length=80, null=True, blank=True, help_text="Short name that rules may use.")  # noqa: DJ001
    offer_type = models.CharField(max_length=40)
    status = models.SmallIntegerField(choices=Status, default=Status.DRAFT)
    texts = models.JSONField(default=list, help_text="[{id, culture, title, description, terms}]")
    media = models.JSONField(default=list, help_text="[{id, uri, culture, kind, alt}]")
    acquisition_start_at = models.DateTimeField(null=True, blank=True)
    acquisition_end_at = models.DateTimeField(null=True, blank=True)
    does_not_expire = models.BooleanField(default=False)
    valid_after_end_date = models.BooleanField(default=False)
    validity_unit = models.CharField(max_length=8, choices=Unit, default=Unit.DAYS)
    validity_period = models.PositiveIntegerField(default=30)
    reward_store = models.BooleanField(default=False)
    points_cost = models.BigIntegerField(null=True, blank=True)
    custom_data = models.TextField(blank=True, default="", help_text="Text holding JSON, echoed as it came.")
    discount_config = models.JSONField(default=dict, blank=True)
    use_restrictions = models.JSONField(default=list, blank=True)
    purchase_restrictions = models.JSONField(default=list, blank=True)
    catalog_restrictions = models.JSONField(default=list, blank=True)
    location_restrictions = models.JSONField(default=list, blank=True)
    stackable = models.BooleanField(default=True)
    stack_group = models.CharField(max_length=60, blank=True, default="")
    requires_extended_data = models.BooleanField(default=False)
    frozen_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="A newer revision replaced it.")
    expired_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="Ended by an expire call.")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["retailer", "key"],
                condition=Q(key__isnull=False, frozen_at__isnull=True),
                name="offer_key_once",
            ),
            models.CheckConstraint(
                condition=Q(acquisition_end_at__isnull=True)
                | Q(acquisition_start_at__isnull=True)
                | Q(acquisition_end_at__gt=F("acquisition_start_at")),
                name="offer_ends_after_start",
            ),
        ]
        indexes = [models.Index(fields=["retailer", "-id"], name="offer_newest")]

    def __str__(self) -> str:
        return self.texts[0]["title"] if self.texts else str(self.uuid)
