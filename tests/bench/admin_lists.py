"""Times the lists of the back office with a million codes: `python -m tests.bench.admin_lists 1000000` answers lines.

`run` fills what is missing (codes by COPY, redemptions by one INSERT) and opens each page as an owner, through all of
Django. A list that counted its table, sorted without an index or asked row by row would show here at once.
"""

import statistics
import sys
import time
from collections.abc import Iterable
from typing import Any

import django
import orjson

if __name__ == "__main__":
    django.setup()

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from offers import campaigns
from offers.lib import clock, ids
from offers.lib.actors import SYSTEM
from offers.models import Retailer, Voucher
from tests.bench import trips

TIMES = 7
LENGTH = 10
DAYS = 60
CHUNK = 50_000

COPY = """
COPY offers_voucher (public_id, retailer_id, campaign_id, code, type, active, gift_effect, redemption_limit, hot,
                     metadata, is_referral_code, publish_count, created_at)
FROM STDIN
"""
REDEEMED = """
INSERT INTO checkout_redemption (public_id, retailer_id, kind, succeeded, voucher_id, campaign_id, code, customer_id,
    discount_amount, failure_code, failure_message, reason, detail, session_key, channel_type, channel_id, created_at)
SELECT %(run)s || n, v.retailer_id, 'redemption', n %% 50 <> 0, v.id, v.campaign_id, v.code, NULL,
       CASE WHEN n %% 50 = 0 THEN 0 ELSE 500 END, CASE WHEN n %% 50 = 0 THEN 'quantity_exceeded' ELSE '' END, '', '',
       '{}', '', 'API', 'app_bench', %(now)s - make_interval(secs => (%(count)s - n) * %(step)s)
FROM (SELECT id, retailer_id, campaign_id, code, row_number() OVER (ORDER BY id) AS n FROM offers_voucher
      WHERE retailer_id = %(retailer)s ORDER BY id LIMIT %(count)s) v
ORDER BY n
"""


def run(count: int = 1_000_000, browser: Client | None = None) -> dict[str, dict[str, Any]]:
    """Return per page the median milliseconds and the number of statements, with at least `count` codes."""
    code = fill(count)
    browser = browser or owner()
    return {name: time_page(browser, path) for name, path in pages(code, count).items()}


def pages(code: str, count: int) -> dict[str, str]:
    history, codes = "/admin/checkout/redemption/", "/admin/offers/voucher/"
    far = min(100, count // 100)
    day = clock.now().date()
    return {
        "codes": codes,
        "codes, far page": f"{codes}?p={far}",
        "codes, exact search": f"{codes}?q={code}",
        "codes, search by beginning": f"{codes}?q={code[:4]}",
        "codes, search for nothing": f"{codes}?q=NOSUCHCODE",
        "codes of a campaign": f"{codes}?campaign=Lists",
        "codes switched off (none)": f"{codes}?state=off",
        "campaigns": "/admin/offers/campaign/",
        "redemptions": history,
        "redemptions, far page": f"{history}?p={far}",
        "redemptions of a code": f"{history}?code={code}",
        "redemptions refused": f"{history}?result=failed",
        "redemptions of today": f"{history}?since={day}",
        "redemptions of an old week": f"{history}?since={day.fromordinal(day.toordinal() - 50)}"
        f"&until={day.fromordinal(day.toordinal() - 44)}",
        "redemptions of a customer": f"{history}?customer=nobody",
        "live locks": "/admin/checkout/locksession/",
        "overview": "/admin/",
    }


def time_page(browser: Client, path: str) -> dict[str, Any]:
    with trips.counted() as statements:
        answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        browser.get(path)
        taken.append((time.perf_counter() - began) * 1000)
    return {"ms": round(statistics.median(taken), 1), "statements": len(statements)}


def fill(count: int) -> str:
    """Bring codes to `count` and redemptions to half of it; return one redeemed code."""
    retailer = Retailer.objects.order_by("pk").first() or Retailer.objects.create(name="Lists")
    campaign = campaigns.create(
        retailer_id=retailer.pk,
        actor=SYSTEM,
        now=clock.now(),
        name=f"Lists {ids.random_text(6)}",
        fields={"discount": {"type": "PERCENT", "percent_off": 10}, "redemption_limit": 1, "budget": 10**9},
    )
    missing = max(1000, count - Voucher.objects.count())
    with connection.cursor() as cursor:
        for start in range(0, missing, CHUNK):
            with cursor.copy(COPY) as copy:
                for line in lines(retailer.pk, campaign.pk, min(CHUNK, missing - start)):
                    copy.write_row(line)
        redeemed = count // 2
        values: dict[str, Any] = {
            "now": clock.now(),
            "retailer": retailer.pk,
            "count": redeemed,
            "step": DAYS * 86_400 / redeemed,
        }
        values["run"] = f"r_{ids.random_text(8)}"
        cursor.execute(REDEEMED, values)
        cursor.execute("ANALYZE offers_voucher")
        cursor.execute("ANALYZE checkout_redemption")
    campaign.vouchers_count = missing
    campaign.save(update_fields=["vouchers_count"])
    rows = Voucher.objects.filter(retailer=retailer).order_by("pk").values_list("code", flat=True)
    return str(rows[redeemed // 2])


def lines(retailer: int, campaign: int, count: int) -> Iterable[tuple[Any, ...]]:
    """Yield rows of random codes; ten characters of 36 don't meet twice in a run."""
    letters = ids.random_text(count * LENGTH, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    now, run_id = clock.now(), ids.new_id("v_", 12)
    kind, effect = Voucher.Type.DISCOUNT.value, "APPLY_TO_ORDER"
    for at in range(count):
        code = letters[at * LENGTH : (at + 1) * LENGTH]
        yield (f"{run_id}{at}", retailer, campaign, code, kind, True, effect, 1, False, "{}", False, 0, now)


def owner() -> Client:
    settings.ALLOWED_HOSTS = ["*"]
    person, _ = User.objects.get_or_create(username="bench", defaults={"is_staff": True, "is_superuser": True})
    browser = Client()
    browser.force_login(person)
    return browser


def said(found: dict[str, dict[str, Any]]) -> list[str]:
    return [f"{name}: {one['ms']} ms, {one['statements']} statements" for name, one in found.items()]


if __name__ == "__main__":
    sys.stdout.write(orjson.dumps(said(run(int(sys.argv[1])))).decode())
