"""/v1/vouchers/{code}/balance and /transactions: gift cards topped up, and what moved on them."""

from typing import Annotated, Any

from django.http import HttpRequest
from django.urls import path
from msgspec import Meta, Struct

from checkout.api.common import lists
from checkout.api.common.parse import Ident
from checkout.api.common.views import ApiView
from checkout.api.voucherify import bodies
from checkout.api.voucherify.voucher_shapes import Behind, balance_json, movement_json
from checkout.models import Redemption
from offers import balances, vouchers, worth

REASON_LIMIT = 200


class BalanceBody(Struct):
    amount: Any = None
    source_id: Ident | None = None
    reason: Annotated[str, Meta(max_length=REASON_LIMIT)] | None = None


class Balance(ApiView):
    """Add credits to a gift card or take some off it."""

    scope = "vouchers"

    def post(self, request: HttpRequest, code: str) -> Any:
        body = bodies.read(self.read_object(), BalanceBody)
        amount = worth.whole(body.amount, ".amount", least=-balances.MOST, most=balances.MOST)
        voucher, figures = balances.adjust(
            retailer_id=self.retailer_id,
            ident=code,
            amount=amount,
            source_id=body.source_id or None,
            reason=body.reason or "",
            actor=self.actor,
            now=self.now,
            request_id=self.request_id,
        )
        return balance_json(voucher, amount, figures.amount, figures.balance, "MANUAL")


class Transactions(ApiView):
    """List what moved on a gift card; a discount code has nothing to list."""

    scope = "vouchers"

    def get(self, request: HttpRequest, code: str) -> Any:
        query = lists.read(request.GET, order=("id", "created_at"), default_order="-id")
        voucher = vouchers.get(retailer_id=self.retailer_id, ident=code)
        found, more = balances.movements(
            voucher,
            limit=query.limit,
            after=query.starting_after_id,
            newest_first=query.order.startswith("-"),
        )
        behind = _behind(self.retailer_id, found)
        return {
            "object": "list",
            "data_ref": "data",
            "data": [movement_json(voucher, one, behind.get(one.redemption_id or "", Behind())) for one in found],
            "has_more": more,
            "more_starting_after": found[-1].id if more else None,
        }


def _behind(retailer_id: int, movements: list[balances.Movement]) -> dict[str, Behind]:
    named = [movement.redemption_id for movement in movements if movement.redemption_id]
    if not named:
        return {}
    rows = Redemption.objects.filter(retailer_id=retailer_id, public_id__in=named).select_related("order")
    undone = Redemption.objects.filter(rolls_back__in=[row.pk for row in rows], succeeded=True)
    rollbacks = dict(undone.values_list("rolls_back_id", "public_id"))
    return {row.public_id: Behind(row.order, rollbacks.get(row.pk)) for row in rows}


urlpatterns = [
    path("vouchers/<code:code>/balance", Balance.as_view()),
    path("vouchers/<code:code>/transactions", Transactions.as_view()),
]
