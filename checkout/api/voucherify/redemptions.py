"""Redemptions and rollbacks: POST and GET /v1/redemptions and what hangs below."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path

from checkout import history, redemption, rollback
from checkout.api.common import errors, lists
from checkout.api.common.lean import LeanView
from checkout.api.common.views import ApiView
from checkout.api.voucherify import calculation_shapes, redemption_filters, validations
from checkout.api.voucherify import redemption_shapes as shapes
from checkout.api.voucherify.redemption_shapes import Campaign, Customer, Parts
from checkout.asks import Ask
from checkout.facts import Facts
from checkout.models import Redemption
from checkout.redemption import NotRedeemable
from checkout.redemption_write import Figures, Redeemed
from checkout.rollback import AlreadyRolledBack, RolledBack, Wish
from checkout.subjects import Subject
from offers import configuration
from offers.ledger import counters
from offers.lib import clock, metadata
from offers.lib.errors import InvalidPayload
from offers.models import Customer as CustomerModel

PATHS = {"created_at": "pk", "id": "public_id", "voucher_code": "code"}
ORDERS = ("created_at", "id", "voucher_code", "tracking_id", "customer_id")


class RedeemsView(LeanView):
    """What the addresses that redeem share."""

    def redeem(self, ask: Ask) -> Redeemed | tuple[int, dict[str, Any]]:
        """Return what was redeemed, or the answer to a refusal."""
        try:
            return redemption.redeem(
                retailer_id=self.retailer_id, ask=ask, actor=self.actor, now=self.now, confirm=self.confirm
            )
        except NotRedeemable as refusal:
            if refusal.code == "not_found":
                self.note_unknown_codes(1)
            # An answer like any other: the failure is recorded, also in a transaction of the caller's.
            return errors.status_of(refusal), errors.body(refusal, self.request_id)

    def redeem_one(self, ask: Ask) -> Any:
        """Answer the redemption of the only redeemable, with the order as it is now."""
        done = self.redeem(ask)
        if not isinstance(done, Redeemed):
            return done
        whole = answer(done, self.request_id)
        return {**whole["redemptions"][0], "order": whole.get("order")}


class Redemptions(RedeemsView):
    """Redeem for an order (POST), and the history of redemptions and rollbacks (GET)."""

    scope = "redemptions"
    body = Ask
    cached_credentials = True

    def post(self, request: HttpRequest) -> Any:
        """Redeem: use redeemables for an order, all or nothing unless the stacking rules say PARTIAL.

        With `session` the lock of an earlier validation is used up. A refusal is recorded too: `resource_id` names it.
        """
        ask: Ask = self.decode()
        done = self.redeem(ask)
        return answer(done, self.request_id) if isinstance(done, Redeemed) else done

    def get(self, request: HttpRequest) -> Any:
        """List redemptions and rollbacks, newest first, failed ones included."""
        self.confirm(configuration.version(self.retailer_id))
        query = lists.read(request.GET, order=ORDERS, filters=redemption_filters.NAMES)
        results = lists.several(request.GET, "result")
        rows = history.search(
            retailer_id=self.retailer_id,
            succeeded=redemption_filters.results(results) if results else None,
            campaign=request.GET.get("campaign") or None,
            customer=request.GET.get("customer") or None,
        )
        fields = redemption_filters.of(self.retailer_id)
        return page(lists.apply(rows, query, fields=fields, paths=PATHS, now=self.now), query)


class RedemptionOne(ApiView):
    """One redemption or rollback, also a failed one."""

    scope = "redemptions"

    def get(self, request: HttpRequest, redemption_id: str) -> Any:
        row = history.find(retailer_id=self.retailer_id, public_id=redemption_id)
        return many([row])[0]


class _RollbackView(ApiView):
    scope = "rollbacks"

    def roll_back(self, request: HttpRequest, redemption_id: str, *, stack: bool) -> RolledBack | tuple[int, Any]:
        try:
            return rollback.roll_back(
                retailer_id=self.retailer_id,
                redemption_public_id=redemption_id,
                actor=self.actor,
                now=self.now,
                wish=wish(request, self.read_object()),
                stack=stack,
            )
        except AlreadyRolledBack as refusal:
            # Answered, not raised: raising would undo the record of the attempt.
            return errors.status_of(refusal), errors.body(refusal, self.request_id)


class Rollback(_RollbackView):
    """Roll back one redemption."""

    def post(self, request: HttpRequest, redemption_id: str) -> Any:
        done = self.roll_back(request, redemption_id, stack=False)
        return many(done.rows)[0] if isinstance(done, RolledBack) else done


class StackRollback(_RollbackView):
    """Roll back a stack: the parent redemption with all its children."""

    def post(self, request: HttpRequest, redemption_id: str) -> Any:
        done = self.roll_back(request, redemption_id, stack=True)
        if not isinstance(done, RolledBack):
            return done
        shown = many([*done.rows, *([done.parent] if done.parent else [])])
        body: dict[str, Any] = {"rollbacks": shown[: len(done.rows)]}
        if done.parent is not None:
            body["parent_rollback"] = shown[-1]
        if done.order is not None:
            owner = customer(done.order.customer)
            body["order"] = {
                **shapes.order_identity(done.order, owner),
                **shapes.order_amounts(done.order),
                "redemptions": done.order.redemptions,
            }
        return body


def wish(request: HttpRequest, body: Mapping[str, Any]) -> Wish:
    """Return what came along with a rollback, in the query or the body."""
    values: dict[str, Any] = {}
    for name in ("reason", "tracking_id"):
        value = body.get(name) or request.GET.get(name)
        if value is not None and not isinstance(value, str):
            raise InvalidPayload(f"Property .{name} should be string")
        values[name] = value
    for name in ("customer", "order"):
        part = body.get(name)
        if part is not None and not isinstance(part, dict):
            raise InvalidPayload(f"Property .{name} should be object")
        ident = (part or {}).get("id") or (part or {}).get("source_id")
        if ident is not None and not isinstance(ident, str):
            raise InvalidPayload(f"Property .{name}.id should be string")
        values[name] = ident
    data = body.get("metadata")
    if data is not None and not isinstance(data, dict):
        raise InvalidPayload("Property .metadata should be object")
    tracking_id = values["tracking_id"]
    return Wish(
        reason=values["reason"] or "",
        tracking_id=tracking_id[:80] if tracking_id else None,
        customer=values["customer"],
        order=values["order"],
        metadata=data,
    )


# --- the answer of a redemption just made: no further query ---


def answer(done: Redeemed, request_id: str) -> dict[str, Any]:
    """Return the redemptions made, their order, and in PARTIAL mode what was left out."""
    facts, outcome = done.facts, done.outcome
    owner = _buyer(done)
    order_owner = owner or _owner(facts)
    parent_id = done.parent.public_id if done.parent else None
    made = [
        shapes.redemption(row, _parts(done, facts.subject(verdict.redeemable), owner, order_owner, parent_id))
        for row, verdict in zip(done.rows, outcome.applicable, strict=True)
    ]
    body: dict[str, Any] = {"redemptions": made}
    if done.parent is not None:
        body["parent_redemption"] = shapes.redemption(
            done.parent, Parts(customer=owner, order=done.order, order_owner=order_owner)
        )
    customer_id = order_owner.public_id if order_owner else None
    if done.order is not None:
        calculated = calculation_shapes.order(outcome.order, customer_id=customer_id)
        if outcome.order is None:
            calculated |= shapes.order_amounts(done.order)
        body["order"] = {
            **calculated,
            **shapes.order_identity(done.order, order_owner),
            "redemptions": done.order.redemptions,
        }
        if done.order.items:
            body["order"]["items"] = done.order.items
    body["inapplicable_redeemables"] = [
        validations.redeemable(verdict, facts, customer_id, request_id) for verdict in outcome.inapplicable
    ]
    body["skipped_redeemables"] = [
        validations.redeemable(verdict, facts, customer_id, request_id) for verdict in outcome.skipped
    ]
    return body


def _parts(
    done: Redeemed, subject: Subject, owner: Customer | None, order_owner: Customer | None, parent_id: str | None
) -> Parts:
    campaign = subject.campaign
    return Parts(
        customer=owner,
        voucher=subject.voucher,
        campaign=Campaign(campaign.public_id, campaign.name, campaign.discount_json) if campaign else None,
        category=done.facts.config.categories.get(subject.voucher.category_id or 0) if subject.voucher else None,
        tier=subject.tier.row if subject.tier else None,
        order=done.order,
        order_owner=order_owner,
        holder_id=subject.voucher.holder_public_id if subject.voucher else None,
        figures=done.figures.get(subject.voucher.id, shapes.NO_FIGURES) if subject.voucher else shapes.NO_FIGURES,
        parent_id=parent_id,
    )


def _owner(facts: Facts) -> Customer | None:
    """Return whom the stored order belongs to."""
    row = facts.owner
    return None if row is None else Customer(row.public_id, row.source_id, row.name, row.email, row.metadata)


def _buyer(done: Redeemed) -> Customer | None:
    if done.customer_public_id is None:
        return None
    ask, row = done.facts.ask.customer, done.facts.customer
    return Customer(
        public_id=done.customer_public_id,
        source_id=row.source_id if row else ask.source_id if ask else None,
        name=(ask.name if ask else None) or (row.name if row else None),
        email=(ask.email if ask else None) or (row.email if row else None),
        metadata=metadata.merged(row.metadata if row else {}, (ask.metadata if ask else None) or {}),
    )


# --- history ---


def page(found: QuerySet[Redemption], query: lists.Query) -> dict[str, Any]:
    """Return one page of history, narrowed and ordered already, in the list envelope."""
    part = list(history.complete(found)[query.offset : query.offset + query.limit + 1])
    ends_here = query.page == 1 and len(part) <= query.limit
    return lists.envelope("redemptions", many(part[: query.limit]), len(part) if ends_here else lists.total(found))


def many(rows: list[Redemption], *, now: datetime | None = None) -> list[dict[str, Any]]:
    """Return rows of history as the wire shows them; figures of all their vouchers in one statement."""
    keys = history.vouchers_of(rows)
    figures = figures_of(keys, now or clock.now()) if keys else {}
    return [shapes.redemption(row, _stored_parts(row, figures)) for row in rows]


def _stored_parts(row: Redemption, figures: Mapping[int, Mapping[str, Figures]]) -> Parts:
    campaign = row.campaign
    voucher = row.voucher
    return Parts(
        customer=customer(row.customer),
        voucher=voucher,
        campaign=Campaign(campaign.public_id, campaign.name, campaign.discount) if campaign else None,
        category=voucher.category if voucher else None,
        tier=row.tier,
        order=row.order,
        order_owner=customer(row.order.customer) if row.order else None,
        holder_id=voucher.holder.public_id if voucher and voucher.holder else None,
        figures=figures.get(voucher.pk, shapes.NO_FIGURES) if voucher else shapes.NO_FIGURES,
        parent_id=row.parent.public_id if row.parent else None,
        rolls_back_id=row.rolls_back.public_id if row.rolls_back else None,
        rollbacks=tuple(row.rollbacks.all()) if row.rolled_back_at else (),
    )


def customer(row: CustomerModel | None) -> Customer | None:
    """Return the part of a customer that redemptions show."""
    return None if row is None else Customer(row.public_id, row.source_id, row.name, row.email, row.metadata)


def figures_of(voucher_ids: Iterable[int], now: datetime) -> dict[int, dict[str, Figures]]:
    """Return what the counters of vouchers say, by the voucher's key and the counter's kind."""
    states = counters.states(kinds=["voucher.uses", "voucher.credits"], owners=voucher_ids, now=now)
    found: dict[int, dict[str, Figures]] = {}
    for name, state in states.items():
        found.setdefault(name.owner, {})[name.kind] = Figures(state.granted, state.withdrawn, state.settled)
    return found


urlpatterns = [
    path("redemptions/<code:redemption_id>/rollbacks", StackRollback.as_view()),
    path("redemptions/<code:redemption_id>/rollback", Rollback.as_view()),
    path("redemptions/<code:redemption_id>", RedemptionOne.as_view()),
    path("redemptions", Redemptions.as_view()),
]
