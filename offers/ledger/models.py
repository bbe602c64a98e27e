"""Counters, holds and the journal: the one place where anything that can run out is counted.

available = granted - taken, and taken = held + settled. A hold raises `taken` once; settling it writes a journal entry
and leaves the counter alone; voiding, expiry and reversal give back. See docs/ledger.md.
"""

from django.db import models
from django.db.models import F, Func, Q


class CurrentXact(Func):
    """The id of the running transaction, as a number."""

    template = "(pg_current_xact_id()::text::bigint)"
    arity = 0
    output_field = models.BigIntegerField()


class Counter(models.Model):
    """How much of one thing there is and how much of it is taken.

    The thing is named by (kind, owner, subject, scope, period): for example kind "voucher.uses" with a voucher's key
    as owner, or "campaign.budget". `subject` is a customer's key for per-customer limits, else 0; `scope` and `period`
    tell apart the counters of single rules and of calendar days, weeks, months. Popular things are spread over several
    shards. `granted` null: unlimited; such a counter is only touched when `counted` is set (limits that rules bring).
    `overdrawn` is how far `taken` stood above a limit that was lowered later; of a sharded counter the whole limit is
    `withheld` (on its first shard) until the whole has room again.
    """

    retailer_id = models.BigIntegerField()
    kind = models.CharField(max_length=32)
    owner = models.BigIntegerField()
    subject = models.BigIntegerField(default=0)
    scope = models.CharField(max_length=120, default="", blank=True)
    period = models.CharField(max_length=12, default="", blank=True)
    shard = models.SmallIntegerField(default=0)
    shards = models.SmallIntegerField(default=1, db_default=1)
    family = models.BigIntegerField(help_text="Id of the first shard; counters are locked in the order of families.")
    granted = models.BigIntegerField(null=True, blank=True)
    withheld = models.BigIntegerField(default=0, db_default=0)
    withdrawn = models.BigIntegerField(default=0)
    taken = models.BigIntegerField(default=0)
    overdrawn = models.BigIntegerField(default=0)
    counted = models.BooleanField(default=True)
    tallied = models.BigIntegerField(default=0, help_text="Settled amount of all transactions before tallied_xact.")
    tallied_xact = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "kind", "subject", "scope", "period", "shard"], name="counter_identity"
            ),
            models.CheckConstraint(condition=Q(taken__gte=0), name="counter_taken_not_negative"),
            models.CheckConstraint(condition=Q(overdrawn__gte=0), name="counter_overdrawn_not_negative"),
            models.CheckConstraint(
                condition=Q(granted__isnull=True) | Q(granted__gte=0), name="counter_granted_not_negative"
            ),
            models.CheckConstraint(condition=Q(withheld__gte=0), name="counter_withheld_not_negative"),
            models.CheckConstraint(condition=Q(granted__isnull=True) | Q(counted=True), name="counter_limited_counts"),
            models.CheckConstraint(
                condition=Q(granted__isnull=True) | Q(taken__lte=F("granted") + F("overdrawn")),
                name="counter_never_exceeded",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.owner} {self.taken}/{'unlimited' if self.granted is None else self.granted}"


class Hold(models.Model):
    """A pending claim on one counter. It ends exactly once: settled, voided or expired.

    `reference` groups the holds of one lock session, `item` tells its redeemables apart. A live hold past `expires_at`
    counts as expired even before a worker tidied it, unless it is pinned.
    """

    class State(models.TextChoices):
        LIVE = "live"
        SETTLED = "settled"
        VOIDED = "voided"
        EXPIRED = "expired"

    # No foreign key in the database: its check would lock one popular counter row in every request.
    counter = models.ForeignKey(Counter, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    amount = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.LIVE)
    pinned = models.BooleanField(default=False)
    reference = models.CharField(max_length=160)
    item = models.CharField(max_length=40, default="", blank=True)
    settled_amount = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="hold_amount_not_negative"),
            models.CheckConstraint(
                condition=Q(settled_amount__isnull=True) | Q(settled_amount__lte=F("amount"), settled_amount__gte=0),
                name="hold_settles_at_most_itself",
            ),
            models.CheckConstraint(
                condition=Q(state="live", ended_at__isnull=True) | ~Q(state="live"), name="hold_live_has_no_end"
            ),
        ]
        indexes = [
            models.Index(fields=["reference"], name="hold_reference"),
            # `expires_at IS NOT NULL` is true of every row, and proved only by who asks by the clock. To statistics of
            # a quiet hour these indexes look empty, and looking up a reference would walk through all of them.
            models.Index(
                fields=["counter", "expires_at"], condition=Q(state="live", expires_at__isnull=False), name="hold_due"
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(state="live", pinned=False, expires_at__isnull=False),
                name="hold_sweep",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} holds {self.amount} ({self.state})"


class Entry(models.Model):
    """One immutable line of the journal; a correction is another line (a trigger refuses updates and deletes).

    `delta` is in units of the counter: positive for open, grant and settle, negative for withdraw and reverse.
    """

    class Kind(models.TextChoices):
        OPEN = "open", "Counter opened with this much already taken"
        GRANT = "grant", "Granted"
        WITHDRAW = "withdraw", "Grant withdrawn"
        SETTLE = "settle", "Used"
        REVERSE = "reverse", "Use given back"

    counter = models.ForeignKey(Counter, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    delta = models.BigIntegerField()
    reference = models.CharField(max_length=160)
    reason = models.CharField(max_length=200, default="", blank=True)
    created_at = models.DateTimeField()
    # The writing transaction: lets a tally know which lines can no longer appear behind its back.
    xact = models.BigIntegerField(db_default=CurrentXact())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reference", "counter", "kind"], name="entry_once_per_reference")
        ]
        indexes = [models.Index(fields=["counter", "xact"], name="entry_of_counter", include=["delta"])]
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return f"{self.kind} {self.delta} ({self.reference})"
