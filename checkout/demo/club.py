"""The loyalty side of the demo: what `manage.py configure` is given for both retailers, stores, members and all."""

from datetime import datetime, timedelta
from typing import Any

from checkout.configure import document
from loyalty.models import Member
from offers import offer_templates, user_offers
from offers.lib.actors import SYSTEM
from offers.models import Offer, Retailer

SETTINGS = {"lock_ttl_seconds": 1800, "transaction_max_queue_seconds": 900, "identity_mode": "translate"}
ITEMS = [
    ("tent-2", "camping"),
    ("bag-0", "camping"),
    ("stove-1", "cooking"),
    ("mug-red", "cooking"),
    ("lamp-1", "light"),
    ("GC25", "giftcard"),
]
# first name, last name, the crm's id, level
PEOPLE = [
    ("Ada", "Lind", "14311211", "silver"),
    ("Ben", "Okafor", "14311212", "base"),
    ("Chloé", "Martin", "14311213", "base"),
    ("Dmitri", "Volkov", "14311214", "base"),
    ("Elif", "Kaya", "14311215", "gold"),
]
TIERS = {
    "ref": "club",
    "name": "Acme Club",
    "levels": [
        {"ref": "base", "name": "Base", "rank": 1},
        {
            "ref": "silver",
            "name": "Silver",
            "rank": 2,
            "entry": {"metric": "lifetime_points", "op": ">=", "value": 500},
        },
        {"ref": "gold", "name": "Gold", "rank": 3, "entry": {"metric": "lifetime_points", "op": ">=", "value": 2000}},
    ],
}
RULES: list[dict[str, Any]] = [
    {
        "name": "A point per dollar",
        "scope": "economy",
        "section": "purchase",
        "tier_system": "club",
        "levels": ["base", "silver"],
        "exclusions": [{"match": "category", "values": ["giftcard"]}],
        "outcomes": [{"type": "points_per", "account": "points", "rate": 1, "unit": "1.00"}],
    },
    {
        "name": "Gold: two points per dollar",
        "scope": "economy",
        "section": "purchase",
        "tier_system": "club",
        "levels": ["gold"],
        "exclusions": [{"match": "category", "values": ["giftcard"]}],
        "outcomes": [{"type": "points_per", "account": "points", "rate": 2, "unit": "1.00"}],
    },
    {
        "name": "5.00 off at 200 earned points",
        "scope": "economy",
        "section": "event",
        "trigger": "points_changed",
        "conditions": [{"metric": "earned_points", "account": "points", "op": "crosses", "value": 200}],
        "limits": {"per_user": {"count": 1, "period": "lifetime"}},
        "outcomes": [{"type": "offer", "offer": "five-dollars"}],
    },
    {
        "name": "Locals: 50 points for cooking gear",
        "scope": "campaign",
        "audience": {"tags": ["local"]},
        "budget": {"points": 10_000},
        "catalog_restrictions": [{"mode": "include", "match": "category", "values": ["cooking"]}],
        "limits": {"per_user": {"count": 1, "period": "day"}},
        "outcomes": [{"type": "points_fixed", "account": "points", "points": 50}],
    },
]
TERMS = "One per purchase, not for gift cards."
MUG = {"set_price": "2.00", "items": [{"match": "item", "values": ["mug-red"]}]}
STORE: dict[str, Any] = {"reward_store": True, "points_cost": 300}
# key, type, title, description, what it takes off, more
OFFERS: list[tuple[str, str, str, str, dict[str, Any], dict[str, Any]]] = [
    ("five-dollars", "fixed_check_discount", "5.00 off", "Thank you for 200 points.", {"amount": "5.00"}, {}),
    ("ten-percent", "percent_check_discount", "10 % off", "Ten percent off everything.", {"percent": 10}, {}),
    ("free-coffee", "manual_fulfillment", "A coffee on us", "While you wait for your tent.", {}, {}),
    ("mug", "set_price_coupon", "A mug for 2.00", "From the reward store.", MUG, STORE),
]


def open_doors(acme: Retailer, borealis: Retailer, now: datetime) -> dict[str, str]:
    """Set both retailers up for tills and members; return what demo.env tells of it."""
    first = _apply(
        acme, now, _stores("A", "B"), items=_items(), tier_systems=[TIERS], members=_members(), rules=_rules(now)
    )
    second = _apply(borealis, now, _stores("A"))
    return {
        "BASIC_USER": first["clients"]["main"]["client_id"],
        "BASIC_PASS": first["clients"]["main"]["client_secret"],
        "RETAILER_ID": first["retailer_id"],
        "STORE_A": first["stores"]["A"],
        "STORE_B": first["stores"]["B"],
        "MEMBER_ID": first["members"]["14311211"],
        "BASIC_USER2": second["clients"]["main"]["client_id"],
        "BASIC_PASS2": second["clients"]["main"]["client_secret"],
        "RETAILER_ID2": second["retailer_id"],
        "STORE_A2": second["stores"]["A"],
    }


def make_offers(acme: Retailer, now: datetime) -> dict[str, Offer]:
    """Make the offers, as the wire would; return them by key."""
    return {
        key: offer_templates.create(
            retailer_id=acme.pk,
            body={
                "offer_type": kind,
                "publish": True,
                "text_config": [{"culture": "en", "title": title, "description": told, "terms_and_conditions": TERMS}],
                "common_config": {"key": key, "validity_unit": "months", "validity_period": 6, **more},
                "discount_config": config,
                "use_restrictions": [],
            },
            actor=SYSTEM,
            now=now,
        ).offer
        for key, kind, title, told, config, more in OFFERS
    }


def fill_wallets(acme: Retailer, offers: dict[str, Offer], now: datetime) -> None:
    """Give the first member one of each kind of offer, and everybody the coffee."""
    for number, member in enumerate(Member.objects.filter(retailer=acme).order_by("id")):
        for key in ["free-coffee", "ten-percent"] if number == 0 else ["free-coffee"]:
            user_offers.issue(
                retailer_id=acme.pk, offer=offers[key], customer_id=member.customer_id, actor=SYSTEM, now=now
            )


def _apply(shop: Retailer, now: datetime, stores: list[dict[str, Any]], **parts: Any) -> dict[str, Any]:
    answer = document.apply(
        {
            "retailer": {"id": str(shop.uuid), "settings": SETTINGS},
            "clients": [{"ref": "main", "name": "Demo tills"}],
            "stores": stores,
            "accounts": [{"ref": "points", "name": "Points", "default": True}],
            **parts,
        },
        now=now,
    )
    assert not answer["errors"], answer["errors"]
    return answer


def _stores(*letters: str) -> list[dict[str, Any]]:
    names = {"A": "High Street", "B": "Harbour"}
    return [{"ref": letter, "name": names[letter], "timezone": "UTC"} for letter in letters]


def _items() -> list[dict[str, Any]]:
    return [{"item_id": ident, "category": category} for ident, category in ITEMS]


def _rules(now: datetime) -> list[dict[str, Any]]:
    return [{**rule, "in_force_from": (now - timedelta(days=30)).isoformat()} for rule in RULES]


def _members() -> list[dict[str, Any]]:
    return [
        {
            "ref": outside,
            "first_name": first,
            "last_name": last,
            "email": f"{first.lower()}.{last.lower()}@example.com",
            "phone": f"1555{outside[-7:]}",
            "external_ids": [{"type": "crm", "id": outside}],
            "tags": ["local"] if number % 2 else [],
            "tiers": {"club": level},
        }
        for number, (first, last, outside, level) in enumerate(PEOPLE)
    ]
