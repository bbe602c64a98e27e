"""Members: customers with a loyalty identity, and the ids other systems know them by."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from offers.models import Customer, Retailer


class Member(models.Model):
    """The person behind `user_id`. In system-of-record mode `sor_id` is the shop's own id and is shown as user_id."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="members", db_index=False)
    customer = models.OneToOneField(Customer, on_delete=models.PROTECT, related_name="member")
    first_name = models.CharField(max_length=120, blank=True, default="")
    last_name = models.CharField(max_length=120, blank=True, default="")
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    sor_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    joined_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["retailer", "sor_id"], condition=models.Q(sor_id__isnull=False), name="member_sor_once"
            )
        ]
        indexes = [models.Index(fields=["retailer", "-id"], name="member_newest")]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or str(self.uuid)


class ExternalId(models.Model):
    """An id of another system; one person per (retailer, type, value)."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="external_ids")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, db_index=False)
    type = models.CharField(max_length=40)
    value = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["retailer", "value", "type"], name="external_id_once"),
        ]

    def __str__(self) -> str:
        return f"{self.type}:{self.value}"
