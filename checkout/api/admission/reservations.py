"""/reservations: stock that a checkout's server keeps for an admission (admission.md 7, 15)."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout.admission import distributions, reservations
from checkout.admission.models import Reservation
from checkout.api.admission.access import AdmissionView
from checkout.api.admission.admissions import TokenView
from checkout.api.admission.schema import SERVER
from offers.lib.errors import InvalidPayload


class Reservations(TokenView):
    def post(self, request: HttpRequest) -> Any:
        """Keep units of a product for an admission, until it ends; again it is the same reservation."""
        quantity = self.read_object().get("quantity", 1)
        if isinstance(quantity, bool) or not isinstance(quantity, int) or quantity < 1:
            raise InvalidPayload("quantity should be a whole number from 1", field="quantity")
        row, is_new = reservations.reserve(
            admission_id=self.admission().pk,
            sku=self.told("sku"),
            quantity=quantity,
            session=self.told("session", optional=True) or None,
            now=self.now,
        )
        if is_new:
            return 201, shape(self, row)
        return shape(self, row)


class One(AdmissionView):
    """What a reservation keeps and how it stands; giving it back."""

    who = {"GET": SERVER, "DELETE": SERVER}

    def get(self, request: HttpRequest, ident: str) -> Any:
        """Read how a reservation stands."""
        return shape(self, self.named(ident))

    def delete(self, request: HttpRequest, ident: str) -> Any:
        """Give the units back at once; a second time changes nothing."""
        return shape(self, reservations.give_back(reservation=self.named(ident), now=self.now))

    def named(self, ident: str) -> Reservation:
        return reservations.find(retailer_id=self.retailer_id, uuid=distributions.as_uuid(ident))


def shape(view: AdmissionView, row: Reservation) -> dict[str, Any]:
    """Return a reservation as every call answers it."""
    return {
        "id": str(row.uuid),
        "state": reservations.state_of(row, view.now),
        "expires_at": row.admission.expires_at,
        "admission_id": str(row.admission.uuid),
        "sku": row.variant.sku,
        "quantity": row.quantity,
        "server_time": view.now,
    }


urlpatterns = [path("reservations", Reservations.as_view()), path("reservations/<ident>", One.as_view())]
