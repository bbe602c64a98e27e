"""Making many codes: exactly as many as asked for, unique, resumable, by one worker at a time."""

import threading
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from offers import async_actions, campaigns, codes, generation, tasks
from offers.async_actions import LostClaim
from offers.lib import clock
from offers.models import AsyncAction, Campaign, Retailer, Voucher
from tests import factories
from tests.offers.test_campaigns import make
from tests.offers.test_vouchers import ALICE, NOW, TEN
from tests.offers.test_vouchers import make as make_voucher

DIGITS = {"charset": "0123456789"}


def wanted(shop: Retailer, count: int, name: str = "Big", **given: Any) -> AsyncAction:
    """A job that no worker was told of."""
    with mock.patch("offers.lib.queue.enqueue"):
        make(shop, name, vouchers_count=count, **given)
    return AsyncAction.objects.latest("id")


def claimed(action: AsyncAction) -> AsyncAction:
    mine = async_actions.claim(action_id=action.pk, now=NOW)
    assert mine is not None
    return mine


def run(action: AsyncAction, size: int = 1000) -> AsyncAction:
    mine = claimed(action)
    while generation.batch(mine, now=NOW, size=size):
        pass
    action.refresh_from_db()
    return action


@pytest.mark.django_db
def test_exactly_as_many_as_asked_for_with_the_campaigns_terms(shop_a: Retailer) -> None:
    terms: dict[str, Any] = {"redemption_limit": 2, "customer_limit": 1, "hot": True, "code_config": {"prefix": "X-"}}
    action = run(wanted(shop_a, 2500, **terms))
    campaign = Campaign.objects.get()
    assert (campaign.vouchers_count, campaign.vouchers_generation_status) == (2500, "DONE")
    assert (action.status, action.operation_status, action.done, action.progress) == ("DONE", "SUCCESS", 2500, 100)
    assert action.result is not None
    assert action.result["done_count"] == 2500
    rows = campaign.vouchers.filter(code__startswith="X-", redemption_limit=2, customer_limit=1, hot=True, active=True)
    assert rows.values("code").distinct().count() == rows.values("public_id").distinct().count() == 2500
    assert rows.filter(discount__isnull=True, created_at=NOW, retailer=shop_a).count() == 2500


@pytest.mark.django_db
def test_overrides_of_the_call_reach_every_code(shop_a: Retailer) -> None:
    make(shop_a)
    fields: Any = {"redemption_limit": 4, "metadata": {"batch": 7}, "expiration_date": NOW + timedelta(days=1)}
    with mock.patch("offers.lib.queue.enqueue"):
        action = campaigns.add_vouchers(
            retailer_id=shop_a.pk, ident="Spring", count=5, fields=fields, actor=ALICE, now=NOW
        )
    run(action)
    rows = Voucher.objects.filter(redemption_limit=4, metadata={"batch": 7}, expiration_date=NOW + timedelta(days=1))
    assert rows.count() == 5


@pytest.mark.django_db
def test_codes_that_are_taken_are_made_up_for(shop_a: Retailer) -> None:
    for n in range(60):
        make_voucher(shop_a, f"{n:02}")
    action = run(wanted(shop_a, 40, code_config={"pattern": "##", **DIGITS}), size=10)
    assert action.done == 40
    assert Voucher.objects.filter(retailer=shop_a).count() == 100


@pytest.mark.django_db
def test_a_space_that_turns_out_full_fails_with_what_was_made(shop_a: Retailer) -> None:
    for n in range(10):
        make_voucher(shop_a, f"{n:02}")
    action = run(wanted(shop_a, 95, code_config={"pattern": "##", **DIGITS}))
    assert (action.status, action.operation_status, action.done) == ("FAILED", "FAILED", 90)
    assert action.result is not None
    assert (action.result["done_count"], action.result["failed_count"]) == (90, 5)
    assert Campaign.objects.get().vouchers_generation_status == "FAILED"


@pytest.mark.django_db
def test_codes_that_somebody_else_takes_meanwhile_are_made_up_for(shop_a: Retailer) -> None:
    for n in range(95):
        make_voucher(shop_a, f"0{n:02}")
    action = wanted(shop_a, 900, code_config={"pattern": "###", **DIGITS})
    look = generation._free

    def look_and_lose(campaign: Campaign, candidates: list[str]) -> list[str]:
        free = look(campaign, candidates)
        generation._free = look
        for code in free[:3]:
            make_voucher(shop_a, code)
        return free

    with mock.patch("offers.generation._free", look_and_lose):
        run(action, size=50)
    assert action.done == 900


