"""/admissions/*: what a checkout's server asks and tells of an admission, by its token (admission.md 4.2, 15, 17)."""

import re
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout.admission import claims, distributions, meant, tokens
from checkout.admission.models import Admission, Distribution
from checkout.api.admission.access import AdmissionView
from checkout.api.admission.schema import CONSUMER, SERVER
from checkout.api.common import keys, parse, shopper_limits
from offers.lib import money
from offers.lib.errors import InvalidPayload

_CURRENCY = re.compile(r"[A-Z]{3}")
_LONGEST = 255


class TokenView(AdmissionView):
    """Base: reads texts of the body, and the admission that the token names."""

    who = {"POST": SERVER}

    def told(self, name: str, *, optional: bool = False) -> str:
        value = self.read_object().get(name)
        if value is None and optional:
            return ""
        if not isinstance(value, str) or not 0 < len(value) <= (4096 if name == "admission_token" else _LONGEST):
            raise InvalidPayload(f"{name} should be a text", field=name)
        if name != "admission_token" and not parse.is_ident(value):  # a token is longer; its own reader judges it
            raise InvalidPayload(f"{name} is not readable", field=name)
        return value

    def admission(self) -> Admission:
        """Return the admission that the token names, if it is for what else the body says."""
        row = tokens.read(text=self.told("admission_token"), retailer_id=self.retailer_id, now=self.now)
        meant.check(row, **self.meaning(), sku=self.told("sku", optional=True))
        return row

    def meaning(self) -> dict[str, str]:
        """Return which distribution and consumer the body says the admission is for."""
        return {
            "kind": self.told("distribution_type", optional=True),
            "distribution": self.told("distribution_id", optional=True),
            "consumer": self.told("consumer_id", optional=True),
        }

    def validated(self, bound: Distribution | None = None) -> dict[str, Any]:
        """Return whether the admission of the token holds, of `bound` where one is given."""
        token, session = self.told("admission_token"), self.told("session", optional=True)
        shopper_limits.validation(self.request, token)
        try:
            row = tokens.read(text=token, retailer_id=self.retailer_id, now=self.now)
        except tokens.InvalidSignature:
            return {"valid": False, "reason": "invalid_signature" if token.count(".") == 3 else "malformed"}
        except tokens.UnknownAdmission:
            return {"valid": False, "reason": "unknown"}
        reason = meant.mismatch(row, **self.meaning())
        if bound is not None and row.distribution_id != bound.pk:
            reason = meant.WrongDistribution.code
        reason = reason or claims.reason(row, session=session or None, now=self.now)
        return {"valid": False, "reason": reason} if reason else {"valid": True, **self.shape(row)}

    def completed(self, bound: Distribution | None = None) -> dict[str, Any]:
        """Complete the admission that the body names, of `bound` where one is given."""
        body, order_id = self.read_object(), self.told("order_id")
        if body.get("admission_id") is not None:
            row = self.named()
        elif body.get("admission_token") is None and "consumer_id" in body:
            row = self.of_consumer(bound, order_id)
        else:
            row = self.admission()
        if bound is not None and row.distribution_id != bound.pk:
            raise meant.WrongDistribution()
        amount, currency = self.price(row.distribution.currency)
        done = claims.complete(admission_id=row.pk, order_id=order_id, amount=amount, currency=currency, now=self.now)
        return self.shape(done)

    def named(self) -> Admission:
        row = meant.by_id(retailer_id=self.retailer_id, uuid=self.told("admission_id"))
        meant.check(row, **self.meaning())
        return row

    def of_consumer(self, bound: Distribution | None, order_id: str) -> Admission:
        """Return the admission in the public integration's words: distribution (id and type) and consumer."""
        named = self.meaning()
        if bound is None:
            bound = distributions.find(retailer_id=self.retailer_id, uuid=self.told("distribution_id"), drafts=True)
        row = meant.of_order(distribution=bound, consumer=self.told("consumer_id"), order_id=order_id)
        meant.check(row, **named)
        return row

    def price(self, usual: str) -> tuple[int, str]:
        """Return what the order cost; in the public integration's words `amount`, in the distribution's currency."""
        short = "amount" in self.read_object()
        name = "amount" if short else "order_amount"
        amount, currency = self.told(name), self.told("currency", optional=short) or usual
        if not money.is_amount(amount):
            raise InvalidPayload(f"{name} should be a decimal text such as 12.50", field=name)
        if not _CURRENCY.fullmatch(currency):
            raise InvalidPayload("currency should be three capital letters", field="currency")
        return money.to_minor(Decimal(amount), currency), currency

    def shape(self, row: Admission) -> dict[str, Any]:
        """Return an admission as every call answers it."""
        found = Admission.objects.select_related("distribution__sequence__experience", "consumer").get(pk=row.pk)
        return {
            "admission_id": str(found.uuid),
            "consumer_id": str(found.consumer.uuid),
            "distribution": {"type": found.distribution.mechanism, "id": str(found.distribution.uuid)},
            "state": found.state,
            "expires_at": found.expires_at,
            "seconds_left": max(0, int((found.expires_at - self.now).total_seconds())),
            "server_time": self.now,
            "limits": {"quantity": found.quantity, "sku": found.sku or None},
            "amount": None if found.amount is None else money.text(found.amount, found.currency),
            "order_id": found.order_id or None,
            "when_unknown": found.distribution.sequence.experience.when_unknown,
        }


