"""/v1/promotions/validation and /client/v1/promotions/validation: the promotion tiers that apply to an order."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout import promotion_check, tracking
from checkout.api.common.lean import LeanView
from checkout.api.voucherify import calculation_shapes as shapes
from checkout.api.voucherify.single import AskedByQuery
from checkout.api.voucherify.single_asks import SingleAsk, of_query
from checkout.facts import Facts
from offers.evaluation.verdicts import Verdict


class _ListsPromotions(LeanView):
    def promotions(self, ask: SingleAsk) -> dict[str, Any]:
        facts, verdicts = promotion_check.applicable(
            retailer_id=self.retailer_id, ask=ask.ask([]), actor=self.actor, now=self.now, confirm=self.confirm
        )
        tracking_id = tracking.of(facts.ask, facts.config.retailer.public_id, facts.customer)
        return {
            "valid": bool(verdicts),
            "tracking_id": tracking_id,
            "promotions": [promotion_json(verdict, facts, tracking_id) for verdict in verdicts],
        }


class PromotionValidation(_ListsPromotions):
    """Say which promotion tiers apply to an order."""

    scope = "validations"
    body = SingleAsk
    cached_credentials = True

    def post(self, request: HttpRequest) -> Any:
        """List the promotion tiers that apply to an order, each with what the order then costs. Locks nothing."""
        ask: SingleAsk = self.decode()
        return self.promotions(ask)


class PromotionsByQuery(_ListsPromotions, AskedByQuery):
    """Say which promotion tiers apply to the order in the query, for a shop's page."""

    def get(self, request: HttpRequest) -> Any:
        """List the promotion tiers that apply: `amount`, `item[0][price]`, `customer[source_id]`."""
        return self.promotions(of_query(request.GET.items()))


def promotion_json(verdict: Verdict, facts: Facts, tracking_id: str) -> dict[str, Any]:
    """Return a tier that applies, and what it does to the order."""
    subject = facts.subject(verdict.redeemable)
    assert subject.tier is not None, "only tiers are judged here"
    row = subject.tier.row
    return {
        "object": "promotion_tier",
        "id": row.public_id,
        "valid": True,
        "name": row.name,
        "banner": row.banner,
        **shapes.result(verdict, subject),
        "discount_amount": verdict.discount_amount,
        "order": shapes.order(verdict.order, customer_id=facts.buyer_id, referrer_id=facts.referrer_id),
        "applicable_to": shapes.targets(verdict.applicable_to),
        "inapplicable_to": shapes.targets(verdict.inapplicable_to),
        "metadata": row.metadata,
        "hierarchy": row.hierarchy,
        "campaign_id": subject.tier.campaign.public_id,
        "tracking_id": tracking_id,
    }


client_urlpatterns = [path("promotions/validation", PromotionsByQuery.as_view())]
urlpatterns = [path("promotions/validation", PromotionValidation.as_view())]