@pytest.mark.django_db
def test_retailers_share_no_space(shop_a: Retailer, shop_b: Retailer) -> None:
    for shop in (shop_a, shop_b):
        action = run(wanted(shop, 100, code_config={"pattern": "##", **DIGITS}), size=30)
        assert action.done == 100


@pytest.mark.django_db
def test_a_job_is_claimed_once_and_taken_over_when_silent(shop_a: Retailer) -> None:
    action = wanted(shop_a, 10)
    first = claimed(action)
    assert async_actions.claim(action_id=action.pk, now=NOW + timedelta(seconds=59)) is None
    later = NOW + timedelta(seconds=61)
    second = async_actions.claim(action_id=action.pk, now=later)
    assert second is not None
    with pytest.raises(LostClaim):
        generation.batch(first, now=later)
    assert not Voucher.objects.exists()
    while generation.batch(second, now=later):
        pass
    assert Voucher.objects.count() == 10
    assert async_actions.claim(action_id=action.pk, now=later + timedelta(days=1)) is None


@pytest.mark.django_db
def test_a_killed_worker_leaves_whole_batches_and_another_ends_the_job(shop_a: Retailer) -> None:
    action = wanted(shop_a, 100)
    mine = claimed(action)
    generation.batch(mine, now=NOW, size=30)
    with mock.patch("offers.generation.count", side_effect=MemoryError), pytest.raises(MemoryError):
        generation.batch(mine, now=NOW, size=30)  # dies after the insert, before the commit
    assert Voucher.objects.count() == 30
    later = NOW + timedelta(minutes=2)
    assert [job.pk for job in async_actions.unfinished(now=later)] == [action.pk]
    with clock.fixed(later):
        tasks.generate_codes(action_id=action.pk)
    action.refresh_from_db()
    assert (action.status, action.done, Voucher.objects.count()) == ("DONE", 100, 100)


@pytest.mark.django_db
def test_a_lost_nudge_is_picked_up_by_the_schedule(shop_a: Retailer, django_capture_on_commit_callbacks: Any) -> None:
    action = wanted(shop_a, 10)
    with clock.fixed(NOW + timedelta(seconds=30)), django_capture_on_commit_callbacks(execute=True):
        tasks.take_up_jobs()
    action.refresh_from_db()
    assert action.status == "DONE"


@pytest.mark.django_db
def test_a_job_that_kills_every_worker_is_given_up(shop_a: Retailer) -> None:
    action = wanted(shop_a, 10)
    moment = NOW
    for _ in range(async_actions.ATTEMPTS):
        assert async_actions.claim(action_id=action.pk, now=moment) is not None
        moment += timedelta(minutes=2)
    assert async_actions.claim(action_id=action.pk, now=moment) is None
    action.refresh_from_db()
    assert action.status == "FAILED"


@pytest.mark.django_db
def test_a_deleted_campaign_gets_no_more_codes(shop_a: Retailer) -> None:
    action = wanted(shop_a, 100)
    mine = claimed(action)
    generation.batch(mine, now=NOW, size=30)
    with mock.patch("offers.lib.queue.enqueue"):
        campaigns.delete(retailer_id=shop_a.pk, ident="Big", actor=ALICE, now=NOW)
    assert not generation.batch(mine, now=NOW, size=30)
    action.refresh_from_db()
    assert (action.status, Voucher.objects.count()) == ("FAILED", 30)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_jobs_in_one_small_space_share_it_without_a_double() -> None:
    shop = factories.retailer()
    jobs = [wanted(shop, 450, name, code_config={"pattern": "###", **DIGITS}) for name in ("One", "Two")]

    def work(action: AsyncAction) -> None:
        try:
            run(action, size=50)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [AsyncAction.objects.get(pk=job.pk).done for job in jobs] == [450, 450]
    assert Voucher.objects.filter(retailer=shop).values("code").distinct().count() == 900


class AnySettings(TestCase):
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        charset=st.sampled_from(["01", "abc", "0123456789"]),
        pattern=st.sampled_from(["##", "A#-#", "###x"]),
        prefix=st.sampled_from(["", "p"]),
        share=st.integers(1, 100),
        size=st.integers(1, 60),
    )
    def test_any_settings_make_exactly_n_different_fitting_codes(
        self, charset: str, pattern: str, prefix: str, share: int, size: int
    ) -> None:
        config = codes.config({"charset": charset, "pattern": pattern, "prefix": prefix})
        count = max(2, config.space * share // 100)
        shop = factories.retailer()
        action = run(wanted(shop, count, code_config=config.as_dict(), discount=TEN), size=size)
        assert action.done == count
        made = set(Voucher.objects.filter(retailer=shop).values_list("code", flat=True))
        assert len(made) == count
        assert made <= set(codes.sweep(config, 0, config.space))
