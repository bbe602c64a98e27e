"""/orders: the hook by which an external shop's server tells, signed, that an order was paid or cancelled."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path

from checkout.admission import meant, order_hook
from checkout.api.admission.admissions import TokenView
from checkout.api.admission.schema import SIGNED
from checkout.api.common import limits, parse
from checkout.api.common.views import MethodRefused
from offers.lib.errors import InvalidPayload

STATUSES = ("paid", "cancelled")


class Orders(TokenView):
    who = {"POST": SIGNED}

    def run(self, request: HttpRequest, method: str, kwargs: dict[str, Any]) -> HttpResponse:
        if method != "POST":
            raise MethodRefused(allow=self.allowed())
        return self.respond(self.post, kwargs)

    def post(self, request: HttpRequest) -> Any:
        """Tell what became of an order: `status` paid completes its admission, cancelled gives it up.

        Signed: `Offerkeep-Signature: t=<Unix second>,v1=<hex HMAC-SHA256(secret, t + "." + body)>`, five minutes at
        most. `?organization=` names the retailer; without it, the admission does. The same order told again is the
        first answer. `amount` and `currency` only matter where it was paid.
        """
        retailer_id = self.signed_for()
        order_id, status = self.told("id"), self.told("status")
        if status not in STATUSES:
            raise InvalidPayload(f"status should be one of {', '.join(STATUSES)}", field="status")
        row = meant.by_id(retailer_id=retailer_id, uuid=self.told("admission_id"))
        if status == "cancelled":
            return self.shape(order_hook.cancelled(admission_id=row.pk, order_id=order_id, now=self.now))
        self.told("amount")
        amount, currency = self.price(row.distribution.currency)
        done = order_hook.paid(admission_id=row.pk, order_id=order_id, amount=amount, currency=currency, now=self.now)
        return self.shape(done)

    def signed_for(self) -> int:
        """Return the retailer that signed the body's bytes, before anything of it counts. Refuses invalid_signature."""
        named = self.request.GET.get("organization")
        try:
            if named is not None and not parse.is_ident(named):
                raise order_hook.HookRefused()
            return order_hook.retailer_of(
                signature=self.request.META.get("HTTP_OFFERKEEP_SIGNATURE", ""),
                body=self.raw_body(),
                organization=named,
                now=self.now,
            )
        except order_hook.HookRefused:
            limits.note_failed_login(self.request)
            raise


urlpatterns = [path("orders", Orders.as_view())]
