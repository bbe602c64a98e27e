"""Mounts everything: the only list of addresses."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerView

from checkout.api.common import schema

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}favicon.svg")),
    path("admin/", admin.site.urls),
    path("shop/", include("checkout.api.pages.urls")),
    path("v1/", include("checkout.api.voucherify.urls")),
    path("client/v1/", include("checkout.api.voucherify.client_urls")),
    path("", include("checkout.api.sessionm.urls")),
    path("admission/v1/", include("checkout.api.admission.urls")),
    path("session-offers/", include("checkout.api.session_offers.urls")),
    path("openapi.json", schema.document, name="openapi"),
    path("docs", SpectacularSwaggerView.as_view(url_name="openapi", template_name="docs.html"), name="docs"),
]
