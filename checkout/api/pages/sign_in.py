"""Signing in to the shop and out of it: the session's id changes, and what belongs to the visit comes along or ends."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from checkout import carts, session_offers, shop_accounts
from checkout.api.common import limits, visit
from checkout.api.pages.storefront import page, whose_cart
from offers.lib import clock


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Ask who it is; the visit's cart and authorised codes come along, unless they were another customer's."""
    whose = whose_cart(request)
    if request.method != "POST":
        return page(request, whose, "shop/login.html", {})
    email, password = request.POST.get("email", "")[:254], request.POST.get("password", "")[:200]
    account = shop_accounts.signed_in(retailer_id=whose.retailer.pk, email=email, password=password)
    if account is None:
        try:
            limits.note_failed_login(request)
            alert = "There is no account with this email and password."
        except limits.TooManyRequests:
            alert = "Too many wrong passwords. Please try again in a minute."
        return page(request, whose, "shop/login.html", {"alert": alert, "typed": email.replace("\0", "")})
    if whose.customer and whose.customer != account.public_id:
        end(request)
    old = session_offers.fingerprint(visit.begun(request))
    request.session.cycle_key()
    new = session_offers.fingerprint(request.session.session_key or "")
    session_offers.move(old=old, new=new)
    carts.move(old=old, new=new)
    request.session[visit.CUSTOMER], request.session[visit.EMAIL] = account.public_id, account.email
    return redirect("shop")


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the visit: its codes and its cart's codes are over."""
    end(request)
    return redirect("shop")


def end(request: HttpRequest) -> None:
    """End what belongs to the visit. The goods stay in a new visit's cart; codes do not."""
    old, now = visit.fingerprint(request), clock.now()
    if old:
        session_offers.end_all(session_hash=old, now=now)
    request.session.flush()
    if old:
        carts.move(old=old, new=session_offers.fingerprint(visit.begun(request)))
        # At once: a widget may show the new visit the same code a moment later, which is then to be put on anew.
        whose = whose_cart(request)
        for message in carts.look(visit=whose, now=now).messages:
            carts.note(visit=whose, message=message, now=now)
