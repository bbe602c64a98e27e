"""Payments: which attempts to pay an admission has under way, each under the name the checkout gave it."""

from django.db import models
from django.db.models import Q

from checkout.admission.models.admission import Admission


class Payment(models.Model):
    """One named attempt, or all attempts without a name (`reference` empty) as one.

    It is under way (1) or not (0), whatever is told twice. What it says counts only while its admission is open.
    """

    admission = models.ForeignKey(Admission, on_delete=models.CASCADE, related_name="payments")
    reference = models.CharField(max_length=255, blank=True)
    under_way = models.PositiveSmallIntegerField()
    begun_at = models.DateTimeField(null=True, blank=True, help_text="The last time; null: only its decline was told.")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["admission", "reference"], name="payment_of_one_name"),
            models.CheckConstraint(
                condition=Q(under_way=0, ended_at__isnull=False)
                | Q(under_way=1, begun_at__isnull=False, ended_at__isnull=True),
                name="payment_under_way_or_ended",
            ),
        ]

    def __str__(self) -> str:
        return self.reference or str(self.pk)