class Validate(TokenView):
    def take_permit(self, request: HttpRequest) -> None:
        """A server may validate as much as it likes; one token is looked at so often only."""

    def post(self, request: HttpRequest) -> Any:
        """Ask whether an admission holds: always 200, `valid` and the reason where it is not. Changes nothing."""
        return self.validated()


class Claim(TokenView):
    def post(self, request: HttpRequest) -> Any:
        """Bind an admission to a checkout session; the same session again changes nothing."""
        row = self.admission()
        return self.shape(claims.claim(admission_id=row.pk, session=self.told("session"), now=self.now))


class BeginPayment(TokenView):
    def post(self, request: HttpRequest) -> Any:
        """Announce a payment: what is held stays until two minutes after the end.

        Announced again it is the same one. Several may be under way at once, each under a `payment_id`, the checkout's
        own name of it; all without one are the same payment.
        """
        row, session, payment = self.admission(), self.told("session"), self.told("payment_id", optional=True)
        return self.shape(claims.begin_payment(admission_id=row.pk, session=session, payment=payment, now=self.now))


class PaymentFailed(TokenView):
    def post(self, request: HttpRequest) -> Any:
        """Report a decline; the fifth gives the place up, once no other payment is under way.

        It ends the payment of this `payment_id`, or the one announced without. A decline told again counts once if it
        has a `payment_id`.
        """
        row, payment = self.admission(), self.told("payment_id", optional=True)
        self.told("reason", optional=True)
        return self.shape(claims.payment_failed(admission_id=row.pk, payment=payment, now=self.now))


class Extend(TokenView):
    def post(self, request: HttpRequest) -> Any:
        """Give a claimed admission more time, where its distribution allows; the answer has a new token."""
        row = claims.extend(admission_id=self.admission().pk, now=self.now)
        return {**self.shape(row), "admission_token": tokens.token_of(row, now=self.now)}


class Release(TokenView):
    who = {"POST": CONSUMER}

    def run(self, request: HttpRequest, method: str, kwargs: dict[str, Any]) -> Any:
        # A server with its secret key, or the consumer whose admission it is.
        self.who = {"POST": SERVER if (keys.bearer(request) or "").startswith("sk_") else CONSUMER}  # type: ignore[misc]
        return super().run(request, method, kwargs)

    def post(self, request: HttpRequest) -> Any:
        """Give an admission up at once, by the server or by its own consumer."""
        row = self.admission()
        if self.who["POST"] != SERVER and row.consumer_id != self.consumer.pk:
            raise tokens.UnknownAdmission()
        by_shopper = self.who["POST"] != SERVER
        return self.shape(claims.release(admission_id=row.pk, now=self.now, by_shopper=by_shopper))


class Complete(TokenView):
    def post(self, request: HttpRequest) -> Any:
        """Use an admission up for an order; the amount is a decimal text.

        It is named by `admission_token`, by `admission_id`, or by `distribution_id`, `distribution_type` and
        `consumer_id`, with the `amount` of the order instead of `order_amount` and `currency`.
        """
        return self.completed()


urlpatterns = [
    path("admissions/validate", Validate.as_view()),
    path("admissions/claim", Claim.as_view()),
    path("admissions/begin_payment", BeginPayment.as_view()),
    path("admissions/payment_failed", PaymentFailed.as_view()),
    path("admissions/extend", Extend.as_view()),
    path("admissions/release", Release.as_view()),
    path("admissions/complete", Complete.as_view()),
]
