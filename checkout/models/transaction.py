"""Purchase transactions as tills send them: the head, every revision, and where each stands in the queue."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from offers.models import Retailer, Store


class Transaction(models.Model):
    """One sale of one store. What is in force is its newest revision that is not stale."""

    retailer = models.ForeignKey(Retailer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="transactions", db_index=False)
    transaction_id = models.CharField(max_length=64)
    receipt_code = models.CharField(max_length=120, null=True, blank=True)  # noqa: DJ001 - unique where present
    first_closed_at = models.DateTimeField(null=True, blank=True, help_text="Dates rules and the return window.")
    modified_at = models.DateTimeField(null=True, blank=True, help_text="Of the newest revision accepted.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "transaction_id"], name="transaction_once_per_store"),
            models.UniqueConstraint(
                fields=["retailer", "receipt_code"], condition=Q(receipt_code__isnull=False), name="receipt_code_once"
            ),
        ]
        indexes = [models.Index(fields=["retailer", "-id"], name="transaction_newest")]

    def __str__(self) -> str:
        return self.transaction_id


class Revision(models.Model):
    """One version of a sale, as it was sent. The row is the queue: workers claim it with SKIP LOCKED."""

    class State(models.TextChoices):
        OPEN = "open", "Stored, not closed"
        STALE = "stale", "Older than what is in force"
        QUEUED = "queued"
        RETRY = "retry", "Failed, to be tried again"
        PROCESSED = "processed"
        DEAD = "dead", "Given up: look at it"

    transaction = models.ForeignKey(Transaction, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    content_hash = models.BinaryField(max_length=32)
    payload = models.JSONField()
    modified_at = models.DateTimeField()
    is_closed = models.BooleanField()
    is_voided = models.BooleanField(default=False)
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    result = models.JSONField(null=True, blank=True)
    client_id = models.CharField(max_length=64, blank=True, default="")
    requests = models.JSONField(default=dict, blank=True, help_text="Request ids that brought this content.")
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transaction", "number"], name="revision_number_once"),
            models.UniqueConstraint(
                fields=["transaction", "content_hash", "modified_at"], name="revision_content_once"
            ),
        ]
        indexes = [
            models.Index(fields=["next_at", "id"], condition=Q(state__in=["queued", "retry"]), name="revision_queue"),
            models.Index(fields=["id"], condition=Q(state="dead"), name="revision_dead"),
            BrinIndex(fields=["received_at"], name="revision_day", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.transaction_id} r{self.number} ({self.state})"
