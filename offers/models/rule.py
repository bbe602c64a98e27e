"""Validation rules and what they are assigned to."""

from django.db import models

from offers.lib.fields import PublicIdField
from offers.models.retailer import Retailer


class ValidationRule(models.Model):
    """A tree of conditions with the products it scopes; compiled once per process by offers.evaluation.rules."""

    public_id = PublicIdField(prefix="val_")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="rules")
    name = models.CharField(max_length=200)
    rules = models.JSONField(default=dict, blank=True)
    bundle_rules = models.JSONField(null=True, blank=True)
    applicable_to = models.JSONField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True)
    type = models.CharField(max_length=16, default="expression")
    context_type = models.CharField(max_length=64, default="global")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["retailer", "-id"], name="rule_newest")]

    def __str__(self) -> str:
        return self.name


class RuleAssignment(models.Model):
    """Binds a rule to one object, by that object's bigint key and its public id (what the wire shows)."""

    class Target(models.TextChoices):
        VOUCHER = "voucher"
        CAMPAIGN = "campaign"
        PROMOTION_TIER = "promotion_tier"

    public_id = PublicIdField(prefix="asgm_")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="rule_assignments")
    rule = models.ForeignKey(ValidationRule, on_delete=models.CASCADE, related_name="assignments")
    target = models.CharField(max_length=20, choices=Target)
    target_id = models.BigIntegerField()
    target_public_id = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["target", "target_id", "rule"], name="rule_assigned_once")]

    def __str__(self) -> str:
        return f"{self.rule_id} -> {self.target_public_id}"
