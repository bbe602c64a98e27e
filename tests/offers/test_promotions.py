"""Promotion tiers: ordered within their campaign, switched on and off, deleted without losing what they gave."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from checkout import tier_summary
from checkout.models import Order, Redemption
from offers import promotions, rules
from offers.lib.actors import SYSTEM
from offers.lib.errors import InvalidPayload, NotFound
from offers.models import AuditEntry, Campaign, Category, PromotionTier, Retailer, RuleAssignment

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TEN_OFF = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Retailer:
    return Retailer.objects.create(name="Alice's shop")


@pytest.fixture
def rival() -> Retailer:
    return Retailer.objects.create(name="Charlie's shop")


@pytest.fixture
def campaign(shop: Retailer) -> Campaign:
    return Campaign.objects.create(retailer=shop, name="Autumn", campaign_type="PROMOTION")


def create(campaign: Campaign, **fields: Any) -> PromotionTier:
    rule_idents = fields.pop("rule_idents", None)
    wanted: promotions.Fields = {"discount": TEN_OFF, **fields}  # type: ignore[typeddict-item]
    return promotions.create(campaign=campaign, fields=wanted, actor=SYSTEM, now=NOW, rule_idents=rule_idents)


def update(tier: PromotionTier, **fields: Any) -> PromotionTier:
    return promotions.update(
        retailer_id=tier.retailer_id,
        ident=tier.public_id,
        fields=fields,  # type: ignore[arg-type]
        actor=SYSTEM,
        now=NOW,
    )


def test_a_new_tier_comes_last_unless_it_says_where(campaign: Campaign) -> None:
    assert [create(campaign).hierarchy, create(campaign, hierarchy=7).hierarchy, create(campaign).hierarchy] == [
        1,
        7,
        8,
    ]


def test_only_promotion_campaigns_have_tiers(shop: Retailer) -> None:
    coupons = Campaign.objects.create(retailer=shop, name="Coupons")
    with pytest.raises(promotions.NotAPromotion):
        create(coupons)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"discount": None}, ".action.discount"),
        ({"discount": {"type": "AMOUNT"}}, ".action.discount"),
        ({"validity_timeframe": {"interval": "daily", "duration": "PT1H"}}, ".validity_timeframe"),
        ({"validity_day_of_week": [7]}, ".validity_day_of_week"),
        ({"start_date": NOW, "expiration_date": NOW}, ".expiration_date"),
    ],
)
def test_a_tier_that_cannot_be_is_refused_by_the_name_of_its_field(
    campaign: Campaign, fields: dict[str, Any], path: str
) -> None:
    with pytest.raises(InvalidPayload) as refused:
        create(campaign, **fields)
    assert path in refused.value.message
    assert not PromotionTier.objects.exists()


def test_an_update_changes_only_what_it_sends_and_is_audited(campaign: Campaign) -> None:
    tier = create(campaign, name="Ten", metadata={"a": 1})
    changed = update(tier, discount={"type": "AMOUNT", "amount_off": 500}, metadata={"b": 2})
    assert (changed.name, changed.metadata, changed.discount) == (
        "Ten",
        {"a": 1, "b": 2},
        {"type": "AMOUNT", "amount_off": 500},
    )
    row = AuditEntry.objects.get(action="promotion_tier.update")
    assert row.before == {"discount": TEN_OFF}


def test_a_category_is_given_by_name_or_id_and_cleared_by_none(campaign: Campaign) -> None:
    category = Category.objects.create(retailer_id=campaign.retailer_id, name="Seasonal")
    tier = create(campaign, category="Seasonal")
    assert tier.category == category
    assert update(tier, category=None).category is None
    assert update(tier, category=category.public_id).category == category
    with pytest.raises(NotFound) as refused:
        update(tier, category="nobody")
    assert refused.value.data["resource_type"] == "category"


def test_enable_and_disable_leave_an_audit_row_each(campaign: Campaign) -> None:
    tier = create(campaign)
    who: dict[str, Any] = {"retailer_id": campaign.retailer_id, "ident": tier.public_id, "actor": SYSTEM, "now": NOW}
    assert promotions.disable(**who).active is False
    assert promotions.enable(**who).active is True
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["promotion_tier.create", "promotion_tier.disable", "promotion_tier.enable"]


def test_a_deleted_tier_is_gone_but_its_redemption_still_names_it(campaign: Campaign) -> None:
    rule = rules.create(retailer_id=campaign.retailer_id, fields={"name": "Any", "rules": {}}, actor=SYSTEM, now=NOW)
    tier = create(campaign, rule_idents=[rule.public_id])
    redemption = Redemption.objects.create(
        public_id="r_1", retailer_id=campaign.retailer_id, succeeded=True, tier=tier, created_at=NOW
    )
    promotions.delete(retailer_id=campaign.retailer_id, ident=tier.public_id, actor=SYSTEM, now=NOW)
    with pytest.raises(NotFound):
        promotions.get(retailer_id=campaign.retailer_id, ident=tier.public_id)
    assert list(promotions.of(campaign=campaign)) == []
    assert not RuleAssignment.objects.exists()
    named = Redemption.objects.get(pk=redemption.pk).tier
    assert named == tier
    assert named is not None
    assert named.active is False


def test_retailers_never_see_each_others_tiers(campaign: Campaign, rival: Retailer) -> None:
    tier = create(campaign)
    with pytest.raises(NotFound):
        promotions.find_campaign(retailer_id=rival.pk, ident=campaign.name)
    with pytest.raises(NotFound):
        promotions.get(retailer_id=rival.pk, ident=tier.public_id)
    with pytest.raises(NotFound):
        promotions.delete(retailer_id=rival.pk, ident=tier.public_id, actor=SYSTEM, now=NOW)
    assert list(promotions.search(retailer_id=rival.pk)) == []


def test_available_tiers_are_active_and_in_time_with_their_campaign(shop: Retailer, campaign: Campaign) -> None:
    day = timedelta(days=1)
    good = create(campaign, start_date=NOW - day, expiration_date=NOW + day)
    create(campaign, active=False)
    create(campaign, expiration_date=NOW)
    create(campaign, start_date=NOW + day)
    sleeping = Campaign.objects.create(retailer=shop, name="Winter", campaign_type="PROMOTION", active=False)
    create(sleeping)
    assert list(promotions.search(retailer_id=shop.pk, available_at=NOW)) == [good]
    assert promotions.search(retailer_id=shop.pk).count() == 5


def test_a_summary_counts_redemptions_that_stand(campaign: Campaign) -> None:
    tier, idle = create(campaign), create(campaign)
    order = Order.objects.create(retailer_id=campaign.retailer_id, amount=10000, created_at=NOW)
    rows: list[dict[str, Any]] = [
        {"succeeded": True, "order": order, "discount_amount": 1000},
        {"succeeded": True, "order": order, "discount_amount": 1000, "rolled_back_at": NOW},
        {"succeeded": False},
        {"succeeded": True, "kind": Redemption.Kind.ROLLBACK},
    ]
    for number, row in enumerate(rows):
        Redemption.objects.create(
            public_id=f"r_{number}", retailer_id=campaign.retailer_id, tier=tier, created_at=NOW, **row
        )
    found = tier_summary.of([tier, idle])
    assert found[tier.pk] == tier_summary.TierSummary(1, 10000, 1000)
    assert found[idle.pk] == tier_summary.TierSummary()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_tiers_made_at_once_take_different_places() -> None:
    shop = Retailer.objects.create(name="Race")
    campaign = Campaign.objects.create(retailer=shop, name="Autumn", campaign_type="PROMOTION")
    start = threading.Barrier(6)

    def call() -> None:
        try:
            start.wait()
            create(campaign)
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(PromotionTier.objects.values_list("hierarchy", flat=True)) == [1, 2, 3, 4, 5, 6]
