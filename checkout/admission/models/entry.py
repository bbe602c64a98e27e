"""Entries: a consumer's place in a distribution."""

import uuid

from django.db import models

from checkout.admission.models.consumer import Consumer
from checkout.admission.models.distribution import Distribution


class Entry(models.Model):
    """One consumer takes part in a distribution once; coming again goes on in the same row with a new number."""

    class State(models.TextChoices):
        QUEUED = "QUEUED"
        ENTERED = "ENTERED"
        BIDDING = "BIDDING"
        WON = "WON"
        LOST = "LOST"
        ADMITTED = "ADMITTED"
        COMPLETED = "COMPLETED"
        EXPIRED = "EXPIRED"
        DENIED = "DENIED"
        LEFT = "LEFT"

    distribution = models.ForeignKey(Distribution, on_delete=models.CASCADE, related_name="entries")
    consumer = models.ForeignKey(Consumer, on_delete=models.CASCADE, related_name="entries")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number = models.BigIntegerField(default=0, help_text="Issued by the server; those before the opening are below 0.")
    state = models.CharField(max_length=10, choices=State)
    entered_at = models.DateTimeField()
    admitted_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    deny_reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["distribution", "consumer"], name="entry_once")]
        indexes = [models.Index(fields=["distribution", "state", "number"], name="entry_order")]
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return f"{self.state} {self.number}"
