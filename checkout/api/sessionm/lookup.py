"""Lookup: a customer at the till, with wallet and points."""

import logging
from typing import Any

from django.db import DatabaseError
from django.db.transaction import atomic

from checkout import wallet_lookup
from checkout.api.sessionm import discount_shapes, scalars
from checkout.api.sessionm.envelope import PosView, at
from loyalty import members, points_standing
from loyalty.models import Member

log = logging.getLogger("offerkeep.lookup")

PAYLOAD = "request_payload."
KEYS = ("user_id", "external_customer_id", "email", "phone")


class Lookup(PosView):
    """Look up a customer: by user_id, external_customer_id, email or phone; answered afresh every time."""

    word = "success"
    store_optional = True

    def handle(self, **_: str) -> list[dict[str, Any]]:
        member = self.member()
        transaction = self.payload.get("transaction")
        if transaction is not None:
            transaction = scalars.mapping(transaction, f"{PAYLOAD}transaction")
        offered = wallet_lookup.look(shop=self.shop, member=member, transaction=transaction, now=self.now)
        found, accounts = self.accounts(member)
        return [
            {
                "user_reference_id": members.shown_id(member),
                "user_account_id": members.shown_id(member),
                "partial_response": not found,
                "first_name": member.first_name,
                "last_name": member.last_name,
                "phone": member.customer.phone or "",
                "email": member.customer.email or "",
                "points": sum(one.available for one in accounts if one.account.spendable),
                "profile_fields": {},
                "offers": [self.offer(one) for one in offered],
                "accounts": [account(one) for one in accounts],
            }
        ]

    def member(self) -> Member:
        """Return the customer asked for. Refuses missing_data, user_not_found, ambiguous_customer."""
        name = next((name for name in KEYS if self.payload.get(name) not in (None, "")), None)
        if name is None:
            raise scalars.MissingData(f"{PAYLOAD}{' | '.join(KEYS)}")
        value = scalars.text(self.payload[name], f"{PAYLOAD}{name}")
        if name == "email":
            return members.search(retailer_id=self.retailer_id, email=value)
        if name == "phone":
            if not members.digits(value):
                raise members.UserNotFound()
            return members.search(retailer_id=self.retailer_id, phone=value)
        if name == "external_customer_id":
            return members.by_external(retailer_id=self.retailer_id, external_id=value, now=self.now)
        try:
            return members.find(retailer_id=self.retailer_id, user_id=value, now=self.now)
        except members.MalformedUserId:
            raise members.UserNotFound() from None

    def accounts(self, member: Member) -> tuple[bool, list[points_standing.Balance]]:
        """Return the balances, and whether they could be read; a till gets its offers without them too."""
        try:
            with atomic():
                return True, points_standing.opened(member=member, now=self.now)
        except DatabaseError as error:
            log.warning("lookup without points: %s", type(error).__name__)
            return False, []

    def offer(self, one: wallet_lookup.Offered) -> dict[str, Any]:
        return discount_shapes.discount(
            one.user_offer,
            shop=self.shop,
            status="LOCKED" if one.locked else "INFO",
            culture=self.culture,
            amount=one.priced.amount,
            parts=one.priced.parts,
        )


def account(one: points_standing.Balance) -> dict[str, Any]:
    return {
        "AccountName": one.account.name,
        "UserPointAccountID": str(one.row.uuid) if one.row else None,
        "PointAccountID": str(one.account.uuid),
        "GroupingLabel": one.account.grouping_label,
        "AvailableBalance": one.available,
        "LifeTimeValue": one.lifetime,
    }


urlpatterns = [*at("lookup", view=Lookup)]
