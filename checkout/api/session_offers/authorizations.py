"""/session-offers/v1/authorizations: what this visit may use, and giving one up."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout import session_offers
from checkout.api.common import visit
from checkout.api.session_offers.access import SessionOffersView
from checkout.api.session_offers.schema import SCRIPT


class Authorizations(SessionOffersView):
    """The authorised codes of the browser's own session, with their expiry."""

    who = SCRIPT

    def get(self, request: HttpRequest) -> Any:
        held = session_offers.authorized(
            retailer_id=self.retailer_id, session_hash=visit.fingerprint(request), now=self.now
        )
        return {"data": [session_offers.details(one, self.now) for one in held]}


class OneAuthorization(SessionOffersView):
    """One code of the browser's own session."""

    who = SCRIPT

    def delete(self, request: HttpRequest, code: str) -> None:
        session_offers.give_up(
            retailer_id=self.retailer_id, session_hash=visit.fingerprint(request), code=code, now=self.now
        )


urlpatterns = [
    path("v1/authorizations", Authorizations.as_view()),
    path("v1/authorizations/<str:code>", OneAuthorization.as_view()),
]
