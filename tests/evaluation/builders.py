"""Short hands for the facts of an evaluation."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from offers.evaluation import rules
from offers.evaluation.context import (
    Category,
    Context,
    Customer,
    Discount,
    Gift,
    Line,
    Order,
    Redeemable,
    StackingRules,
    UnitOff,
)
from offers.evaluation.engine import evaluate
from offers.evaluation.rules import CompiledRule
from offers.evaluation.verdicts import Outcome, Verdict

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday


def line(product: str, price: int, quantity: int = 1, **more: Any) -> Line:
    return Line(index=0, product_id=f"prod_{product}", price=price, quantity=quantity, **more)


def order(*lines: Line, amount: int | None = None, **more: Any) -> Order:
    return Order(amount=amount, items=lines, **more)


def amount_off(amount: int, effect: str | None = None, **more: Any) -> Discount:
    return Discount(type="AMOUNT", amount_off=amount, effect=effect, **more)


def percent_off(percent: str | int, effect: str | None = None, **more: Any) -> Discount:
    return Discount(type="PERCENT", percent_off=Decimal(percent), effect=effect, **more)


def fixed(amount: int | None, effect: str | None = None, **more: Any) -> Discount:
    return Discount(type="FIXED", fixed_amount=amount, effect=effect, **more)


def free(product: str, units: int = 1, effect: str = "ADD_NEW_ITEMS") -> Discount:
    return Discount(type="UNIT", effect=effect, units=(UnitOff(unit_type=product, unit_off=units),))


def voucher(
    discount: Discount | None = None, id: str = "CODE", *, categories: tuple[str, ...] = (), **more: Any
) -> Redeemable:
    """Categories are written "id" or "id:hierarchy"."""
    named = tuple(
        Category(id=name.partition(":")[0], hierarchy=int(name.partition(":")[2] or 1)) for name in categories
    )
    return Redeemable(id=id, discount=discount, categories=named, **more)


def gift(
    balance: int, credits: int | None = None, id: str = "GIFT", effect: Any = "APPLY_TO_ORDER", **more: Any
) -> Redeemable:
    return Redeemable(id=id, kind="gift", gift=Gift(balance=balance, credits=credits, effect=effect), **more)


def condition(name: str, operator: str = "$is", *values: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "conditions": {operator: list(values)}, "rules": {}, **more}


def rule(*conditions: Mapping[str, Any], logic: str | None = None, **more: Any) -> CompiledRule:
    """The conditions are keyed "1", "2", ... and must all hold unless `logic` says otherwise."""
    keyed: dict[str, Any] = {str(number): entry for number, entry in enumerate(conditions, 1)}
    keyed["logic"] = " and ".join(keyed) if logic is None else logic
    return rules.compile({"id": "val_1", "name": "test", "rules": keyed, **more})


def scoped(
    *included: Mapping[str, Any] | str, excluded: tuple[Any, ...] = (), everything: bool = False
) -> CompiledRule:
    return rules.compile(
        {
            "id": "val_scope",
            "rules": {"logic": ""},
            "applicable_to": {
                "included": [_entry(item) for item in included],
                "excluded": [_entry(item) for item in excluded],
                "included_all": everything,
            },
        }
    )


def _entry(item: Mapping[str, Any] | str) -> Mapping[str, Any]:
    if isinstance(item, str):
        return {"object": "product", "id": f"prod_{item}", "effect": "APPLY_TO_EVERY"}
    return item


def ask(
    *redeemables: Redeemable,
    on: Order | int | None = 10000,
    customer: Customer | None = None,
    stacking: StackingRules | None = None,
    **more: Any,
) -> Outcome:
    bought = Order(amount=on) if isinstance(on, int) else on
    more.setdefault("now", NOW)
    return evaluate(
        Context(redeemables=redeemables, order=bought, customer=customer, stacking=stacking or StackingRules(), **more)
    )


def one(redeemable: Redeemable, on: Order | int | None = 10000, **more: Any) -> Verdict:
    return ask(redeemable, on=on, **more).verdicts[0]


def code(verdict: Verdict) -> str | None:
    return verdict.reason.code if verdict.reason else None


def line_offs(verdict: Verdict) -> list[int]:
    """What this redeemable took off each line."""
    assert verdict.order is not None, verdict.reason
    return [item.applied_discount_amount for item in verdict.order.items]


def statuses(outcome: Outcome) -> list[str]:
    return [verdict.reason.code if verdict.reason else verdict.status for verdict in outcome.verdicts]
