"""Accounts of a shop's customers, for its own pages; nothing to do with the staff of the back office."""

from django.db import models

from offers.lib.fields import PublicIdField
from offers.models import Retailer


class ShopAccount(models.Model):
    """Somebody who can sign in to a shop. Its public id is the customer's `source_id`."""

    public_id = PublicIdField(prefix="acct_")
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="shop_accounts")
    email = models.CharField(max_length=254)
    password = models.CharField(max_length=255, editable=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["retailer", "email"], name="shop_account_email_once")]

    def __str__(self) -> str:
        return self.email
