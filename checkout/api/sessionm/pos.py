"""Tills: lock, price anew, redeem, unlock, reinstate, redeeming by hand, and codes for an app to show."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from checkout import offer_codes, offer_locks
from checkout.api.sessionm import discount_shapes, scalars
from checkout.api.sessionm.envelope import ConnectView, PosView, at
from checkout.lock_pricing import Outcome
from checkout.shops import Till
from offers import user_offers, wallets
from offers.lib.errors import Refusal

PAYLOAD = "request_payload."


class UnsupportedLookupType(Refusal):
    """An offer is looked up by userofferid or TTLCode."""

    code = "unsupported_lookup_type"


class TillView(PosView):
    """What lock and redeem share: an offer, a transaction, a discount object."""

    status: ClassVar[str]

    def till(self) -> Till:
        return Till(shop=self.shop, store=self.store, actor=self.actor)

    def transaction(self) -> dict[str, Any]:
        found = scalars.mapping(scalars.needed(self.payload, "transaction", PAYLOAD), f"{PAYLOAD}transaction")
        return {name: scalars.storable(value) for name, value in found.items()}

    def user_offer_id(self) -> UUID:
        """Return the wallet entry that the lookup code names. Refuses `unsupported_lookup_type`."""
        code = scalars.needed(self.payload, "offer_lookup_code", PAYLOAD)
        kind = scalars.needed(self.payload, "offer_lookup_type", PAYLOAD)
        if isinstance(kind, str) and kind.lower() == "ttlcode":
            transaction_id = scalars.text(
                scalars.needed(self.transaction(), "transaction_id", f"{PAYLOAD}transaction."),
                f"{PAYLOAD}transaction.transaction_id",
                most=64,
            )
            return offer_codes.use(
                retailer_id=self.retailer_id,
                code=scalars.text(code, f"{PAYLOAD}offer_lookup_code", most=20),
                place=offer_locks.place_of(self.store.uuid, transaction_id),
                now=self.now,
            )
        if not isinstance(kind, str) or kind.lower() != "userofferid":
            raise UnsupportedLookupType()
        return scalars.uuid(code, f"{PAYLOAD}offer_lookup_code")

    def shape(self, outcome: Outcome) -> dict[str, Any]:
        found = discount_shapes.discount(
            outcome.user_offer,
            shop=self.shop,
            status=self.status,
            culture=self.culture,
            amount=outcome.amount,
            parts=outcome.parts,
            stack_order=outcome.stack_order,
            applied_at=self.now,
        )
        if outcome.lock is not None:
            found["lock_expires_at"] = scalars.stamp(outcome.lock.expires_at)
        if outcome.warnings:
            found["warnings"] = list(outcome.warnings)
        return found


class Lock(TillView):
    """Lock an offer for a transaction: POST binds it or prices it anew; PATCH prices anew what it holds."""

    methods = ("POST", "PATCH")
    status = "LOCKED"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.operation = "lock.patch" if request.method == "PATCH" else "lock"  # type: ignore[misc]
        return super().dispatch(request, *args, **kwargs)

    def handle(self, **_: str) -> Any:
        outcome = offer_locks.lock(
            till=self.till(),
            user_offer_id=self.user_offer_id(),
            transaction=self.transaction(),
            now=self.now,
            existing_only=self.request.method == "PATCH",
        )
        return outcome.refusal or self.shape(outcome)


class Redeem(TillView):
    """Redeem an offer: at once, for good until it is reinstated."""

    operation = "redeem"
    status = "REDEEMED"

    def handle(self, **_: str) -> Any:
        outcome = offer_locks.redeem(
            till=self.till(), user_offer_id=self.user_offer_id(), transaction=self.transaction(), now=self.now
        )
        return self.shape(outcome)


class ByEmployee(PosView):
    """What unlock and reinstate share."""

    def user_offer_id(self) -> UUID:
        return scalars.uuid(scalars.needed(self.payload, "user_offer_id", PAYLOAD), f"{PAYLOAD}user_offer_id")

    def reason(self) -> str:
        """Return who at the till asked for it."""
        employee = self.payload.get("employee_id")
        return f"employee {scalars.text(employee, f'{PAYLOAD}employee_id', most=100)}" if employee else ""


class Unlock(ByEmployee):
    """Give up a lock: harmless when there is none."""

    operation = "unlock"

    def handle(self, **_: str) -> None:
        named = self.payload.get("transaction_id")
        self.reason()
        offer_locks.unlock(
            retailer_id=self.retailer_id,
            store_id=self.store.id,
            user_offer_id=self.user_offer_id(),
            transaction_id=scalars.text(named, f"{PAYLOAD}transaction_id", most=64) if named else None,
            now=self.now,
        )


class Reinstate(ByEmployee):
    """Give a redeemed offer back: it is issued again."""

    operation = "reinstate"

    def handle(self, **_: str) -> None:
        extend_to = self.payload.get("extend_to")
        entry = wallets.get(retailer_id=self.retailer_id, user_offer_id=self.user_offer_id())
        user_offers.reinstate(
            user_offer_id=entry.pk,
            actor=self.actor,
            now=self.now,
            extend_to=scalars.moment(extend_to, f"{PAYLOAD}extend_to", self.shop.zone) if extend_to else None,
            reason=self.reason(),
        )


class ManualRedeem(ConnectView):
    """Redeem by hand: an offer that staff hand over, without a basket."""

    scopes = ("pos", "offers.manage")
    writes = True

    def handle(self, **_: str) -> Any:
        location = self.body.get("location")
        entry = offer_locks.redeem_by_hand(
            retailer_id=self.retailer_id,
            user_offer_id=scalars.uuid(scalars.needed(self.body, "user_offer_id"), "user_offer_id"),
            location=scalars.text(location, "location", most=120) if location else "",
            actor=self.actor,
            now=self.now,
        )
        return discount_shapes.discount(entry, shop=self.shop, status="REDEEMED", culture=None, applied_at=self.now)


class NewCode(ConnectView):
    """Make a code for the till: it stands for a wallet entry for five minutes, for a customer's app to show."""

    scopes = ("offers.read", "offers.manage")
    writes = True

    def handle(self, **_: str) -> Any:
        wanted = scalars.uuid(scalars.needed(self.body, "user_offer_id"), "user_offer_id")
        entry = wallets.get(retailer_id=self.retailer_id, user_offer_id=wanted)
        made = offer_codes.make(user_offer=entry, now=self.now)
        return {
            "offer_lookup_code": made.code,
            "offer_lookup_type": "TTLCode",
            "user_offer_id": str(entry.uuid),
            "expires_at": scalars.stamp(made.expires_at),
        }


urlpatterns = [
    *at("offers/redemption/lock", "lock", view=Lock),
    *at("offers/redemption/unlock", "unlock", view=Unlock),
    *at("offers/redemption/redeem", "redeem", view=Redeem),
    *at("offers/redemption/reinstate", "reinstate", view=Reinstate),
    *at("offers/redemption/ttl_code", view=NewCode),
    *at("offers/redemption/manual_redeem", view=ManualRedeem),
]
