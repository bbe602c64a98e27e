"""The benchmark's steps that need the product itself: `python -m tests.bench.inside fill 100000` answers JSON.

A process of its own per step, with the environment of the servers, so that the benchmark itself stays free of Django.
"""

import sys
import time
from datetime import timedelta
from typing import Any

import django
import orjson

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client as Browser  # noqa: E402

from loyalty import rules  # noqa: E402
from loyalty.models import Member, PointAccount  # noqa: E402
from offers import campaigns, clients, codes, generation, offer_templates, tasks, vouchers  # noqa: E402
from offers.ledger import audit  # noqa: E402
from offers.lib import clock  # noqa: E402
from offers.lib.actors import SYSTEM  # noqa: E402
from offers.models import AsyncAction, Campaign, Customer, Retailer, Store, UserOffer  # noqa: E402
from tests.bench import carts, trips  # noqa: E402

BATCH = 10_000
OFFERS_EACH = 40
TEN_PERCENT = {"type": "PERCENT", "percent_off": 10}
ABOVE_LIMIT = """
WITH held AS (
    SELECT counter_id, sum(amount) AS amount FROM ledger_hold WHERE state = 'live' GROUP BY counter_id
), settled AS (
    SELECT counter_id, sum(delta) AS amount FROM ledger_entry WHERE kind IN ('open', 'settle', 'reverse')
    GROUP BY counter_id
)
SELECT count(*) FROM (
    SELECT v.id FROM offers_voucher v
    JOIN ledger_counter c ON c.owner = v.id AND c.kind = 'voucher.uses'
    LEFT JOIN held ON held.counter_id = c.id LEFT JOIN settled ON settled.counter_id = c.id
    WHERE v.redemption_limit IS NOT NULL
    GROUP BY v.id, v.redemption_limit
    HAVING sum(coalesce(held.amount, 0) + coalesce(settled.amount, 0)) > v.redemption_limit
) above
"""


def fill(count: str) -> dict[str, Any]:
    """Migrate, and make a shop: credential, customers, a campaign of `count` codes, a hot and an unlimited one."""
    call_command("migrate", interactive=False, verbosity=0)
    now = clock.now()
    shop = Retailer.objects.create(name="Bench")
    Customer.objects.bulk_create(
        Customer(retailer=shop, source_id=carts.customer(number)) for number in range(carts.CUSTOMERS)
    )
    row, secret = clients.create(
        retailer_id=shop.pk, kind="server", name="Bench", actor=SYSTEM, now=now, rate_limited=False
    )
    spread = _campaign(shop, "Spread", redemption_limit=1)
    for code, terms in (("HOT", {"redemption_limit": 1_000_000, "hot": True}), ("UNLIMITED", {})):
        fields: Any = {"discount": TEN_PERCENT, **terms}
        vouchers.create(retailer_id=shop.pk, actor=SYSTEM, now=now, fields=fields, code=code)
    made = _codes(spread, int(count))
    till = _club(shop)
    _settle()
    return {"retailer": shop.pk, "key": row.key, "secret": secret, "codes": made, "till": till}


def _club(shop: Retailer) -> dict[str, Any]:
    """Make what tills need: store, credential, members with a rule to earn by, and offers in their wallets."""
    now = clock.now()
    store = Store.objects.create(retailer=shop, name="Bench")
    row, secret = clients.create(
        retailer_id=shop.pk, kind="basic", name="Till", actor=SYSTEM, now=now, rate_limited=False, scopes=["pos"]
    )
    PointAccount.objects.create(retailer=shop, name="main", default=True)
    rules.save(
        retailer_id=shop.pk,
        name="Per dollar",
        scope="economy",
        definition={"outcomes": [{"type": "points_per", "account": "main", "rate": 1, "unit": "1.00"}]},
        actor=SYSTEM,
        now=now,
        in_force_from=now - timedelta(days=1000),
    )
    body = {
        "offer_type": "percent_check_discount",
        "publish": True,
        "text_config": [{"title": "Ten percent", "culture": "en"}],
        "common_config": {"validity_unit": "days", "validity_period": 10},
        "discount_config": {"percent": 10},
    }
    offer = offer_templates.create(retailer_id=shop.pk, body=body, actor=SYSTEM, now=now).offer
    people = list(Customer.objects.order_by("pk")[: carts.MEMBERS])
    Member.objects.bulk_create(Member(retailer=shop, customer=one, joined_at=now) for one in people)
    wallet = [
        UserOffer(retailer=shop, offer=offer, customer=one, acquired_at=now, starts_at=now)
        for one in people
        for _ in range(OFFERS_EACH)
    ]
    UserOffer.objects.bulk_create(wallet, batch_size=5000)
    return {
        "store": str(store.uuid),
        "client": row.key,
        "secret": secret,
        "users": [str(one) for one in Member.objects.values_list("uuid", flat=True)],
        "offers": [str(one.uuid) for one in wallet],
    }


