"""Balances, deposits, spending and the translation of user ids over HTTP."""

from typing import Any

import pytest

from loyalty import members
from loyalty.models import Member, PointAccount
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import AuditEntry, Retailer
from tests.api.sessionm import wallets
from tests.api.sessionm.client import Till
from tests.loyalty.people import kind

pytestmark = pytest.mark.django_db
POINTS = "/incentives/api/1.0/user_points/"


@pytest.fixture
def main(shop_a: Retailer) -> PointAccount:
    return kind(shop_a, grouping_label="Shop")


@pytest.fixture
def ada(shop_a: Retailer, main: PointAccount) -> Member:
    return wallets.member(shop_a, first_name="Ada")


@pytest.fixture
def till(shop_a: Retailer) -> Till:
    return Till(shop_a, scopes=["loyalty"])


def lines(amount: Any, reference: str = "a", **fields: Any) -> list[dict[str, Any]]:
    return [{"amount": amount, "reference": reference, "reason": "hello", **fields}]


def deposit(till: Till, who: Member, entries: Any, path: str = f"{POINTS}deposit") -> Any:
    return till.offer(path, user_id=str(who.uuid), deposits=entries)


def spend(till: Till, who: Member, entries: Any) -> Any:
    return till.offer(f"{POINTS}spend_multiple", user_id=str(who.uuid), spends=entries)


def balance(till: Till, who: Member) -> tuple[int, int]:
    summary = till.offer(f"{POINTS}all_balances", user_id=str(who.uuid)).json["payload"]["summary"]
    return summary["total_points"], summary["life_time_points"]


def test_balances_name_every_account_of_the_retailer(till: Till, ada: Member, main: PointAccount) -> None:
    status = kind(ada.retailer, "status", spendable=False)
    deposit(till, ada, [*lines(30), *lines(7, account_name="status")])
    for path in (f"{POINTS}all_balances", "loyalty/all_balances", f"{POINTS}ALL_BALANCES/"):
        answer = till.offer(path, user_id=str(ada.uuid).upper())
        assert answer.status == 200
        assert answer.json["status"] == "ok"
        payload = answer.json["payload"]
        assert payload["summary"] == {"total_points": 30, "life_time_points": 37}
        rows = {row["point_account_id"]: row for row in payload["details"]}
        assert set(rows) == {str(main.uuid), str(status.uuid)}
        mine = rows[str(main.uuid)]
        assert (mine["account_name"], mine["grouping_label"], mine["available_balance"], mine["life_time_value"]) == (
            "main",
            "Shop",
            30,
            30,
        )
        assert mine["user_point_account_id"] == str(ada.accounts.get(account=main).uuid)


def test_a_reference_counts_once_per_account(till: Till, ada: Member) -> None:
    kind(ada.retailer, "other")
    for _ in range(2):
        deposit(till, ada, [*lines("30"), *lines(5, account_name="other")])
    assert balance(till, ada) == (35, 35)
    for _ in range(2):
        assert spend(till, ada, lines(10)).status == 200
    assert balance(till, ada) == (25, 35)


def test_spending_is_all_or_nothing(till: Till, ada: Member) -> None:
    deposit(till, ada, lines(30))
    answer = spend(till, ada, [*lines(20, "b"), *lines(20, "c")])
    assert (answer.status, answer.json["errors"]["code"]) == (422, "insufficient_points")
    assert balance(till, ada) == (30, 30)


def test_who_deposits_and_why_is_audited(till: Till, ada: Member) -> None:
    deposit(till, ada, lines(30))
    spend(till, ada, lines(10))
    rows = AuditEntry.objects.filter(object_type="member", action__startswith="points.").order_by("pk")
    assert [(row.action, row.reason, row.after) for row in rows] == [
        ("points.deposit", "hello", {"account": "main", "balance": 30}),
        ("points.spend", "hello", {"account": "main", "balance": 20}),
    ]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        (None, "missing_data"),
        ([], "argument_error"),
        ([{"amount": 5}], "missing_data"),
        ([{"reference": "a"}], "missing_data"),
        (lines(0), "argument_error"),
        (lines(-5), "argument_error"),
        (lines("1.5"), "argument_error"),
        (lines("x"), "argument_error"),
        (lines(10**13), "argument_error"),
        (lines(1, "r" * 101), "argument_error"),
        (lines(1, account_name="nowhere"), "argument_error"),
        ("text", "argument_error"),
        ([*lines(1)] * 101, "argument_error"),
    ],
)
def test_nothing_is_booked_of_a_list_with_a_fault(till: Till, ada: Member, entries: Any, code: str) -> None:
    for key, path in (("deposits", "deposit"), ("spends", "spend_multiple")):
        answer = till.offer(f"{POINTS}{path}", user_id=str(ada.uuid), **{key: entries})
        assert (answer.status, answer.json["errors"]["code"]) == (400, code)
    assert balance(till, ada) == (0, 0)


