"""Credentials: who may call the API for a retailer, with which scopes and from which origins."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from offers.models.retailer import Retailer


class Client(models.Model):
    """One API credential. Only the SHA-256 of its 32-byte random secret is kept; the secret is shown once."""

    class Kind(models.TextChoices):
        SERVER = "server", "Server (X-App-Id, X-App-Token)"
        BROWSER = "browser", "Browser (X-Client-Application-Id, X-Client-Token)"
        BASIC = "basic", "Till or back end (HTTP Basic)"
        PUBLISHABLE = "publishable", "Shop page (X-Publishable-Key)"
        SECRET = "secret", "Shop server (Authorization: Bearer sk_…)"

    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="clients")
    kind = models.CharField(max_length=12, choices=Kind)
    name = models.CharField(max_length=100)
    key = models.CharField(max_length=64, unique=True, help_text="Public half: the application id.")
    secret_hash = models.BinaryField(max_length=32, editable=False)
    scopes = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    origins = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text="Web origins a browser credential may be used from; * allows any (development only).",
    )
    rate_limited = models.BooleanField(default=True, help_text="Off only for demos and trusted internal callers.")
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.name} ({self.key})"
