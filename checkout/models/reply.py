"""Stored replies of writes that carried an Idempotency-Key."""

from django.db import models


class Reply(models.Model):
    """The first answer to (client, key), replayed to every repeat; written in the transaction of the effect."""

    client_id = models.BigIntegerField()
    key = models.CharField(max_length=255)
    route = models.CharField(max_length=300, help_text="Method and address of the first request, for support.")
    body_hash = models.BinaryField(max_length=32, help_text="Of method, address, query and body together.")
    status = models.SmallIntegerField()
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client_id", "key"], name="reply_once_per_key")]
        indexes = [models.Index(fields=["created_at"], name="reply_age")]

    def __str__(self) -> str:
        return f"{self.client_id}:{self.key}"
