"""Calls about one redeemable in the address: what official clients still call beside /v1/validations and /redemptions.

POST /v1/vouchers/{code}/validate and /redemption, POST /v1/promotions/tiers/{id}/redemption; for pages
GET /client/v1/validate?code= and POST /client/v1/redeem?code=. Verbs, verdicts and refusals are those of the others.
"""

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.urls import path

from checkout import history, validation
from checkout.api.common import lists, parse
from checkout.api.common.errors import STATUS
from checkout.api.common.lean import LeanView
from checkout.api.voucherify import calculation_shapes as shapes
from checkout.api.voucherify import redemptions, validations
from checkout.api.voucherify.redemption_shapes import GIFT, LOYALTY, NO_FIGURES
from checkout.api.voucherify.single_asks import SingleAsk, of_query
from checkout.asks import Ask
from checkout.subjects import Subject
from checkout.validated import Validated
from offers import configuration

# As many redemptions of one voucher are answered when nobody asks for a page.
MOST_ENTRIES = 1000
# What speaks against the request rather than against the voucher is an HTTP error here.
OF_THE_REQUEST = frozenset({"missing_reward", "missing_order_items_amount"})


class AskedByQuery(LeanView):
    """Base of what a page asks with GET and nobody may keep: it locks, and is true for now."""

    scopes = {"GET": "validations:write"}
    cached_credentials = True

    def finish(self, request: HttpRequest, method: str, response: HttpResponse) -> HttpResponse:
        response["Cache-Control"] = "no-store"
        return super().finish(request, method, response)


class _ValidatesOne(LeanView):
    def validate(self, ask: Ask) -> Any:
        made = validation.validate(
            retailer_id=self.retailer_id, ask=ask, actor=self.actor, now=self.now, confirm=self.confirm
        )
        (verdict,) = made.outcome.verdicts
        code = verdict.reason.code if verdict.reason else ""
        if code == "not_found":
            self.note_unknown_codes(1)
        if code in OF_THE_REQUEST:
            return 400, shapes.error(verdict, 400, self.request_id)
        return verdict_json(made, self.request_id)


class ValidateVoucher(_ValidatesOne):
    """Judge one voucher for an order."""

    scope = "validations"
    body = SingleAsk
    cached_credentials = True

    def post(self, request: HttpRequest, code: str) -> Any:
        """Validate one voucher: the same as POST /v1/validations with it alone. Always 200; `valid` says whether."""
        ask: SingleAsk = self.decode()
        return self.validate(ask.of(code))


class ValidateByQuery(_ValidatesOne, AskedByQuery):
    """Judge the voucher in the query, from a shop's page."""

    def get(self, request: HttpRequest) -> Any:
        """Validate one voucher: `code`, `amount`, `item[0][price]`, `customer[source_id]`, `session_type`."""
        code = parse.ident(request.GET.get("code"), "code")
        return self.validate(of_query(request.GET.items()).of(code))


class VoucherRedemptions(redemptions.RedeemsView):
    """Where the `url` of a voucher's redemptions leads: how often it was redeemed, and the entries."""

    scope = "redemptions"
    cached_credentials = True

    def get(self, request: HttpRequest, code: str) -> Any:
        """Tell how often a voucher was redeemed, with its redemptions and rollbacks, newest first, failed ones too.

        All of them, the newest 1000 if there are more; with `limit` or `page` a page of them.
        """
        self.confirm(configuration.version(self.retailer_id))
        query = lists.read(request.GET, order=("created_at",))
        voucher, rows = history.of_voucher(retailer_id=self.retailer_id, code=code)
        rows = lists.apply(rows, query, paths={"created_at": "pk"})
        paged = bool(request.GET.get("limit") or request.GET.get("page"))
        first, most = (query.offset, query.limit) if paged else (0, MOST_ENTRIES)
        part = list(history.complete(rows)[first : first + most + 1])
        found = redemptions.figures_of([voucher.pk], self.now).get(voucher.pk, NO_FIGURES)
        uses, credits = found.get("voucher.uses"), found.get("voucher.credits")
        body: dict[str, Any] = {
            "quantity": voucher.redemption_limit,
            "redeemed_quantity": uses.settled if uses else 0,
        }
        if voucher.type in (GIFT, LOYALTY):
            name = "redeemed_amount" if voucher.type == GIFT else "redeemed_points"
            body[name] = credits.settled if credits else 0
        return {
            **body,
            "object": "list",
            "url": f"/v1/vouchers/{quote(voucher.code, safe='')}/redemptions?page=1&limit=10",
            "data_ref": "redemption_entries",
            "total": len(part) if first == 0 and len(part) <= most else rows.count(),
            "redemption_entries": redemptions.many(part[:most]),
        }


