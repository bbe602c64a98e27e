"""DELETE /v1/vouchers/{code}/sessions/{key}: give back what a session holds on a voucher."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout import sessions
from checkout.api.common.lean import LeanView


class VoucherSession(LeanView):
    """Release a validation session: 204; 404 for an unknown voucher or a session that is not there any more."""

    scope = "validations"
    cached_credentials = True

    def delete(self, request: HttpRequest, code: str, key: str) -> Any:
        sessions.release(
            retailer_id=self.retailer_id,
            voucher_code=code,
            key=key,
            actor=self.actor,
            now=self.now,
            version=self.credential.version,
            confirm=self.confirm,
        )


urlpatterns = [path("vouchers/<code:code>/sessions/<code:key>", VoucherSession.as_view())]
