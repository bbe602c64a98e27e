"""Calculated orders, verdicts and discounts as the wire shows them."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any

import orjson

from checkout import calculation
from checkout.facts import Facts
from checkout.subjects import Subject
from offers.configuration import Config
from offers.evaluation.context import Discount
from offers.evaluation.verdicts import OrderTotals, Target, Verdict

_TARGET_ALWAYS = ("object", "id", "effect")


def order(totals: OrderTotals | None, *, customer_id: str | None, referrer_id: str | None = None) -> dict[str, Any]:
    """Return an order after a calculation; without amounts only what identifies it."""
    calculated = calculation.order(totals) if totals is not None else {}
    return {**calculated, "customer_id": customer_id, "referrer_id": referrer_id, "object": "order"}


def discount(value: Discount, raw: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a discount with the effect it really had; `raw`: the stored object, for what the engine does not use."""
    shown: dict[str, Any] = {"type": value.type}
    if value.effect:
        shown["effect"] = value.effect
    for name in ("amount_off", "percent_off", "fixed_amount", "amount_limit", "aggregated_amount_limit"):
        number = getattr(value, name)
        if number is not None:
            shown[name] = _number(number)
    if value.type == "UNIT":
        shown |= {
            name: raw[name] for name in ("unit_off", "unit_type", "units", "product", "sku") if raw and name in raw
        }
    return {**shown, "is_dynamic": False}


def stacking(config: Config) -> orjson.Fragment:
    """Return the stacking rules in force, ready-made: they stand in every answer and seldom change."""
    made = config.rendered.get("stacking")
    if made is None:
        made = config.rendered["stacking"] = orjson.dumps(_stacking(config))
    return orjson.Fragment(made)


def _stacking(config: Config) -> dict[str, Any]:
    rules = config.stacking
    shown: dict[str, Any] = {}
    for one in fields(rules):
        value = getattr(rules, one.name)
        if isinstance(value, frozenset):
            value = sorted(value)
        shown[one.name] = dict(value) if isinstance(value, Mapping) else value
    mode = config.retailer.stacking.get("redeemables_rollback_order_mode", "WITH_ORDER")
    return {**shown, "redeemables_rollback_order_mode": mode}


def targets(found: Iterable[Target]) -> dict[str, Any]:
    """Return applicable_to or inapplicable_to."""
    data = [_target(one) for one in found]
    return {"data": data, "total": len(data), "data_ref": "data", "object": "list"}


def error(verdict: Verdict, status: int, request_id: str) -> dict[str, Any]:
    """Return why a redeemable is INAPPLICABLE: the same object that would be an HTTP error body."""
    reason = verdict.reason
    assert reason is not None
    body: dict[str, Any] = {
        "code": status,
        "key": reason.code,
        "message": reason.message,
        "details": reason.details or verdict.redeemable.code or verdict.redeemable.id,
        "request_id": request_id,
    }
    if reason.code == "not_found":
        body |= {"resource_id": verdict.redeemable.id, "resource_type": verdict.redeemable.object}
    if reason.rule_error:
        body["error"] = {"message": reason.rule_error}
    return body


def result(verdict: Verdict, subject: Subject) -> dict[str, Any]:
    """Return what an applicable redeemable gives."""
    if verdict.redeemable.gift is not None:
        return {"gift": {"balance": verdict.gift_balance, "credits": verdict.credits}}
    if verdict.redeemable.points is not None:
        return {"loyalty_card": {"points": verdict.points}}
    if verdict.discount is None:
        return {}
    raw = None
    if subject.voucher is not None:
        raw = subject.voucher.discount or (subject.campaign.discount_json if subject.campaign else None)
    elif subject.tier is not None:
        raw = subject.tier.row.discount
    return {"discount": discount(verdict.discount, raw)}


def metadata(subject: Subject) -> dict[str, Any]:
    if subject.voucher is not None:
        return subject.voucher.metadata
    return subject.tier.row.metadata if subject.tier is not None else {}


def categories(verdict: Verdict, facts: Facts) -> list[dict[str, Any]]:
    """Return the redeemable's categories."""
    by_id = {row.public_id: row for row in facts.config.categories.values()}
    return [
        {
            "id": one.id,
            "name": one.name,
            "hierarchy": one.hierarchy,
            "object": "category",
            "created_at": by_id[one.id].created_at,
            "updated_at": by_id[one.id].updated_at,
        }
        for one in verdict.redeemable.categories
    ]


def _number(value: int | Decimal) -> Any:
    if isinstance(value, int):
        return value
    return int(value) if value == value.to_integral_value() else value


def _target(target: Target) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for one in fields(target):
        value = getattr(target, one.name)
        if one.name in ("order_item_indices", "order_item_units", "product_id", "product_source_id"):
            continue
        if value is not None or one.name in _TARGET_ALWAYS:
            shown[one.name] = value
    if target.product_id is not None:
        shown["product"] = {"id": target.product_id, "source_id": target.product_source_id}
    if target.order_item_indices:
        shown["order_item_indices"] = list(target.order_item_indices)
    if target.order_item_units:
        shown["order_item_units"] = [{"index": index, "units": list(units)} for index, units in target.order_item_units]
    return shown
