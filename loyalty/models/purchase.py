"""Purchases as loyalty counts them: which, when and how much, one row per member and sale."""

from django.db import models

from loyalty.models.member import Member


class Purchase(models.Model):
    """A sale a member paid for. `spend` follows its revisions; a voided one counts for nothing.

    `seen` is what the member was when the sale was first judged, of what its rules asked (loyalty.earning.seen).
    """

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="purchases", db_index=False)
    occasion = models.CharField(max_length=160)
    closed_at = models.DateTimeField()
    spend = models.BigIntegerField(default=0, help_text="Eligible spend in minor units, as it now stands.")
    voided = models.BooleanField(default=False)
    seen = models.JSONField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["occasion", "member"], name="purchase_once")]
        indexes = [models.Index(fields=["member", "closed_at"], name="purchase_of_member", include=["spend"])]

    def __str__(self) -> str:
        return self.occasion
