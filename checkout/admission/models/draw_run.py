"""Draws: the secret seed with its published commitment, and the one run that drew with it."""

import secrets

from django.db import models

from checkout.admission.models.distribution import Distribution


def new_seed() -> bytes:
    return secrets.token_bytes(32)


class DrawRun(models.Model):
    """One row per draw: only its hash is told before the run.

    `ranking`: entry ids, the first drawn first; it begins with `winners`, and then those admitted later in their stead.
    """

    distribution = models.OneToOneField(Distribution, on_delete=models.CASCADE, related_name="draw")
    seed = models.BinaryField(default=new_seed, editable=False)
    frozen_hash = models.CharField(max_length=64, blank=True, default="")
    ranking = models.JSONField(default=list)
    winners = models.JSONField(default=list)
    alternates = models.JSONField(default=list, help_text="Admitted later, for winners who let their time pass.")
    winner_count = models.PositiveIntegerField(null=True, blank=True, help_text="How many had to win, at the run.")
    ran_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"draw of {self.distribution_id}"
