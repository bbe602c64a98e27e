"""/v1/vouchers."""

from typing import Any
from urllib.parse import quote

import pytest

from offers import voucher_figures
from offers.lib import clock
from offers.models import Voucher
from tests.api.client import ApiClient

TEN = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10.0, "effect": "APPLY_TO_ORDER"}}
CARD = {"type": "GIFT_VOUCHER", "gift": {"amount": 5000, "effect": "APPLY_TO_ORDER"}}
FIELDS = {
    "id", "code", "campaign", "campaign_id", "category", "category_id", "categories", "type", "discount", "gift",
    "loyalty_card", "start_date", "expiration_date", "validity_timeframe", "validity_day_of_week", "validity_hours",
    "active", "additional_info", "metadata", "assets", "is_referral_code", "created_at", "updated_at", "holder_id",
    "referrer_id", "object", "publish", "redemption", "validation_rules_assignments",
}  # fmt: skip


def test_a_voucher_comes_back_in_full(api: ApiClient) -> None:
    body = TEN | {
        "start_date": "2026-01-01",
        "expiration_date": "2027-01-01T00:00:00+01:00",
        "validity_day_of_week": [1, 2],
        "additional_info": "for friends",
        "metadata": {"source": "mail"},
        "redemption": {"quantity": 3},
    }
    found = api.post("/v1/vouchers/TEN-OFF", body).json
    assert set(found) == FIELDS
    assert found["id"].startswith("v_")
    assert (found["code"], found["object"], found["type"]) == ("TEN-OFF", "voucher", "DISCOUNT_VOUCHER")
    assert found["discount"] == {
        "type": "PERCENT",
        "percent_off": 10,
        "effect": "APPLY_TO_ORDER",
        "is_dynamic": False,
    }
    assert (found["start_date"], found["expiration_date"]) == ("2026-01-01T00:00:00.000Z", "2026-12-31T23:00:00.000Z")
    assert found["redemption"] == {
        "quantity": 3,
        "redeemed_quantity": 0,
        "object": "list",
        "url": "/v1/vouchers/TEN-OFF/redemptions?page=1&limit=10",
    }
    assert found["publish"]["count"] == 0
    empty = ("gift", "loyalty_card", "campaign", "category", "holder_id", "validity_hours", "updated_at")
    assert [found[name] for name in empty] == [None] * len(empty)
    assert api.get("/v1/vouchers/TEN-OFF").json == found
    assert api.get(f"/v1/vouchers/{found['id']}").json == found


def test_a_gift_card_shows_its_balance(api: ApiClient) -> None:
    found = api.post("/v1/vouchers/CARD", CARD).json
    assert found["gift"] == {"amount": 5000, "subtracted_amount": 0, "balance": 5000, "effect": "APPLY_TO_ORDER"}
    assert found["discount"] is None
    assert found["redemption"]["redeemed_amount"] == 0


@pytest.mark.parametrize("path", ["/v1/vouchers", "/v1/vouchers/"])
def test_a_voucher_without_a_code_gets_one(api: ApiClient, path: str) -> None:
    config = {"prefix": "PR-", "length": 5, "charset": "AB"}
    code = api.post(path, TEN | {"code_config": config}).json["code"]
    assert code.startswith("PR-")
    assert set(code[3:]) <= {"A", "B"}
    assert len(code) == 8
    assert api.post(path, TEN | {"code": "MINE"}).json["code"] == "MINE"


@pytest.mark.parametrize("code", ["A/B", "with blank", "50%", "é+ü", "a?b#c", "x/enable/y"])
def test_codes_are_percent_encoded_in_addresses(api: ApiClient, code: str) -> None:
    place = f"/v1/vouchers/{quote(code, safe='')}"
    made = api.post(place, TEN)
    assert made.status == 200
    assert made["code"] == code
    assert api.get(place)["id"] == made["id"]
    assert api.post(f"{place}/disable")["active"] is False
    assert api.delete(place).status == 204


