"""Staff look at flagged consumers, and may take one out of the line with a reason."""

import pytest
import redis
from django.test import Client

from checkout.admission import line, signals
from checkout.admission.models import Entry, Flag
from offers.models import AuditEntry, Retailer
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW

pytestmark = pytest.mark.django_db
LIST = "/admin/admission/flag/"


@pytest.fixture
def flag(shop_a: Retailer, redis_client: "redis.Redis") -> Flag:
    line.reset()
    queue = launch.queue(shop_a, now=NOW)
    one = launch.consumer(shop_a)
    launch.enter(queue, one)
    signals.flag(queue, [one.pk], Flag.Kind.DEVICE, mark="0123456789abcdef", accounts=4, now=NOW)
    return Flag.objects.get()


def test_the_list_says_who_why_and_where_he_stands(owner: Client, flag: Flag) -> None:
    text = owner.get(LIST).content.decode()
    for part in (str(flag.consumer.uuid), "Several accounts on a device", "0123456789abcdef", "in line", "Launch"):
        assert part in text
    for query, found in (("kind=device", True), ("kind=address", False), (f"launch={flag.distribution.uuid}", True)):
        assert (str(flag.consumer.uuid) in owner.get(f"{LIST}?{query}").content.decode()) is found, query
    for query in ("mark=0123456789abcdef", "launch=junk", "mark=%00", "since=2026-13-40"):
        assert owner.get(f"{LIST}?{query}").status_code == 200, query


def test_a_flag_says_what_it_does_not_mean_and_leads_to_a_denial(owner: Client, flag: Flag) -> None:
    page = f"{LIST}{flag.pk}/change/"
    shown = owner.get(page).content.decode()
    assert "Nothing was taken from this consumer" in shown
    assert f'href="/admin/admission/distribution/{flag.distribution_id}/change/"' in shown
    assert f'href="{LIST}?mark={flag.mark}&amp;launch={flag.distribution.uuid}"' in shown
    deny = f"{LIST}{flag.pk}/deny/"
    assert owner.post(deny, {"reason": ""}).status_code == 422
    assert owner.post(deny, {"reason": "Four accounts"}).status_code == 302
    entry = Entry.objects.get(consumer=flag.consumer)
    assert (entry.state, entry.deny_reason) == ("DENIED", "Four accounts")
    assert "Denied" in owner.get(LIST).content.decode()


def test_a_flagged_one_is_put_at_the_end_of_the_line(owner: Client, flag: Flag, shop_a: Retailer) -> None:
    other = launch.consumer(shop_a)
    launch.enter(flag.distribution, other)
    move = f"{LIST}{flag.pk}/move/"
    assert move in owner.get(f"{LIST}{flag.pk}/change/").content.decode()
    assert owner.post(move, {"reason": ""}).status_code == 422
    assert owner.post(move, {"reason": "Four accounts"}).status_code == 302
    assert [consumer for consumer, _ in line.head(flag.distribution.uuid.hex)] == [other.pk, flag.consumer_id]
    entry = AuditEntry.objects.get(action="queue.move_last")
    assert (entry.reason, entry.after) == ("Four accounts", {"consumer": str(flag.consumer.uuid)})
    assert "Queued" in owner.get(LIST).content.decode()


def test_who_may_only_look_cannot_deny(client: Client, flag: Flag) -> None:
    assert client.get(LIST).status_code == 302
    for name in ("deny", "move"):
        assert client.post(f"{LIST}{flag.pk}/{name}/", {"reason": "x"}).status_code == 302
    assert not AuditEntry.objects.filter(action="queue.move_last").exists()
    assert not Entry.objects.filter(state="DENIED").exists()
