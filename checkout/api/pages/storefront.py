"""The shop's products and cart: plain pages and forms; every sum and every word on a code comes from the verbs."""

from contextlib import suppress
from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from checkout import cart_orders, cart_prices, carts, code_entry, code_words, showcase
from checkout.admission.distributions import state_of
from checkout.admission.models import Distribution
from checkout.api.common import code_tries, visit
from checkout.api.pages import art
from checkout.api.pages.shopper import private
from checkout.cart_prices import Visit
from offers import stock
from offers.lib import clock, money
from offers.lib.errors import NotFound, Refusal
from offers.models import Sku

TOLD = "shop_told"
SHOWN = 60


@require_GET
def products(request: HttpRequest) -> HttpResponse:
    """Show what is on sale; the page itself holds no code, its widget asks for what this visit may see."""
    whose = whose_cart(request, begin=True)
    rows = Sku.objects.filter(retailer=whose.retailer, sku__isnull=False).select_related("product").order_by("-pk")
    sold = [row for row in rows[: SHOWN * 3] if row.sku and cart_prices.price_of(row) is not None][:SHOWN]
    figures = stock.figures_of(skus=[row.pk for row in sold], now=clock.now())
    left = {row.pk: figures[row.pk].available for row in sold}
    # A variant that is sold out is not shown beside one that can be bought; what can be bought comes first.
    buyable = {row.product_id for row in sold if left[row.pk]}
    sold = [row for row in sold if left[row.pk] or row.product_id not in buyable]
    launches = _launches(whose, [row.sku or "" for row in sold if not left[row.pk]])
    shown = [_shown(row, left[row.pk], whose, launches) for row in sold]
    shown.sort(key=lambda one: not one["available"])
    return page(request, whose, "shop/store.html", {"products": shown, "notes": told(request).get("notes", [])})


@require_GET
def product(request: HttpRequest, sku: str) -> HttpResponse:
    """Show one product."""
    whose = whose_cart(request)
    try:
        row = stock.find(retailer_id=whose.retailer.pk, sku=sku)
    except NotFound:
        raise Http404 from None
    left = stock.figures(sku=row, now=clock.now()).available
    launches = {} if left else _launches(whose, [row.sku or ""])
    context = {"one": _shown(row, left, whose, launches), "notes": told(request).get("notes", [])}
    return page(request, whose, "shop/product.html", context)


@require_GET
def offers(request: HttpRequest) -> HttpResponse:
    """Tell the widget what to show to this visit, decided by its cart as the server knows it."""
    whose, now = whose_cart(request), clock.now()
    if not whose.session_hash or visit.is_cross_site(request):
        return private(JsonResponse({"data": []}))
    shown = showcase.present(
        retailer_id=whose.retailer.pk,
        session_hash=whose.session_hash,
        cart_total=carts.subtotal(visit=whose, now=now),
        customer_key=whose.customer,
        now=now,
    )
    data = [{"code": one.code, "grant": one.grant, "title": one.title, "text": one.text} for one in shown]
    return private(JsonResponse({"data": data}))


