"""Which session may use which code of a channel, and how often codes were tried without that right."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from offers.models import Channel, Retailer, SessionCampaign


class Authorization(models.Model):
    """One code that was shown to one session. Only a hash of the session is kept; expiry is judged by the clock."""

    class State(models.TextChoices):
        ACTIVE = "active", "May be used"
        USED = "used", "Used"
        REVOKED = "revoked", "Taken back"
        EXPIRED = "expired", "Over"

    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="authorizations")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="authorizations")
    campaign = models.ForeignKey(SessionCampaign, null=True, on_delete=models.SET_NULL, related_name="authorizations")
    session_hash = models.CharField(max_length=64)
    customer_key = models.CharField(max_length=64, blank=True, default="")
    code = models.CharField(max_length=64)
    jti = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 - null: no grant, so nothing to repeat
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    on_cart = models.BooleanField(default=False)
    granted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session_hash", "retailer", "code"], name="authorization_once"),
            models.UniqueConstraint(
                fields=["retailer", "jti"], condition=Q(jti__isnull=False), name="authorization_grant_once"
            ),
        ]
        indexes = [
            models.Index(fields=["retailer", "-id"], name="authorization_newest"),
            models.Index(fields=["customer_key", "code"], condition=~Q(customer_key=""), name="authorization_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.code} ({self.state})"

    @classmethod
    def in_force(cls, now: datetime) -> Q:
        """Return the condition of those that count now: neither ended nor expired, and their campaign is on."""
        on = Q(campaign=None) | SessionCampaign.on(now, "campaign__")
        return Q(state=cls.State.ACTIVE, expires_at__gt=now) & on


class CodeRefusal(models.Model):
    """A code of a channel that somebody tried without having been shown it: how far it has leaked."""

    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="code_refusals")
    code = models.CharField(max_length=64)
    session_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["session_hash", "created_at"], name="code_refusal_session"),
            models.Index(fields=["retailer", "code", "created_at"], name="code_refusal_code"),
        ]

    def __str__(self) -> str:
        return f"{self.code} refused"
