"""Several payments of one admission at once: each keeps it, and only its own decline lets go."""

from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from checkout.admission import admissions, claims
from checkout.admission.models import Admission, Payment
from offers.ledger.models import Hold
from offers.lib.errors import Refusal
from offers.models import Retailer
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at
from tests.ledger.words import at_once

END = 600
pytestmark = pytest.mark.django_db


@pytest.fixture
def row(shop_a: Retailer) -> Admission:
    queue = launch.queue(shop_a, max_active=1, admission_ttl_seconds=END)
    entry = queue.entries.create(consumer=launch.consumer(shop_a), state="QUEUED", entered_at=NOW)
    [made] = admissions.issue(distribution=queue, entries=[entry], now=NOW)
    return made


def begin(row: Admission, name: str = "", second: int = 10) -> Admission:
    return claims.begin_payment(admission_id=row.pk, session="cart", payment=name, now=at(second))


def fail(row: Admission, name: str = "", second: int = 20) -> Admission:
    return claims.payment_failed(admission_id=row.pk, payment=name, now=at(second))


def complete(row: Admission, second: int) -> Admission:
    return claims.complete(admission_id=row.pk, order_id="O-1", amount=1, currency="USD", now=at(second))


def is_kept(row: Admission) -> bool:
    """Whether the admission outlives its end, and what it holds with it."""
    admissions.expire_due(distribution=row.distribution, now=at(END + 60))
    row.refresh_from_db()
    live = Hold.objects.filter(state=Hold.State.LIVE, expires_at__gt=at(END + 60)).exists()
    assert live == (row.state == Admission.State.CLAIMED)
    return live


@pytest.mark.parametrize("names", [("one", "two"), ("one", ""), ("", "two")])
def test_a_decline_of_one_leaves_the_other_its_time(row: Admission, names: tuple[str, str]) -> None:
    begin(row, names[0])
    begin(row, names[1], 15)
    assert fail(row, names[0]).payment_started_at is not None
    assert is_kept(row)
    assert complete(row, END + 100).state == Admission.State.COMPLETED


def test_when_both_were_declined_nothing_is_kept_beyond_the_end(row: Admission) -> None:
    for name in ("one", "two"):
        begin(row, name)
    for name in ("one", "two"):
        fail(row, name)
    assert not is_kept(row)
    assert row.declines == 2


@pytest.mark.parametrize("name", ["", "one"])
def test_an_announcement_sent_again_changes_nothing(row: Admission, name: str) -> None:
    first = begin(row, name)
    again = begin(row, name, 30)
    assert (again.state, again.payment_started_at) == ("CLAIMED", first.payment_started_at)
    assert Payment.objects.get().begun_at == at(10)
    with pytest.raises(claims.BoundElsewhere):
        claims.begin_payment(admission_id=row.pk, session="another", payment=name, now=at(30))


@pytest.mark.parametrize("name", ["", "one"])
def test_an_announcement_sent_again_is_one_to_its_decline(row: Admission, name: str) -> None:
    for second in (10, 15):
        begin(row, name, second)
    assert fail(row, name).payment_started_at is None
    assert not is_kept(row)
    assert row.declines == 1


@pytest.mark.parametrize("name", ["", "one"])
def test_an_announcement_sent_again_after_the_end_is_still_the_same_payment(row: Admission, name: str) -> None:
    begin(row, name)
    assert begin(row, name, END + 1).payment_started_at == at(10)
    with pytest.raises(claims.AdmissionExpired):
        begin(row, "another", END + 1)
    assert is_kept(row)
    with pytest.raises(claims.AdmissionExpired):
        begin(row, name, END + 120)


def test_an_announcement_sent_again_is_no_further_one_after_the_last_decline(row: Admission) -> None:
    begin(row)
    for number in range(5):
        fail(row, f"{number}")
    assert begin(row).payment_started_at == at(10)


def test_a_named_one_may_be_told_twice(row: Admission) -> None:
    for _ in range(2):
        begin(row, "one")
    for _ in range(2):
        assert fail(row, "one").declines == 1
    assert not is_kept(row)