@pytest.mark.parametrize(
    ("code", "body", "status", "key"),
    [
        ("X", {"type": "DISCOUNT_VOUCHER"}, 400, "invalid_voucher"),
        ("X", {}, 400, "invalid_voucher"),
        ("X", {"type": "GIFT_VOUCHER"}, 400, "invalid_voucher"),
        ("X", {"type": "LOYALTY_CARD", "loyalty_card": {"points": 5}}, 400, "invalid_campaign"),
        ("X", {"type": 7}, 400, "invalid_payload"),
        ("X", TEN | {"discount": {"type": "PERCENT", "percent_off": 101}}, 400, "invalid_payload"),
        ("X", TEN | {"discount": "10%"}, 400, "invalid_payload"),
        ("X", TEN | {"start_date": "yesterday"}, 400, "invalid_payload"),
        ("X", TEN | {"start_date": "2026-02-01", "expiration_date": "2026-01-01"}, 400, "invalid_payload"),
        ("X", TEN | {"metadata": []}, 400, "invalid_payload"),
        ("X", TEN | {"active": "yes"}, 400, "invalid_payload"),
        ("X", TEN | {"redemption": {"quantity": -1}}, 400, "invalid_payload"),
        ("X", TEN | {"redemption": {"quantity": 2**63}}, 400, "invalid_payload"),
        ("X", TEN | {"redemption": 5}, 400, "invalid_payload"),
        ("X", TEN | {"category": "none"}, 404, "not_found"),
        ("X", TEN | {"campaign": "none"}, 404, "not_found"),
        ("X", TEN | {"validation_rules": ["val_none"]}, 404, "not_found"),
        ("X", TEN | {"validation_rules": "val_none"}, 400, "invalid_payload"),
        ("X", TEN | {"code": "Y"}, 400, "invalid_payload"),
        ("", TEN | {"code_config": {"pattern": "NONE"}}, 400, "invalid_code_config"),
        ("", TEN | {"code_config": "x"}, 400, "invalid_payload"),
        ("", TEN | {"code": " X"}, 400, "invalid_payload"),
        ("", TEN | {"code": "X\u202e"}, 400, "invalid_payload"),
        ("", [], 400, "invalid_payload"),
    ],
)
def test_bad_input_has_a_stable_key(api: ApiClient, code: str, body: Any, status: int, key: str) -> None:
    answer = api.post(f"/v1/vouchers/{code}".rstrip("/"), body)
    assert (answer.status, answer["key"]) == (status, key), answer
    assert not Voucher.objects.exists()


def test_the_message_names_the_field(api: ApiClient) -> None:
    answer = api.post("/v1/vouchers/X", TEN | {"discount": {"type": "AMOUNT", "amount_off": 1.5}})
    assert answer["details"] == "Property .discount.amount_off should be a whole number"


def test_an_existing_code_is_a_conflict(api: ApiClient, api_b: ApiClient) -> None:
    assert api.post("/v1/vouchers/SAVE", TEN).status == 200
    answer = api.post("/v1/vouchers/SAVE", TEN)
    assert (answer.status, answer["key"], answer["resource_id"]) == (409, "duplicate_found", "SAVE")
    assert api_b.post("/v1/vouchers/SAVE", TEN).status == 200


def test_unknown_fields_are_ignored_and_nothing_internal_can_be_set(api: ApiClient) -> None:
    sneaky = {
        "id": "v_mine", "public_id": "v_mine", "retailer": 1, "retailer_id": 1, "created_at": "2000-01-01",
        "deleted_at": "2000-01-01", "publish_count": 9, "is_referral_code": True, "hot": True, "holder_id": "cust_1",
        "gift": {"amount": 7}, "gift_amount": 7, "object": "campaign", "nonsense": {"a": 1},
    }  # fmt: skip
    found = api.post("/v1/vouchers/X", TEN | sneaky).json
    assert found["id"] != "v_mine"
    assert (found["is_referral_code"], found["gift"], found["publish"]["count"]) == (False, None, 0)
    row = Voucher.objects.get()
    assert (row.hot, row.holder, row.deleted_at, row.gift_amount) == (False, None, None, None)


