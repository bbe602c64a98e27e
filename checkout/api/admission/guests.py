"""/auth/*: guests and their tokens."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout.admission import consumers, signals
from checkout.api.admission.access import AdmissionView
from checkout.api.admission.schema import CONSUMER, PAGE
from checkout.api.common import shopper_limits
from offers.lib.errors import InvalidPayload


def shape(session: consumers.Session) -> dict[str, Any]:
    return {
        "consumer_id": str(session.consumer.uuid),
        "access_token": session.access_token,
        "refresh_token": session.refresh_token,
        "expires_at": session.expires_at,
    }


class Guest(AdmissionView):
    """Make a guest and his tokens."""

    who = {"POST": PAGE}

    def post(self, request: HttpRequest) -> Any:
        self.read_object()
        shopper_limits.guest(request)
        device = request.META.get("HTTP_X_FINGERPRINT", "")
        hashed = signals.device_hash(device)
        return 201, shape(consumers.guest(retailer_id=self.retailer_id, now=self.now, device_hash=hashed))


class Refresh(AdmissionView):
    """New tokens for a refresh token."""

    who = {"POST": PAGE}

    def post(self, request: HttpRequest) -> Any:
        token = self.read_object().get("refresh_token")
        if not isinstance(token, str):
            raise InvalidPayload("refresh_token should be a text", field="refresh_token")
        return shape(consumers.refresh(retailer_id=self.retailer_id, token=token, now=self.now))


class Logout(AdmissionView):
    """End all tokens of the consumer."""

    who = {"POST": CONSUMER}

    def post(self, request: HttpRequest) -> None:
        consumers.logout(consumer=self.consumer, now=self.now)


urlpatterns = [
    path("auth/guest", Guest.as_view()),
    path("auth/refresh", Refresh.as_view()),
    path("auth/logout", Logout.as_view()),
]
