"""Rollbacks: undo a redemption, give back what it used, and take its discount off the order.

One transaction: 1. the redemption is claimed by a conditional update (only one rollback can win), 2. the order is
locked and its discounts taken off, 3. the ledger gives back, 4. history, audit and event rows are written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from checkout import calculation
from checkout.models import Order, Redemption
from checkout.redemption_plan import moment
from offers import audit, configuration
from offers.ledger import entries
from offers.lib.actors import Actor
from offers.lib.errors import NotFound, Refusal
from offers.lib.ids import new_id
from offers.models import Customer
from offers.outbox.models import Event

LONGEST = timedelta(days=92)


class AlreadyRolledBack(Refusal):
    """Already rolled back."""

    code = "already_rolled_back"


class InvalidParent(Refusal):
    """This redemption is part of a stack: roll back the stack."""

    code = "invalid_redemption_parent"


class InvalidRedemption(Refusal):
    """This redemption can't be rolled back here."""

    code = "invalid_redemption"


class WrongOrder(Refusal):
    """The redemption belongs to another order."""

    code = "invalid_order"


class WrongCustomer(Refusal):
    """The redemption belongs to another customer."""

    code = "invalid_customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What may come along with a rollback: checks that it is the caller's, and words for the history."""

    reason: str = ""
    tracking_id: str | None = None
    customer: str | None = None
    order: str | None = None
    metadata: dict[str, Any] | None = None


@dataclass(slots=True)
class RolledBack:
    """The rollbacks made, in the order of their redemptions; `parent` only for a stack."""

    rows: list[Redemption] = field(default_factory=list)
    parent: Redemption | None = None
    order: Order | None = None


def roll_back(
    *,
    retailer_id: int,
    redemption_public_id: str,
    actor: Actor,
    now: datetime,
    wish: Wish | None = None,
    reason: str = "",
    stack: bool = False,
) -> RolledBack:
    """Roll back one redemption, or with `stack` a parent with all its children (or a single one without parent).

    Refuses, in this order: `not_found`, `invalid_redemption_parent` (a child), `invalid_redemption` (a failed one, a
    rollback, one older than three months; without `stack` also a parent), `invalid_customer` (`not_found` for one by
    an unknown id), `invalid_order`, `already_rolled_back` (recorded as a failed rollback).
    """
    wish = wish or Wish(reason=reason)
    redemption = Redemption.objects.filter(retailer_id=retailer_id, public_id=redemption_public_id).first()
    if redemption is None:
        raise NotFound("redemption", redemption_public_id)
    children = list(redemption.children.filter(kind=Redemption.Kind.REDEMPTION).order_by("id"))
    _check(redemption, children, wish, stack=stack, now=now)
    try:
        with transaction.atomic():
            return _undo(redemption, children, wish, actor, now)
    except AlreadyRolledBack as refusal:
        failed = _rollback_row(redemption, wish, actor, now, succeeded=False)
        failed.failure_code, failed.failure_message = refusal.code, refusal.message
        failed.save(force_insert=True)
        refusal.data.update(resource_id=failed.public_id, resource_type="redemption_rollback")
        raise


def _check(redemption: Redemption, children: Sequence[Redemption], wish: Wish, *, stack: bool, now: datetime) -> None:
    if redemption.parent_id is not None:
        raise InvalidParent
    if redemption.kind != Redemption.Kind.REDEMPTION or not redemption.succeeded:
        raise InvalidRedemption("Only a successful redemption can be rolled back")
    if children and not stack:
        raise InvalidRedemption("This redemption is the parent of a stack: roll back the stack")
    if now - redemption.created_at > LONGEST:
        raise InvalidRedemption("The redemption is older than three months")
    if wish.customer:
        _check_customer(redemption, wish.customer)
    order = redemption.order
    if wish.order and (order is None or wish.order not in (order.public_id, order.source_id)):
        raise WrongOrder


def _check_customer(redemption: Redemption, ident: str) -> None:
    customer = redemption.customer
    if customer is not None and ident in (customer.public_id, customer.source_id):
        return
    rows = Customer.objects.filter(retailer_id=redemption.retailer_id, public_id=ident)
    if ident.startswith("cust_") and not rows.exists():
        raise NotFound("customer", ident)
    raise WrongCustomer


