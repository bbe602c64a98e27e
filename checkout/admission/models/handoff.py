"""Handoffs: one-time codes that carry an admission to a checkout in an address."""

from django.db import models

from checkout.admission.models.admission import Admission


class Handoff(models.Model):
    """One code, of which only the SHA-256 is kept. It is for one origin, good for a minute and for one exchange."""

    admission = models.ForeignKey(Admission, on_delete=models.CASCADE, related_name="handoffs")
    code_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    origin = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"handoff {self.pk} to {self.origin}"
