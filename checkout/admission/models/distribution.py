"""Distributions: the mechanism of a sequence, which decides who is admitted when."""

import uuid

from django.db import models
from django.db.models import F, Q

from checkout.admission.models.experience import Sequence
from offers.models.retailer import Retailer


class Distribution(models.Model):
    """A queue, a draw or an auction. Its state is read from its moments; money is in minor units."""

    class Mechanism(models.TextChoices):
        QUEUE = "queue", "Queue"
        DRAW = "draw", "Draw"
        AUCTION = "auction", "Auction"

    class Ordering(models.TextChoices):
        FIFO = "fifo", "First come, first served"
        SHUFFLE_PREQUEUE = "shuffle_prequeue", "Shuffle who comes before the opening"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="distributions")
    sequence = models.ForeignKey(Sequence, on_delete=models.CASCADE, related_name="distributions")
    mechanism = models.CharField(max_length=8, choices=Mechanism)
    published = models.BooleanField(default=True, help_text="Off: a draft, which no shopper can find.")
    open_at = models.DateTimeField(null=True, blank=True)
    close_at = models.DateTimeField(null=True, blank=True)
    serve_until = models.DateTimeField(null=True, blank=True)
    hard_end_at = models.DateTimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    paused = models.BooleanField(default=False)
    # who is admitted
    admission_ttl_seconds = models.PositiveIntegerField(default=900)
    max_extensions = models.PositiveSmallIntegerField(default=0)
    extension_seconds = models.PositiveIntegerField(default=300)
    allow_reentry = models.BooleanField(default=True)
    backfill = models.BooleanField(default=True)
    # who is suspicious
    require_settled_guest = models.BooleanField(default=False)
    require_challenge = models.BooleanField(default=False)
    max_per_device = models.PositiveIntegerField(null=True, blank=True)
    max_per_network = models.PositiveIntegerField(null=True, blank=True)
    flagged_last = models.BooleanField(
        default=False, db_default=False, help_text="Queues: the flagged wait at the end."
    )
    # what is sold
    sku = models.CharField(max_length=255, blank=True, default="")
    max_units = models.PositiveIntegerField(default=1)
    reserve_on_admission = models.BooleanField(default=False)
    currency = models.CharField(max_length=3, default="USD")
    # queue
    max_capacity = models.PositiveIntegerField(null=True, blank=True)
    admission_rate = models.PositiveIntegerField(null=True, blank=True, help_text="Admissions a minute.")
    total_admissions = models.PositiveIntegerField(null=True, blank=True)
    max_active = models.PositiveIntegerField(null=True, blank=True, help_text="Checkouts at a time.")
    pre_queue_minutes = models.PositiveIntegerField(default=0)
    ordering = models.CharField(max_length=16, choices=Ordering, default=Ordering.FIFO)
    # draw
    draw_at = models.DateTimeField(null=True, blank=True)
    winner_count = models.PositiveIntegerField(default=1)
    capacity = models.PositiveIntegerField(null=True, blank=True)
    alternates = models.PositiveIntegerField(default=0)
    # auction
    start_price = models.BigIntegerField(default=0)
    reserve_price = models.BigIntegerField(null=True, blank=True)
    min_bid_increment = models.BigIntegerField(default=100)
    quantity = models.PositiveIntegerField(default=1)
    settle_at = models.DateTimeField(null=True, blank=True)
    auto_extend_seconds = models.PositiveIntegerField(default=0)
    # what became of a draw or an auction
    decided_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="Drawn, or settled.")
    over_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="Nothing is left to offer.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(admission_ttl_seconds__gte=1, admission_ttl_seconds__lte=3600), name="distribution_ttl"
            ),
            models.CheckConstraint(
                condition=Q(open_at__isnull=True) | Q(close_at__isnull=True) | Q(close_at__gt=F("open_at")),
                name="distribution_closes_after_opening",
            ),
        ]
        indexes = [
            models.Index(fields=["retailer", "-id"], name="distribution_newest"),
            models.Index(fields=["sequence"], name="distribution_of_sequence"),
            models.Index(
                fields=["mechanism", "close_at"],
                condition=Q(over_at__isnull=True, mechanism__in=["draw", "auction"]),
                name="distribution_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_mechanism_display()} {self.uuid}"
