"""Keys that sign what we hand out, or what a partner's server sends us: one key ring per retailer and purpose."""

from django.db import models
from django.db.models import Q

from offers.models.retailer import Retailer


class SigningKey(models.Model):
    """One key of a ring. The row alone betrays nothing: the secret is derived from its salt with SECRET_KEY.

    active: signs and checks, one per retailer and purpose. verify: only checks, until `verify_until`. retired: neither.
    """

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        VERIFY = "verify", "Only checks"
        RETIRED = "retired", "Retired"

    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="signing_keys")
    purpose = models.CharField(max_length=20)
    kid = models.CharField(max_length=32, unique=True)
    salt = models.CharField(max_length=43, editable=False)
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    created_at = models.DateTimeField()
    verify_until = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["retailer", "purpose"], condition=Q(state="active"), name="signing_key_one_active"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kid} ({self.state})"
