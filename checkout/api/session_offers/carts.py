"""/session-offers/v1/cart and /orders: a visit's cart, its codes, and ordering it; for a shop page's own script."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout import cart_orders, carts
from checkout.api.common import errors, render, visit
from checkout.api.session_offers.access import SessionOffersView
from checkout.api.session_offers.schema import SCRIPT
from checkout.cart_prices import Visit
from offers.lib.errors import InvalidPayload, Refusal


class CartView(SessionOffersView):
    """A call about the visit's own cart."""

    who = SCRIPT

    def whose(self, *, begin: bool = False) -> Visit:
        return visit.of(self.request, retailer=self.credential.retailer_id, begin=begin)


class CartItself(CartView):
    """The cart of this visit, its sums worked out now."""

    def get(self, request: HttpRequest) -> Any:
        return carts.look(visit=self.whose(), now=self.now).document()


class CartItems(CartView):
    """What is in the cart."""

    def post(self, request: HttpRequest) -> Any:
        body = self.read_object()
        found = carts.add(
            visit=self.whose(begin=True), sku=body.get("sku"), quantity=body.get("quantity", 1), now=self.now
        )
        return found.document()


class CartCodes(CartView):
    """The codes on the cart."""

    def post(self, request: HttpRequest) -> Any:
        code = self.read_object().get("code")
        if code is not None and not isinstance(code, str):
            raise InvalidPayload("code should be a text", field="code")
        self.tried = code or ""
        return carts.add_code(visit=self.whose(begin=True), code=self.tried, now=self.now).document()


class CartCode(CartView):
    """One code on the cart."""

    def delete(self, request: HttpRequest, code: str) -> Any:
        return carts.remove_code(visit=self.whose(), code=code, now=self.now).document()


class Orders(CartView):
    """Ordering the cart for the total last shown; 409 names the new one where it has changed."""

    def write(self, handler: Any, kwargs: dict[str, Any]) -> Any:
        # The verb has its own transaction: a changed total is kept although the order is refused.
        return self.respond(handler, kwargs)

    def post(self, request: HttpRequest) -> Any:
        total = self.read_object().get("total")
        if isinstance(total, bool) or not isinstance(total, int):
            raise InvalidPayload("total should be the total last shown, a whole number of cents", field="total")
        try:
            ident, paid = cart_orders.place(visit=self.whose(), total=total, now=self.now)
        except cart_orders.TotalChanged as changed:
            refusal: Refusal = changed
            body = errors.body(refusal, self.request_id)
            return render.answer({**body, "total": changed.priced.total}, errors.status_of(refusal))
        return 201, {"id": ident, "total": paid}


urlpatterns = [
    path("v1/cart", CartItself.as_view()),
    path("v1/cart/items", CartItems.as_view()),
    path("v1/cart/codes", CartCodes.as_view()),
    path("v1/cart/codes/<str:code>", CartCode.as_view()),
    path("v1/orders", Orders.as_view()),
]
