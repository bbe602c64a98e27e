"""The Python client's calls with everything that can be said in them: options, references, windows, every parameter."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import voucherify as v

from offers.lib import clock
from offers.models import Retailer
from tests.api.voucherify.sdk.test_campaigns import body as campaign_body
from tests.api.voucherify.sdk.test_campaigns import terms
from tests.api.voucherify.sdk.test_redemptions import redeem
from tests.api.voucherify.sdk.test_validations import ask, code, validate
from tests.api.voucherify.sdk.test_vouchers import card, coupon, percent
from tests.flows import shop

pytestmark = pytest.mark.django_db(transaction=True)
JAN = datetime(2026, 1, 1, tzinfo=UTC)
LUNCH = {"daily": [{"start_time": "12:00", "expiration_time": "14:00", "days_of_week": [1, 5]}]}
RULE = {"1": {"name": "order.amount", "conditions": {"$more_than": [100]}, "rules": {}}, "logic": "1"}


def soon() -> datetime:
    return clock.now() + timedelta(days=1)


@pytest.fixture
def rule(sdk: Any) -> Any:
    return v.ValidationRulesApi(sdk).create_validation_rules(
        v.ValidationRulesCreateRequestBody(name="Big orders", rules=RULE)
    )


@pytest.fixture
def category(sdk: Any) -> Any:
    return v.CategoriesApi(sdk).create_category(v.CategoriesCreateRequestBody(name="VIP", hierarchy=2))


def test_a_validation_says_what_it_is_asked_to_expand(sdk: Any, shop_a: Retailer, category: Any) -> None:
    campaign = shop.campaign(shop_a, "Spring", discount=shop.TEN_PERCENT)
    shop.code(shop_a, "TEN", campaign=campaign)
    v.VouchersApi(sdk).update_voucher("TEN", v.VouchersUpdateRequestBody(category_id=category.id))
    v.ProductsApi(sdk).create_product(v.ProductsCreateRequestBody(source_id="mug", name="Mug", price=1000))
    v.ProductsApi(sdk).create_sku("mug", v.ProductsSkusCreateRequestBody(source_id="red", sku="Red", price=1200))
    wanted = {
        "redeemables": [code("TEN")],
        "order": {
            "source_id": "cart-9",
            "items": [
                {"source_id": "mug", "related_object": "product", "quantity": 2, "metadata": {"gift": True}},
                {"source_id": "red", "related_object": "sku", "quantity": 1},
                {"product": {"name": "Loose tea", "metadata": {"organic": True}}, "quantity": 1, "price": 300},
            ],
            "metadata": {"shop": "web"},
        },
        "customer": {"source_id": "ann", "name": "Ann", "metadata": {"level": "gold"}},
        "session": {"type": "LOCK", "ttl": 0.5, "ttl_unit": "HOURS"},
        "tracking_id": "till-4",
        "metadata": {"till": 4},
        "options": {"expand": ["order", "redemption", "redeemable", "category"]},
    }
    answer = validate(sdk, wanted)
    assert (answer.valid, answer.tracking_id.startswith("track_")) == (True, True)
    assert (answer.session.key.startswith("ssn_"), answer.session.ttl, answer.session.ttl_unit) == (True, 0.5, "HOURS")
    (one,) = answer.redeemables
    assert (one.campaign_name, one.campaign_id) == ("Spring", campaign.public_id)
    assert [kind.name for kind in one.categories] == ["VIP"]
    assert [line.amount for line in answer.order.items] == [2000, 1200, 300]
    assert [line.product_id is not None for line in answer.order.items] == [True, True, False]
    assert (answer.order.amount, answer.order.total_discount_amount, answer.order.metadata) == (
        3500,
        350,
        {"shop": "web"},
    )
    assert redeem(sdk, {**wanted, "session": {"type": "LOCK", "key": answer.session.key}}).order.source_id == "cart-9"


def test_a_stored_order_is_redeemed_by_reference_and_named_when_undone(sdk: Any, shop_a: Retailer) -> None:
    shop.code(shop_a, "TEN", discount=shop.TEN_PERCENT, limit=5)
    shop.card(shop_a, "GIFT", credits=500)
    orders, api = v.OrdersApi(sdk), v.RedemptionsApi(sdk)
    ann = v.CustomersApi(sdk).create_customer(v.CustomersCreateRequestBody(source_id="ann", email="a@example.com"))
    bob = v.CustomersApi(sdk).create_customer(v.CustomersCreateRequestBody(source_id="bob"))
    order = orders.create_order(
        v.OrdersCreateRequestBody(
            source_id="o-1",
            amount=5000,
            created_at=JAN,
            customer=v.Customer(id=ann.id),
            referrer=v.Referrer(id=bob.id),
        )
    )
    assert (order.referrer_id, order.created_at, order.status) == (bob.id, JAN, "CREATED")
    done = redeem(sdk, {"redeemables": [code("TEN")], "order": {"id": order.id}, "customer": {"id": ann.id}})
    (made,) = done.redemptions
    assert (done.order.id, done.order.total_amount, made.customer.email) == (order.id, 4500, "a@example.com")
    undo = {"customer": {"id": ann.id}, "order": {"id": order.id}, "metadata": {"why": "late"}}
    undone = api.rollback_redemption(
        made.id,
        reason="sent back",
        tracking_id="till-4",
        redemptions_rollback_create_request_body=v.RedemptionsRollbackCreateRequestBody.from_dict(undo),
    )
    assert (undone.reason, undone.metadata, undone.order.status) == ("sent back", {"why": "late"}, "CANCELED")
    stack = redeem(sdk, ask(code("TEN"), {"object": "voucher", "id": "GIFT", "gift": {"credits": 500}}))
    wrong = v.RedemptionsRollbacksCreateRequestBody.from_dict({"order": {"id": order.id}})
    with pytest.raises(v.exceptions.BadRequestException, match="invalid_order"):
        api.rollback_stacked_redemptions(stack.parent_redemption.id, redemptions_rollbacks_create_request_body=wrong)
    right = v.RedemptionsRollbacksCreateRequestBody.from_dict({"order": {"id": stack.order.id}, "reason": "both"})
    undone = api.rollback_stacked_redemptions(
        stack.parent_redemption.id, redemptions_rollbacks_create_request_body=right
    )
    assert (undone.parent_rollback.reason, len(undone.rollbacks)) == ("both", 2)
    assert [row.id for row in orders.list_orders(limit=1, page=2, order="created_at").orders] == [stack.order.id]
    listed = api.list_redemptions(
        limit=2,
        page=1,
        result="SUCCESS",
        customer=ann.id,
        order="-id",
        created_at=v.ParameterCreatedBeforeAfter(before=soon()),
    )
    assert {row.object for row in listed.redemptions} == {"redemption", "redemption_rollback"}
    assert listed.total == 2


def test_an_order_takes_lines_with_products_that_are_kept(sdk: Any) -> None:
    orders = v.OrdersApi(sdk)
    made = orders.create_order(
        v.OrdersCreateRequestBody(
            source_id="o-2",
            items=[
                v.OrderItem(
                    source_id="tea",
                    related_object="product",
                    quantity=3,
                    product=v.OrderItemProduct(override=True, name="Tea", price=300, metadata={"organic": True}),
                ),
                v.OrderItem(
                    source_id="tea-green",
                    related_object="sku",
                    quantity=1,
                    sku=v.OrderItemSku(override=True, sku="Green", price=350),
                    product=v.OrderItemProduct(source_id="tea"),
                ),
            ],
            customer=v.Customer(source_id="ann", address=v.CustomerAddress(city="Oslo")),
        )
    )
    assert (made.amount, [line.quantity for line in made.items]) == (1250, [3, 1])
    assert v.ProductsApi(sdk).get_product("tea").name == "Tea"
    assert v.ProductsApi(sdk).get_sku("tea-green").sku == "Green"
    changed = orders.update_order(
        "o-2",
        v.OrdersUpdateRequestBody(
            items=[v.OrderItem(source_id="tea", related_object="product", quantity=1, price=300)], status="PAID"
        ),
    )
    assert (changed.amount, changed.status, changed.updated_at is not None) == (300, "PAID", True)


def test_a_voucher_with_everything_it_can_have(sdk: Any, rule: Any, category: Any) -> None:
    api = v.VouchersApi(sdk)
    made = api.create_voucher(
        "FULL",
        coupon(
            category_id=category.id,
            validity_hours=v.ValidityHours.from_dict(LUNCH),
            validation_rules=[rule.id],
            active=False,
            start_date=JAN,
        ),
    )
    assert (made.category, made.categories[0].id, made.active) == ("VIP", category.id, False)
    assert made.validation_rules_assignments.data[0].rule_id == rule.id
    assert made.validity_hours.daily[0].days_of_week == [1, 5]
    single = v.CampaignsApi(sdk).create_campaign(campaign_body("Single", type="STANDALONE"))
    public = api.create_voucher("PUBLIC", coupon(campaign_id=single.id))
    assert public.campaign == "Single"
    days = v.VouchersUpdateRequestBody(
        category="VIP", validity_day_of_week=[1, 2], validity_hours=None, additional_info="x", start_date=None
    )
    changed = api.update_voucher("PUBLIC", days)
    assert (changed.category, changed.validity_day_of_week, changed.additional_info) == ("VIP", [1, 2], "x")
    found = api.list_vouchers(
        limit=1,
        page=1,
        campaign_id=single.id,
        campaign="Single",
        category="VIP",
        created_at=v.ParameterCreatedBeforeAfter(after=JAN, before=soon()),
        updated_at=v.ParameterUpdatedBeforeAfter(after=JAN),
        order="-updated_at",
    )
    assert [row.id for row in found.vouchers] == [public.id]
    api.delete_voucher("PUBLIC")
    with pytest.raises(v.exceptions.ApiException, match="duplicate_found"):
        api.create_voucher("PUBLIC", coupon())
    api.create_voucher("CARD", card(100))
    moved = api.update_voucher_balance("CARD", v.VouchersBalanceUpdateRequestBody(amount=-100, reason="lost"))
    assert (moved.amount, moved.balance, moved.operation_type) == (-100, 0, "MANUAL")


def test_a_campaign_with_everything_it_can_have(sdk: Any, rule: Any, category: Any) -> None:
    api = v.CampaignsApi(sdk)
    made = api.create_campaign(
        campaign_body(
            "Full",
            description="All of it",
            type="AUTO_UPDATE",
            category="VIP",
            start_date=JAN,
            validity_timeframe=v.ValidityTimeframe(interval="P2D", duration="P1D"),
            validity_day_of_week=[1, 2, 3],
            activity_duration_after_publishing="P24D",
            join_once=True,
            auto_join=False,
            validation_rules=[rule.id],
            metadata={"season": "spring"},
            voucher=terms(code_config=v.CodeConfig(length=6, charset="ABC123", prefix="F-", postfix="-F")),
        )
    )
    assert (made.description, made.type, made.category_id, made.join_once) == (
        "All of it",
        "AUTO_UPDATE",
        category.id,
        True,
    )
    assert made.activity_duration_after_publishing == "P24D"
    assert made.validation_rules_assignments.data[0].rule_id == rule.id
    changed = api.update_campaign(
        made.id,
        v.CampaignsUpdateRequestBody(
            description="Less of it",
            category_id=None,
            validity_timeframe=None,
            validity_day_of_week=[5],
            metadata={"year": 2026},
            discount=percent(15),
        ),
    )
    assert (changed.description, changed.category_id, changed.validity_day_of_week) == ("Less of it", None, [5])
    assert (changed.metadata, changed.voucher.discount.percent_off) == ({"season": "spring", "year": 2026}, 15)
    added = api.add_voucher_with_specific_code_to_campaign(
        made.id,
        "OWN",
        campaigns_vouchers_create_request_body=v.CampaignsVouchersCreateRequestBody(
            category="VIP",
            metadata={"till": 1},
            redemption=v.CampaignsVouchersCreateRequestBodyRedemption(quantity=9),
            start_date=JAN,
            expiration_date=JAN + timedelta(days=900),
        ),
    )
    assert (added.category, added.redemption.quantity, added.start_date) == ("VIP", 9, JAN)
    filters = v.ParameterFiltersListCampaigns.from_dict(
        {
            "validity_day_of_week": {"conditions": {"$is": [5, 6]}},
            "type": {"conditions": {"$in": ["BULK"]}},
            "start_date": {"conditions": {"$after": "2020-01-01"}},
            "campaigns": {"conditions": {"$starts_with": "Fu"}},
            "junction": "and",
        }
    )
    api.create_campaign(campaign_body("Other", validity_day_of_week=[1]))
    stores = v.ParameterCampaignsAccessSetttings.from_dict({"filter": {"areas_ids": ["ar_1"]}})
    found = api.list_campaigns(
        limit=5,
        page=1,
        campaign_type="DISCOUNT_COUPONS",
        campaign_status="DONE",
        expand="category",
        is_referral_code=False,
        order="-updated_at",
        filters=filters,
    )
    assert ([row.name for row in found.campaigns], found.total) == (["Full"], 1)
    assert api.list_campaigns(is_referral_code=True).campaigns == []
    assert api.list_campaigns(access_settings=stores).campaigns == []
    assert api.delete_campaign(made.id, force=True).async_action_id.startswith("aa_")


def test_tiers_with_everything_they_can_have(sdk: Any, rule: Any, category: Any) -> None:
    api = v.PromotionsApi(sdk)
    v.CampaignsApi(sdk).create_campaign(v.CampaignsCreateRequestBody(name="Promo", campaign_type="PROMOTION"))
    discount = v.PromotionsTiersCreateRequestBodyAction(discount=percent(10))
    names = ("First", "Second", "Third")
    made = [
        api.add_promotion_tier_to_campaign(
            "Promo",
            v.PromotionsTiersCreateRequestBody(
                name=name,
                action=discount,
                category_id=category.id,
                validity_day_of_week=[1, 2],
                active=name != "Third",
                validation_rule_assignments=v.ValidationRuleAssignmentsList.from_dict(
                    {"object": "list", "data_ref": "data", "data": [{"rule_id": rule.id}], "total": 1}
                ),
            ),
        )
        for name in names
    ]
    assert [(tier.hierarchy, tier.category_id) for tier in made] == [(n, category.id) for n in (1, 2, 3)]
    assert made[0].validation_rule_assignments.data[0].rule_id == rule.id
    listed = api.list_promotion_tiers(is_available=True, limit=1, page=2, order="created_at")
    assert ([tier.name for tier in listed.tiers], listed.total, listed.has_more) == (["Second"], 2, False)
    changes = v.PromotionsTiersUpdateRequestBody(hierarchy=9, banner="now", metadata={"a": 1}, category=None)
    changed = api.update_promotion_tier(made[0].id, changes)
    assert (changed.hierarchy, changed.banner, changed.metadata, changed.category_id) == (9, "now", {"a": 1}, None)


def test_rules_and_their_assignments_by_page(sdk: Any, rule: Any) -> None:
    api = v.ValidationRulesApi(sdk)
    for name in ("A", "B"):
        v.VouchersApi(sdk).create_voucher(name, coupon(validation_rules=[rule.id]))
        api.create_validation_rules(v.ValidationRulesCreateRequestBody(name=name, rules=RULE))
    listed = api.list_validation_rules(limit=1, page=3, order="-name", start_date=JAN, end_date=soon())
    assert ([row.name for row in listed.data], listed.total) == (["A"], 3)
    assert api.list_validation_rules(start_date=soon()).data == []
    oldest = api.list_validation_rule_assignments(rule.id, limit=1, page=1, order="created_at").data
    newest = api.list_validation_rules_assignments(rule=rule.id, limit=1, page=2, order="-created_at").data
    assert [row.id for row in oldest] == [row.id for row in newest]
    changed = api.update_validation_rule(
        rule.id,
        v.ValidationRulesUpdateRequestBody.from_dict(
            {
                "applicable_to": {
                    "included": [],
                    "excluded": [{"object": "product", "id": "prod_1", "effect": "APPLY_TO_EVERY"}],
                }
            }
        ),
    )
    assert [one.id for one in changed.applicable_to.excluded] == ["prod_1"]


def test_customers_are_narrowed_by_everything_at_once(sdk: Any) -> None:
    api = v.CustomersApi(sdk)
    for name in ("Ann", "Bea"):
        address = v.CustomersCreateRequestBodyAddress(city="Oslo", country="NO", line_1="Road 1", postal_code="0150")
        body = v.CustomersCreateRequestBody(
            source_id=name.lower(), name=name, email="us@example.com", description="both", address=address
        )
        api.create_customer(body)
        api.update_customer(name.lower(), v.CustomersUpdateRequestBody(description="one of two"))
    found = api.list_customers(
        limit=1,
        page=2,
        email="us@example.com",
        city="Oslo",
        order="source_id",
        updated_at_after=JAN,
        created_at_before=soon(),
        created_at_after=JAN,
    )
    assert ([row.source_id for row in found.customers], found.total) == (["bea"], 2)
    assert [row.name for row in api.list_customers(name="Ann", updated_at_before=soon()).customers] == ["Ann"]
    assert api.list_customers(segment_id="seg_none").total == 0
    changed = api.list_customers(starting_after=JAN, order="updated_at", limit=10)
    assert [row.source_id for row in changed.customers] == ["ann", "bea"]


def test_products_and_variants_by_date_and_page(sdk: Any) -> None:
    api = v.ProductsApi(sdk)
    for name in ("mug", "cup"):
        api.create_product(v.ProductsCreateRequestBody(source_id=name, metadata={"kind": name}))
        api.create_sku("mug", v.ProductsSkusCreateRequestBody(source_id=f"{name}-red", metadata={"a": 1}))
    listed = api.list_products(limit=1, page=2, order="-created_at", start_date=JAN, end_date=soon())
    assert ([row.source_id for row in listed.products], listed.total) == (["mug"], 2)
    assert [row.source_id for row in api.list_products(order="code").products] == ["mug", "cup"]
    skus = api.list_skus_in_product("mug", limit=1, page=2, order="created_at", start_date=JAN, end_date=soon())
    assert ([row.source_id for row in skus.skus], skus.total) == (["cup-red"], 2)
    assert api.list_skus_in_product("mug", end_date=JAN).skus == []
    changes = v.ProductsSkusUpdateRequestBody(attributes={"size": "L"}, image_url="https://x/y.png", metadata={"b": 2})
    changed = api.update_sku("mug", "mug-red", changes)
    assert (changed.attributes, changed.image_url, changed.metadata) == (
        {"size": "L"},
        "https://x/y.png",
        {"a": 1, "b": 2},
    )
    api.delete_sku("mug", "mug-red")
    api.delete_product("cup")
    assert [row.source_id for row in api.list_products().products] == ["mug"]


def test_a_body_read_from_a_dict_sends_nulls_that_take_nothing_away(sdk: Any, shop_a: Retailer) -> None:
    """The client sends null for every field that a dict leaves out; what must have a value keeps its own."""
    rules, campaigns, vouchers = v.ValidationRulesApi(sdk), v.CampaignsApi(sdk), v.VouchersApi(sdk)
    tiers, products, orders = v.PromotionsApi(sdk), v.ProductsApi(sdk), v.OrdersApi(sdk)
    off = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER"}

    rule = rules.create_validation_rules(
        v.ValidationRulesCreateRequestBody.from_dict({"name": "Big orders", "rules": RULE})
    )
    kept = rules.update_validation_rule(rule.id, v.ValidationRulesUpdateRequestBody.from_dict({"error": None}))
    assert (kept.name, kept.rules, kept.type) == ("Big orders", RULE, "expression")

    voucher = {"type": "DISCOUNT_VOUCHER", "discount": off}
    wanted = {"name": "Spring", "campaign_type": "DISCOUNT_COUPONS", "voucher": voucher}
    campaign = campaigns.create_campaign(v.CampaignsCreateRequestBody.from_dict(wanted))
    kept = campaigns.update_campaign(campaign.id, v.CampaignsUpdateRequestBody.from_dict({"description": "x"}))
    assert (kept.type, kept.join_once, kept.active, kept.description) == ("STATIC", False, True, "x")
    bulk = v.CampaignsVouchersCreateInBulkRequestBody.from_dict({"additional_info": "x"})
    added = campaigns.add_vouchers_to_campaign("Spring", campaigns_vouchers_create_in_bulk_request_body=bulk)
    one = v.CampaignsVouchersCreateRequestBody.from_dict({"additional_info": "x"})
    assert (added.active, added.additional_info) == (True, "x")
    campaigns.add_voucher_with_specific_code_to_campaign("Spring", "ONE", campaigns_vouchers_create_request_body=one)

    body = v.VouchersCreateRequestBody.from_dict({"type": "DISCOUNT_VOUCHER", "discount": off})
    made = vouchers.generate_random_code(vouchers_create_request_body=body)
    assert (made.active, made.redemption.quantity) == (True, None)
    kept = vouchers.update_voucher(made.code, v.VouchersUpdateRequestBody.from_dict({"additional_info": "x"}))
    assert (kept.active, kept.type, kept.discount.percent_off) == (True, "DISCOUNT_VOUCHER", 10)

    campaigns.create_campaign(v.CampaignsCreateRequestBody(name="Promo", campaign_type="PROMOTION"))
    tier = tiers.add_promotion_tier_to_campaign(
        "Promo", v.PromotionsTiersCreateRequestBody.from_dict({"name": "Ten", "action": {"discount": off}})
    )
    kept = tiers.update_promotion_tier(
        tier.id, v.PromotionsTiersUpdateRequestBody.from_dict({"name": "Ten", "banner": "x"})
    )
    assert (tier.active, kept.name, kept.hierarchy, kept.action.discount.percent_off) == (True, "Ten", 1, 10)

    product = products.create_product(v.ProductsCreateRequestBody.from_dict({"source_id": "mug"}))
    kept = products.update_product(product.id, v.ProductsUpdateRequestBody.from_dict({"name": "Mug"}))
    assert (kept.source_id, kept.name, kept.attributes, kept.metadata) == ("mug", "Mug", [], {})
    sku = products.create_sku("mug", v.ProductsSkusCreateRequestBody.from_dict({"source_id": "red"}))
    assert products.update_sku("mug", sku.id, v.ProductsSkusUpdateRequestBody.from_dict({"price": 5})).price == 5

    order = orders.create_order(v.OrdersCreateRequestBody.from_dict({"amount": 900}))
    kept = orders.update_order(order.id, v.OrdersUpdateRequestBody.from_dict({"metadata": {"a": 1}}))
    assert (kept.status, kept.metadata, kept.created_at) == ("CREATED", {"a": 1}, order.created_at)
    ann = v.CustomersApi(sdk).create_customer(v.CustomersCreateRequestBody.from_dict({"source_id": "ann"}))
    kept = v.CustomersApi(sdk).update_customer(ann.id, v.CustomersUpdateRequestBody.from_dict({"name": "Ann"}))
    assert (kept.source_id, kept.name, kept.metadata) == ("ann", "Ann", {})
    named = v.CategoriesApi(sdk).create_category(v.CategoriesCreateRequestBody(name="VIP", hierarchy=2))
    kept = v.CategoriesApi(sdk).update_category(named.id, v.CategoriesUpdateRequestBody.from_dict({"hierarchy": 3}))
    assert (kept.name, kept.hierarchy) == ("VIP", 3)
