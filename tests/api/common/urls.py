"""Addresses of the tests of the view bases: small views under /v1 and /client/v1, plus everything real."""

from typing import Any

import msgspec
from django.http import HttpRequest
from django.urls import include, path

from checkout.api.common import filters, lists, parse
from checkout.api.common.lean import LeanView
from checkout.api.common.views import ApiView
from offers.lib.errors import InvalidPayload, NotFound
from offers.lib.ids import new_id
from offers.models import Category, RetailerVersion

FIELDS: dict[str, filters.Target] = {
    "name": "name",
    "hierarchy": filters.Field("hierarchy", "integer"),
    "created_at": filters.Field("created_at", "moment"),
}


class Items(ApiView):
    scope = "products"

    def get(self, request: HttpRequest) -> Any:
        query = lists.read(request.GET, order=("created_at", "name"), filters=FIELDS)
        rows = lists.apply(Category.objects.filter(retailer_id=self.retailer_id), query, fields=FIELDS)
        return lists.answer(rows, query, "items", lambda row: row.name, has_more=True)

    def post(self, request: HttpRequest) -> Any:
        body = self.read_object()
        row, _ = Category.objects.get_or_create(retailer_id=self.retailer_id, name=body.get("name", "x"))
        if body.get("refuse"):
            raise InvalidPayload("Asked to refuse", resource_id=row.public_id, resource_type="category")
        return {"name": row.name, "at": self.now, "sent": body}


def pause() -> None:
    """Replaced by tests that want to hold or kill a request after its effect."""


class Slow(ApiView):
    scope = "products"

    def post(self, request: HttpRequest) -> Any:
        row = Category.objects.create(retailer_id=self.retailer_id, name=new_id("x"))
        pause()
        return {"id": row.public_id}


class Status(ApiView):
    scope = "products"

    def post(self, request: HttpRequest) -> Any:
        Category.objects.create(retailer_id=self.retailer_id, name=new_id("x"))
        return self.read_object()["status"], {}


class Item(ApiView):
    scope = "products"

    def get(self, request: HttpRequest, code: str) -> Any:
        return {"code": code}

    def delete(self, request: HttpRequest, code: str) -> Any:
        return None


class ItemSession(ApiView):
    scopes = {"DELETE": "validations:write"}

    def delete(self, request: HttpRequest, code: str, key: str) -> Any:
        return 202, {"code": code, "key": key}


class Code(ApiView):
    scope = "vouchers"

    def get(self, request: HttpRequest, code: str) -> Any:
        if code == "GOOD":
            return {"code": code}
        raise NotFound("voucher", code)

    def post(self, request: HttpRequest, code: str) -> Any:
        self.note_unknown_codes(int(code))
        return {}


class In(msgspec.Struct):
    id: parse.Ident
    amount: int = 0


class Hot(LeanView):
    scope = "validations"
    body = In

    def post(self, request: HttpRequest) -> Any:
        wanted = self.decode()
        self.confirm(RetailerVersion.objects.values_list("number", flat=True).get(retailer_id=self.retailer_id))
        return {"id": wanted.id, "amount": wanted.amount, "date": self.now}


class HotIdle(LeanView):
    """Does nothing at all: what it costs is what the base costs."""

    scope = "validations"
    body = In
    origin_optional = True

    def post(self, request: HttpRequest) -> Any:
        wanted = self.decode()
        return {"id": wanted.id}


_routes = [
    path("items", Items.as_view()),
    path("items/<code:code>/sessions/<code:key>", ItemSession.as_view()),
    path("items/<code:code>", Item.as_view()),
    path("slow", Slow.as_view()),
    path("status", Status.as_view()),
    path("codes/<code:code>", Code.as_view()),
    path("hot", Hot.as_view()),
    path("idle", HotIdle.as_view()),
]
urlpatterns = [path("v1/", include(_routes)), path("client/v1/", include(_routes))]
