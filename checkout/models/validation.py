"""Validations as they were answered, so that staff can see why a code did or did not apply."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from offers.lib.fields import PublicIdField
from offers.models import Retailer


class Validation(models.Model):
    """One answered validation with its verdicts and the checks behind them; purged after some weeks."""

    public_id = PublicIdField(prefix="valid_")
    retailer = models.ForeignKey(Retailer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    valid = models.BooleanField()
    tracking_id = models.CharField(max_length=80, null=True)  # noqa: DJ001
    customer_id = models.BigIntegerField(null=True)
    session_key = models.CharField(max_length=128, blank=True, default="")
    amount = models.BigIntegerField(null=True)
    codes = models.JSONField(default=list)
    campaign_ids = ArrayField(models.BigIntegerField(), default=list)
    trace = models.JSONField(default=list)
    channel_id = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["retailer", "-id"], name="validation_newest")]

    def __str__(self) -> str:
        return str(self.public_id)
