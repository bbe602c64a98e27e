"""Background work a caller can follow: code generation, imports, deletions."""

from django.db import models

from offers.lib import clock
from offers.lib.fields import PublicIdField
from offers.models.retailer import Retailer


class AsyncAction(models.Model):
    """One job. The row is the truth: a worker claims it with a conditional update and may be killed at any point."""

    class Status(models.TextChoices):
        ENQUEUED = "ENQUEUED"
        IN_PROGRESS = "IN_PROGRESS"
        DONE = "DONE"
        FAILED = "FAILED"

    public_id = PublicIdField(prefix="aa_")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="async_actions")
    type = models.CharField(max_length=60, help_text="e.g. CAMPAIGN.VOUCHERS_GENERATE")
    status = models.CharField(max_length=12, choices=Status, default=Status.ENQUEUED)
    operation_status = models.CharField(max_length=10, default="UNKNOWN")
    parameters = models.JSONField(default=dict, blank=True)
    total = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    result = models.JSONField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True, default="")
    processing_time = models.IntegerField(null=True, blank=True, help_text="Milliseconds.")
    heartbeat_at = models.DateTimeField(null=True, blank=True, help_text="A job silent for long is taken up again.")
    created_by = models.CharField(max_length=100, blank=True, default="")
    attempts = models.SmallIntegerField(default=0, help_text="How often a worker took it up.")
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["retailer", "-id"], name="action_newest"),
            models.Index(
                fields=["id"], condition=models.Q(status__in=["ENQUEUED", "IN_PROGRESS"]), name="action_unfinished"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"

    @property
    def progress(self) -> int:
        """Percent done, a whole number."""
        if self.status == self.Status.DONE:
            return 100
        return self.done * 100 // self.total if self.total else 0
