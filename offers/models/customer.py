"""Customers of a retailer's shops, known by the shop's own id (`source_id`)."""

from django.db import models
from django.db.models import Q

from offers.lib.fields import PublicIdField
from offers.models.retailer import Retailer


class KnownCustomers(models.Manager["Customer"]):
    """Customers that were not erased."""

    def get_queryset(self) -> models.QuerySet["Customer"]:
        return super().get_queryset().filter(erased_at=None)


class Customer(models.Model):
    """A shopper. Upserted by `source_id`; personal fields can be erased while redemptions stay.

    An erased row is only reached through what points to it (a redemption's customer): `objects` leaves it out.
    """

    public_id = PublicIdField(prefix="cust_")
    retailer = models.ForeignKey(
        Retailer, on_delete=models.CASCADE, related_name="customers", db_constraint=False, db_index=False
    )
    source_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - unique where present
    name = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    description = models.TextField(null=True, blank=True)  # noqa: DJ001
    email = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    phone = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    birthdate = models.DateField(null=True, blank=True)
    address = models.JSONField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    segments = models.JSONField(default=list, blank=True, help_text="Public ids of the segments the customer is in.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = KnownCustomers()
    everyone = models.Manager["Customer"]()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["retailer", "source_id"], condition=Q(source_id__isnull=False), name="customer_source_once"
            )
        ]
        indexes = [
            models.Index(fields=["retailer", "-created_at"], name="customer_newest"),
            models.Index(fields=["retailer", "email"], name="customer_email", condition=Q(email__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.source_id or self.public_id