def test_a_decline_nobody_announced_counts_once_and_lets_go_of_nothing(row: Admission) -> None:
    begin(row, "one")
    for _ in range(2):
        assert fail(row, "another").declines == 1
    assert fail(row).declines == 2
    assert is_kept(row)


def test_a_name_may_be_used_for_another_try(row: Admission) -> None:
    begin(row, "intent")
    fail(row, "intent")
    begin(row, "intent", 30)
    assert is_kept(row)
    assert fail(row, "intent", END + 70).state == Admission.State.EXPIRED
    assert row.payments.get().begun_at == at(30)


def test_the_last_decline_waits_for_the_other_payment_and_no_further_one_begins(row: Admission) -> None:
    begin(row, "slow")
    for number in range(5):
        begin(row, f"fast-{number}")
        assert fail(row, f"fast-{number}").state == Admission.State.CLAIMED
    with pytest.raises(claims.PaymentUnderWay):
        begin(row, "one more")
    assert fail(row, "slow").state == Admission.State.RELEASED


def test_an_order_goes_through_although_another_card_was_declined_too_often(row: Admission) -> None:
    begin(row, "slow")
    for number in range(5):
        fail(row, f"fast-{number}")
    assert complete(row, 30).state == Admission.State.COMPLETED


def test_fewer_declines_allowed_than_there_were_do_not_stop_who_pays_alone(row: Admission, settings: Any) -> None:
    for number in range(3):
        fail(row, f"{number}")
    settings.ADMISSION_DECLINES = 2
    assert begin(row, "again").payment_started_at == at(10)


def test_a_payment_after_the_end_that_fails_ends_only_with_the_last(row: Admission) -> None:
    begin(row, "one")
    begin(row, "two")
    assert fail(row, "one", END + 30).state == Admission.State.CLAIMED
    assert fail(row, "two", END + 40).state == Admission.State.EXPIRED


@pytest.mark.parametrize("fields", [{"reference": "a", "under_way": 2}, {"under_way": 2}, {"under_way": 0}])
def test_the_database_knows_no_such_count(row: Admission, fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="payment_"), transaction.atomic():
        Payment.objects.create(admission=row, begun_at=NOW, **fields)
        connection.check_constraints()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_the_one_still_paying_keeps_the_place(row: Admission, settings: Any) -> None:
    settings.ADMISSION_DECLINES = 1000

    def tries(number: int) -> None:
        for attempt in range(6):
            name = f"{number}.{attempt}"
            begin(row, name, 10 + attempt)
            if (number, attempt) != (3, 2):  # this one goes on
                fail(row, name, 10 + attempt)

    assert [one for one in at_once(*[partial(tries, number) for number in range(8)], threads=8) if one] == []
    row.refresh_from_db()
    assert row.declines == 47
    assert sum(Payment.objects.values_list("under_way", flat=True)) == 1
    assert is_kept(row)
    fail(row, "3.2", END + 70)
    assert not Payment.objects.filter(under_way__gt=0).exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["", "one"])
def test_announced_by_many_at_once_it_is_one_payment(row: Admission, name: str) -> None:
    results = at_once(*[partial(begin, row, name, 10 + number) for number in range(8)], threads=8)
    begun = {one.payment_started_at for one in results}
    assert len(begun) == 1  # whoever came first
    assert Payment.objects.get().under_way == 1
    assert fail(row, name, 30).payment_started_at is None
    assert not is_kept(row)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_decline_and_an_order_at_once_end_in_an_order(row: Admission) -> None:
    for number in range(5):
        begin(row, f"{number}")
    jobs = [partial(fail, row, f"{number}", END + 10) for number in range(4)]
    results = at_once(*jobs, partial(complete, row, END + 10), threads=5)
    row.refresh_from_db()
    assert row.state == Admission.State.COMPLETED
    assert all(not isinstance(one, Refusal) or one.code == "admission_already_completed" for one in results)
