"""What a purchase, or something it led to, earns by the rules: pure, no database, no clock.

Callers build a Sale, the MemberFacts and the RuleFacts, and get back what is wanted, with the reason per rule.
"""

from loyalty.earning.engine import Evaluation, evaluate
from loyalty.earning.facts import (
    CustomEvent,
    MemberFacts,
    Metric,
    PointsChanged,
    RuleFacts,
    Sale,
    SaleDiscount,
    SaleLine,
    TierEntered,
    TransactionClosed,
    Trigger,
    Wanted,
)
from loyalty.earning.lines import eligible_spend

__all__ = [
    "CustomEvent",
    "Evaluation",
    "MemberFacts",
    "Metric",
    "PointsChanged",
    "RuleFacts",
    "Sale",
    "SaleDiscount",
    "SaleLine",
    "TierEntered",
    "TransactionClosed",
    "Trigger",
    "Wanted",
    "eligible_spend",
    "evaluate",
]
