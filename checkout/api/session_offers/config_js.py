"""/session-offers/config.js: tells a page's widget where to report, which prefix, and what stands for its visit."""

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET

from checkout import session_offers
from checkout.api.common import visit
from offers.lib.errors import NotFound
from offers.models import Channel

AUTHORIZE, APPLY = "/session-offers/authorize?code=%c", "/session-offers/apply?code=%c"


@require_GET
def config(request: HttpRequest) -> HttpResponse:
    """Print the integration variables; a visit begins here if it had not begun."""
    try:
        shop = visit.retailer(request)
    except NotFound:
        return HttpResponse("// no shop has this host name\n", status=404, content_type="text/javascript")
    channel = Channel.objects.filter(retailer=shop).order_by("pk").first()
    said = {
        "sessionOfferUrl": AUTHORIZE,
        "applyToCartUrl": APPLY,
        "channelPrefix": channel.prefix if channel else "",
        "sessionFingerprint": session_offers.fingerprint(visit.begun(request)),
    }
    lines = [f"var {name} = {orjson.dumps(value).decode()};" for name, value in said.items()]
    response = HttpResponse("\n".join(lines) + "\n", content_type="text/javascript")
    response["Cache-Control"] = "no-store, private"
    response["Vary"] = "Cookie"
    return response


urlpatterns = [path("config.js", config)]
