"""What the demo retailers offer: campaigns of several kinds with their codes, products, rules and promotion tiers."""

from datetime import datetime, timedelta
from typing import Any

from offers import async_actions, campaign_terms, campaigns, catalogue, categories, generation, rules, vouchers
from offers.campaigns import NewTier
from offers.lib.actors import SYSTEM
from offers.models import Campaign, Retailer

WELCOME = "WELCOME10"
PRODUCTS = [
    ("tent-2", "Two-person tent", 18900),
    ("bag-0", "Sleeping bag, 0 °C", 9900),
    ("stove-1", "Gas stove", 4900),
    ("mug-red", "Enamel mug, red", 1200),
    ("lamp-1", "Head lamp", 2900),
]


def percent(off: str | int, **more: Any) -> dict[str, Any]:
    return {"type": "PERCENT", "percent_off": off, "effect": "APPLY_TO_ORDER", **more}


def amount(off: int, **more: Any) -> dict[str, Any]:
    return {"type": "AMOUNT", "amount_off": off, "effect": "APPLY_TO_ORDER", **more}


def stock(acme: Retailer, now: datetime) -> str:
    """Make the products; return the id of the mug that a campaign gives away."""
    made = [
        catalogue.upsert_product(
            retailer_id=acme.pk, source_id=source, fields={"name": name, "price": price}, actor=SYSTEM, now=now
        )
        for source, name, price in PRODUCTS
    ]
    for size in ("S", "M", "L"):
        catalogue.upsert_sku(
            product=made[1], source_id=f"bag-0-{size}", fields={"sku": f"Sleeping bag {size}"}, actor=SYSTEM, now=now
        )
    return str(made[3].public_id)


def make_rules(acme: Retailer, now: datetime) -> dict[str, str]:
    """Return the ids of a minimum order and a rule "gold members once a day"."""

    def condition(name: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
        return {"name": name, "conditions": {operator: [value]}, "rules": {}, **more}

    minimum = rules.create(
        retailer_id=acme.pk,
        fields={
            "name": "Orders of 50.00 and more",
            "rules": {"1": condition("order.amount", "$more_than_or_equal", 5000), "logic": "1"},
            "error": {"message": "This code needs an order of at least 50.00."},
        },
        actor=SYSTEM,
        now=now,
    )
    gold = rules.create(
        retailer_id=acme.pk,
        fields={
            "name": "Gold members, once a day",
            "rules": {
                "1": condition("customer.metadata", "$is", "gold", property="level"),
                "2": condition("redemption.count.per_customer.daily", "$less_than_or_equal", 1),
                "logic": "1 and 2",
            },
            "error": {"message": "For gold members, once a day."},
        },
        actor=SYSTEM,
        now=now,
    )
    return {"minimum": minimum.public_id, "gold": gold.public_id}


def fill(acme: Retailer, mug: str, rule: dict[str, str], now: datetime) -> None:
    """Make the campaigns of the first retailer."""
    seasonal = categories.create(retailer_id=acme.pk, name="Seasonal", hierarchy=2, now=now)
    _code(acme, "Welcome", WELCOME, now, discount=percent(10))
    spring: campaign_terms.Fields = {
        "description": "A code for everybody on the newsletter list.",
        "category": seasonal.public_id,
        "discount": percent(20, amount_limit=10000),
        "redemption_limit": 1,
        "budget": 500_000,
        "code_config": {"prefix": "SPRING-", "length": 8, "charset": "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"},
        "rules": [rule["minimum"]],
        "start_date": now - timedelta(days=20),
        "expiration_date": now + timedelta(days=60),
    }
    _pool(acme, "Spring sale", spring, 500, now)
    _code(
        acme, "Flash: 25 off for the first 100", "FLASH25", now, discount=amount(2500), redemption_limit=100, hot=True
    )
    _code(acme, "Gold members 15 %", "GOLD15", now, discount=percent(15), rules=[rule["gold"]])
    _code(acme, "One per customer", "ONCE5", now, discount=amount(500), customer_limit=1)
    mug_off = {"type": "UNIT", "unit_off": 1, "unit_type": mug, "effect": "ADD_MISSING_ITEMS"}
    _code(acme, "A free mug with every order", "FREEMUG", now, discount=mug_off)
    cards: campaign_terms.Fields = {
        "gift": {"amount": 5000, "effect": "APPLY_TO_ORDER"},
        "code_config": {"prefix": "GIFT-"},
    }
    gifts = _pool(acme, "Gift cards 50.00", cards, 20, now, campaign_type="GIFT_VOUCHERS")
    campaigns.add_voucher(
        retailer_id=acme.pk, ident=gifts.public_id, code="GIFT-DEMO-CARD-50", fields={}, actor=SYSTEM, now=now
    )
    card = {"points": 500, "exchange_ratio": 1, "points_ratio": 1}
    club: campaign_terms.Fields = {"loyalty_card": card, "code_config": {"prefix": "CLUB-"}}
    program = _pool(acme, "Club cards", club, 20, now, campaign_type="LOYALTY_PROGRAM")
    campaigns.add_voucher(
        retailer_id=acme.pk, ident=program.public_id, code="CLUB-DEMO-CARD", fields={}, actor=SYSTEM, now=now
    )
    campaigns.create(
        retailer_id=acme.pk,
        name="Bigger baskets",
        campaign_type="PROMOTION",
        fields={},
        tiers=[
            NewTier({"name": "5 % on everything", "discount": percent(5), "hierarchy": 1}, [rule["minimum"]]),
            NewTier(
                {"name": "15.00 off", "banner": "15.00 off your order", "discount": amount(1500), "hierarchy": 2}, []
            ),
        ],
        actor=SYSTEM,
        now=now,
    )
    long_ago: campaign_terms.Fields = {
        "discount": percent(30),
        "redemption_limit": 1,
        "start_date": now - timedelta(days=300),
        "expiration_date": now - timedelta(days=240),
        "code_config": {"prefix": "WINTER-", "length": 6},
    }
    _pool(acme, "Winter clearance", long_ago, 40, now)


def fill_second(borealis: Retailer, now: datetime) -> None:
    """Give the second retailer a code of the same name: two tenants never see one another."""
    _code(borealis, "Welcome", WELCOME, now, discount=amount(300))


def _code(owner: Retailer, name: str, code: str, now: datetime, **terms: Any) -> None:
    fields: campaign_terms.Fields = {"type": "STANDALONE", **terms}  # type: ignore[typeddict-item]
    campaign = campaigns.create(retailer_id=owner.pk, name=name, fields=fields, actor=SYSTEM, now=now)
    vouchers.create(retailer_id=owner.pk, campaign=campaign, code=code, fields={}, actor=SYSTEM, now=now)


def _pool(
    owner: Retailer,
    name: str,
    fields: campaign_terms.Fields,
    count: int,
    now: datetime,
    campaign_type: str = "DISCOUNT_COUPONS",
) -> Campaign:
    campaign = campaigns.create(
        retailer_id=owner.pk, name=name, campaign_type=campaign_type, fields=fields, actor=SYSTEM, now=now
    )
    action = campaigns.add_vouchers(
        retailer_id=owner.pk, ident=campaign.public_id, count=count, fields={}, actor=SYSTEM, now=now
    )
    # No worker runs yet: the job is done here and now.
    claimed = async_actions.claim(action_id=action.pk, now=now)
    while claimed is not None and generation.batch(claimed, now=now):
        pass
    return campaign
