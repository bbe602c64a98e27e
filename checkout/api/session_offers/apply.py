"""/session-offers/apply: the target of `applyToCartUrl`; puts a code on the cart and leads to the cart page."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.views.decorators.http import require_GET

from checkout import carts, code_words, session_offers
from checkout.api.session_offers import visit
from checkout.cart_prices import Visit
from offers.lib import clock
from offers.lib.errors import NotFound, Refusal

CART = "/shop/cart/"
DONE = "Your code was applied."


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
        carts.note(visit=whose, message=put_on(whose, code, grant), now=now)
    response = HttpResponseRedirect(CART)
    response["Cache-Control"] = "no-store, private"
    return response


def put_on(whose: Visit, code: str, grant: str | None = None) -> str:
    """Put a code on a visit's cart; return what to tell the shopper."""
    now = clock.now()
    try:
        with transaction.atomic():
            if grant:
                session_offers.authorize(
                    retailer_id=whose.retailer.pk,
                    session_hash=whose.session_hash,
                    code=code,
                    grant=grant,
                    customer_key=whose.customer,
                    now=now,
                )
            carts.add_code(visit=whose, code=code, now=now)
    except Refusal as refusal:
        if refusal.code in {"code_not_authorized", "grant_invalid"}:
            session_offers.note_refusal(
                retailer_id=whose.retailer.pk, session_hash=whose.session_hash, code=code, now=now
            )
            return code_words.NOT_HERE
        return code_words.plain(refusal)
    return DONE


urlpatterns = [path("apply", apply)]
