"""Idempotency-Key on writes of the offer family: the first answer again, and nothing twice."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from loyalty import members
from loyalty.models import Member
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Retailer
from tests.api.client import Answer
from tests.api.sessionm.client import Till
from tests.api.sessionm.offer_bodies import simple

NOBODY = "00000000-0000-4000-8000-000000000000"
pytestmark = pytest.mark.django_db


@pytest.fixture
def tool(shop_a: Retailer) -> Till:
    return Till(shop_a, scopes=["offers.manage", "offers.read"])


@pytest.fixture
def dora(shop_a: Retailer) -> Member:
    return members.create(retailer_id=shop_a.pk, actor=SYSTEM, now=clock.now())


def made(tool: Till) -> str:
    return str(tool.offer("offers/management/create", **simple())["payload"]["offer_id"])


def issue(tool: Till, person: Member, offer_id: str) -> None:
    assert tool.offer("offers/acquisition/issue", user_id=str(person.uuid), offer_id=offer_id).status == 200


def wallet(tool: Till, person: Member) -> list[str]:
    answer = tool.offer("offers/get_user_offers", user_id=str(person.uuid))
    return [entry["user_offer_id"] for entry in answer["payload"]["user_offers"]]


def under(key: str) -> Any:
    return {"Idempotency-Key": key}


def keyed(tool: Till, person: Member, offer_id: str, key: str, path: str = "issue", **fields: Any) -> Answer:
    body = {"retailer_id": str(tool.shop.uuid), "user_id": str(person.uuid), "offer_id": offer_id, **fields}
    return tool.call(f"offers/acquisition/{path}", body, **under(key))


def test_an_issue_repeated_with_its_idempotency_key_is_made_once(tool: Till, dora: Member) -> None:
    offer_id = made(tool)
    first, again = (keyed(tool, dora, offer_id, "ticket 1") for _ in range(2))
    assert (first.status, again.status) == (200, 200)
    assert first["payload"] == again["payload"]
    assert (first.headers.get("X-Idempotent-Replay"), again.headers["X-Idempotent-Replay"]) == (None, "true")
    assert wallet(tool, dora) == [first["payload"]["status_list"][0]["user_offer_id"]]
    by_its_other_name = tool.call(
        "offers/issue_offer",
        {"offer_id": offer_id, "user_id": str(dora.uuid), "retailer_id": str(tool.shop.uuid)},
        **under("ticket 1"),
    )
    assert by_its_other_name["payload"] == first["payload"]
    assert len(wallet(tool, dora)) == 1
    assert keyed(tool, dora, offer_id, "ticket 2")["payload"] != first["payload"]
    issue(tool, dora, offer_id)
    assert len(wallet(tool, dora)) == 3


def test_an_idempotency_key_is_for_one_call(tool: Till, dora: Member) -> None:
    offer_id = made(tool)
    entry = keyed(tool, dora, offer_id, "k")["payload"]["status_list"][0]["user_offer_id"]
    for answer in (
        keyed(tool, dora, offer_id, "k", quantity=2),
        keyed(tool, dora, offer_id, "k", path="revoke", user_offer_id=entry),
    ):
        assert (answer.status, answer["errors"]["code"]) == (409, "request_id_conflict")
    assert keyed(Till(tool.shop, scopes=["offers.manage"]), dora, offer_id, "k")["payload"]["status_list"]
    assert len(wallet(tool, dora)) == 2, "another credential has keys of its own"


@pytest.mark.parametrize("key", ["", "a\tb", "x" * 201, "schlüssel"])
def test_a_bad_idempotency_key_is_refused(tool: Till, dora: Member, key: str) -> None:
    answer = keyed(tool, dora, made(tool), key)
    assert (answer.status, answer["errors"]["code"]) == (400, "argument_error")
    assert wallet(tool, dora) == []


def test_a_refused_write_is_answered_alike_with_a_key_and_a_mended_one_may_use_it_again(
    tool: Till, dora: Member
) -> None:
    wrong = {"retailer_id": str(tool.shop.uuid), **simple(offer_type="fixed_check_discount", discount_config={})}
    plain = tool.call("offers/management/create", wrong)
    for _ in range(2):
        kept = tool.call("offers/management/create", wrong, **under("mend"))
        assert (kept.status, kept["errors"], kept["payload"]) == (400, plain["errors"], plain["payload"])
    mended = {**wrong, **simple()}
    assert tool.call("offers/management/create", mended, **under("mend")).status == 200
    for replayed in (None, "true"):
        gone = keyed(tool, dora, "", "gone", path="revoke", user_offer_id=NOBODY)
        assert (gone.status, gone["errors"]["code"]) == (404, "user_offer_not_found")
        assert gone.headers.get("X-Idempotent-Replay") == replayed


def test_a_key_does_nothing_to_what_only_reads(tool: Till, dora: Member) -> None:
    body = {"retailer_id": str(tool.shop.uuid), "user_id": str(dora.uuid)}
    assert tool.call("offers/get_user_offers", body, **under("w"))["payload"]["user_offers"] == []
    issue(tool, dora, made(tool))
    assert len(tool.call("offers/get_user_offers", body, **under("w"))["payload"]["user_offers"]) == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_one_key_at_twenty_counters_at_once_issues_once(tool: Till, dora: Member) -> None:
    offer_id = made(tool)
    start = Barrier(20)

    def press() -> Answer:
        try:
            start.wait()
            return keyed(tool, dora, offer_id, "same")
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        answers = [one.result() for one in [pool.submit(press) for _ in range(20)]]
    assert {answer.status for answer in answers} <= {200, 409}
    assert all(answer["errors"]["code"] == "pending_processing" for answer in answers if answer.status == 409)
    assert len({str(answer["payload"]) for answer in answers if answer.status == 200}) == 1
    assert len(wallet(tool, dora)) == 1
