"""Every address under /client/v1: what a browser may ask directly."""

from django.urls import path

from checkout.api.voucherify import promotion_validations, single
from checkout.api.voucherify.redemptions import Redemptions
from checkout.api.voucherify.validations import Validations


class BrowserRedemptions(Redemptions):
    """Redeem from the shop's page: no history here."""

    get = None  # type: ignore[assignment]


urlpatterns = [
    path("validations", Validations.as_view()),
    path("redemptions", BrowserRedemptions.as_view()),
    *single.client_urlpatterns,
    *promotion_validations.client_urlpatterns,
]
