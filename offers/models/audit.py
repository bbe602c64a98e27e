"""The audit trail: who changed money or limits, when, what it was before and after, and why."""

from django.db import models

from offers.models.retailer import Retailer


class AuditEntry(models.Model):
    """Append-only: a trigger refuses updates and deletes."""

    retailer = models.ForeignKey(Retailer, null=True, on_delete=models.DO_NOTHING, db_constraint=False)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=8)
    actor = models.CharField(max_length=150)
    action = models.CharField(max_length=60, help_text="e.g. campaign.update, redemption.rollback, session.release")
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=255)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.TextField(blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["retailer", "-id"], name="audit_newest"),
            models.Index(fields=["object_type", "object_id", "-id"], name="audit_of_object"),
        ]
        verbose_name = "audit entry"
        verbose_name_plural = "audit trail"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor} {self.action} {self.object_id}"