@require_GET
def cart(request: HttpRequest) -> HttpResponse:
    """Show the cart, or thanks for the order just placed."""
    whose, kept = whose_cart(request), told(request)
    priced = carts.look(visit=whose, now=clock.now())
    currency = whose.retailer.currency

    def amount(minor: int) -> str:
        return money.text(minor, currency)

    paid = sum(card.pays for card in priced.cards)
    refused = [one for one in priced.messages if one == code_words.NOT_HERE]
    context = {
        "items": [
            {
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "price": amount(line.price),
                "amount": amount(line.amount),
                "art": art.of(line.name),
                "tint": art.tint(line.name),
            }
            for line in priced.lines
        ],
        "codes": [code for code in priced.codes if code not in {card.code for card in priced.cards}],
        "cards": [
            {"code": card.code, "pays": amount(card.pays), "left": amount(card.left) if card.left else ""}
            for card in priced.cards
        ],
        "subtotal": amount(priced.subtotal),
        "discount": amount(priced.discount - paid) if priced.discount > paid else "",
        "paid": amount(paid) if paid else "",
        "shipping": amount(priced.shipping) if priced.shipping else "",
        "total": amount(priced.total),
        "minor": priced.total,
        "notes": [*kept.get("notes", []), *(one for one in priced.messages if one not in refused)],
        "alert": kept.get("alert") or next(iter(refused), ""),
        "typed": kept.get("typed", ""),
        "typed_card": kept.get("typed_card", ""),
        "placed": kept.get("placed"),
    }
    return page(request, whose, "shop/cart.html", context)


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Put one into the cart, or take some out."""
    whose = whose_cart(request, begin=True)
    sku, quantity = request.POST.get("sku", ""), request.POST.get("quantity", "1")
    number = int(quantity) if quantity.lstrip("-").isdecimal() and len(quantity) < 4 else 1
    try:
        carts.add(visit=whose, sku=sku, quantity=number or 1, now=clock.now())
    except Refusal as refusal:
        tell(request, alert=code_words.plain(refusal))
    return redirect("shop-cart")


@require_POST
def code(request: HttpRequest) -> HttpResponse:
    """Put a typed code or gift card on the cart: a card is a code as well, and each field takes either."""
    whose = whose_cart(request, begin=True)
    field = "gift_card" if "gift_card" in request.POST else "code"
    typed = request.POST.get(field, "")
    said = code_tries.put_on(request, whose=whose, code=typed, now=clock.now())
    if said == code_entry.DONE:
        tell(request, notes=[said if field == "code" else "Your gift card is used for this order."])
    else:
        kept = {"code": "typed", "gift_card": "typed_card"}[field]
        tell(request, alert=said, **{kept: typed[:64].replace("\0", "")})
    return redirect("shop-cart")


@require_POST
def uncode(request: HttpRequest) -> HttpResponse:
    """Take a code off the cart."""
    with suppress(Refusal):  # it is off already
        carts.remove_code(visit=whose_cart(request), code=request.POST.get("code", ""), now=clock.now())
    return redirect("shop-cart")


@require_POST
def order(request: HttpRequest) -> HttpResponse:
    """Order for the total the page showed; another total is shown first."""
    whose, total = whose_cart(request), request.POST.get("total", "")
    try:
        asked = int(total) if total.isdecimal() and len(total) < 16 else -1
        ident, paid = cart_orders.place(visit=whose, total=asked, now=clock.now())
    except Refusal as refusal:
        tell(request, alert=refusal.message)
    else:
        tell(request, placed={"id": ident, "total": money.text(paid, whose.retailer.currency)})
    return redirect("shop-cart")


def whose_cart(request: HttpRequest, *, begin: bool = False) -> Visit:
    """Return the visit behind a page. A host name without a shop has no pages."""
    try:
        return visit.of(request, retailer=visit.retailer(request).pk, begin=begin)
    except NotFound:
        raise Http404 from None


def page(request: HttpRequest, whose: Visit, name: str, context: dict[str, Any]) -> HttpResponse:
    common = {"currency": whose.retailer.currency, "email": whose.email, "in_cart": carts.count(visit=whose)}
    return private(render(request, name, {**common, **context}))


def tell(request: HttpRequest, **said: Any) -> None:
    """Keep what the next page says once."""
    request.session[TOLD] = said


def told(request: HttpRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.session.pop(TOLD, None) or {} if TOLD in request.session else {}
    return found


def _launches(whose: Visit, skus: list[str]) -> dict[str, str]:
    """Return where to go for what is not on the shelf because a launch sells it: sku -> address, the latest one."""
    rows = Distribution.objects.filter(retailer=whose.retailer, published=True, sku__in=skus).order_by("pk")
    now, coming = clock.now(), {"SCHEDULED", "OPEN"}
    return {row.sku: reverse("shop-waiting", args=[row.uuid]) for row in rows if state_of(row, now) in coming}


def _shown(row: Sku, available: int, whose: Visit, launches: dict[str, str]) -> dict[str, Any]:
    name, each = row.product.name or row.sku or "", cart_prices.price_of(row) or 0
    return {
        "sku": row.sku,
        "name": name,
        "art": art.of(name),
        "tint": art.tint(name),
        "price": money.text(each, whose.retailer.currency),
        "available": available,
        "launch": launches.get(row.sku or "", ""),
        "url": f"/shop/products/{quote(row.sku or '', safe='')}/",
    }
