"""One session locked again, redeemed, released, swept and rolled back by many at once: nobody waits in a circle."""

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.core.management import call_command

from checkout import lock_one, redemption_held, redemption_write, sessions, validation
from checkout.models import Redemption
from offers import vouchers
from offers.ledger import expiry, holds, tallies
from offers.ledger.models import Counter, Entry, Hold
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Customer, Retailer
from offers.outbox.models import Endpoint
from tests.api.client import Answer, ApiClient
from tests.flows import shop
from tests.ledger.words import at_once

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

LIMITS: dict[str, int | None] = {"LAST": 1, "FEW": 3, "MANY": 9_000, "HOT": 70, "FREE": None}
KEYS = ("k1", "k2", "k3")
THREADS, TURNS = 8, 20


@pytest.fixture(autouse=True)
def no_second_chances(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A deadlock is a failure here, not something to try again."""
    for module in (holds, lock_one, redemption_held, redemption_write, validation):
        monkeypatch.setattr(module, "retrying", lambda write, **_: write())
    yield


def turn(api: ApiClient, owner: Retailer, draw: random.Random) -> Answer | None:
    """Do one of the things that happen to a code and a session."""
    code, key = draw.choice(list(LIMITS)), draw.choice(KEYS)
    more: dict[str, Any] = draw.choice([{}, {"customer": {"source_id": "ada"}}])
    kind = draw.randrange(14)
    if kind < 4:
        ttl = draw.choice([{}, {"ttl": 5, "ttl_unit": "MILLISECONDS"}])
        return api.post("/v1/validations", shop.body(code, session=shop.lock_of(key, **ttl), **more))
    if kind < 7:
        return shop.redeem(api, code, key=key, **more)
    if kind == 7:
        return shop.redeem(api, *draw.sample(list(LIMITS), 2), key=key, **more)
    if kind == 8:
        return shop.lock(api, *draw.sample(list(LIMITS), 2), key=key)
    if kind == 9:
        return shop.release(api, code, key)
    if kind == 10:
        made = Redemption.objects.filter(kind="redemption", succeeded=True, parent=None, rolled_back_at=None)
        row = made.order_by("-pk").first()
        return api.post(f"/v1/redemptions/{row.public_id}/rollbacks") if row else None
    if kind == 11:
        now = clock.now()
        expiry.sweep(now=now)
        sessions.expire(now=now)
    elif kind == 12:
        tallies.tally(tail=0)
    else:
        fields: Any = {"redemption_limit": draw.choice([None, 5, 500])}
        vouchers.update(retailer_id=owner.pk, ident="FREE", actor=SYSTEM, now=clock.now(), fields=fields)
    return None


def test_a_session_that_everything_happens_to_at_once(api: ApiClient, shop_a: Retailer) -> None:
    Endpoint.objects.create(retailer=shop_a, url="https://example.com/hook", secret="s")
    Customer.objects.create(retailer=shop_a, source_id="ada")
    for text, limit in LIMITS.items():
        shop.code(shop_a, text, limit=limit, hot=text == "HOT")
    for _ in range(130):  # as many lines as ledger_figures adds up before it tallies
        assert shop.redeem(api, "MANY").status == 200

    def shopper(seed: int) -> list[Answer | None]:
        draw = random.Random(seed)
        return [turn(api, shop_a, draw) for _ in range(TURNS)]

    shoppers = [partial(shopper, seed) for seed in range(THREADS)]
    answers = [one for many in at_once(*shoppers, threads=THREADS) for one in many if one]
    assert {one.status for one in answers} <= {200, 204, 400, 404}
    call_command("prove_ledger")
    assert Counter.objects.filter(tallied__gt=0).exists()

    done = Redemption.objects.filter(kind="redemption", succeeded=True, children=None)
    for text, limit in LIMITS.items():  # that of FREE comes and goes
        used = done.filter(code=text, rolled_back_at=None).count()
        live = Hold.objects.filter(state="live", counter__owner=shop_code(shop_a, text)).count()
        assert limit is None or used + live <= limit, text
    # Every redemption is one line of the journal, and every hold that was used up is one of them.
    assert Entry.objects.filter(kind="settle").count() == done.count()
    assert set(Entry.objects.filter(kind="settle").values_list("reference", flat=True)) == set(
        done.values_list("public_id", flat=True)
    )
    assert Hold.objects.filter(state="settled").count() <= done.exclude(session_key="").count()


def shop_code(owner: Retailer, text: str) -> int:
    return vouchers.get(retailer_id=owner.pk, ident=text).pk
