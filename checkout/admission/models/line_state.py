"""What PostgreSQL keeps of a queue's line on Redis, so that it can be led by one and refilled."""

import secrets

from django.db import models

from checkout.admission.models.distribution import Distribution


def new_seed() -> bytes:
    return secrets.token_bytes(32)


class LineState(models.Model):
    """One row per queue that anybody entered.

    `leased`: no number above it was ever given out, so after a loss of Redis numbers go on behind it. `fence`: number
    of the tick; Redis calls nobody for an older one. `seed`: draws the numbers of those before the opening.
    `forgotten_at`: the queue is over and Redis keeps nothing of it; it is not refilled.
    """

    distribution = models.OneToOneField(Distribution, on_delete=models.CASCADE, related_name="line")
    leased = models.BigIntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    seed = models.BinaryField(default=new_seed, editable=False)
    forgotten_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"line of {self.distribution_id}"