def test_users_are_named_by_uuid_where_ids_are_translated(till: Till, ada: Member, shop_b: Retailer) -> None:
    foreign = wallets.member(shop_b)
    for user_id, status, code in (
        ("crm-1", 400, "argument_error"),
        ("", 400, "missing_data"),
        ("136b6d16-1317-4ac6-b551-19540d53bd6c", 404, "user_not_found"),
        (str(foreign.uuid), 404, "user_not_found"),
    ):
        answer = till.offer(f"{POINTS}all_balances", user_id=user_id)
        assert (answer.status, answer.json["errors"]["code"]) == (status, code)


def test_the_calls_need_the_loyalty_scope_and_post(shop_a: Retailer, till: Till, ada: Member) -> None:
    other = Till(shop_a, scopes=["offers.manage", "offers.read", "pos"])
    for path in ("all_balances", "deposit", "spend_multiple"):
        assert other.offer(f"{POINTS}{path}", user_id=str(ada.uuid)).status == 403
        assert till.call(f"{POINTS}{path}", method="GET").status == 405
        assert till.call(f"{POINTS}{path}", {"retailer_id": str(ada.uuid), "user_id": "x"}).status == 403


def test_t41_an_external_id_is_translated_and_the_id_works_everywhere(
    till: Till, shop_a: Retailer, ada: Member
) -> None:
    members.add_external(member=ada, external_id_type="crm", external_id="X1", actor=SYSTEM, now=clock.now())
    for kind_ in ("crm", "CRM", "External_ID", None):
        answer = till.offer("users/translate", external_id="X1", external_id_type=kind_)
        assert answer.json == {"status": "ok", "payload": {"user_id": str(ada.uuid)}}
    assert Till(shop_a, scopes=["pos"]).offer("users/translate", external_id="X1", external_id_type="crm").status == 200
    assert till.offer("users/translate", external_id="X2", external_id_type="crm").status == 404
    assert till.offer("users/translate", external_id="X1", external_id_type="pos").status == 404
    assert till.offer("users/translate", external_id_type="crm").status == 400


def test_t45_two_systems_with_the_same_id_keep_two_people_apart(till: Till, shop_a: Retailer, ada: Member) -> None:
    bea = wallets.member(shop_a, external_ids=[("web", "1")])
    members.add_external(member=ada, external_id_type="crm", external_id="1", actor=SYSTEM, now=clock.now())
    for kind_, who in (("crm", ada), ("web", bea)):
        answer = till.offer("users/translate", external_id="1", external_id_type=kind_)
        assert answer.json["payload"]["user_id"] == str(who.uuid)
    answer = till.offer("users/translate", external_id="1", external_id_type="External_ID")
    assert (answer.status, answer.json["errors"]["code"]) == (409, "ambiguous_customer")


def test_t43_the_shops_own_id_can_be_the_id_and_makes_a_member_at_first_sight(shop_a: Retailer, till: Till) -> None:
    kind(shop_a)
    shop_a.settings = {"identity_mode": "external_is_sor"}
    shop_a.save()
    for _ in range(2):
        answer = till.offer(f"{POINTS}deposit", user_id="card 17", deposits=lines(5))
        assert answer.json["payload"]["summary"]["total_points"] == 5
    assert Member.objects.get().sor_id == "card 17"
    assert till.offer("users/translate", external_id="card 17").json["payload"] == {"user_id": "card 17"}


def test_t44_with_the_shops_own_id_there_is_no_second_source(shop_a: Retailer) -> None:
    shop_a.settings = {"identity_mode": "external_is_sor"}
    shop_a.save()
    first = wallets.member(shop_a, external_ids=[("crm", "1")])
    assert members.shown_id(first) == "1"
    with pytest.raises(members.SecondSource):
        wallets.member(shop_a, external_ids=[("web", "2")])
    with pytest.raises(members.SecondSource):
        members.add_external(member=first, external_id_type="web", external_id="2", actor=SYSTEM, now=clock.now())
    with pytest.raises(members.IdTaken):
        wallets.member(shop_a, external_ids=[("crm", "1")])
