"""/v1/vouchers: create, list, get, update, delete, enable, disable."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path

from checkout.api.common import filters, lists
from checkout.api.common.filters import Field
from checkout.api.common.views import ApiView
from checkout.api.voucherify import bodies, campaign_filters, status_filters
from checkout.api.voucherify.voucher_bodies import VoucherBody
from checkout.api.voucherify.voucher_shapes import vouchers_json
from offers import campaigns, vouchers
from offers.lib.errors import InvalidPayload
from offers.models import Voucher

FILTERS: dict[str, filters.Target] = {
    "code": "code",
    "id": "public_id",
    "campaign": "campaign__name",
    "campaign_id": "campaign__public_id",
    "campaign_ids": "campaign__public_id",
    "campaign_type": "campaign__campaign_type",
    "validity_timeframe": campaign_filters.timeframe,
    "active": status_filters.active("campaign__vouchers_generation_status"),
    "status": status_filters.active("campaign__vouchers_generation_status"),
    "category": "category__name",
    "categories": "category__name",
    "category_id": "category__public_id",
    "category_ids": "category__public_id",
    "voucher_type": "type",
    "type": "type",
    "holder_id": "holder__public_id",
    "customer_id": "holder__public_id",
    "discount_type": "discount__type",
    "additional_info": "additional_info",
    "is_referral_code": Field("is_referral_code", "boolean"),
    "redemption_quantity": Field("redemption_limit", "integer"),
    **{name: Field(name, "moment") for name in ("created_at", "updated_at", "start_date", "expiration_date")},
}


class VoucherView(ApiView):
    """What the addresses of vouchers share."""

    scope = "vouchers"

    def shape(self, voucher: Voucher) -> dict[str, Any]:
        return vouchers_json([voucher], now=self.now)[0]

    def make(self, body: VoucherBody, code: str | None) -> dict[str, Any]:
        ident = body.campaign_ident
        voucher = vouchers.create(
            retailer_id=self.retailer_id,
            campaign=campaigns.get(retailer_id=self.retailer_id, ident=ident) if ident else None,
            code=code,
            code_config=body.code_config or None,
            fields=body.terms(),
            actor=self.actor,
            now=self.now,
        )
        return self.shape(voucher)


class Vouchers(VoucherView):
    """List vouchers, or make one with the code in the body or a random one."""

    def get(self, request: HttpRequest) -> Any:
        params = request.GET
        query = lists.read(params, order=("created_at", "updated_at", "code"), filters=FILTERS)
        rows = vouchers.search(
            retailer_id=self.retailer_id,
            campaign=params.get("campaign_id") or params.get("campaign") or None,
            category=params.get("category") or None,
            customer=params.get("customer") or None,
            code=params.get("code") or None,
            ids=lists.several(params, "ids"),
        )
        rows = _ordered(lists.apply(rows, query, fields=FILTERS, now=self.now), query)
        found = lists.answer(rows, query, "vouchers", _itself)
        return found | {"vouchers": vouchers_json(found["vouchers"], now=self.now)}

    def post(self, request: HttpRequest) -> Any:
        body = bodies.read(self.read_object(), VoucherBody)
        return self.make(body, body.code if isinstance(body.code, str) else None)


class OneVoucher(VoucherView):
    """Make a voucher with the code of the address; get, change or delete one by code or id."""

    def get(self, request: HttpRequest, code: str) -> Any:
        return self.shape(vouchers.get(retailer_id=self.retailer_id, ident=code))

    def post(self, request: HttpRequest, code: str) -> Any:
        body = bodies.read(self.read_object(), VoucherBody)
        if isinstance(body.code, str) and body.code != code:
            raise InvalidPayload("Property .code differs from the code in the address")
        return self.make(body, code)

    def put(self, request: HttpRequest, code: str) -> Any:
        fields = bodies.read(self.read_object(), VoucherBody).changes()
        return self.shape(
            vouchers.update(retailer_id=self.retailer_id, ident=code, fields=fields, actor=self.actor, now=self.now)
        )

    def delete(self, request: HttpRequest, code: str) -> Any:
        force = request.GET.get("force", "").lower() == "true"
        vouchers.delete(retailer_id=self.retailer_id, ident=code, force=force, actor=self.actor, now=self.now)


class SwitchVoucher(VoucherView):
    """Enable or disable a voucher."""

    active: ClassVar[bool]

    def post(self, request: HttpRequest, code: str) -> Any:
        return self.shape(
            vouchers.switch(
                retailer_id=self.retailer_id, ident=code, active=self.active, actor=self.actor, now=self.now
            )
        )


class EnableVoucher(SwitchVoucher):
    """Enable a voucher."""

    active = True


class DisableVoucher(SwitchVoucher):
    """Disable a voucher."""

    active = False


def _ordered(rows: QuerySet[Voucher], query: lists.Query) -> QuerySet[Voucher]:
    """By creation means by key, which an index serves whatever the size."""
    if query.order.removeprefix("-") == "created_at":
        return rows.order_by("-pk" if query.order.startswith("-") else "pk")
    return rows


def _itself(row: Voucher) -> Voucher:
    return row


urlpatterns = [
    path("vouchers/<code:code>/enable", EnableVoucher.as_view()),
    path("vouchers/<code:code>/disable", DisableVoucher.as_view()),
    path("vouchers/<code:code>", OneVoucher.as_view()),
    path("vouchers", Vouchers.as_view()),
]
