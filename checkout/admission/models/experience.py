"""Experiences: what the shopper sees, one launch, and the paths inside it."""

import uuid

from django.db import models

from offers.models.retailer import Retailer


class Experience(models.Model):
    """One launch: a name, words and a picture, and at least one sequence."""

    class WhenUnknown(models.TextChoices):
        CLOSED = "closed", "Nobody pays until we answer"
        OPEN = "open", "Who was admitted pays all the same"

    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="experiences")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    image_url = models.URLField(max_length=500, blank=True, default="")
    when_unknown = models.CharField(max_length=6, choices=WhenUnknown, default=WhenUnknown.CLOSED)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["retailer", "-id"], name="experience_newest")]

    def __str__(self) -> str:
        return self.name


class Sequence(models.Model):
    """A path inside an experience; the first by rank that takes the consumer is his."""

    class Kind(models.TextChoices):
        GENERAL = "general", "General"
        VIP = "vip", "VIP"
        EARLY_ACCESS = "early_access", "Early access"

    class Audience(models.TextChoices):
        EVERYBODY = "", "Everybody"
        SIGNED_IN = "signed_in", "Signed in"

    experience = models.ForeignKey(Experience, on_delete=models.CASCADE, related_name="sequences")
    name = models.CharField(max_length=100, default="General")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.GENERAL)
    access_code = models.CharField(max_length=60, blank=True, default="")
    audience = models.CharField(max_length=12, choices=Audience, blank=True, default=Audience.EVERYBODY)
    rank = models.IntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["experience", "rank", "id"], name="sequence_order")]

    def __str__(self) -> str:
        return self.name
