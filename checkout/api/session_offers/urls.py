"""Every address under /session-offers, one list per resource."""

from checkout.api.session_offers import authorizations, authorize, config_js

urlpatterns = [*authorize.urlpatterns, *authorizations.urlpatterns, *config_js.urlpatterns]
