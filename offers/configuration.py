"""Campaigns, tiers and rules as web processes keep them in memory, never past the first request after a change.

Every hot read returns the retailer's version (raised by database triggers, see RetailerVersion). A copy of another
version is dropped whole; its parts are loaded again when first asked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from offers import redeemables
from offers.evaluation import rules
from offers.evaluation.context import Category, Discount, StackingRules, Window
from offers.models import (
    Campaign,
    Channel,
    ProductCollection,
    PromotionTier,
    Retailer,
    RetailerVersion,
    RuleAssignment,
    ValidationRule,
)
from offers.models.category import Category as CategoryRow
from offers.outbox.models import Endpoint

BUDGET_RULE = "campaign_budget"
CUSTOMER_LIMIT_RULE = "customer_limit"
BUDGET_COUNT = "campaign.orders.amount_discounted"
CUSTOMER_COUNT = "redemption.count.per_customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignConfig:
    """What a campaign says about all its vouchers and tiers."""

    id: int
    public_id: str
    name: str
    type: str
    campaign_type: str
    active: bool
    window: Window | None
    zone: str
    discount: Discount | None
    discount_json: Mapping[str, Any] | None
    category: CategoryRow | None
    rules: tuple[rules.CompiledRule, ...]
    budget: int | None
    exchange_ratio: Decimal = Decimal(1)  # minor units that `points_ratio` points of its cards pay
    points_ratio: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TierConfig:
    """A promotion tier with the campaign it belongs to."""

    row: PromotionTier
    campaign: CampaignConfig
    window: Window | None
    discount: Discount | None
    rules: tuple[rules.CompiledRule, ...]


@dataclass(slots=True)
class Config:
    """One retailer's configuration at one version."""

    retailer: Retailer
    version: int
    stacking: StackingRules
    listened: bool
    categories: dict[int, CategoryRow]
    collections: dict[str, frozenset[str]]
    # Beginnings of codes that only work in the session they were shown to.
    prefixes: tuple[str, ...] = ()
    revisions: dict[str, str] = field(default_factory=dict)
    # What a dialect has written of this version, kept for its next answer.
    rendered: dict[str, bytes] = field(default_factory=dict)
    _campaigns: dict[int, CampaignConfig] = field(default_factory=dict)
    _tiers: dict[str, TierConfig | None] = field(default_factory=dict)
    _rules: dict[int, rules.CompiledRule | None] = field(default_factory=dict)
    _limits: dict[int, rules.CompiledRule] = field(default_factory=dict)

    def campaign(self, campaign_id: int) -> CampaignConfig:
        """Return a campaign of this retailer, loading it at first use."""
        found = self._campaigns.get(campaign_id)
        if found is None:
            found = self._campaigns[campaign_id] = self._load_campaign(campaign_id)
        return found

    def tier(self, public_id: str) -> TierConfig | None:
        """Return a promotion tier by its public id, or None when this retailer has none such."""
        if public_id not in self._tiers:
            self._tiers[public_id] = self._load_tier(public_id)
        return self._tiers[public_id]

    def rules_of(self, rule_ids: Iterable[int]) -> tuple[rules.CompiledRule, ...]:
        """Return rules by key, compiled, each loaded at first use."""
        missing = [rule_id for rule_id in rule_ids if rule_id not in self._rules]
        if missing:
            self._load_rules(missing)
        return tuple(rule for rule_id in rule_ids if (rule := self._rules[rule_id]) is not None)

    def customer_limit(self, limit: int) -> rules.CompiledRule:
        """Return the rule "at most `limit` times for one customer"."""
        if limit not in self._limits:
            self._limits[limit] = _bound(
                CUSTOMER_LIMIT_RULE, CUSTOMER_COUNT, limit, "the customer has used this as often as allowed"
            )
        return self._limits[limit]

    def categories_of(self, *category_ids: int | None) -> tuple[Category, ...]:
        """Return categories as the engine wants them; unknown and empty keys are left out."""
        rows = [self.categories[key] for key in category_ids if key is not None and key in self.categories]
        return tuple(Category(id=row.public_id, name=row.name, hierarchy=row.hierarchy) for row in rows)

    def collections_of(self, *product_ids: str | None) -> frozenset[str]:
        """Return the collections that any of these products or SKUs is in."""
        return frozenset().union(*(self.collections.get(key, frozenset()) for key in product_ids if key))

    def _load_campaign(self, campaign_id: int) -> CampaignConfig:
        row = Campaign.objects.select_related("category").get(pk=campaign_id, retailer_id=self.retailer.pk)
        own = list(self._assigned(RuleAssignment.Target.CAMPAIGN, row.pk))
        if row.budget is not None:
            own.append(_bound(BUDGET_RULE, BUDGET_COUNT, row.budget, "the campaign's budget does not allow it"))
        zone = row.timezone or self.retailer.timezone
        return CampaignConfig(
            id=row.pk,
            public_id=row.public_id,
            name=row.name,
            type=row.type,
            campaign_type=row.campaign_type,
            active=row.active and row.archived_at is None and row.deleted_at is None,
            window=redeemables.window(row, zone),
            zone=zone,
            discount=redeemables.discount(row.discount),
            discount_json=row.discount,
            category=row.category,
            rules=tuple(own),
            budget=row.budget,
            exchange_ratio=row.exchange_ratio,
            points_ratio=row.points_ratio,
        )

    def _load_tier(self, public_id: str) -> TierConfig | None:
        rows = PromotionTier.objects.select_related("campaign__category", "category")
        row = rows.filter(retailer_id=self.retailer.pk, public_id=public_id).first()
        if row is None:
            return None
        campaign = self.campaign(row.campaign_id)
        own = self._assigned(RuleAssignment.Target.PROMOTION_TIER, row.pk)
        return TierConfig(
            row=row,
            campaign=campaign,
            window=redeemables.window(row, campaign.zone),
            discount=redeemables.discount(row.discount),
            rules=(*own, *campaign.rules),
        )

    def _assigned(self, target: str, target_id: int) -> tuple[rules.CompiledRule, ...]:
        keys = RuleAssignment.objects.filter(target=target, target_id=target_id).order_by("id")
        return self.rules_of(list(keys.values_list("rule_id", flat=True)))

    def _load_rules(self, rule_ids: list[int]) -> None:
        self._rules.update(dict.fromkeys(rule_ids))
        for row in ValidationRule.objects.filter(pk__in=rule_ids, retailer_id=self.retailer.pk):
            definition = {
                "id": row.public_id,
                "rules": row.rules,
                "error": row.error,
                "applicable_to": row.applicable_to,
                "bundle_rules": row.bundle_rules,
            }
            self._rules[row.pk] = rules.compile(definition)
            # A rule that was edited counts afresh, with what was used before as its opening.
            self.revisions[row.public_id] = f"{(row.updated_at or row.created_at).timestamp():.0f}"


