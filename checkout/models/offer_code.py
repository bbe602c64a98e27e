"""Short-lived codes that a customer's app shows and a till types in place of a wallet entry's id."""

from django.db import models

from offers.models import UserOffer


class OfferCode(models.Model):
    """Eight characters that stand for one wallet entry for minutes, and for one transaction only."""

    code = models.CharField(max_length=8, unique=True)
    user_offer = models.ForeignKey(UserOffer, on_delete=models.CASCADE, related_name="codes")
    expires_at = models.DateTimeField()
    used_in = models.CharField(max_length=140, blank=True, default="", help_text="<store uuid>:<transaction id>")

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="offer_code_age")]

    def __str__(self) -> str:
        return self.code
