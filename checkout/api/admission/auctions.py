"""/auctions/*: what is sold, bidding, one's own status, and settling."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout.admission import auctions, distributions, entering
from checkout.admission.models import Distribution, Entry
from checkout.api.admission.mechanisms import BoundComplete, BoundValidate, MechanismView
from checkout.api.admission.schema import CONSUMER, PAGE, SERVER
from checkout.api.common import entrance, shopper_limits
from offers.lib.errors import InvalidPayload


class AuctionView(MechanismView):
    mechanism = Distribution.Mechanism.AUCTION


class Auction(AuctionView):
    """What is sold, until when, and the least bid; amounts are decimal texts."""

    who = {"GET": PAGE}

    def get(self, request: HttpRequest, ident: str) -> Any:
        row = self.named(ident)
        told = auctions.details(row, None)
        return {
            **self.facts(row),
            "settle_at": row.settle_at,
            "currency": row.currency,
            "start_price": auctions.text(row.start_price, row.currency),
            "min_bid_increment": auctions.text(row.min_bid_increment, row.currency),
            "highest_bid": told["highest_bid"],
            "least_bid": told["least_bid"],
            "quantity": row.quantity,
            "auto_extend_seconds": row.auto_extend_seconds,
        }


class Bid(AuctionView):
    """Bid, as a decimal text such as "10.00"; answers the status document.

    The first bid brings the `access_code` where the launch asks for one; without it 403 needs_access_code.
    """

    who = {"POST": CONSUMER}

    def post(self, request: HttpRequest, ident: str) -> Any:
        auction = self.named(ident)
        body = self.read_object()
        amount = body.get("amount")
        if not isinstance(amount, str):
            raise InvalidPayload('amount should be a decimal text such as "10.00"', field="amount")
        minor = auctions.in_minor(amount, auction.currency)
        shopper_limits.bid(request, self.consumer.pk)
        entering.check_gate(self.gate(auction, body))
        if not Entry.objects.filter(distribution=auction, consumer=self.consumer).exists():
            entrance.check(request, auction, self.consumer, proof=body.get("challenge"), now=self.now)
        standing = auctions.bid(auction=auction, consumer=self.consumer, amount=minor, now=self.now)
        return self.answer(standing, self.consumer)


class Status(AuctionView):
    """One's own status document; the token stands in it once one has won."""

    who = {"GET": CONSUMER}

    def get(self, request: HttpRequest, ident: str) -> Any:
        auction = self.named(ident)
        standing = auctions.stand(auction=auction, consumer_id=self.consumer.pk, now=self.now)
        return self.polled(standing, self.consumer)


class HighestBid(AuctionView):
    """The highest bid so far, as a decimal text; null for none."""

    who = {"GET": PAGE}

    def get(self, request: HttpRequest, ident: str) -> Any:
        row = self.named(ident)
        return {
            "amount": auctions.text(auctions.highest(row), row.currency),
            "currency": row.currency,
            "close_at": row.close_at,
        }


class Settle(AuctionView):
    """Settle now; a second time changes nothing."""

    who = {"POST": SERVER}

    def post(self, request: HttpRequest, ident: str) -> Any:
        row = self.named(ident)
        self.read_object()
        auctions.settle(auction=row, now=self.now, actor=self.actor)
        return {
            "id": str(row.uuid),
            "state": distributions.state_of(row, self.now),
            "highest_bid": auctions.text(auctions.highest(row), row.currency),
        }


class Validate(BoundValidate):
    mechanism = Distribution.Mechanism.AUCTION


class Complete(BoundComplete):
    mechanism = Distribution.Mechanism.AUCTION


urlpatterns = [
    path("auctions/<ident>", Auction.as_view()),
    path("auctions/<ident>/bid", Bid.as_view()),
    path("auctions/<ident>/status", Status.as_view()),
    path("auctions/<ident>/highest-bid", HighestBid.as_view()),
    path("auctions/<ident>/settle", Settle.as_view()),
    path("auctions/<ident>/validate", Validate.as_view()),
    path("auctions/<ident>/complete", Complete.as_view()),
]
