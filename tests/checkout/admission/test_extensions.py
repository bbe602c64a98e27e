"""Staff give an open admission more time, and all it holds with it; never what has ended, nor past the launch's end."""

from datetime import timedelta
from typing import Any

import pytest

from checkout.admission import admissions, claims, extensions
from checkout.admission.models import Admission
from offers.ledger.models import Hold
from offers.lib.actors import SYSTEM
from offers.lib.errors import InvalidPayload, Refusal
from offers.models import AuditEntry, Retailer
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(shop_a: Retailer) -> Admission:
    return admit(shop_a)


def admit(shop: Retailer, **fields: Any) -> Admission:
    queue = launch.queue(shop, max_active=1, admission_ttl_seconds=600, **fields)
    entry = queue.entries.create(consumer=launch.consumer(shop), state="QUEUED", entered_at=NOW)
    [made] = admissions.issue(distribution=queue, entries=[entry], now=NOW)
    return made


def prolong(row: Admission, seconds: int, *, now: int = 0) -> Admission:
    return extensions.prolong(admission_id=row.pk, seconds=seconds, actor=SYSTEM, reason="on the phone", now=at(now))


def test_an_issued_and_a_claimed_one_last_longer_with_what_they_hold(held: Admission) -> None:
    assert prolong(held, 120, now=10).expires_at == at(720)
    claims.claim(admission_id=held.pk, session="cart", now=at(20))
    assert prolong(held, 60, now=30).expires_at == at(780)
    assert [hold.expires_at for hold in Hold.objects.filter(state="live")] == [at(780)]
    assert (
        claims.complete(admission_id=held.pk, order_id="O-1", amount=1, currency="EUR", now=at(779)).order_id == "O-1"
    )


def test_it_is_audited_and_does_not_use_up_the_checkout_s_own(held: Admission) -> None:
    prolong(held, 120, now=10)
    entry = AuditEntry.objects.get(action="admission.extend")
    assert (entry.reason, entry.object_id, (entry.after or {})["seconds"]) == ("on the phone", str(held.uuid), 120)
    held.refresh_from_db()
    assert held.extensions == 0


def test_one_under_payment_keeps_its_grace_behind_the_new_end(held: Admission) -> None:
    claims.begin_payment(admission_id=held.pk, session="cart", now=at(10))
    prolong(held, 60, now=20)
    assert [hold.expires_at for hold in Hold.objects.filter(state="live")] == [at(780)]


@pytest.mark.parametrize("seconds", [0, -1, 3601])
def test_a_length_that_cannot_be_is_refused(held: Admission, seconds: int) -> None:
    with pytest.raises(InvalidPayload):
        prolong(held, seconds)


def test_nothing_lasts_beyond_an_hour_from_now_or_its_launch_s_end(shop_a: Retailer, held: Admission) -> None:
    with pytest.raises(claims.NoExtension):
        prolong(held, 3001)
    assert prolong(held, 3000).expires_at == at(3600)
    bounded = admit(shop_a, hard_end_at=NOW + timedelta(seconds=700))
    with pytest.raises(claims.NoExtension):
        prolong(bounded, 101)
    assert prolong(bounded, 100).expires_at == at(700)


def test_nothing_is_brought_back_to_life(shop_a: Retailer, held: Admission) -> None:
    over = admit(shop_a)
    paying = admit(shop_a)
    claims.begin_payment(admission_id=paying.pk, session="cart", now=at(10))
    claims.release(admission_id=held.pk, now=at(5))
    codes = []
    for row in (held, over, paying):
        with pytest.raises(Refusal) as refused:
            prolong(row, 60, now=600)
        codes.append(refused.value.code)
    assert codes == ["admission_over", "admission_expired", "extension_refused"]
    assert not AuditEntry.objects.filter(action="admission.extend").exists()
