"""Loyalty rules: versions of economy and campaign rules, and every award they made."""

import uuid

from django.db import models
from django.db.models import Q

from loyalty.models.member import Member
from offers.models import Retailer


class Rule(models.Model):
    """A rule by name; what it says stands in its versions."""

    class Scope(models.TextChoices):
        ECONOMY = "economy", "Economy (base programme)"
        CAMPAIGN = "campaign", "Campaign (temporary or targeted)"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="loyalty_rules")
    name = models.CharField(max_length=200)
    scope = models.CharField(max_length=10, choices=Scope)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["retailer", "scope"], name="loyalty_rule_scope")]

    def __str__(self) -> str:
        return self.name


class RuleVersion(models.Model):
    """What a rule said from `in_force_from` until the next version. `definition` is the model of sessionm.md 8.1.

    A sale is judged by the version in force when it was first closed, however late it is processed.
    """

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition = models.JSONField()
    active = models.BooleanField(default=True, help_text="Off: from this moment on the rule awards nothing.")
    in_force_from = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "number"], name="rule_version_once")]
        indexes = [models.Index(fields=["rule", "-in_force_from"], name="rule_version_in_force")]

    def __str__(self) -> str:
        return f"{self.rule_id} v{self.number}"


class Award(models.Model):
    """One outcome given to one member, once: `key` names rule, occasion and outcome. Corrections are further rows."""

    key = models.CharField(max_length=200, unique=True)
    retailer = models.ForeignKey(Retailer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="awards")
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="awards")
    version = models.ForeignKey(RuleVersion, on_delete=models.PROTECT, related_name="awards")
    occasion = models.CharField(max_length=200, help_text="What it was given for, e.g. transaction:<store>:<id>")
    kind = models.CharField(max_length=12, help_text="points or offer")
    account_id = models.BigIntegerField(null=True)
    points = models.BigIntegerField(default=0)
    user_offer_id = models.BigIntegerField(null=True)
    reverses = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="reversals")
    detail = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["member", "rule", "created_at"], name="award_of_member"),
            models.Index(fields=["occasion"], name="award_occasion"),
            models.Index(fields=["rule", "created_at"], condition=Q(reverses__isnull=True), name="award_of_rule"),
        ]

    def __str__(self) -> str:
        return self.key
