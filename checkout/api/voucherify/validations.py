"""POST /v1/validations and /client/v1/validations: do these redeemables apply, and hold them under a session."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout import traces, validation
from checkout.api.common.errors import STATUS
from checkout.api.common.lean import LeanView
from checkout.api.voucherify import calculation_shapes as shapes
from checkout.asks import Ask
from checkout.facts import Facts
from checkout.sessions import Session
from checkout.validated import Validated
from offers.evaluation.verdicts import Verdict


class Validations(LeanView):
    """Judge redeemables for an order. Always 200 for a well-formed request: what does not apply is a verdict."""

    scope = "validations"
    body = Ask
    cached_credentials = True

    def post(self, request: HttpRequest) -> Any:
        """Validate: which redeemables apply to an order, and what it then costs.

        A well-formed request is always 200; what does not apply says why. With `session` of type LOCK everything that
        applies is held under its key, until it is redeemed, released or its ttl has passed; the same key again
        replaces what it held. `options.explain` adds the trace of every check.
        """
        ask: Ask = self.decode()
        made = validation.validate(
            retailer_id=self.retailer_id, ask=ask, actor=self.actor, now=self.now, confirm=self.confirm
        )
        unknown = sum(1 for verdict in made.outcome.verdicts if verdict.reason and verdict.reason.code == "not_found")
        self.note_unknown_codes(unknown)
        return answer(made, self.request_id)


def answer(made: Validated, request_id: str) -> dict[str, Any]:
    """Return the validation's answer."""
    facts, outcome = made.facts, made.outcome
    customer_id = facts.buyer_id
    shown = {
        verdict.redeemable.key: redeemable(verdict, facts, customer_id, request_id) for verdict in outcome.verdicts
    }
    partial = facts.context.stacking.redeemables_application_mode == "PARTIAL"
    listed = [verdict for verdict in outcome.verdicts if verdict.applicable] if partial else outcome.verdicts
    body: dict[str, Any] = {
        "id": made.id,
        "valid": outcome.valid,
        "redeemables": [shown[verdict.redeemable.key] for verdict in listed],
    }
    if outcome.skipped or not outcome.valid or partial:
        body["skipped_redeemables"] = [shown[verdict.redeemable.key] for verdict in outcome.skipped]
        body["inapplicable_redeemables"] = [shown[verdict.redeemable.key] for verdict in outcome.inapplicable]
    if outcome.valid and outcome.order is not None:
        calculated = shapes.order(outcome.order, customer_id=customer_id, referrer_id=facts.referrer_id)
        body["order"] = {**calculated, **order_reference(facts)}
    body["tracking_id"] = made.tracking_id
    if made.session is not None and outcome.valid:
        body["session"] = session(made.session)
    body["stacking_rules"] = shapes.stacking(facts.config)
    if facts.ask.explain:
        body["explain"] = traces.all_of(outcome.verdicts)
    return body


def redeemable(verdict: Verdict, facts: Facts, customer_id: str | None, request_id: str) -> dict[str, Any]:
    """Return one redeemable of the answer: APPLICABLE, INAPPLICABLE or SKIPPED."""
    subject = facts.subject(verdict.redeemable)
    head: dict[str, Any] = {"status": verdict.status, "id": verdict.redeemable.id, "object": verdict.redeemable.object}
    if verdict.reason is not None:
        details = {"key": verdict.reason.code, "message": verdict.reason.message}
        if verdict.status == "SKIPPED":
            return {**head, "result": {"details": details}}
        found = shapes.error(verdict, STATUS.get(verdict.reason.code, 400), request_id)
        return {**head, "result": {"error": found, "details": details}, "metadata": shapes.metadata(subject)}
    shown: dict[str, Any] = {
        **head,
        "order": shapes.order(verdict.order, customer_id=customer_id, referrer_id=facts.referrer_id),
        "applicable_to": shapes.targets(verdict.applicable_to),
        "inapplicable_to": shapes.targets(verdict.inapplicable_to),
        "result": shapes.result(verdict, subject),
        "metadata": shapes.metadata(subject),
        "categories": shapes.categories(verdict, facts),
    }
    options = facts.ask.options
    if options is not None and "redeemable" in (options.expand or ()) and subject.campaign is not None:
        shown |= {"campaign_name": subject.campaign.name, "campaign_id": subject.campaign.public_id}
        shown["name"] = subject.tier.row.name if subject.tier else subject.campaign.name
    return shown


def session(value: Session) -> dict[str, Any]:
    """Return the session as it was opened."""
    return {"key": value.key, "type": "LOCK", "ttl": value.ttl, "ttl_unit": value.unit}


def order_reference(facts: Facts) -> dict[str, Any]:
    """Return what identifies the order asked about, where the request or a stored order does."""
    if facts.order is not None:
        return {
            "id": facts.order["public_id"],
            "source_id": facts.order["source_id"],
            "status": facts.order["status"],
            "metadata": facts.order["metadata"],
        }
    ask = facts.ask.order
    sent = {"source_id": ask.source_id, "metadata": ask.metadata} if ask is not None else {}
    return {name: value for name, value in sent.items() if value is not None}


urlpatterns = [path("validations", Validations.as_view())]