class VoucherRedemption(VoucherRedemptions):
    """The same (GET); redeem it (POST)."""

    body = SingleAsk

    def post(self, request: HttpRequest, code: str) -> Any:
        """Redeem one voucher: the same as POST /v1/redemptions with it alone; answers the redemption with its order."""
        ask: SingleAsk = self.decode()
        return self.redeem_one(ask.of(code))


class RedeemByQuery(redemptions.RedeemsView):
    """Redeem the voucher in the query, from a shop's page."""

    scope = "redemptions"
    body = SingleAsk
    cached_credentials = True

    def post(self, request: HttpRequest) -> Any:
        """Redeem one voucher for a page."""
        ask: SingleAsk = self.decode()
        return self.redeem_one(ask.of(parse.ident(request.GET.get("code"), "code")))


class TierRedemption(redemptions.RedeemsView):
    """Redeem a promotion tier."""

    scope = "redemptions"
    body = SingleAsk
    cached_credentials = True

    def post(self, request: HttpRequest, ident: str) -> Any:
        """Redeem one promotion tier for an order; answers the redemption with its order."""
        ask: SingleAsk = self.decode()
        return self.redeem_one(ask.of(ident, "promotion_tier"))


def verdict_json(made: Validated, request_id: str) -> dict[str, Any]:
    """Return a validation of one redeemable in the flat form of these calls."""
    facts = made.facts
    (verdict,) = made.outcome.verdicts
    subject = facts.subject(verdict.redeemable)
    row, campaign = subject.voucher, subject.campaign
    head: dict[str, Any] = {
        "valid": made.outcome.valid,
        "code": row.code if row else verdict.redeemable.id,
        "tracking_id": made.tracking_id,
        "metadata": shapes.metadata(subject),
    }
    if verdict.reason is not None:
        error = shapes.error(verdict, STATUS.get(verdict.reason.code, 400), request_id)
        return {**head, "reason": verdict.reason.rule_error or verdict.reason.message, "error": error}
    customer_id, order = facts.buyer_id, verdict.order
    shown = {
        **head,
        **_given(shapes.result(verdict, subject), subject),
        "order": {
            **shapes.order(order, customer_id=customer_id, referrer_id=facts.referrer_id),
            **validations.order_reference(facts),
        },
        "applicable_to": shapes.targets(verdict.applicable_to),
        "inapplicable_to": shapes.targets(verdict.inapplicable_to),
        "campaign": campaign.name if campaign else None,
        "campaign_id": campaign.public_id if campaign else None,
        "start_date": row.start_date if row else None,
        "expiration_date": row.expiration_date if row else None,
    }
    if made.session is not None:
        shown["session"] = validations.session(made.session)
    return shown


def _given(result: dict[str, Any], subject: Subject) -> dict[str, Any]:
    """Return what it gives; a card's income stands beside its balance."""
    gift, row = result.get("gift"), subject.voucher
    if gift is None or row is None:
        return result
    income = row.gift_amount or 0
    for one in row.counters:
        if one.kind == "voucher.credits":
            income = (one.granted or 0) + one.withdrawn
    return {"gift": {"amount": income, **gift}}


client_urlpatterns = [
    path("validate", ValidateByQuery.as_view()),
    path("redeem", RedeemByQuery.as_view()),
]
urlpatterns = [
    path("vouchers/<code:code>/validate", ValidateVoucher.as_view()),
    path("vouchers/<code:code>/redemption", VoucherRedemption.as_view()),
    path("vouchers/<code:code>/redemptions", VoucherRedemptions.as_view()),
    path("promotions/tiers/<str:ident>/redemption", TierRedemption.as_view()),
]
