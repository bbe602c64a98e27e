"""POST /admission/v1/orders: an external shop's server tells, signed, that an order was paid or cancelled."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import orjson
import pytest
from django.db import connection

from checkout.admission.models import Admission
from checkout.configure import operations
from checkout.demo.people import ACME
from offers import signing_keys
from offers.lib import clock, signing
from offers.lib.actors import SYSTEM
from offers.models import AuditEntry, Retailer
from offers.outbox import endpoints
from offers.outbox.models import Endpoint, Event
from project.local import ROOT
from tests.api.admission.test_admissions import Scene
from tests.api.client import Answer, ApiClient
from tests.checkout.admission.launch import NOW, at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("line_at_noon")]
SetClock = Callable[[datetime], None]
WAY = "/admission/v1/orders"


class Hook:
    """The external shop's server: it has the secret and the id of the admission on its order, and nothing else."""

    def __init__(self, shop: Retailer) -> None:
        self.scene = Scene(shop)
        self.shop, self.api = shop, ApiClient({})
        self.secret = signing_keys.secret(signing_keys.active(retailer_id=shop.pk, purpose="orders", now=NOW))

    @property
    def row(self) -> Admission:
        return Admission.objects.earliest("id")

    def body(self, **more: Any) -> dict[str, Any]:
        told = {
            "id": "1001",
            "status": "paid",
            "admission_id": str(self.row.uuid),
            "amount": "49.00",
            "currency": "EUR",
        }
        return {name: value for name, value in {**told, **more}.items() if value is not None}

    def tell(self, *, query: str = "", **more: Any) -> Answer:
        return self.send(orjson.dumps(self.body(**more)), query=query)

    def send(self, raw: bytes, *, header: str | None = None, query: str = "") -> Answer:
        if header is None:
            header = signing.stamp([self.secret], raw, at=int(clock.now().timestamp()))
        return self.api.call("POST", WAY + query, raw=raw, Offerkeep_Signature=header)


@pytest.fixture
def hook(shop_a: Retailer) -> Hook:
    return Hook(shop_a)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer["error"]["code"]


def test_a_paid_order_completes_the_admission_once(hook: Hook) -> None:
    done = hook.tell()
    assert (done.status, done["state"], done["order_id"]) == (200, "COMPLETED", "1001")
    row = hook.row
    assert (row.order_amount, row.currency) == (4900, "EUR")
    assert (hook.tell().status, hook.tell(amount="1.00").json) == (200, done.json)
    assert code(hook.tell(id="1002")) == (409, "admission_already_completed")
    noted = AuditEntry.objects.get(action="admission.order_paid")
    assert (noted.object_id, noted.before, noted.after) == (
        str(row.uuid),
        {"state": "ISSUED"},
        {"state": "COMPLETED", "order_id": "1001"},
    )


def test_a_cancelled_order_gives_an_open_admission_up(hook: Hook) -> None:
    endpoints.create(
        retailer_id=hook.shop.pk, url="https://h.example/", events=[], allow_http=False, actor=SYSTEM, now=NOW
    )
    for _ in range(2):
        answer = hook.tell(status="cancelled", amount=None, currency=None)
        assert (answer.status, answer["state"]) == (200, "RELEASED")
    assert AuditEntry.objects.filter(action="admission.order_cancelled").count() == 1
    (event,) = Event.objects.filter(type="order.cancelled")
    assert event.data["order_id"] == "1001"
    assert code(hook.tell()) == (409, "admission_over")


def test_the_secret_of_a_webhook_that_is_on_signs_as_well(hook: Hook, shop_b: Retailer) -> None:
    def made(shop: Retailer) -> tuple[Endpoint, str]:
        return endpoints.create(
            retailer_id=shop.pk, url="https://h.example/", events=[], allow_http=False, actor=SYSTEM, now=NOW
        )

    own, hook.secret = made(hook.shop)
    endpoints.disable(own, actor=SYSTEM, now=NOW, reason="off")
    assert code(hook.tell()) == (401, "invalid_signature")
    endpoints.enable(own, actor=SYSTEM, now=NOW)
    assert hook.tell()["state"] == "COMPLETED"
    hook.secret = made(shop_b)[1]
    assert code(hook.tell()) == (401, "invalid_signature")


def test_a_cancelled_order_that_was_paid_stays_completed_and_is_noted_once(hook: Hook) -> None:
    hook.tell()
    assert code(hook.tell(id="1002", status="cancelled")) == (409, "admission_already_completed")
    for _ in range(2):
        answer = hook.tell(status="cancelled")
        assert (answer.status, answer["state"], answer["order_id"]) == (200, "COMPLETED", "1001")
    assert AuditEntry.objects.filter(action="admission.order_cancelled").count() == 1


def test_after_its_end_an_order_comes_too_late_and_a_cancellation_never_does(hook: Hook, set_clock: SetClock) -> None:
    set_clock(at(900))
    assert code(hook.tell()) == (410, "admission_expired")
    assert hook.tell(status="cancelled").status == 200
    assert hook.row.order_id == ""


def test_a_payment_that_had_begun_has_two_minutes_more(hook: Hook, set_clock: SetClock) -> None:
    hook.scene.do("begin_payment", session="s1")
    set_clock(at(1019))
    assert hook.tell().status == 200


