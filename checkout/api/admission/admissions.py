"""/admissions/*: what a checkout's server asks and tells of an admission, by its token (admission.md 4.2, 15, 17)."""

import re
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout.admission import claims, distributions, tokens
from checkout.admission.models import Admission
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
        return tokens.read(text=self.told("admission_token"), retailer_id=self.retailer_id)

    def shape(self, row: Admission) -> dict[str, Any]:
        """Return an admission as every call answers it."""
        found = Admission.objects.select_related("distribution", "consumer").get(pk=row.pk)
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
        }


class Validate(TokenView):
    def take_permit(self, request: HttpRequest) -> None:
        """A server may validate as much as it likes; one token is looked at so often only."""

    def post(self, request: HttpRequest) -> Any:
        """Ask whether an admission holds: always 200, `valid` and the reason where it is not. Changes nothing."""
        token, session = self.told("admission_token"), self.told("session", optional=True)
        shopper_limits.validation(request, token)
        try:
            row = tokens.read(text=token, retailer_id=self.retailer_id)
        except tokens.InvalidSignature:
            return {"valid": False, "reason": "invalid_signature" if token.count(".") == 3 else "malformed"}
        except tokens.UnknownAdmission:
            return {"valid": False, "reason": "unknown"}
        reason = self.elsewhere(row) or claims.reason(row, session=session or None, now=self.now)
        return {"valid": False, "reason": reason} if reason else {"valid": True, **self.shape(row)}

    def elsewhere(self, row: Admission) -> str:
        kind, ident = self.told("distribution_type", optional=True), self.told("distribution_id", optional=True)
        if (kind and kind != row.distribution.mechanism) or (ident and ident != str(row.distribution.uuid)):
            return "wrong_distribution"
        consumer = self.told("consumer_id", optional=True)
        return "wrong_consumer" if consumer and consumer != str(row.consumer.uuid) else ""


class Claim(TokenView):
    def post(self, request: HttpRequest) -> Any:
        """Bind an admission to a checkout session; the same session again changes nothing."""
        row = self.admission()
        return self.shape(claims.claim(admission_id=row.pk, session=self.told("session"), now=self.now))


class BeginPayment(TokenView):
    def post(self, request: HttpRequest) -> Any:
        """Announce a payment: what is held stays until two minutes after the end."""
        row = self.admission()
        return self.shape(claims.begin_payment(admission_id=row.pk, session=self.told("session"), now=self.now))


class PaymentFailed(TokenView):
    def post(self, request: HttpRequest) -> Any:
        """Report a decline; the fifth gives the place up."""
        row = self.admission()
        self.told("reason", optional=True)
        return self.shape(claims.payment_failed(admission_id=row.pk, now=self.now))


class Extend(TokenView):
    def post(self, request: HttpRequest) -> Any:
        """Give a claimed admission more time, where its distribution allows; the answer has a new token."""
        row = claims.extend(admission_id=self.admission().pk, now=self.now)
        return {**self.shape(row), "admission_token": tokens.token_of(row)}


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
        return self.shape(claims.release(admission_id=row.pk, now=self.now))


class Complete(TokenView):
    def post(self, request: HttpRequest) -> Any:
        """Use an admission up for an order, by `admission_token` or `admission_id`; the amount is a decimal text."""
        row = self.named() if "admission_id" in self.read_object() else self.admission()
        amount, currency = self.told("order_amount"), self.told("currency")
        if not money.is_amount(amount):
            raise InvalidPayload("order_amount should be a decimal text such as 12.50", field="order_amount")
        if not _CURRENCY.fullmatch(currency):
            raise InvalidPayload("currency should be three capital letters", field="currency")
        done = claims.complete(
            admission_id=row.pk,
            order_id=self.told("order_id"),
            amount=money.to_minor(Decimal(amount), currency),
            currency=currency,
            now=self.now,
        )
        return self.shape(done)

    def named(self) -> Admission:
        ident = distributions.as_uuid(self.told("admission_id"))
        found = Admission.objects.filter(retailer_id=self.retailer_id, uuid=ident).first()
        if found is None:
            raise tokens.UnknownAdmission()
        return found


urlpatterns = [
    path("admissions/validate", Validate.as_view()),
    path("admissions/claim", Claim.as_view()),
    path("admissions/begin_payment", BeginPayment.as_view()),
    path("admissions/payment_failed", PaymentFailed.as_view()),
    path("admissions/extend", Extend.as_view()),
    path("admissions/release", Release.as_view()),
    path("admissions/complete", Complete.as_view()),
]
