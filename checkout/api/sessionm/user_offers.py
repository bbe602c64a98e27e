"""Wallets over the wire: who holds what, what happened to it, and issuing, revoking and changing entries."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from checkout.api.sessionm import offer_shapes, scalars
from checkout.api.sessionm.envelope import ConnectView, at
from checkout.api.sessionm.offers import culture_of, page_of
from loyalty import members, points_standing
from loyalty.models import Member
from offers import offer_dates, term_values, user_offers, wallets
from offers.lib.errors import Refusal
from offers.models import UserOffer

MOST_USERS = 100
MOST_COPIES = 100
FAIL_REASONS = {
    "offer_not_found": 1,
    "offer_not_available": 1,
    "user_not_found": 2,
    "inventory_exhausted": 3,
    "frequency_exceeded": 4,
}


class UserView(ConnectView):
    """Base of calls about one user."""

    def member(self) -> Member:
        return self.named(scalars.needed(self.body, "user_id"), "user_id")

    def named(self, raw: object, field: str) -> Member:
        user_id = scalars.text(raw, field)
        return members.find(retailer_id=self.retailer_id, user_id=user_id, now=self.now)


class Wallet(UserView):
    """Show a wallet: what a user can use now, the soonest end first."""

    scopes = ("offers.read",)

    def handle(self, **_: str) -> Any:
        if "include_pending_extended_data" in self.body:
            scalars.boolean(self.body["include_pending_extended_data"], "include_pending_extended_data")
        (skip, take), culture, member = page_of(self.body), culture_of(self.body), self.member()
        held, total = wallets.wallet(
            retailer_id=self.retailer_id, customer_id=member.customer_id, now=self.now, skip=skip, take=take
        )
        user_id, balances = members.shown_id(member), points_standing.balances(member=member, now=self.now)
        return {
            "user": {"user_id": user_id, "first_name": member.first_name, "last_name": member.last_name},
            "user_id": user_id,
            "user_offers": [
                offer_shapes.entry(row, shop=self.shop, user_id=user_id, culture=culture, now=self.now) for row in held
            ],
            "total_records": total,
            "skip": skip,
            "take": take,
            "offer_groups": [],
            "offer_categories": [],
            "total_points": sum(balance.lifetime for balance in balances),
            "available_points": sum(balance.available for balance in balances if balance.account.spendable),
        }


class History(UserView):
    """Show the history of wallets: issued, revoked, redeemed and expired entries, the newest first."""

    scopes = ("offers.read",)

    def handle(self, **_: str) -> Any:
        raw = scalars.needed(self.body, "user_ids")
        if not isinstance(raw, list) or not 1 <= len(raw) <= MOST_USERS:
            raise scalars.ArgumentError("user_ids", f"is not a list of 1 to {MOST_USERS} ids", "not_a_list")
        option = self.body.get("rollback_option")
        option = 0 if option is None else scalars.integer(option, "rollback_option", most=2)
        (skip, take), culture = page_of(self.body), culture_of(self.body)
        found = [self.named(value, f"user_ids[{index}]") for index, value in enumerate(raw)]
        shown = {member.customer_id: members.shown_id(member) for member in found}
        lines, total = wallets.history(
            retailer_id=self.retailer_id,
            customer_ids=list(shown),
            now=self.now,
            rollback_option=option,
            skip=skip,
            take=take,
        )
        return {
            "total_records": total,
            "results": [self.line(told, shown[told.user_offer.customer_id], culture) for told in lines],
            "skip": skip,
            "take": take,
        }

    def line(self, told: wallets.Told, user_id: str, culture: str | None) -> dict[str, Any]:
        row = offer_shapes.entry(
            told.user_offer, shop=self.shop, user_id=user_id, culture=culture, now=self.now, status=told.status
        )
        return {**row, "rolled_back_at": told.undone and told.undone.detail["rolled_back_at"].replace("+00:00", "Z")}


class Issue(UserView):
    """Issue an offer: 200 also for what is refused, because it is a batch, and each copy says why it failed."""

    scopes = ("offers.manage",)
    writes = True

    def handle(self, **_: str) -> Any:
        offer_id = scalars.uuid(scalars.needed(self.body, "offer_id"), "offer_id")
        quantity, exact = self.body.get("quantity"), self.body.get("issue_exact_version")
        copies = 1 if quantity is None else scalars.integer(quantity, "quantity", least=1, most=MOST_COPIES)
        arguments = {
            "offer": offer_id,
            "exact": exact is not None and scalars.boolean(exact, "issue_exact_version"),
            "source": {"kind": "api", "client": self.credential.key},
            **dates_of(self.body, self.now),
        }
        user_id = scalars.text(scalars.needed(self.body, "user_id"), "user_id")
        try:
            member = self.named(user_id, "user_id")
        except members.UserNotFound as unknown:
            return {"status_list": [self.failed(user_id, offer_id, unknown)] * copies}
        shown = members.shown_id(member)
        # All in one go; when not all can be had, as many as there are.
        for size in (copies, 1):
            issued, refusal = self.issue(member, arguments, copies, size)
            if issued or size == 1:
                break
        lines = [self.line(row, shown) for row in issued]
        if refusal is not None:
            lines += [self.failed(shown, offer_id, refusal)] * (copies - len(issued))
        return {"status_list": lines}

    def issue(
        self, member: Member, arguments: dict[str, Any], copies: int, size: int
    ) -> tuple[list[UserOffer], Refusal | None]:
        issued: list[UserOffer] = []
        while len(issued) < copies:
            try:
                with transaction.atomic():
                    issued += user_offers.issue(
                        retailer_id=self.retailer_id,
                        customer_id=member.customer_id,
                        actor=self.actor,
                        now=self.now,
                        quantity=size,
                        **arguments,
                    )
            except Refusal as refusal:
                if refusal.code not in FAIL_REASONS:
                    raise
                return issued, refusal
        return issued, None

    def line(self, row: UserOffer, user_id: str) -> dict[str, Any]:
        return {
            **offer_shapes.brief(row, user_id=user_id, now=self.now),
            "pending_extended_data": False,
            "fail_reason": 0,
        }

    def failed(self, user_id: str, offer_id: UUID, refusal: Refusal) -> dict[str, Any]:
        return {
            "user_id": user_id.lower() if scalars.is_uuid(user_id) else user_id,
            "user_offer_id": None,
            "offer_id": str(offer_id),
            "root_offer_id": None,
            "pending_extended_data": False,
            "fail_reason": FAIL_REASONS[refusal.code],
            "fail_message": refusal.message,
        }


class EntryView(UserView):
    """Base of calls about one wallet entry."""

    scopes = ("offers.manage",)
    writes = True

    def entry(self) -> tuple[UserOffer, Member]:
        """Return the entry and whose it is; a `user_id` that is sent has to be the owner's."""
        user_offer_id = scalars.uuid(scalars.needed(self.body, "user_offer_id"), "user_offer_id")
        claimed = self.member() if self.body.get("user_id") not in (None, "") else None
        row = wallets.get(
            retailer_id=self.retailer_id,
            user_offer_id=user_offer_id,
            customer_id=None if claimed is None else claimed.customer_id,
        )
        owner = claimed or members.of_customer(customer_id=row.customer_id)
        if owner is None:
            raise wallets.UserOfferNotFound()
        return row, owner


