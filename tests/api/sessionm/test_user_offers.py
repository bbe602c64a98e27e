"""Wallets over the wire: issue, wallet, history, revoke, update."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loyalty import members
from loyalty.models import Member
from offers import user_offers
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Retailer, UserOffer
from tests.api.client import Answer
from tests.api.sessionm.client import Till
from tests.api.sessionm.offer_bodies import simple
from tests.api.sessionm.wallets import asks, basket

NOBODY = "00000000-0000-4000-8000-000000000000"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SetClock = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def noon(set_clock: SetClock) -> None:
    set_clock(NOW)


@pytest.fixture
def tool(shop_a: Retailer) -> Till:
    return Till(shop_a, scopes=["offers.manage", "offers.read"])


def member(shop: Retailer, **fields: Any) -> Member:
    return members.create(retailer_id=shop.pk, actor=SYSTEM, now=clock.now(), **fields)


@pytest.fixture
def dora(shop_a: Retailer) -> Member:
    return member(shop_a)


def made(tool: Till, **fields: Any) -> str:
    answer = tool.offer("offers/management/create", **simple(**fields))
    assert answer.status == 200, answer
    return str(answer["payload"]["offer_id"])


def issue(tool: Till, person: Member, offer_id: str, **fields: Any) -> list[dict[str, Any]]:
    answer = tool.offer("offers/acquisition/issue", user_id=str(person.uuid), offer_id=offer_id, **fields)
    assert (answer.status, answer["status"]) == (200, "ok"), answer
    found: list[dict[str, Any]] = answer["payload"]["status_list"]
    return found


def reasons(lines: list[dict[str, Any]]) -> list[int]:
    return [line["fail_reason"] for line in lines]


def history(tool: Till, *people: Member, **fields: Any) -> Answer:
    asked = {"user_ids": [str(person.uuid) for person in people], "rollback_option": 0, "skip": 0, "take": 50}
    answer = tool.offer("offers/user_offer_history", **{**asked, **fields})
    assert (answer.status, answer["status"]) == (200, "ok"), answer
    return answer


def told(answer: Answer) -> list[tuple[int, str]]:
    return [(line["status"], line["status_description"]) for line in answer["payload"]["results"]]


def wallet(tool: Till, person: Member, **fields: Any) -> list[str]:
    answer = tool.offer("offers/get_user_offers", user_id=str(person.uuid), **fields)
    assert (answer.status, answer["status"]) == (200, "ok"), answer
    return [line["user_offer_id"] for line in answer["payload"]["user_offers"]]


def redeem(user_offer_id: str) -> UserOffer:
    row = UserOffer.objects.get(uuid=user_offer_id)
    return user_offers.redeem(user_offer_id=row.pk, redeemed_in="s:1", amount=0, actor=SYSTEM, now=clock.now())


def test_issue_answers_who_got_what(tool: Till, dora: Member) -> None:
    offer_id = made(tool)
    [line] = issue(tool, dora, offer_id)
    assert {name: line[name] for name in ("user_id", "offer_id", "root_offer_id", "pending_extended_data")} == {
        "user_id": str(dora.uuid),
        "offer_id": offer_id,
        "root_offer_id": offer_id,
        "pending_extended_data": False,
    }
    assert reasons([line]) == [0]
    assert wallet(tool, dora) == [line["user_offer_id"]]
    assert len(issue(tool, dora, offer_id, quantity="3")) == 3


@pytest.mark.parametrize("path", ["offers/acquisition/issue", "offers/issue_offer", "offers/Issue_Offer/"])
def test_issue_has_two_names(tool: Till, dora: Member, path: str) -> None:
    assert tool.offer(path, user_id=str(dora.uuid), offer_id=made(tool)).status == 200


def test_a_refused_issue_says_why_in_the_list(tool: Till, dora: Member, shop_b: Retailer) -> None:
    limited = [{"kind": "inventory", "count": 2}]
    once = [{"kind": "issuance", "per": "user", "count": 1, "period": "lifetime"}]
    assert reasons(issue(tool, dora, made(tool, publish=False))) == [1]
    assert reasons(issue(tool, dora, NOBODY)) == [1]
    assert reasons(issue(tool, dora, made(Till(shop_b)))) == [1]
    assert reasons(issue(tool, dora, made(tool, use_restrictions=limited), quantity=3)) == [0, 0, 3]
    assert reasons(issue(tool, dora, made(tool, use_restrictions=once), quantity=2)) == [0, 4]
    answer = tool.offer("offers/acquisition/issue", user_id=NOBODY, offer_id=made(tool))
    assert reasons(answer["payload"]["status_list"]) == [2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"user_id": "no uuid"},
        {"user_id": None},
        {"offer_id": "no uuid"},
        {"offer_id": ""},
        {"quantity": 0},
        {"quantity": 101},
        {"quantity": "x"},
        {"issue_exact_version": "perhaps"},
        {"redemption_end_date": "2020-01-01"},
        {"redemption_start_date": "soon"},
    ],
)
def test_a_malformed_issue_is_400(tool: Till, dora: Member, wrong: dict[str, Any]) -> None:
    body = {"user_id": str(dora.uuid), "offer_id": made(tool), **wrong}
    assert tool.offer("offers/acquisition/issue", **body).status == 400
    assert UserOffer.objects.count() == 0


def test_issue_takes_redemption_dates(tool: Till, dora: Member) -> None:
    dates = {"redemption_start_date": "2026-12-01 00:00:00.0", "redemption_end_date": "2026-12-24T12:00:00Z"}
    [line] = issue(tool, dora, made(tool), **dates)
    assert (line["redemption_start_date"], line["redemption_end_date"]) == (
        "2026-12-01T00:00:00Z",
        "2026-12-24T12:00:00Z",
    )


def test_an_edited_offer_is_a_new_revision_and_wallets_keep_theirs(tool: Till, dora: Member) -> None:
    first = made(tool)
    [old] = issue(tool, dora, first)
    common = {"validity_period": 20}
    payload = tool.offer("offers/management/update", offer_id=first, common_config=common)["payload"]
    second = payload["offer_id"]
    assert payload["revisioned"] is True
    assert (second != first, payload["root_offer_id"]) == (True, first)
    [new], [exact] = issue(tool, dora, first), issue(tool, dora, first, issue_exact_version="true")
    assert (new["offer_id"], exact["offer_id"], old["offer_id"]) == (second, first, first)
    text = [{"title": "Tea", "culture": "en"}]
    payload = tool.offer("offers/management/update", offer_id=second, text_config=text)["payload"]
    assert (payload["revisioned"], payload["offer_id"]) == (False, second)
    lines = history(tool, dora)["payload"]["results"]
    assert {line["user_offer_id"]: line["title"] for line in lines} == {
        old["user_offer_id"]: "Coffee",
        new["user_offer_id"]: "Tea",
        exact["user_offer_id"]: "Coffee",
    }


def test_o49_the_wallet_lists_what_can_be_used(tool: Till, dora: Member, set_clock: SetClock) -> None:
    offer_id = made(tool)
    set_clock(NOW - timedelta(days=11))
    issue(tool, dora, offer_id)  # expired by now
    set_clock(NOW)
    kept, used, gone = (issue(tool, dora, offer_id)[0]["user_offer_id"] for _ in range(3))
    redeem(used)
    assert tool.offer("offers/acquisition/revoke", user_offer_id=gone, reason="mistake").status == 200
    assert wallet(tool, dora) == [kept]
    answer = tool.offer("offers/get_user_offers", user_id=str(dora.uuid), skip=0, take=10, culture="en-US")
    payload = answer["payload"]
    assert (payload["user_id"], payload["total_records"]) == (str(dora.uuid), 1)
    assert (payload["offer_groups"], payload["offer_categories"]) == ([], [])
    [line] = payload["user_offers"]
    assert (line["status"], line["status_description"], line["title"]) == (1, "Issued", "Coffee")


@pytest.mark.parametrize("wrong", [{"take": 1001}, {"take": -1}, {"skip": -1}, {"user_id": "x"}, {"user_id": ""}])
def test_a_malformed_wallet_call_is_400(tool: Till, dora: Member, wrong: dict[str, Any]) -> None:
    body = {"user_id": str(dora.uuid), **wrong}
    assert tool.offer("offers/get_user_offers", **body).status == 400


def test_a_stranger_has_no_wallet(tool: Till, shop_b: Retailer) -> None:
    for user_id in (NOBODY, str(member(shop_b).uuid)):
        answer = tool.offer("offers/get_user_offers", user_id=user_id)
        assert (answer.status, answer["errors"]["code"]) == (404, "user_not_found")


def test_o61_o66_o67_history_answers_flat_lines(tool: Till, dora: Member) -> None:
    media = [{"uri": "https://cdn.example/a.png", "culture": "en"}]
    offer_id = made(tool, media_config=media)
    issue(tool, dora, offer_id)
    payload = history(tool, dora)["payload"]
    assert payload["total_records"] == 1
    [line] = payload["results"]
    expected = {
        "title": "Coffee",
        "description": "",
        "terms": "",
        "offer_id": offer_id,
        "offer_type": "manual_fulfillment",
        "user_id": str(dora.uuid),
        "acquire_date": "2026-11-22T12:00:00Z",
        "redemption_start_date": "2026-11-22T12:00:00Z",
        "redemption_end_date": "2026-12-02T12:00:00Z",
        "status": 1,
        "status_description": "Issued",
        "culture": "en",
        "media_uri": "https://cdn.example/a.png",
        "media_culture": "en",
    }
    assert {name: line[name] for name in expected} == expected
    assert line["user_offer_id"]


def test_o62_to_o65_history_holds_issued_revoked_redeemed_and_expired(
    tool: Till, dora: Member, set_clock: SetClock
) -> None:
    offer_id = made(tool)
    lines = [issue(tool, dora, offer_id)[0]["user_offer_id"] for _ in range(3)]
    assert told(history(tool, dora)) == [(1, "Issued")] * 3
    tool.offer("offers/revoke", user_offer_id=lines[0])
    redeem(lines[1])
    assert told(history(tool, dora)) == [(1, "Issued"), (2, "Redeemed"), (3, "Revoked")]
    set_clock(NOW + timedelta(days=10))
    assert told(history(tool, dora)) == [(4, "Expired"), (2, "Redeemed"), (3, "Revoked")]


def test_rollback_option_tells_what_was_given_back(tool: Till, dora: Member) -> None:
    [line] = issue(tool, dora, made(tool))
    user_offers.reinstate(user_offer_id=redeem(line["user_offer_id"]).pk, actor=SYSTEM, now=NOW)
    assert told(history(tool, dora)) == [(1, "Issued")]
    assert told(history(tool, dora, rollback_option=1)) == [(1, "Issued"), (2, "Redeemed")]
    answer = history(tool, dora, rollback_option="2")
    assert told(answer) == [(2, "Redeemed")]
    assert answer["payload"]["results"][0]["rolled_back_at"] == "2026-11-22T12:00:00Z"


def test_o68_skip_and_take_page(tool: Till, dora: Member, set_clock: SetClock) -> None:
    offer_id, held = made(tool), []
    for minute in range(5):
        set_clock(NOW + timedelta(minutes=minute))
        held.append(issue(tool, dora, offer_id)[0]["user_offer_id"])
    held.reverse()
    payload = history(tool, dora, take=2, skip=2)["payload"]
    assert [line["user_offer_id"] for line in payload["results"]] == held[2:4]
    assert (payload["total_records"], payload["skip"], payload["take"]) == (5, 2, 2)
    counted = history(tool, dora, take=0)["payload"]
    assert (counted["results"], counted["total_records"]) == ([], 5)
    assert history(tool, dora, skip=9)["payload"]["results"] == []


def test_o69_several_users_have_each_their_lines(tool: Till, shop_a: Retailer) -> None:
    people, offer_id = [member(shop_a) for _ in range(3)], made(tool)
    for person in people:
        issue(tool, person, offer_id)
    answer = history(tool, *people[:2])
    assert {line["user_id"] for line in answer["payload"]["results"]} == {str(one.uuid) for one in people[:2]}


def test_o70_the_case_of_a_user_id_does_not_matter(tool: Till, dora: Member) -> None:
    issue(tool, dora, made(tool))
    answer = history(tool, user_ids=[str(dora.uuid).upper()])
    assert [line["user_id"] for line in answer["payload"]["results"]] == [str(dora.uuid)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"user_ids": []},
        {"user_ids": "x"},
        {"user_ids": [NOBODY] * 101},
        {"user_ids": ["x"]},
        {"rollback_option": 3},
        {"rollback_option": -1},
        {"take": -1},
        {"take": 1001},
        {"skip": -1},
    ],
)
def test_a_malformed_history_call_is_400(tool: Till, dora: Member, wrong: dict[str, Any]) -> None:
    body = {"user_ids": [str(dora.uuid)], **wrong}
    answer = tool.offer("offers/user_offer_history", **body)
    assert (answer.status, answer["status"], answer["payload"]) == (400, "error", None)


def test_revoking_twice_is_fine_and_redeemed_is_not(tool: Till, dora: Member, shop_b: Retailer) -> None:
    offer_id = made(tool)
    first, second = (issue(tool, dora, offer_id)[0]["user_offer_id"] for _ in range(2))
    for _ in range(2):
        payload = tool.offer("offers/acquisition/revoke", user_offer_id=first, reason="mistake")["payload"]
        assert (payload["status"], payload["status_description"]) == (3, "Revoked")
    redeem(second)
    answer = tool.offer("offers/acquisition/revoke", user_offer_id=second, reason="late")
    assert (answer.status, answer["errors"]["code"]) == (409, "already_redeemed")
    for till, ident in ((tool, NOBODY), (Till(shop_b), first)):
        answer = till.offer("offers/acquisition/revoke", user_offer_id=ident)
        assert (answer.status, answer["errors"]["code"]) == (404, "user_offer_not_found")
    assert tool.offer("offers/acquisition/revoke", user_offer_id="x").status == 400


def test_an_update_changes_custom_data_and_dates(tool: Till, dora: Member, shop_a: Retailer) -> None:
    [line] = issue(tool, dora, made(tool))
    named = {"user_id": str(dora.uuid), "user_offer_id": line["user_offer_id"]}
    payload = tool.offer("offers/acquisition/update", **named, custom_data='{"a":1}')["payload"]
    assert (payload["custom_data"], payload["redemption_end_date"]) == ('{"a":1}', line["redemption_end_date"])
    end = {"update_redemption_dates": "true", "redemption_end_date": "2027-01-01"}
    payload = tool.offer("offers/acquisition/update", **named, **end)["payload"]
    assert (payload["redemption_end_date"], payload["custom_data"]) == ("2027-01-01T00:00:00Z", '{"a":1}')
    for wrong in ({"custom_data": "{"}, {"redemption_end_date": "2020-01-01"}, {"update_redemption_dates": "x"}):
        assert tool.offer("offers/acquisition/update", **named, **wrong).status in (400, 422)
    other = {**named, "user_id": str(member(shop_a).uuid)}
    assert tool.offer("offers/acquisition/update", **other, custom_data="1").status == 404


def test_a_later_end_revives_an_expired_entry(tool: Till, dora: Member, set_clock: SetClock) -> None:
    [line] = issue(tool, dora, made(tool))
    set_clock(NOW + timedelta(days=20))
    assert wallet(tool, dora) == []
    named = {"user_id": str(dora.uuid), "user_offer_id": line["user_offer_id"]}
    tool.offer("offers/acquisition/update", **named, redemption_end_date="2027-06-01")
    assert wallet(tool, dora) == [line["user_offer_id"]]


def test_reading_and_managing_need_their_scopes(shop_a: Retailer, dora: Member) -> None:
    reader, till = Till(shop_a, scopes=["offers.read"]), Till(shop_a, scopes=["pos"])
    for path in ("offers/acquisition/issue", "offers/acquisition/revoke", "offers/acquisition/update"):
        assert reader.offer(path, user_id=str(dora.uuid)).status == 403
    for path in ("offers/get_user_offers", "offers/user_offer_history"):
        assert till.offer(path, user_id=str(dora.uuid)).status == 403


def test_a_locked_entry_is_revoked_only_by_force(tool: Till, dora: Member, shop_a: Retailer) -> None:
    till = Till(shop_a, scopes=["pos"])
    offer_id = made(tool, offer_type="fixed_check_discount", discount_config={"amount": 5})
    [line] = issue(tool, dora, offer_id)
    entry = UserOffer.objects.get(uuid=line["user_offer_id"])
    assert till.pos("lock", asks(entry, basket("10.00"))).status == 200
    answer = tool.offer("offers/acquisition/revoke", user_offer_id=line["user_offer_id"])
    assert (answer.status, answer["errors"]["code"]) == (409, "offer_locked")
    assert answer["errors"]["details"][0]["until"].endswith("Z")
    answer = tool.offer("offers/acquisition/revoke", user_offer_id=line["user_offer_id"], force="true")
    assert (answer.status, answer["payload"]["status"]) == (200, 3)


def test_after_its_time_a_lock_keeps_nobody_from_revoking(
    tool: Till, dora: Member, shop_a: Retailer, set_clock: SetClock
) -> None:
    till = Till(shop_a, scopes=["pos"])
    offer_id = made(tool, offer_type="fixed_check_discount", discount_config={"amount": 5})
    [line] = issue(tool, dora, offer_id)
    entry = UserOffer.objects.get(uuid=line["user_offer_id"])
    assert till.pos("lock", asks(entry, basket("10.00"))).status == 200
    set_clock(NOW + timedelta(hours=1))
    assert tool.offer("offers/acquisition/revoke", user_offer_id=line["user_offer_id"]).status == 200
