"""Orders: what was bought, as far as discounts need to know."""

from django.db import models
from django.db.models import Q

from offers.lib.fields import PublicIdField
from offers.models import Customer, Retailer


class Order(models.Model):
    """An order with its amounts in cents. `discounts` keeps what each redemption took, so a rollback can take it off.

    `items` is the list of lines as calculated (wire field names, ids resolved); `redemptions` maps a redemption's
    public id to its date and object, as the wire shows it.
    """

    class Status(models.TextChoices):
        CREATED = "CREATED"
        PAID = "PAID"
        CANCELED = "CANCELED"
        FULFILLED = "FULFILLED"

    public_id = PublicIdField(prefix="ord_")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    source_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - unique where present
    status = models.CharField(max_length=10, choices=Status, default=Status.CREATED)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.SET_NULL, db_constraint=False)
    referrer_id = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    amount = models.BigIntegerField(null=True)
    initial_amount = models.BigIntegerField(null=True)
    discount_amount = models.BigIntegerField(default=0)
    items_discount_amount = models.BigIntegerField(default=0)
    total_discount_amount = models.BigIntegerField(default=0)
    total_amount = models.BigIntegerField(null=True)
    items = models.JSONField(default=list, blank=True)
    redemptions = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    revision = models.BigIntegerField(default=0, help_text="Raised by every change; two writers notice each other.")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["retailer", "source_id"], condition=Q(source_id__isnull=False), name="order_source_once"
            )
        ]
        indexes = [models.Index(fields=["retailer", "-id"], name="order_newest")]

    def __str__(self) -> str:
        return self.source_id or self.public_id