def test_an_update_changes_only_what_it_may(api: ApiClient) -> None:
    api.post("/v1/vouchers/X", TEN | {"metadata": {"a": 1}, "redemption": {"quantity": 3}, "start_date": "2026-01-01"})
    body = {
        "metadata": {"b": 2}, "start_date": None, "active": False, "redemption": {"quantity": 99},
        "gift": {"amount": 5}, "discount": {"type": "PERCENT", "percent_off": 20}, "code": "OTHER",
    }  # fmt: skip
    found = api.put("/v1/vouchers/X", body).json
    assert (found["code"], found["redemption"]["quantity"], found["gift"]) == ("X", 3, None)
    assert (found["metadata"], found["start_date"], found["active"]) == ({"a": 1, "b": 2}, None, False)
    assert found["discount"]["percent_off"] == 20
    assert found["updated_at"] is not None
    wrong_type = api.put("/v1/vouchers/X", {"type": "GIFT_VOUCHER"})
    assert (wrong_type.status, wrong_type["key"]) == (400, "invalid_voucher")
    assert api.put("/v1/vouchers/X", {"discount": {"type": "AMOUNT", "amount_off": 1}})["key"] == "invalid_voucher"


def test_a_deleted_voucher_is_not_found(api: ApiClient) -> None:
    api.post("/v1/vouchers/X", TEN)
    assert api.delete("/v1/vouchers/X").text == ""
    for answer in (api.get("/v1/vouchers/X"), api.delete("/v1/vouchers/X"), api.put("/v1/vouchers/X", {})):
        assert (answer.status, answer["key"]) == (404, "not_found")
    assert api.post("/v1/vouchers/X", TEN).status == 409


def test_force_frees_the_code(api: ApiClient) -> None:
    api.post("/v1/vouchers/X", TEN)
    assert api.delete("/v1/vouchers/X?force=true").status == 204
    assert api.post("/v1/vouchers/X", TEN).status == 200


def test_enable_and_disable_take_an_empty_body(api: ApiClient) -> None:
    api.post("/v1/vouchers/X", TEN)
    assert api.call("POST", "/v1/vouchers/X/disable", Content_Type="")["active"] is False
    assert api.post("/v1/vouchers/X/enable", {})["active"] is True
    assert api.post("/v1/vouchers/NONE/enable").status == 404


