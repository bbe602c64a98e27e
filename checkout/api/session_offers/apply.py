"""/session-offers/apply: the target of `applyToCartUrl`; puts a code on the cart and leads to the cart page."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.views.decorators.http import require_GET

from checkout import carts
from checkout.api.common import code_tries, visit
from offers.lib import clock
from offers.lib.errors import NotFound

CART = "/shop/cart/"


@require_GET
def apply(request: HttpRequest) -> HttpResponse:
    """Judge a code exactly as one that is typed, after its grant if one comes along; always on to the cart."""
    try:
        shop = visit.retailer(request)
    except NotFound:
        return HttpResponse("no shop has this host name\n", status=404, content_type="text/plain")
    if not visit.is_prefetch(request) and not visit.is_cross_site(request):
        whose, now = visit.of(request, retailer=shop.pk, begin=True), clock.now()
        code, grant = request.GET.get("code", ""), request.GET.get("grant")
        said = code_tries.put_on(request, whose=whose, code=code, grant=grant, now=now)
        carts.note(visit=whose, message=said, now=now)
    response = HttpResponseRedirect(CART)
    response["Cache-Control"] = "no-store, private"
    return response


urlpatterns = [path("apply", apply)]