_configs: dict[int, Config] = {}


def current(retailer_id: int, version: int) -> Config:
    """Return the retailer's configuration at `version` as it was read with the facts of a request."""
    config = _configs.get(retailer_id)
    if config is None or config.version != version:
        config = _configs[retailer_id] = _load(retailer_id, version)
    return config


def version(retailer_id: int) -> int:
    """Return the retailer's version as it is in the database now."""
    return RetailerVersion.objects.values_list("number", flat=True).get(pk=retailer_id)


def peek(retailer_id: int) -> Config | None:
    """Return the copy at hand, whatever its version: a guess to be checked against what is read."""
    return _configs.get(retailer_id)


def forget() -> None:
    """Drop every copy."""
    _configs.clear()


def _load(retailer_id: int, version: int) -> Config:
    retailer = Retailer.objects.get(pk=retailer_id)
    collections: dict[str, frozenset[str]] = {}
    for name, members in ProductCollection.objects.filter(retailer_id=retailer_id).values_list("public_id", "products"):
        for member in members:
            key = member["id"] if isinstance(member, dict) else member
            collections[key] = collections.get(key, frozenset()) | {name}
    return Config(
        retailer=retailer,
        version=version,
        stacking=redeemables.stacking(retailer.stacking),
        listened=Endpoint.objects.filter(retailer_id=retailer_id, active=True).exists(),
        categories={row.pk: row for row in CategoryRow.objects.filter(retailer_id=retailer_id)},
        collections=collections,
        prefixes=tuple(Channel.objects.filter(retailer_id=retailer_id).values_list("prefix", flat=True)),
    )


def _bound(rule_id: str, name: str, limit: int, message: str) -> rules.CompiledRule:
    condition = {"name": name, "conditions": {"$less_than_or_equal": [limit]}, "rules": {}}
    return rules.compile({"id": rule_id, "rules": {"1": condition, "logic": "1"}, "error": {"message": message}})
