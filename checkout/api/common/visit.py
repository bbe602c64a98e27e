"""The visit behind a request: the browser's session, what stands for it outside, and its signed-in shopper."""

from django.http import HttpRequest

from checkout import session_offers, storefronts
from checkout.cart_prices import Visit
from offers.models import Retailer

CUSTOMER = "shop_customer"  # source_id of the shopper who is signed in
EMAIL = "shop_email"
PREFETCH = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE")


def key_of(request: HttpRequest) -> str:
    """Return the id of a session that existed before this request, "" for none."""
    request.session.get(CUSTOMER)  # reads it: an id that nothing is stored under is dropped
    return request.session.session_key or ""


def begun(request: HttpRequest) -> str:
    """Return the session's id, after beginning one if need be."""
    if not key_of(request):
        request.session.create()
    return request.session.session_key or ""


def fingerprint(request: HttpRequest) -> str:
    """Return the fingerprint of the visit, "" where there is none yet."""
    key = key_of(request)
    return session_offers.fingerprint(key) if key else ""


def customer_key(request: HttpRequest) -> str:
    """Return the signed-in shopper's id in the shop, "" for a guest."""
    return str(request.session.get(CUSTOMER) or "")


def retailer(request: HttpRequest) -> Retailer:
    """Return whose shop this is, by the host name. Refuses `not_found`."""
    return storefronts.retailer_of(request.get_host())


def is_prefetch(request: HttpRequest) -> bool:
    """Whether a browser only looks ahead: nothing may happen then."""
    return any("prefetch" in request.META.get(header, "").lower() for header in PREFETCH)


def is_cross_site(request: HttpRequest) -> bool:
    """Whether another site made the browser send this."""
    return bool(request.META.get("HTTP_SEC_FETCH_SITE") == "cross-site")


def is_same_origin(request: HttpRequest) -> bool:
    """Whether the browser says that a page of this very origin sent it."""
    own = f"{request.scheme}://{request.get_host()}"
    if request.META.get("HTTP_SEC_FETCH_SITE") == "same-origin":
        return True
    origin = request.META.get("HTTP_ORIGIN")
    return bool(origin == own if origin else request.META.get("HTTP_REFERER", "").startswith(f"{own}/"))


def of(request: HttpRequest, *, retailer: int, begin: bool = False) -> Visit:
    """Return the visit as carts know it; with `begin` there is a session from now on."""
    if begin:
        begun(request)
    return Visit(
        retailer=Retailer.objects.get(pk=retailer),
        session_hash=fingerprint(request),
        customer=customer_key(request),
        email=str(request.session.get(EMAIL) or ""),
    )
