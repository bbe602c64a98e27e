"""Every address under /session-offers, one list per resource."""

from checkout.api.session_offers import apply, authorizations, authorize, carts, config_js

urlpatterns = [
    *authorize.urlpatterns,
    *authorizations.urlpatterns,
    *carts.urlpatterns,
    *apply.urlpatterns,
    *config_js.urlpatterns,
]
