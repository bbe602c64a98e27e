"""POST /v1/validation-rules/{id}/validation: does a rule hold for an order."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout import rule_check
from checkout.api.common.lean import LeanView
from checkout.api.voucherify import calculation_shapes as shapes
from checkout.api.voucherify.single_asks import SingleAsk
from offers import rules


class RuleValidation(LeanView):
    """Try a validation rule on an order and a customer."""

    scope = "validations"
    body = SingleAsk
    cached_credentials = True

    def post(self, request: HttpRequest, ident: str) -> Any:
        """Say whether a rule holds, and which lines a discount under it may touch. Counts start at nothing."""
        ask: SingleAsk = self.decode()
        rule = rules.get(retailer_id=self.retailer_id, ident=ident)
        verdict = rule_check.judge(
            retailer_id=self.retailer_id,
            rule=rule,
            ask=ask.ask([]),
            actor=self.actor,
            now=self.now,
            confirm=self.confirm,
        )
        return {
            "valid": verdict.applicable,
            "rule_id": rule.public_id,
            "applicable_to": shapes.targets(verdict.applicable_to),
            "inapplicable_to": shapes.targets(verdict.inapplicable_to),
        }


urlpatterns = [path("validation-rules/<str:ident>/validation", RuleValidation.as_view())]
