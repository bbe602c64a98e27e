"""Builds purchases, members and rules for the tests of earning, with as little said as possible."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from loyalty.earning import MemberFacts, RuleFacts, Sale, SaleLine

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
_number = count(1)


def line(subtotal: int, item: str = "apple", quantity: int = 1, **fields: Any) -> SaleLine:
    fields.setdefault("line_id", str(next(_number)))
    return SaleLine(item_id=item, quantity=Decimal(quantity), subtotal=subtotal, **fields)


def sale(*lines: SaleLine, occasion: str = "transaction:a:1", **fields: Any) -> Sale:
    fields.setdefault("subtotal", sum(one.subtotal for one in lines))
    closed_at = fields.pop("closed_at", NOON)
    fields.setdefault("modified_at", closed_at)
    fields.setdefault("revision", 1)
    fields.setdefault("store", "a")
    return Sale(occasion=occasion, closed_at=closed_at, lines=lines, **fields)


def rule(*outcomes: dict[str, Any], rule_id: int = 1, scope: str = "economy", **definition: Any) -> RuleFacts:
    definition.setdefault("trigger", "transaction_closed")
    definition["outcomes"] = list(outcomes)
    return RuleFacts(rule_id=rule_id, version_id=rule_id, name=f"Rule {rule_id}", scope=scope, definition=definition)


def member(**fields: Any) -> MemberFacts:
    return MemberFacts(**fields)


def points_per(rate: int | str = 1, **fields: Any) -> dict[str, Any]:
    return {"type": "points_per", "account": "main", "rate": rate, "unit": "1.00", **fields}


def points_fixed(points: int, **fields: Any) -> dict[str, Any]:
    return {"type": "points_fixed", "account": "main", "points": points, **fields}
