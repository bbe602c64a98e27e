"""Tier systems: ordered levels members rise to and fall from."""

import uuid

from django.db import models

from loyalty.models.member import Member
from offers.models import Retailer


class TierSystem(models.Model):
    """A programme of levels."""

    class Demotion(models.TextChoices):
        NONE = "none"
        ONE_LEVEL = "one_level"
        TO_QUALIFIED = "to_qualified"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="tier_systems")
    key = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    demotion = models.CharField(max_length=12, choices=Demotion, default=Demotion.NONE)
    review_months = models.PositiveSmallIntegerField(default=12, help_text="How long a level is kept before a review.")
    active = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["retailer", "key"], name="tier_system_key_once")]

    def __str__(self) -> str:
        return self.name


class TierLevel(models.Model):
    """A level. `entry` and `maintenance`: {"metric", "op", "value"[, "period_months"]}; null: everybody."""

    system = models.ForeignKey(TierSystem, on_delete=models.CASCADE, related_name="levels")
    key = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    rank = models.PositiveSmallIntegerField()
    entry = models.JSONField(null=True, blank=True)
    maintenance = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "key"], name="tier_level_key_once"),
            models.UniqueConstraint(fields=["system", "rank"], name="tier_level_rank_once"),
        ]

    def __str__(self) -> str:
        return self.name


class MemberTier(models.Model):
    """The level a member holds in one system."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="tiers")
    system = models.ForeignKey(TierSystem, on_delete=models.CASCADE, related_name="members")
    level = models.ForeignKey(TierLevel, on_delete=models.PROTECT, related_name="members")
    entered_at = models.DateTimeField()
    review_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "system"], name="member_tier_once")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.level_id}"
