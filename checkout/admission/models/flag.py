"""Flags: what staff may want to look at about somebody who entered."""

from django.db import models

from checkout.admission.models.consumer import Consumer
from checkout.admission.models.distribution import Distribution


class Flag(models.Model):
    """A consumer entered from a device or a network that others entered from too, or without a proof. He is in."""

    class Kind(models.TextChoices):
        DEVICE = "device", "Several accounts on a device"
        ADDRESS = "address", "Many accounts in a network"
        UNPROVEN = "unproven", "Challenge not verified"

    distribution = models.ForeignKey(Distribution, on_delete=models.CASCADE, related_name="flags")
    consumer = models.ForeignKey(Consumer, on_delete=models.CASCADE, related_name="flags")
    kind = models.CharField(max_length=8, choices=Kind)
    mark = models.CharField(max_length=16, blank=True, help_text="The same for the same device or network, hashed.")
    accounts = models.PositiveIntegerField(default=1, help_text="How many had entered from there by then.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["distribution", "consumer", "kind", "mark"], name="flag_once"),
        ]
        indexes = [models.Index(fields=["distribution", "-id"], name="flag_newest")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.mark}"
