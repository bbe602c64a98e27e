"""/v1/validation-rules, their assignments, and /v1/validation-rules-assignments."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.urls import path
from msgspec import UNSET, Meta, Struct, UnsetType

from checkout.api.common import lists, parse
from checkout.api.common.views import ApiView
from checkout.api.voucherify import bodies
from checkout.api.voucherify.rule_shapes import assignment_json, rule_json
from offers import rules
from offers.lib.errors import InvalidPayload
from offers.rules import Fields

KINDS = ("voucher", "campaign", "promotion_tier", "earning_rule", "reward_assignment", "distribution")


class RuleBody(Struct):
    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType | None = UNSET
    rules: dict[str, Any] | UnsetType | None = UNSET
    bundle_rules: dict[str, Any] | UnsetType | None = UNSET
    error: dict[str, Any] | UnsetType | None = UNSET
    applicable_to: dict[str, Any] | UnsetType | None = UNSET
    type: Literal["expression", "basic", "advanced", "complex"] | UnsetType | None = UNSET
    context_type: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET

    def fields(self) -> Fields:
        sent = bodies.sent(self)
        for name in ("name", "type", "context_type"):  # null says nothing where there must be a value
            if sent.get(name, "") is None:
                del sent[name]
        if isinstance(self.error, dict) and not isinstance(self.error.get("message"), str | None):
            raise InvalidPayload("Property .error.message should be string")
        if sent.get("rules", {}) is None:
            sent["rules"] = {}
        return sent  # type: ignore[return-value]


class ValidationRules(ApiView):
    """List rules, or make one."""

    scope = "rules"

    def get(self, request: HttpRequest) -> Any:
        """List validation rules, newest first."""
        query = lists.read(request.GET, order=rules.ORDERS)
        since, until = bodies.period(request.GET)
        rows = rules.search(retailer_id=self.retailer_id, since=since, until=until, order=query.order)
        return lists.answer(rows, query, "data", rule_json)

    def post(self, request: HttpRequest) -> Any:
        """Create a validation rule: a tree of conditions on customer, order, items and redemptions."""
        body = bodies.read(self.read_object(), RuleBody)
        if not isinstance(body.name, str):
            raise InvalidPayload("Payload should have required property 'name'")
        return rule_json(
            rules.create(retailer_id=self.retailer_id, fields=body.fields(), actor=self.actor, now=self.now)
        )


class OneRule(ApiView):
    """Get, change or delete a rule."""

    scope = "rules"

    def get(self, request: HttpRequest, ident: str) -> Any:
        """Get a validation rule."""
        return rule_json(rules.get(retailer_id=self.retailer_id, ident=ident))

    def put(self, request: HttpRequest, ident: str) -> Any:
        """Update a validation rule: what is sent replaces what was there."""
        body = bodies.read(self.read_object(), RuleBody)
        return rule_json(
            rules.update(
                retailer_id=self.retailer_id, ident=ident, fields=body.fields(), actor=self.actor, now=self.now
            )
        )

    def delete(self, request: HttpRequest, ident: str) -> Any:
        """Delete a validation rule, and its assignments with it."""
        rules.delete(retailer_id=self.retailer_id, ident=ident, actor=self.actor, now=self.now)


class Assignments(ApiView):
    """List a rule's assignments, or assign it."""

    scope = "rules"

    def get(self, request: HttpRequest, ident: str) -> Any:
        """List what a validation rule is assigned to."""
        query = lists.read(request.GET, order=rules.ASSIGNMENT_ORDERS)
        rule = rules.get(retailer_id=self.retailer_id, ident=ident)
        rows = rules.assignments(retailer_id=self.retailer_id, rule=rule, order=query.order)
        return lists.answer(rows, query, "data", assignment_json)

    def post(self, request: HttpRequest, ident: str) -> Any:
        """Assign a validation rule to a voucher, a campaign or a promotion tier."""
        kind, target_ident = _target(self.read_object())
        rule = rules.get(retailer_id=self.retailer_id, ident=ident)
        target = rules.find_target(retailer_id=self.retailer_id, kind=kind, ident=target_ident)
        return assignment_json(
            rules.assign(
                retailer_id=self.retailer_id,
                rule=rule,
                target=target,
                actor=self.actor,
                now=self.now,
                replace=request.GET.get("force", "").lower() == "true",
            )
        )


class OneAssignment(ApiView):
    """Undo an assignment."""

    scope = "rules"

    def delete(self, request: HttpRequest, ident: str, assignment: str) -> Any:
        rules.unassign(
            retailer_id=self.retailer_id,
            rule=rules.get(retailer_id=self.retailer_id, ident=ident),
            ident=assignment,
            actor=self.actor,
            now=self.now,
        )


class AllAssignments(ApiView):
    """List assignments, of one object or one rule if asked."""

    scope = "rules"

    def get(self, request: HttpRequest) -> Any:
        query = lists.read(request.GET, order=rules.ASSIGNMENT_ORDERS)
        rows = rules.assignments(
            retailer_id=self.retailer_id,
            rule_ident=request.GET.get("rule"),
            related_object_id=request.GET.get("related_object_id"),
            order=query.order,
        )
        return lists.answer(rows, query, "data", assignment_json)


def _target(body: dict[str, Any]) -> tuple[str, str]:
    """Return kind and id of {related_object_type, related_object_id}, or of the older {"voucher": id}."""
    for kind in KINDS:
        if isinstance(body.get(kind), str):
            return kind, parse.ident(body[kind], kind)
    kind = body.get("related_object_type", "voucher")
    if kind not in KINDS:
        raise InvalidPayload(f"Property .related_object_type should be one of {', '.join(KINDS)}")
    return kind, parse.ident(body.get("related_object_id"), "related_object_id")


urlpatterns = [
    path("validation-rules/<str:ident>/assignments/<str:assignment>", OneAssignment.as_view()),
    path("validation-rules/<str:ident>/assignments", Assignments.as_view()),
    path("validation-rules/<str:ident>", OneRule.as_view()),
    path("validation-rules", ValidationRules.as_view()),
    path("validation-rules-assignments", AllAssignments.as_view()),
]
