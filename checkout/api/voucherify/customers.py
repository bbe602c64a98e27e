"""/v1/customers: upsert, get, list, scroll, update, delete."""

from typing import Annotated, Any

from django.http import HttpRequest
from django.urls import path
from msgspec import UNSET, Meta, Struct, UnsetType

from checkout import customer_summary
from checkout.api.common import filters, lists
from checkout.api.common.parse import Ident
from checkout.api.common.views import ApiView
from checkout.api.voucherify import bodies
from checkout.api.voucherify.customer_shapes import ADDRESS, customer_json
from offers import customers
from offers.lib.ids import new_id
from offers.models import Customer


class AddressBody(Struct):
    city: bodies.Text | UnsetType | None = UNSET
    state: bodies.Text | UnsetType | None = UNSET
    line_1: bodies.Text | UnsetType | None = UNSET
    line_2: bodies.Text | UnsetType | None = UNSET
    country: bodies.Text | UnsetType | None = UNSET
    postal_code: bodies.Text | UnsetType | None = UNSET


class CustomerBody(Struct):
    id: Ident | UnsetType | None = UNSET
    source_id: Ident | UnsetType | None = UNSET
    name: bodies.Text | UnsetType | None = UNSET
    description: bodies.LongText | UnsetType | None = UNSET
    email: bodies.Text | UnsetType | None = UNSET
    phone: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET
    birthday: str | UnsetType | None = UNSET
    birthdate: str | UnsetType | None = UNSET
    address: AddressBody | UnsetType | None = UNSET
    metadata: bodies.Metadata | UnsetType | None = UNSET


def fields_of(body: CustomerBody) -> customers.Fields:
    """Return what a body sets, as the verbs take it; `birthday` is the older name of `birthdate`."""
    fields = bodies.sent(body, "name", "description", "email", "phone", "metadata")
    for name in ("birthday", "birthdate"):
        for text in bodies.sent(body, name).values():
            fields["birthdate"] = bodies.day(text, f".{name}")
    if not isinstance(body.address, UnsetType):
        fields["address"] = body.address and bodies.sent(body.address, *ADDRESS)
    return fields  # type: ignore[return-value]


class CustomerView(ApiView):
    """What the addresses of customers share."""

    scope = "customers"

    def shapes(self, rows: list[Customer]) -> list[dict[str, Any]]:
        summaries = customer_summary.of(rows, now=self.now)
        return [customer_json(row, summaries[row.pk]) for row in rows]

    def shape(self, row: Customer) -> dict[str, Any]:
        return self.shapes([row])[0]


class Customers(CustomerView):
    """List customers, or make or change one."""

    def get(self, request: HttpRequest) -> Any:
        """List customers: newest first, by page or by `starting_after`, narrowed by email, name, city or segment."""
        params = request.GET
        query = lists.read(params, order=customers.ORDERS)
        rows = customers.search(
            retailer_id=self.retailer_id,
            email=params.get("email") or None,
            name=params.get("name") or None,
            city=params.get("city") or None,
            segment=params.get("segment_id") or None,
            created_after=query.after.get("created_at"),
            created_before=query.before.get("created_at"),
            updated_after=query.after.get("updated_at"),
            updated_before=query.before.get("updated_at"),
            order=query.order,
        )
        if starting_after := params.get("starting_after"):
            page, more = customers.scroll(
                rows,
                after=filters.moment(starting_after, "starting_after"),
                limit=query.limit,
                oldest_first=query.order in {"created_at", "updated_at"},
                by="updated_at" if query.order.endswith("updated_at") else "created_at",
            )
            return lists.envelope("customers", self.shapes(page), lists.total(rows), has_more=more)
        found = lists.answer(rows, query, "customers", lambda row: row, has_more=True)
        return found | {"customers": self.shapes(found["customers"])}

    def post(self, request: HttpRequest) -> Any:
        """Create or update a customer: one with this id or source id is changed, only in the fields that are sent."""
        body = bodies.read(self.read_object(), CustomerBody)
        return self.shape(
            customers.upsert(
                retailer_id=self.retailer_id,
                ident=body.id or None,
                source_id=body.source_id or None,
                fields=fields_of(body),
                actor=self.actor,
                now=self.now,
            )
        )


class OneCustomer(CustomerView):
    """Get, change or delete a customer by id or source id."""

    def get(self, request: HttpRequest, ident: str) -> Any:
        """Get a customer by id or source id."""
        return self.shape(customers.get(retailer_id=self.retailer_id, ident=ident))

    def put(self, request: HttpRequest, ident: str) -> Any:
        """Update a customer: only the fields that are sent change, null clears."""
        fields = fields_of(bodies.read(self.read_object(), CustomerBody))
        return self.shape(
            customers.update(retailer_id=self.retailer_id, ident=ident, fields=fields, actor=self.actor, now=self.now)
        )

    def delete(self, request: HttpRequest, ident: str) -> Any:
        """Delete a customer: personal data goes, redemptions stay without a name."""
        customers.erase(
            retailer_id=self.retailer_id, ident=ident, actor=self.actor, now=self.now, reason="deleted by API"
        )


class PermanentDeletion(CustomerView):
    """Delete a customer and say that it was done; every deletion here is permanent."""

    def post(self, request: HttpRequest, ident: str) -> Any:
        customer = customers.erase(
            retailer_id=self.retailer_id,
            ident=ident,
            actor=self.actor,
            now=self.now,
            reason="permanent deletion by API",
        )
        return {
            "id": new_id("del_"),
            "created_at": self.now,
            "related_object_id": customer.public_id,
            "related_object": "customer",
            "status": "DONE",
            "data_json": {
                "events": 0,
                "customer_events": 0,
                "daily_events": 0,
                "segments": 0,
                "orders": 0,
                "order_events": 0,
                "customer": 1,
            },
            "object": "pernament_deletion",  # spelled so on the wire
        }


urlpatterns = [
    path("customers/<code:ident>/permanent-deletion", PermanentDeletion.as_view()),
    path("customers/<code:ident>", OneCustomer.as_view()),
    path("customers", Customers.as_view()),
]
