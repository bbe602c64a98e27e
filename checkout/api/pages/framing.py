"""Which other origins a checkout may be handed to, or framed by: those the retailer listed, exactly."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from checkout.admission import handoffs
from offers.models import Retailer

NOBODY = "frame-ancestors 'none'"


def own_origin(request: HttpRequest) -> str:
    return handoffs.origin_of(request.build_absolute_uri("/"))


def allowed_origins(retailer: Retailer) -> list[str]:
    """Return the retailer's return origins; what is not an exact origin on its list is none."""
    return handoffs.allowed_origins(retailer.settings)


def policy(response: HttpResponse, retailer: Retailer | None, *, scripts: str = "") -> HttpResponse:
    """Let the retailer's origins frame the page and be framed by it, and nobody else.

    `scripts` are origins whose script, frames and calls the page needs, one challenge's provider.
    """
    listed = " ".join(allowed_origins(retailer)) if retailer else ""
    ours = settings.CONTENT_SECURITY_POLICY
    assert NOBODY in ours, "the site's policy changed: who may frame a checkout has to be said anew"
    ours = ours.replace(NOBODY, f"frame-ancestors 'self' {listed}; frame-src 'self' {listed} {scripts}".rstrip())
    if scripts:
        ours = ours.replace("script-src", f"script-src {scripts}") + f"; connect-src 'self' {scripts}"
    response["Content-Security-Policy"] = ours
    response.xframe_options_exempt = True  # frame-ancestors says it exactly
    return response
