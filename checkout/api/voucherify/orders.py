"""/v1/orders: upsert, get, list, update."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.urls import path
from msgspec import UNSET, Meta, Struct, UnsetType

from checkout import orders
from checkout.api.common import lists
from checkout.api.common.parse import Ident
from checkout.api.common.views import ApiView
from checkout.api.voucherify import bodies
from checkout.api.voucherify.customers import CustomerBody, fields_of
from checkout.api.voucherify.redemption_shapes import order_amounts
from checkout.asks import ItemAsk
from checkout.models import Order

MOST_ITEMS = 500


class OrderBody(Struct):
    id: Ident | UnsetType | None = UNSET
    source_id: Ident | UnsetType | None = UNSET
    status: Literal["CREATED", "PAID", "CANCELED", "FULFILLED"] | UnsetType | None = UNSET
    amount: bodies.Money | UnsetType | None = UNSET
    items: Annotated[list[ItemAsk], Meta(max_length=MOST_ITEMS)] | UnsetType | None = UNSET
    metadata: bodies.Metadata | UnsetType | None = UNSET
    created_at: str | UnsetType | None = UNSET
    customer: CustomerBody | UnsetType | None = UNSET
    referrer: CustomerBody | UnsetType | None = UNSET
    referrer_id: bodies.Text | UnsetType | None = UNSET

    def fields(self) -> orders.Fields:
        fields = bodies.sent(self, "amount", "metadata")
        if self.status:
            fields["status"] = self.status
        if isinstance(self.created_at, str):
            fields["created_at"] = bodies.moment(self.created_at, ".created_at")
        if not isinstance(self.items, UnsetType):
            fields["items"] = self.items or []
        if isinstance(self.referrer_id, str):
            fields["referrer"] = orders.Person(ident=self.referrer_id)
        for name, body in bodies.sent(self, "customer", "referrer").items():
            found = body and person(body)
            if found or body is None:  # an empty object says nothing, null takes away
                fields[name] = found
        return fields  # type: ignore[return-value]


def person(body: CustomerBody) -> orders.Person | None:
    """Return the customer a body names or describes; an empty object is nobody."""
    found = orders.Person(ident=body.id or None, source_id=body.source_id or None, fields=fields_of(body))
    return found if found.ident or found.source_id or found.fields else None


def order_json(order: Order) -> dict[str, Any]:
    """Return a stored order."""
    customer = order.customer
    return {
        "id": order.public_id,
        "source_id": order.source_id,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "status": order.status,
        **order_amounts(order),
        "metadata": order.metadata,
        "customer": {"id": customer.public_id, "object": "customer"} if customer else None,
        "customer_id": customer.public_id if customer else None,
        "referrer": {"id": order.referrer_id, "object": "customer"} if order.referrer_id else None,
        "referrer_id": order.referrer_id,
        "redemptions": order.redemptions or None,
        "object": "order",
    }


class Orders(ApiView):
    """List orders, or make or change one."""

    scope = "orders"

    def get(self, request: HttpRequest) -> Any:
        """List orders, newest first."""
        query = lists.read(request.GET, order=orders.ORDERS)
        rows = orders.search(retailer_id=self.retailer_id, order=query.order if "order" in request.GET else None)
        return lists.answer(rows, query, "orders", order_json)

    def post(self, request: HttpRequest) -> Any:
        """Create or update an order: one with this id or source id is changed; amounts follow from its lines."""
        body = bodies.read(self.read_object(), OrderBody)
        order = orders.upsert(
            retailer_id=self.retailer_id,
            ident=body.id or None,
            source_id=body.source_id or None,
            fields=body.fields(),
            actor=self.actor,
            now=self.now,
        )
        return order_json(order)


class OneOrder(ApiView):
    """Get or change an order by id or source id."""

    scope = "orders"

    def get(self, request: HttpRequest, ident: str) -> Any:
        """Get an order by id or source id."""
        return order_json(orders.get(retailer_id=self.retailer_id, ident=ident))

    def put(self, request: HttpRequest, ident: str) -> Any:
        """Update an order: only the fields that are sent change."""
        body = bodies.read(self.read_object(), OrderBody)
        fields = body.fields()
        if isinstance(body.source_id, str):
            fields["source_id"] = body.source_id
        return order_json(
            orders.update(retailer_id=self.retailer_id, ident=ident, fields=fields, actor=self.actor, now=self.now)
        )


urlpatterns = [
    path("orders/<code:ident>", OneOrder.as_view()),
    path("orders", Orders.as_view()),
]