@pytest.mark.parametrize(
    ("method", "tail"),
    [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/enable"), ("POST", "/balance"), ("GET", "/transactions")],
)
def test_other_retailers_vouchers_are_as_if_unknown(api: ApiClient, api_b: ApiClient, method: str, tail: str) -> None:
    ident = api.post("/v1/vouchers/CARD", CARD)["id"]
    body = {"amount": 5} if tail == "/balance" else None if method == "GET" else {}
    for name in ("CARD", ident):
        mine = api_b.call(method, f"/v1/vouchers/{name}{tail}", body)
        unknown = api_b.call(method, f"/v1/vouchers/NONE{tail}", body)
        assert mine.status == unknown.status == 404
        assert mine["details"] == unknown["details"].replace("NONE", name)
    assert api_b.get("/v1/vouchers")["total"] == 0
    assert api.get("/v1/vouchers/CARD")["active"] is True


class TestList:
    @pytest.fixture(autouse=True)
    def stock(self, api: ApiClient) -> None:
        api.post("/v1/categories", {"name": "VIP", "hierarchy": 1})
        api.post("/v1/campaigns", {"name": "Spring", "voucher": TEN})
        api.post("/v1/vouchers/A", TEN | {"category": "VIP"})
        api.post("/v1/vouchers/B", CARD)
        api.post("/v1/vouchers/C", TEN | {"active": False, "expiration_date": "2020-01-01"})
        api.post("/v1/campaigns/Spring/vouchers/D")

    def found(self, api: ApiClient, query: str) -> list[str]:
        return [row["code"] for row in api.get(f"/v1/vouchers?{query}")["vouchers"]]

    def test_newest_first_in_the_envelope(self, api: ApiClient) -> None:
        answer = api.get("/v1/vouchers?limit=2").json
        assert {name: answer[name] for name in ("object", "data_ref", "total")} == {
            "object": "list",
            "data_ref": "vouchers",
            "total": 4,
        }
        assert [row["code"] for row in answer["vouchers"]] == ["D", "C"]
        assert set(answer["vouchers"][0]) == FIELDS
        assert self.found(api, "limit=2&page=2") == ["B", "A"]
        assert self.found(api, "page=9") == []

    @pytest.mark.parametrize(
        ("query", "codes"),
        [
            ("order=code", "ABCD"),
            ("order=-code", "DCBA"),
            ("order=created_at", "ABCD"),
            ("code=B", "B"),
            ("campaign=Spring", "D"),
            ("campaign_id=Spring", "D"),
            ("campaign=none", ""),
            ("category=VIP", "A"),
            ("customer=nobody", ""),
            ("created_at[after]=2100-01-01", ""),
            ("created_at[before]=2100-01-01&order=code", "ABCD"),
            ("filters[code][conditions][$in]=['A', 'B']&order=code", "AB"),
            ("filters[voucher_type][conditions][$is]=GIFT_VOUCHER", "B"),
            ("filters[discount_type][conditions][$is]=PERCENT&order=code", "AC"),
            ("filters[campaign][conditions][$is]=Spring", "D"),
            ("filters[active][conditions][$disabled]=true", "C"),
            ("filters[active][conditions][$expired]=true", "C"),
            ("filters[active][conditions][$active]=true&order=code", "ABD"),
            ("filters[active][conditions][$failed]=", ""),
            (
                "filters[junction]=or&filters[active][conditions][$disabled]=&filters[code][conditions][$is]=A&order=code",
                "AC",
            ),
            ("filters[created_at][conditions][$less_than]=2&order=code", "ABCD"),
        ],
    )
    def test_narrowed_and_ordered(self, api: ApiClient, query: str, codes: str) -> None:
        assert self.found(api, query) == list(codes)

    def test_by_ids_in_python_and_comma_form(self, api: ApiClient) -> None:
        ids = [api.get(f"/v1/vouchers/{code}")["id"] for code in "AC"]
        assert self.found(api, f"ids={quote(repr(ids))}&order=code") == ["A", "C"]
        assert self.found(api, f"ids={','.join(ids)}&order=code") == ["A", "C"]

    @pytest.mark.parametrize("names", [("ids", "ids"), ("ids[]", "ids[]"), ("ids[0]", "ids[1]")])
    def test_by_ids_in_the_forms_of_query_strings(self, api: ApiClient, names: tuple[str, str]) -> None:
        ids = [api.get(f"/v1/vouchers/{code}")["id"] for code in "AC"]
        asked = "&".join(f"{name}={ident}" for name, ident in zip(names, ids, strict=True))
        assert self.found(api, f"{asked}&order=code") == ["A", "C"]

    @pytest.mark.parametrize(
        "query",
        ["limit=0", "limit=101", "limit=x", "page=0", "order=nonsense", "created_at[after]=x", "order=code%00",
         "filters[active][conditions][$x]=1", "filters[nonsense][conditions][$is]=1"],
    )  # fmt: skip
    def test_bad_queries_are_refused(self, api: ApiClient, query: str) -> None:
        answer = api.get(f"/v1/vouchers?{query}")
        assert (answer.status, answer["key"]) == (400, "invalid_query_params")

    def test_as_many_statements_for_one_as_for_many(self, api: ApiClient, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(5):
            api.get("/v1/vouchers")


def test_what_was_used_shows(api: ApiClient) -> None:
    api.post("/v1/vouchers/X", TEN)
    api.post("/v1/redemptions", {"redeemables": [{"object": "voucher", "id": "X"}], "order": {"amount": 1000}})
    assert api.get("/v1/vouchers/X")["redemption"]["redeemed_quantity"] == 1
    assert voucher_figures.of(Voucher.objects.all(), now=clock.now())[Voucher.objects.get().pk].redeemed == 1


@pytest.mark.parametrize("path", ["vouchers", "campaigns"])
def test_what_never_changed_is_not_what_changed_last(api: ApiClient, path: str) -> None:
    for name in ("first", "second", "third"):
        api.post("/v1/campaigns", {"name": name, "voucher": TEN})
        api.post(f"/v1/vouchers/{name}", TEN)
    for name in ("first", "second"):
        api.put(f"/v1/{path}/{name}", {"metadata": {"x": 1}})
    found = api.get(f"/v1/{path}?order=-updated_at")[path]
    assert [row.get("code") or row["name"] for row in found] == ["second", "first", "third"]
    found = api.get(f"/v1/{path}?order=updated_at")[path]
    assert [row.get("code") or row["name"] for row in found] == ["first", "second", "third"]