def test_every_wrong_signature_is_the_same_401(hook: Hook, shop_b: Retailer) -> None:
    raw, now = orjson.dumps(hook.body()), int(NOW.timestamp())
    other = signing_keys.secret(signing_keys.active(retailer_id=shop_b.pk, purpose="orders", now=NOW))
    tokens = signing_keys.secret(signing_keys.active(retailer_id=hook.shop.pk, purpose="admission", now=NOW))
    good = signing.stamp([hook.secret], raw, at=now)
    refused = [
        hook.send(raw, header=""),
        hook.send(raw, header="t=1,v1=é"),
        hook.send(raw, header=signing.stamp([other], raw, at=now)),
        hook.send(raw, header=signing.stamp([tokens], raw, at=now)),
        hook.send(raw, header=signing.stamp([""], raw, at=now)),
        hook.send(raw, header=signing.stamp([hook.secret], raw, at=now - 301)),
        hook.send(raw, header=signing.stamp([hook.secret], raw, at=now + 301)),
        hook.send(raw + b" ", header=good),
        hook.send(raw, header=good, query=f"?organization={shop_b.public_id}"),
        hook.send(raw, header=good, query="?organization=proj_none"),
        hook.send(raw, header=good, query="?organization=%00"),
        hook.send(raw, header=good, query="?organization="),
        hook.tell(admission_id="00000000-0000-0000-0000-000000000001"),
        hook.tell(admission_id=7),
        hook.send(b"{"),
        hook.send(b""),
        hook.send(b"[]"),
        hook.api.call("POST", WAY, raw=raw),
    ]
    assert {code(answer) for answer in refused} == {(401, "invalid_signature")}
    assert len({answer.text for answer in refused}) == 1
    assert hook.row.state == "ISSUED"
    assert hook.send(raw, header=signing.stamp([hook.secret], raw, at=now - 300)).status == 200


def test_with_the_retailer_named_an_admission_that_is_not_its_own_is_404(hook: Hook, shop_b: Retailer) -> None:
    mine = f"?organization={hook.shop.public_id}"
    assert code(hook.tell(query=mine, admission_id="x")) == (404, "unknown_admission")
    foreign = str(hook.row.uuid)
    hook.secret = signing_keys.secret(signing_keys.active(retailer_id=shop_b.pk, purpose="orders", now=NOW))
    assert code(hook.tell(query=f"?organization={shop_b.public_id}", admission_id=foreign)) == (
        404,
        "unknown_admission",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": None},
        {"id": 7},
        {"id": ""},
        {"id": "a" * 256},
        {"status": None},
        {"status": "refunded"},
        {"amount": None},
        {"amount": 49},
        {"amount": "-1.00"},
        {"amount": "x"},
        {"currency": "eur"},
    ],
    ids=str,
)
def test_a_signed_body_that_cannot_be_understood_is_400(hook: Hook, wrong: dict[str, Any]) -> None:
    assert code(hook.tell(**wrong)) == (400, "invalid_payload")
    assert hook.row.state == "ISSUED"


def test_strange_bodies_of_the_named_retailer_are_400_and_other_methods_405(hook: Hook) -> None:
    mine = f"?organization={hook.shop.public_id}"
    assert [hook.send(raw, query=mine).status for raw in (b"{", b"[]", b"", b'{"id":"\xff"}')] == [400] * 4
    assert (hook.api.get(WAY).status, hook.api.call("DELETE", WAY).status) == (405, 405)


def test_the_secret_before_is_believed_for_a_day_and_configure_tells_the_new_one(
    hook: Hook, set_clock: SetClock
) -> None:
    Retailer.objects.filter(pk=hook.shop.pk).update(name=ACME)
    op = {"op": "rotate", "kind": "signing_key", "fields": {"purpose": "orders"}}
    (made,) = operations.carry_out([op], now=NOW)
    old = hook.secret
    assert hook.tell().status == 200
    hook.secret = made["secret"]
    assert hook.tell().status == 200
    set_clock(at(86_400))
    assert hook.tell().status == 200
    hook.secret = old
    assert code(hook.tell()) == (401, "invalid_signature")


def test_the_worked_example_of_the_documentation_is_right() -> None:
    told = (ROOT / "docs" / "admission.md").read_text()
    secret, moment, body = re.findall(r"secret `(\w+)`, `t` (\d+) and the body\s+`(.+?)`", told)[0]
    (header,) = re.findall(r"^Offerkeep-Signature: (t=\d+,v1=[0-9a-f]{64})$", told, re.MULTILINE)
    assert signing.stamp([secret], body.encode(), at=int(moment)) == header
    (program,) = re.findall(r"```python\n(import hashlib, hmac.+?)```", told, re.DOTALL)
    names: dict[str, Any] = {}
    exec(program, names)
    assert names["signature"](secret, body.encode(), int(moment)) == header


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_twenty_orders_at_once_one_completes_the_admission(shop_a: Retailer, set_clock: SetClock) -> None:
    hook = Hook(shop_a)

    def tell(number: int) -> int:
        try:
            with clock.fixed(NOW):  # a thread has a clock of its own
                return int(hook.tell(id=f"O-{number % 2}").status)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(tell, range(20)))
    assert statuses == [200] * 10 + [409] * 10
    assert AuditEntry.objects.filter(action="admission.order_paid").count() == 1
