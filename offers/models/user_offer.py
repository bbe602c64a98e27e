"""User offers: one customer's copies of offers, the entries of the wallet, and what happened to them."""

import uuid

from django.db import models
from django.db.models import Q

from offers.models.customer import Customer
from offers.models.offer import Offer
from offers.models.retailer import Retailer


class UserOffer(models.Model):
    """One wallet entry. Expired is judged by the clock: a row Issued past `ends_at` reads as Expired.

    Locked is no status: it is a live OfferLock on an Issued entry, so that a lock can never strand an entry.
    """

    class Status(models.IntegerChoices):
        ISSUED = 1, "Issued"
        REDEEMED = 2, "Redeemed"
        REVOKED = 3, "Revoked"
        EXPIRED = 4, "Expired"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    retailer = models.ForeignKey(Retailer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="user_offers")
    customer = models.ForeignKey(
        Customer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="user_offers"
    )
    status = models.SmallIntegerField(choices=Status, default=Status.ISSUED)
    acquired_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    custom_data = models.TextField(blank=True, default="")
    source = models.JSONField(
        default=dict, help_text='Who issued it: {"kind": "rule" | "staff" | "api" | "reward_store", ...}'
    )
    issue_key = models.CharField(max_length=160, null=True, blank=True)  # noqa: DJ001 - once per reason, where there is one
    redeemed_at = models.DateTimeField(null=True, blank=True)
    redeemed_in = models.CharField(max_length=140, blank=True, default="", help_text="<store uuid>:<transaction id>")
    redeemed_amount = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["issue_key"], condition=Q(issue_key__isnull=False), name="user_offer_issued_once"
            )
        ]
        indexes = [
            models.Index(fields=["customer", "-acquired_at", "-id"], name="user_offer_wallet"),
            models.Index(fields=["retailer", "-id"], name="user_offer_newest"),
            models.Index(fields=["-id"], condition=Q(source__kind="rule"), name="user_offer_by_rule"),
            models.Index(fields=["redeemed_at"], condition=Q(status=2), name="user_offer_redeemed"),
        ]

    def __str__(self) -> str:
        return str(self.uuid)


class UserOfferEvent(models.Model):
    """Something that happened to a wallet entry: issued, locked, redeemed, reinstated, revoked, updated."""

    user_offer = models.ForeignKey(UserOffer, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=20)
    at = models.DateTimeField()
    actor = models.CharField(max_length=150, blank=True, default="")
    reason = models.TextField(blank=True, default="")
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [models.Index(fields=["user_offer", "id"], name="user_offer_story")]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"