class Revoke(EntryView):
    """Take an entry away: twice does no harm; what is locked only with `force`."""

    def handle(self, **_: str) -> Any:
        reason, force = self.body.get("reason"), self.body.get("force")
        row, owner = self.entry()
        row = user_offers.revoke(
            user_offer_id=row.pk,
            actor=self.actor,
            now=self.now,
            reason="" if reason in (None, "") else scalars.text(reason, "reason", most=500),
            force=force is not None and scalars.boolean(force, "force"),
        )
        return offer_shapes.brief(row, user_id=members.shown_id(owner), now=self.now)


class Change(EntryView):
    """Change an entry: its custom data and dates."""

    def handle(self, **_: str) -> Any:
        for name in ("update_redemption_dates", "remain_pending_extended_data"):
            if self.body.get(name) is not None:
                scalars.boolean(self.body[name], name)
        scalars.needed(self.body, "user_id")
        dates = dates_of(self.body, None)
        data = self.body.get("custom_data")
        if data is not None:
            try:
                data = term_values.custom_data(data)
            except ValueError as wrong:
                raise scalars.ArgumentError("custom_data", str(wrong)) from None
        row, owner = self.entry()
        moving = self.body.get("update_redemption_dates")
        moving = None if moving is None else scalars.boolean(moving, "update_redemption_dates")
        if moving is False:
            dates = {}
        elif moving and not any(dates.values()):
            dates = {"starts_at": self.now, "ends_at": offer_dates.end_of_entry(row.offer, self.now)}
        row = user_offers.update(user_offer_id=row.pk, actor=self.actor, now=self.now, custom_data=data, **dates)
        return offer_shapes.brief(row, user_id=members.shown_id(owner), now=self.now)


def dates_of(body: dict[str, Any], start: datetime | None) -> dict[str, datetime | None]:
    """Return the redemption dates a body brings, None for what it leaves open. Refuses `argument_error`."""
    found = {
        column: None if body.get(name) in (None, "") else scalars.moment(body[name], name)
        for name, column in (("redemption_start_date", "starts_at"), ("redemption_end_date", "ends_at"))
    }
    first, end = found["starts_at"] or start, found["ends_at"]
    if end is not None and first is not None and end <= first:
        raise scalars.ArgumentError("redemption_end_date", "is not later than the start")
    return found


urlpatterns = [
    *at("offers/get_user_offers", view=Wallet),
    *at("offers/user_offer_history", view=History),
    *at("offers/acquisition/issue", "offers/issue_offer", view=Issue),
    *at("offers/acquisition/revoke", "offers/revoke", view=Revoke),
    *at("offers/acquisition/update", view=Change),
]
