"""Writes the data of webhooks in the shapes that /v1 answers with; what is gone meanwhile is told by its id."""

from collections.abc import Callable
from typing import Any

import orjson

from checkout import customer_summary, history
from checkout.api.common import render
from checkout.api.voucherify import redemptions
from checkout.api.voucherify.campaign_shapes import campaigns_json
from checkout.api.voucherify.customer_shapes import customer_json
from checkout.api.voucherify.rule_shapes import rule_json
from checkout.api.voucherify.tier_shapes import tiers_json
from checkout.api.voucherify.voucher_shapes import vouchers_json
from offers import campaigns, customers, promotions, rules, vouchers
from offers.lib import clock
from offers.lib.errors import NotFound
from offers.outbox import payloads
from offers.outbox.models import Event

Shape = Callable[[Event], Any]


def redemption(event: Event) -> Any:
    """As GET /v1/redemptions/{id} answers, a rollback too."""
    row = history.find(retailer_id=event.retailer_id, public_id=event.data["redemption"])
    return redemptions.many([row])[0]


def voucher(event: Event) -> Any:
    """As GET /v1/vouchers/{code} answers, with what the event says besides (credits added)."""
    row = vouchers.get(retailer_id=event.retailer_id, ident=event.data["id"])
    return {**event.data, **vouchers_json([row], now=clock.now())[0]}


def campaign(event: Event) -> Any:
    """As GET /v1/campaigns/{id} answers, with what the event says besides (the job that makes codes)."""
    row = campaigns.get(retailer_id=event.retailer_id, ident=event.data["id"])
    return {**event.data, **campaigns_json([row])[0]}


def customer(event: Event) -> Any:
    """As GET /v1/customers/{id} answers."""
    row = customers.get(retailer_id=event.retailer_id, ident=event.data["id"])
    return customer_json(row, customer_summary.of([row], now=clock.now())[row.pk])


def tier(event: Event) -> Any:
    """As GET /v1/promotions/tiers/{id} answers."""
    return tiers_json([promotions.get(retailer_id=event.retailer_id, ident=event.data["id"])])[0]


def rule(event: Event) -> Any:
    """As GET /v1/validation-rules/{id} answers."""
    return rule_json(rules.get(retailer_id=event.retailer_id, ident=event.data["id"]))


SHAPES: dict[str, Shape] = {
    "redemption.": redemption,
    "voucher.": voucher,
    "campaign.": campaign,
    "customer.": customer,
    "campaign.promotion_tier.": tier,
    "business_validation_rule.": rule,
}


def register() -> None:
    """Have webhooks speak this dialect; called once per process, when the app is ready."""
    for prefix, shape in SHAPES.items():
        payloads.register(prefix, _written_by(shape))


def _written_by(shape: Shape) -> payloads.Renderer:
    def write(event: Event) -> Any:
        try:
            found = shape(event)
        except NotFound:
            return event.data
        return orjson.Fragment(render.dumps(found))

    return write
