"""Channels: reserved code prefixes, and the campaigns whose codes only work in the session they were shown to."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from offers.lib.fields import PublicIdField, SealedField
from offers.models.retailer import Retailer


class Channel(models.Model):
    """A prefix that belongs to a campaign engine: its codes need an authorisation of the shopper's session.

    `secret` signs grants; the partner who holds it may authorise. After a rotation the one before still checks.
    """

    public_id = PublicIdField(prefix="chan_")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="channels")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, default="FP_")
    kid = models.CharField(max_length=32, unique=True, editable=False)
    secret = SealedField(editable=False)
    previous_kid = models.CharField(max_length=32, blank=True, default="", editable=False)
    previous_secret = SealedField(blank=True, default="", editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    compat_mode = models.BooleanField(
        default=False, help_text="Take codes without a signed grant. A shopper can then authorise himself."
    )
    ttl_seconds = models.IntegerField(default=3600, help_text="How long a session may use a code it was shown.")
    max_codes = models.IntegerField(default=5, help_text="How many codes one session may have at a time.")
    one_use_per_session = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["retailer", "prefix"], name="channel_prefix_once")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"


class SessionCampaign(models.Model):
    """What a channel shows to which shoppers: one code, whose voucher says what it is worth.

    It is on while it is switched on and between its moments, the end excluded. `daily_cap` bounds how many sessions a
    day of the retailer's zone are authorised.
    """

    class Bind(models.TextChoices):
        SESSION = "session", "The visit it was shown in"
        CUSTOMER = "customer", "The signed-in customer, on all devices"

    public_id = PublicIdField(prefix="soc_")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="session_campaigns")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="campaigns")
    name = models.CharField(max_length=100)
    text = models.CharField(max_length=300, blank=True, default="", help_text="What the shopper reads beside it.")
    code = models.CharField(max_length=64, help_text="The voucher's code, beginning with the channel's prefix.")
    active = models.BooleanField(default=True)
    bind = models.CharField(max_length=8, choices=Bind, default=Bind.SESSION)
    present = models.BooleanField(default=True, help_text="Off: only others show it, by grants they sign.")
    cart_total_min = models.BigIntegerField(
        null=True, blank=True, help_text="Shown from this cart total on, in cents. Empty: to everybody."
    )
    starts_at = models.DateTimeField(null=True, blank=True, help_text="Nobody may use it before. Empty: at once.")
    ends_at = models.DateTimeField(null=True, blank=True, help_text="Nobody may use it from here on. Empty: never.")
    daily_cap = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many visits a day may be shown it. Empty: any number."
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["retailer", "code"], name="session_campaign_code_once")]

    def __str__(self) -> str:
        return self.name

    def has_begun(self, now: datetime) -> bool:
        return self.starts_at is None or self.starts_at <= now

    def is_over(self, now: datetime) -> bool:
        """Whether it was switched off or has ended."""
        return not self.active or (self.ends_at is not None and self.ends_at <= now)

    def is_on(self, now: datetime) -> bool:
        return self.has_begun(now) and not self.is_over(now)

    @staticmethod
    def on(now: datetime, through: str = "") -> Q:
        """Return the same as a condition of a query; `through` is how the rows asked for name their campaign."""
        begun = Q(**{f"{through}starts_at": None}) | Q(**{f"{through}starts_at__lte": now})
        lasts = Q(**{f"{through}ends_at": None}) | Q(**{f"{through}ends_at__gt": now})
        return Q(**{f"{through}active": True}) & begun & lasts
