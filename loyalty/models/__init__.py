"""Every model of the loyalty app, re-exported."""

from loyalty.models.account import MemberAccount, PointAccount, PointLot
from loyalty.models.member import ExternalId, Member
from loyalty.models.purchase import Purchase
from loyalty.models.rule import Award, Rule, RuleVersion
from loyalty.models.tier import MemberTier, TierLevel, TierSystem

__all__ = [
    "Award",
    "ExternalId",
    "Member",
    "MemberAccount",
    "MemberTier",
    "PointAccount",
    "PointLot",
    "Purchase",
    "Rule",
    "RuleVersion",
    "TierLevel",
    "TierSystem",
]