def generate(count: str) -> dict[str, Any]:
    """Make codes as a worker does it; return the rate."""
    campaign = _campaign(Retailer.objects.get(), "Generated", vouchers_count=int(count), redemption_limit=1)
    action = AsyncAction.objects.latest("id")
    began = time.perf_counter()
    tasks.generate_codes(action_id=action.pk)
    seconds = time.perf_counter() - began
    campaign.refresh_from_db()
    assert campaign.vouchers_count == int(count), campaign.vouchers_count
    return {"codes": int(count), "seconds": seconds, "rate": int(count) / seconds}


def many(count: str) -> dict[str, Any]:
    """Raise the number of codes to `count`, for the lists."""
    shop = Retailer.objects.get()
    missing = int(count) - shop.vouchers.count()
    _codes(_campaign(shop, "Many", redemption_limit=1), max(0, missing))
    _settle()
    return {"codes": shop.vouchers.count()}


def prove() -> dict[str, Any]:
    """Prove the ledger, and that no limited code is held and used more often than it may be."""
    proof = audit.prove()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(ABOVE_LIMIT)
        above = cursor.fetchone()[0]
    return {"differences": proof.total, "counters": proof.counters, "above_limit": above}


def round_trips(key: str, secret: str, *unused: str) -> dict[str, Any]:
    """Return the round trips of validate + lock, redeem with the session, and release, with a warm cache."""
    browser, found = Browser(), {}
    headers = {"X-App-Id": key, "X-App-Token": secret}
    for number, code in enumerate(unused):
        body = orjson.dumps(carts.body(code, f"trip-{number}", number))
        calls = [("lock", "POST", carts.LOCK, body), ("redeem", "POST", carts.REDEEM, body)]
        if number % 2:
            calls[1] = ("release", "DELETE", carts.release_path(code, f"trip-{number}"), b"")
        for name, method, path, sent in calls:
            with trips.counted() as counted:
                answer = browser.generic(method, path, sent, content_type="application/json", headers=headers)
            assert answer.status_code in (200, 204), answer.content
            found[name] = len(counted)  # the last word counts: by then everything is warm
    return found


def _campaign(shop: Retailer, name: str, *, vouchers_count: int = 0, **terms: Any) -> Campaign:
    fields: Any = {"discount": TEN_PERCENT, **terms}
    return campaigns.create(
        retailer_id=shop.pk,
        actor=SYSTEM,
        now=clock.now(),
        name=name,
        fields=fields,
        vouchers_count=vouchers_count,
    )


def _codes(campaign: Campaign, count: int) -> list[str]:
    template = vouchers.template(retailer_id=campaign.retailer_id, campaign=campaign, fields={}, now=clock.now())
    config = codes.config({"length": 10})
    made: list[str] = []
    while len(made) < count:
        drawn = codes.draw(config, min(BATCH, count - len(made)))
        assert generation.insert(template, drawn) == len(drawn), "drawn twice: 10 characters should be enough"
        made += drawn
    generation.count(campaign, count)
    return made


def _settle() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) offers_voucher")
        cursor.execute("ANALYZE")
        cursor.execute("CHECKPOINT")


if __name__ == "__main__":
    steps = {step.__name__: step for step in (fill, generate, many, prove, round_trips)}
    sys.stdout.write(orjson.dumps(steps[sys.argv[1]](*sys.argv[2:])).decode())
