"""Events, the endpoints that want them, and every delivery attempt."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from offers.lib.fields import PublicIdField, SealedTextField
from offers.models import Retailer


class Endpoint(models.Model):
    """A webhook target of one retailer."""

    public_id = PublicIdField(prefix="wh_")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=1000, help_text="https address that receives events.")
    events = ArrayField(models.CharField(max_length=60), default=list, blank=True, help_text="Empty: all events.")
    secret = SealedTextField(editable=False, help_text="Signs each delivery.")
    previous_secret = SealedTextField(blank=True, default="", editable=False)
    previous_secret_until = models.DateTimeField(null=True, editable=False)
    active = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.url


class Event(models.Model):
    """Something that happened; written in the same transaction as the change itself."""

    public_id = PublicIdField(prefix="whs_")
    retailer = models.ForeignKey(Retailer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    type = models.CharField(max_length=60)
    data = models.JSONField(default=dict)
    source = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    fanned_out_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=models.Q(fanned_out_at__isnull=True), name="event_waiting"),
            models.Index(fields=["retailer", "-id"], name="event_newest"),
            # Rows come in the order of their age, so a handful of pages tells the purge where to look.
            BrinIndex(fields=["created_at"], pages_per_range=32, name="event_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class Delivery(models.Model):
    """One event on its way to one endpoint.

    waiting: due at `next_at`; while a relay has it, that is when it counts as lost. paused: its endpoint is switched
    off. delivered and given_up are ends, until somebody sends it again.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        PAUSED = "paused"
        DELIVERED = "delivered"
        GIVEN_UP = "given_up"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, db_index=False, related_name="deliveries")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, db_index=False, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.IntegerField(default=0, help_text="Begun, not only ended ones.")
    next_at = models.DateTimeField()
    last_status = models.IntegerField(null=True)
    last_error = models.TextField(blank=True, default="")
    delivered_at = models.DateTimeField(null=True)
    log = models.JSONField(default=list, help_text="Attempts: at, status, error, ms.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "endpoint"], name="delivery_once_per_endpoint")]
        indexes = [
            models.Index(fields=["next_at"], condition=models.Q(state="waiting"), name="delivery_due"),
            models.Index(fields=["endpoint", "next_at"], condition=models.Q(state="waiting"), name="delivery_due_at"),
            models.Index(fields=["endpoint", "-id"], name="delivery_newest"),
        ]
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"{self.event_id} -> {self.endpoint_id} ({self.state})"
