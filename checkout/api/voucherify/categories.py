"""/v1/categories: list, create, get, update, delete."""

from typing import Annotated, Any

from django.http import HttpRequest
from django.urls import path
from msgspec import UNSET, Meta, Struct, UnsetType

from checkout.api.common import lists
from checkout.api.common.views import ApiView
from checkout.api.voucherify import bodies
from checkout.api.voucherify.tier_shapes import category_json
from offers import categories
from offers.lib.errors import InvalidPayload

Hierarchy = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]


class CategoryBody(Struct):
    name: Name | UnsetType | None = UNSET
    hierarchy: Hierarchy | UnsetType | None = UNSET


class Categories(ApiView):
    """List the categories, all of them, or make one."""

    scope = "campaigns"

    def get(self, request: HttpRequest) -> Any:
        found = [category_json(row) for row in categories.search(retailer_id=self.retailer_id)]
        return lists.envelope("data", found, len(found))

    def post(self, request: HttpRequest) -> Any:
        body = bodies.read(self.read_object(), CategoryBody)
        if not isinstance(body.name, str):
            raise InvalidPayload("Payload should have required property 'name'")
        hierarchy = body.hierarchy if isinstance(body.hierarchy, int) else 1
        return category_json(
            categories.create(retailer_id=self.retailer_id, name=body.name, hierarchy=hierarchy, now=self.now)
        )


class OneCategory(ApiView):
    """Get, change or delete a category by id or name."""

    scope = "campaigns"

    def get(self, request: HttpRequest, ident: str) -> Any:
        return category_json(categories.get(retailer_id=self.retailer_id, ident=ident))

    def put(self, request: HttpRequest, ident: str) -> Any:
        body = bodies.read(self.read_object(), CategoryBody)
        sent = {name: value for name, value in bodies.sent(body).items() if value is not None}
        return category_json(categories.update(retailer_id=self.retailer_id, ident=ident, now=self.now, **sent))

    def delete(self, request: HttpRequest, ident: str) -> Any:
        categories.delete(retailer_id=self.retailer_id, ident=ident)


urlpatterns = [
    path("categories/<code:ident>", OneCategory.as_view()),
    path("categories", Categories.as_view()),
]