def _undo(
    redemption: Redemption, children: Sequence[Redemption], wish: Wish, actor: Actor, now: datetime
) -> RolledBack:
    claimed = Redemption.objects.filter(pk=redemption.pk, rolled_back_at__isnull=True).update(rolled_back_at=now)
    if not claimed:
        raise AlreadyRolledBack
    Redemption.objects.filter(pk__in=[child.pk for child in children]).update(rolled_back_at=now)
    parts = list(children) or [redemption]
    done = RolledBack(parent=_rollback_row(redemption, wish, actor, now) if children else None)
    if done.parent is not None:
        done.parent.save(force_insert=True)
    for part in parts:
        row = _rollback_row(part, wish, actor, now)
        row.parent = done.parent
        row.save(force_insert=True)
        done.rows.append(row)
    config = _config(redemption.retailer_id)
    if redemption.order_id is not None:
        done.order = _order_without(redemption, parts, done, config, now)
    entries.reverse(references=[part.public_id for part in parts], now=now, reason=wish.reason[:200])
    _tell(redemption, done, wish, actor, now, listened=config.listened)
    return done


def _rollback_row(
    redemption: Redemption, wish: Wish, actor: Actor, now: datetime, *, succeeded: bool = True
) -> Redemption:
    return Redemption(
        public_id=new_id("rr_" if succeeded else "rrf_"),
        retailer_id=redemption.retailer_id,
        kind=Redemption.Kind.ROLLBACK,
        succeeded=succeeded,
        rolls_back_id=redemption.pk,
        voucher_id=redemption.voucher_id,
        tier_id=redemption.tier_id,
        campaign_id=redemption.campaign_id,
        code=redemption.code,
        customer_id=redemption.customer_id,
        order_id=redemption.order_id,
        tracking_id=wish.tracking_id or redemption.tracking_id,
        amount=-redemption.amount if succeeded and redemption.amount else None,
        discount_amount=-redemption.discount_amount if succeeded else 0,
        metadata=wish.metadata,
        detail={name: value for name, value in redemption.detail.items() if name == "reward"},
        reason=wish.reason,
        channel_type=actor.kind,
        channel_id=actor.name if actor.kind == "USER" else actor.ident,
        created_at=now,
    )


def _config(retailer_id: int) -> configuration.Config:
    return configuration.current(retailer_id, configuration.version(retailer_id))


def _order_without(
    redemption: Redemption, parts: Sequence[Redemption], done: RolledBack, config: configuration.Config, now: datetime
) -> Order | None:
    """Take the discounts of the parts off their order; with the last of them it is as it was before any."""
    assert redemption.order_id is not None
    order = Order.objects.select_for_update().filter(pk=redemption.order_id).first()
    if order is None:
        return None
    entry = order.redemptions.get(redemption.public_id)
    if entry is not None:
        top = done.parent or done.rows[0]
        entry |= {"rollback_id": top.public_id, "rollback_date": moment(now)}
        if done.parent is not None:
            entry["rollback_stacked"] = [row.public_id for row in done.rows]
    if config.retailer.stacking.get("redeemables_rollback_order_mode", "WITH_ORDER") == "WITH_ORDER":
        order.status = Order.Status.CANCELED
        others = Redemption.objects.filter(
            order_id=order.pk, kind=Redemption.Kind.REDEMPTION, succeeded=True, rolled_back_at__isnull=True
        ).exists()
        if others:
            for part in parts:
                calculation.take_off(order, part.detail.get("order") or {})
        else:
            calculation.restore(order)
    order.revision += 1
    order.updated_at = now
    order.save()
    return order


def _tell(redemption: Redemption, done: RolledBack, wish: Wish, actor: Actor, now: datetime, *, listened: bool) -> None:
    points = sum(row.amount or 0 for row in done.rows if "reward" in row.detail)
    audit.record(
        retailer_id=redemption.retailer_id,
        actor=actor,
        action="redemption.rollback",
        object_type="redemption",
        object_id=redemption.public_id,
        after={
            "rollback": (done.parent or done.rows[0]).public_id,
            "discount_amount": sum(row.discount_amount for row in done.rows),
            "credits": sum(row.amount or 0 for row in done.rows if "reward" not in row.detail),
            **({"points": points} if points else {}),
        },
        reason=wish.reason,
        now=now,
    )
    if listened:
        rows = ([done.parent] if done.parent else []) + done.rows
        Event.objects.bulk_create(
            Event(
                retailer_id=redemption.retailer_id,
                type="redemption.rollback.succeeded",
                data={"redemption": row.public_id},
                created_at=now,
            )
            for row in rows
        )
