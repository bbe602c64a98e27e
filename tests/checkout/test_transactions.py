"""Working off transactions: offers redeemed once, voids, returns, poison, killed workers, a flushed broker."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection, transaction

from checkout import transaction_queue, transaction_work, transactions
from checkout.models import OfferLock, Revision
from offers import offer_templates, user_offers
from offers.lib import clock
from offers.lib.actors import SYSTEM, Actor
from offers.lib.errors import NotFound
from offers.models import Customer, Retailer, Store, UserOffer
from offers.models.audit import AuditEntry
from project import embedded
from tests.api.sessionm.sales import sale
from tests.workers import Worker, until

TILL = Actor(kind="API", ident="till", label="Till", credential_id=1)


class Shop:
    """A store that sells, its wallets and its queue."""

    def __init__(self, retailer: Retailer) -> None:
        self.retailer = retailer
        self.store = Store.objects.create(retailer=retailer, name="A")
        self.number = 0

    def send(self, payload: dict[str, Any], *, now: datetime | None = None) -> transactions.Accepted:
        self.number += 1
        return transactions.accept(
            retailer_id=self.retailer.pk,
            version=10**9,
            store_id=self.store.uuid,
            request_id=f"r{self.number}",
            payload=payload,
            actor=TILL,
            now=now or clock.now(),
        )

    def drain(self, *, now: datetime | None = None) -> int:
        return transaction_queue.drain(now=now or clock.now() + timedelta(seconds=1))

    def entry(self, kind: str = "manual_fulfillment") -> UserOffer:
        body = {
            "offer_type": kind,
            "publish": True,
            "text_config": [{"title": "Five off", "culture": "en"}],
            "common_config": {"validity_unit": "days", "validity_period": 10},
            "discount_config": {} if kind == "manual_fulfillment" else {"amount": "5.00"},
        }
        offer = offer_templates.create(retailer_id=self.retailer.pk, body=body, actor=SYSTEM, now=clock.now()).offer
        customer = Customer.objects.create(retailer=self.retailer)
        return user_offers.issue(
            retailer_id=self.retailer.pk, offer=offer, customer_id=customer.pk, actor=SYSTEM, now=clock.now()
        )[0]

    def lock(self, entry: UserOffer, transaction_id: str = "t1", amount: int = 500, ttl: int = 1800) -> OfferLock:
        now = clock.now()
        return OfferLock.objects.create(
            retailer=self.retailer,
            user_offer=entry,
            store=self.store,
            transaction_id=transaction_id,
            amount=amount,
            locked_at=now,
            priced_at=now,
            expires_at=now + timedelta(seconds=ttl),
        )

    def result(self, transaction_id: str = "t1") -> Any:
        return self.standing(transaction_id).result

    def standing(self, transaction_id: str = "t1") -> transactions.Standing:
        return transactions.status(
            retailer_id=self.retailer.pk, store_id=self.store.uuid, transaction_id=transaction_id
        )


def discount(entry: UserOffer, amount: str = "5.00", status: str = "LOCKED") -> dict[str, Any]:
    return {
        "reference_id": str(entry.uuid),
        "reference_id_type": "userofferid",
        "status": status,
        "discount_source": "sessionm",
        "amount": amount,
    }


def status_of(entry: UserOffer) -> int:
    entry.refresh_from_db()
    return entry.status


@pytest.fixture
def shop(shop_a: Retailer) -> Shop:
    return Shop(shop_a)


def test_o93_t5_t28_a_locked_offer_named_by_the_sale_is_redeemed_without_another_call(shop: Shop) -> None:
    entry = shop.entry("fixed_check_discount")
    lock = shop.lock(entry)
    assert shop.send(sale(discounts=[discount(entry, "4.50")])).outcome == "queued"
    lock.refresh_from_db()
    assert lock.state == "claimed"
    assert shop.drain() == 1
    lock.refresh_from_db()
    assert (lock.state, status_of(entry), entry.redeemed_amount) == ("consumed", UserOffer.Status.REDEEMED, 500)
    assert entry.redeemed_in == f"{shop.store.uuid}:t1"
    assert shop.result()["redeemed"] == [{"user_offer_id": str(entry.uuid), "amount": 500, "sent_amount": 450}]
    assert shop.standing().state == "processed"
    assert shop.drain() == 0


def test_o94_a_locked_offer_the_sale_does_not_name_stays_locked_and_unused(shop: Shop) -> None:
    entry = shop.entry()
    lock = shop.lock(entry)
    shop.send(sale())
    shop.drain()
    lock.refresh_from_db()
    assert (lock.state, status_of(entry)) == ("active", UserOffer.Status.ISSUED)


def test_reliability_26a_an_offer_the_sale_never_locked_stays_its_owners(shop: Shop) -> None:
    free, elsewhere = shop.entry(), shop.entry()
    shop.lock(elsewhere, "another sale")
    shop.send(sale(discounts=[discount(free), discount(elsewhere)]))
    shop.drain()
    assert status_of(free) == status_of(elsewhere) == UserOffer.Status.ISSUED
    assert [one["reason"] for one in shop.result()["rejected"]] == ["lock_missing", "lock_missing"]
    assert shop.standing().state == "processed"


def test_t18_a_claimed_lock_outlives_its_time_while_the_queue_stands_still(shop: Shop) -> None:
    entry = shop.entry("fixed_check_discount")
    lock = shop.lock(entry, ttl=1)
    shop.send(sale(discounts=[discount(entry)]))
    lock.refresh_from_db()
    assert lock.state == "claimed"
    shop.drain(now=clock.now() + timedelta(hours=1))
    assert status_of(entry) == UserOffer.Status.REDEEMED


def test_reliability_26_a_lock_that_ended_while_nobody_else_took_the_offer_still_redeems(shop: Shop) -> None:
    entry = shop.entry("fixed_check_discount")
    lock = shop.lock(entry)
    OfferLock.objects.filter(pk=lock.pk).update(state="expired")
    shop.send(sale(discounts=[discount(entry)]))
    shop.drain()
    assert status_of(entry) == UserOffer.Status.REDEEMED
    assert shop.result()["warnings"] == [f"lock_expired:{entry.uuid}"]


def test_reliability_26_one_that_somebody_else_took_is_told_and_not_redeemed(shop: Shop) -> None:
    entry = shop.entry("fixed_check_discount")
    OfferLock.objects.filter(pk=shop.lock(entry).pk).update(state="expired")
    shop.lock(entry, "t2")
    shop.send(sale(discounts=[discount(entry)]))
    shop.drain()
    assert status_of(entry) == UserOffer.Status.ISSUED
    assert shop.result()["rejected"] == [{"user_offer_id": str(entry.uuid), "reason": "offer_locked"}]


def test_a_lock_that_was_worth_nothing_when_last_priced_is_released(shop: Shop) -> None:
    entry = shop.entry("fixed_check_discount")
    lock = shop.lock(entry, amount=0)
    shop.send(sale(discounts=[discount(entry, "0")]))
    shop.drain()
    lock.refresh_from_db()
    assert (lock.state, status_of(entry)) == ("released", UserOffer.Status.ISSUED)
    assert shop.result()["rejected"][0]["reason"] == "offer_not_applicable"


def test_t6_redeemed_before_and_named_in_the_sale_is_one_redemption(shop: Shop) -> None:
    entry = shop.entry()
    user_offers.redeem(
        user_offer_id=entry.pk, redeemed_in=f"{shop.store.uuid}:t1", amount=0, actor=TILL, now=clock.now()
    )
    shop.send(sale(discounts=[discount(entry, "3.00", status="REDEEMED")]))
    shop.drain()
    assert [one["user_offer_id"] for one in shop.result()["redeemed"]] == [str(entry.uuid)]
    assert entry.events.filter(kind="redeemed").count() == 1


def test_t57_a_void_gives_offers_back_and_frees_locks(shop: Shop) -> None:
    used, locked = shop.entry(), shop.entry()
    shop.lock(used)
    shop.send(sale(discounts=[discount(used)]))
    shop.drain()
    lock = shop.lock(locked)
    shop.send(sale(is_voided="true", modified_time="2026-11-21 11:00:00"))
    shop.drain()
    lock.refresh_from_db()
    assert (status_of(used), lock.state) == (UserOffer.Status.ISSUED, "released")
    assert shop.result()["reinstated"] == [str(used.uuid)]


def test_a_return_gives_an_offer_back_where_the_till_says_so(shop: Shop) -> None:
    one, two = shop.entry(), shop.entry()
    for entry in (one, two):
        shop.lock(entry)
    shop.send(sale(discounts=[discount(one), discount(two)]))
    shop.drain()
    back = [discount(one, status="REINSTATE"), discount(two)]
    shop.send(sale(items=[], discounts=back, modified_time="2026-11-21 11:00:00"))
    shop.drain()
    assert (status_of(one), status_of(two)) == (UserOffer.Status.ISSUED, UserOffer.Status.REDEEMED)


def test_a_full_return_gives_all_offers_back_where_the_retailer_wants_it(shop: Shop) -> None:
    shop.retailer.settings = {"reinstate_on_full_return": True}
    shop.retailer.save()
    entry = shop.entry()
    shop.lock(entry)
    shop.send(sale(discounts=[discount(entry)]))
    shop.drain()
    shop.send(sale(items=[], discounts=[], modified_time="2026-11-21 11:00:00"))
    shop.drain()
    assert status_of(entry) == UserOffer.Status.ISSUED


def test_an_offer_no_longer_named_by_the_newer_version_is_released(shop: Shop) -> None:
    entry = shop.entry()
    lock = shop.lock(entry)
    shop.send(sale(discounts=[discount(entry)]))
    shop.send(sale(discounts=[], modified_time="2026-11-21 11:00:00"))
    assert shop.drain() == 2
    lock.refresh_from_db()
    assert (lock.state, status_of(entry)) == ("released", UserOffer.Status.ISSUED)
    first, second = Revision.objects.order_by("number")
    assert [first.result, (second.result or {})["revision"]] == [{"superseded_by": 2}, 2]


def test_open_and_stale_versions_lead_to_nothing(shop: Shop) -> None:
    entry = shop.entry()
    lock = shop.lock(entry)
    shop.send(sale(is_closed="false", discounts=[discount(entry)]))
    assert shop.drain() == 0
    lock.refresh_from_db()
    assert lock.state == "active"


# --- what goes wrong ---


def test_reliability_35_poison_is_parked_with_its_reason_and_those_behind_it_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        shop.send(sale(f"t{number}"))
    Revision.objects.filter(transaction__transaction_id="t1").update(payload={"transaction_id": "t1"})
    assert shop.drain() == 3
    assert [shop.standing(f"t{number}").state for number in range(3)] == ["processed", "dead", "processed"]
    assert "is_closed is required" in shop.standing().error


def test_a_passing_fault_is_tried_again_later_and_given_up_in_the_end(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.send(sale())
    work = transaction_work.run

    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the shelf fell down")

    monkeypatch.setattr(transaction_work, "run", fail)
    moment, waits = clock.now() + timedelta(seconds=1), []
    for _ in range(8):
        assert shop.drain(now=moment) == 1
        row = Revision.objects.get()
        if row.next_at is not None:
            waits.append((row.next_at - moment).seconds)
            moment = row.next_at
    assert waits == [2, 4, 8, 16, 32, 64, 128]
    assert (row.state, row.attempts) == ("dead", 8)
    assert "the shelf fell down" in row.error

    monkeypatch.setattr(transaction_work, "run", work)
    bob = Actor(kind="USER", ident="bob")
    transactions.retry(retailer_id=shop.retailer.pk, revision_id=row.pk, actor=bob, now=clock.now(), reason="mended")
    shop.drain()
    assert shop.standing().state == "processed"
    with pytest.raises(transactions.InvalidTransition):
        transactions.retry(retailer_id=shop.retailer.pk, revision_id=row.pk, actor=bob, now=clock.now())
    assert AuditEntry.objects.get(action="transaction.retry").reason == "mended"


def test_a_dead_one_is_discarded_with_a_reason_and_named(shop: Shop, shop_b: Retailer) -> None:
    shop.send(sale())
    Revision.objects.update(payload={})
    shop.drain()
    row = Revision.objects.get()
    bob = Actor(kind="USER", ident="bob")
    with pytest.raises(NotFound):
        transactions.discard(retailer_id=shop_b.pk, revision_id=row.pk, actor=bob, now=clock.now(), reason="test")
    transactions.discard(retailer_id=shop.retailer.pk, revision_id=row.pk, actor=bob, now=clock.now(), reason="test")
    assert (shop.standing().state, shop.result()["discarded"], shop.result()["by"]) == ("processed", True, "bob")


def test_what_a_discarded_one_claimed_is_its_owners_again(shop: Shop) -> None:
    bob, entry = Actor(kind="USER", ident="bob"), shop.entry()
    shop.lock(entry)
    shop.send(sale(discounts=[discount(entry)]))
    shop.send(sale("t1", "20.00", discounts=[discount(entry)], modified_time="2030-01-01 10:00:00"))
    Revision.objects.update(state="dead", next_at=None)
    assert OfferLock.objects.get().state == "claimed"
    first, second = Revision.objects.order_by("number")
    give_up = partial(transactions.discard, retailer_id=shop.retailer.pk, actor=bob, now=clock.now(), reason="test")
    give_up(revision_id=first.pk)
    assert OfferLock.objects.get().state == "claimed"  # the other one may still be retried
    told = give_up(revision_id=second.pk).result
    assert told is not None
    assert told["released"] == [{"user_offer_id": str(entry.uuid)}]
    assert OfferLock.objects.get().state == "released"
    shop.lock(entry, "t2")


def test_one_that_kills_its_workers_is_known_by_its_tries_and_harms_nobody(shop: Shop) -> None:
    shop.send(sale("killer"))
    Revision.objects.update(attempts=8)
    shop.send(sale("good"))
    assert shop.drain() == 2
    assert shop.standing("good").state == "processed"
    assert shop.standing("killer").state == "dead"
    assert "its worker died each time" in shop.standing("killer").error


def test_the_queue_says_how_it_stands(shop: Shop) -> None:
    now = clock.now()
    shop.send(sale("t1"), now=now - timedelta(seconds=60))
    shop.send(sale("t2"), now=now)
    found = transaction_queue.standing(retailer_id=shop.retailer.pk, now=now)
    assert found == {"waiting": 2, "dead": 0, "oldest_seconds": 60}


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_reliability_33_two_drainers_do_each_transaction_once(shop: Shop) -> None:
    entries = [shop.entry() for _ in range(40)]
    for at, entry in enumerate(entries):
        shop.lock(entry, f"t{at}")
        shop.send(sale(f"t{at}", discounts=[discount(entry)]))
    begin, counts = threading.Barrier(2), []

    def work() -> None:
        begin.wait()
        mine = 0
        for _ in range(20):
            mine += transaction_queue.drain(now=clock.now() + timedelta(seconds=1), batch=7)
        counts.append(mine)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 40
    assert Revision.objects.filter(state="processed").count() == 40
    for entry in entries:
        assert status_of(entry) == UserOffer.Status.REDEEMED
        assert entry.events.filter(kind="redeemed").count() == 1


@pytest.fixture
def worker(tmp_path: Path, valkey: str) -> Iterator[Worker]:
    made = Worker(tmp_path, valkey)
    yield made
    made.kill()


def _redeemed_once(entries: list[UserOffer]) -> None:
    for entry in entries:
        assert status_of(entry) == UserOffer.Status.REDEEMED
        assert entry.events.filter(kind="redeemed").count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_reliability_27_t16_a_worker_killed_thrice_in_the_middle_redeems_each_offer_once(
    shop: Shop, worker: Worker, redis_client: "redis.Redis"
) -> None:
    entries = [shop.entry() for _ in range(5)]
    for at, entry in enumerate(entries):
        shop.lock(entry, f"t{at}")
        shop.send(sale(f"t{at}", discounts=[discount(entry)]))
    for _ in range(3):
        # The last offer's row is ours for a moment, so the worker stands in the middle of its batch when it dies.
        with transaction.atomic():
            UserOffer.objects.select_for_update().get(pk=entries[-1].pk)
            worker.start()
            worker.nudge("checkout.drain_transactions", "default")
            until(_somebody_waits, worker.said)
            worker.kill()
        until(_nobody_works, worker.said)
        assert not Revision.objects.filter(state="processed").exists()
        Revision.objects.update(next_at=clock.now())  # the lease has run out
    worker.start()
    worker.nudge("checkout.drain_transactions", "default")
    until(lambda: Revision.objects.filter(state="processed").count() == 5, worker.said)
    _redeemed_once(entries)


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction it would stay as first seen
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def _nobody_works() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return not cursor.fetchone()[0]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_reliability_28_29_a_broker_flushed_and_away_loses_nothing(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("celery.current_app.conf.task_always_eager", False)
    entries = [shop.entry() for _ in range(2)]
    for at, entry in enumerate(entries):
        shop.lock(entry, f"t{at}")
    broker = embedded.start_valkey(tmp_path, durable=False)
    worker = Worker(tmp_path, broker.url, "-B", "--schedule", str(tmp_path / "schedule"))
    try:
        shop.send(sale("t0", discounts=[discount(entries[0])]))
        redis.Redis.from_url(broker.url).flushall()
        worker.start()
        until(lambda: shop.standing("t0").state == "processed", worker.said)  # the schedule looks by itself

        broker.stop()
        shop.send(sale("t1", discounts=[discount(entries[1])]))
        transaction_queue.nudge()  # its broker is away: the sale stands all the same
        broker = embedded.start_valkey(tmp_path, durable=False)
        until(lambda: shop.standing("t1").state == "processed", worker.said)
        _redeemed_once(entries)
    finally:
        worker.kill()
        broker.stop()
