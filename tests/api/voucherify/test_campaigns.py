"""/v1/campaigns."""

from typing import Any

import pytest

from offers.models import Campaign, Voucher
from tests.api.client import ApiClient
from tests.api.voucherify.test_vouchers import CARD, TEN

SPRING: dict[str, Any] = {"name": "Spring Sale", "campaign_type": "DISCOUNT_COUPONS", "type": "STATIC", "voucher": TEN}
ONE_CHARACTER = {"code_config": {"pattern": "#"}}
FIELDS = {
    "id", "name", "description", "campaign_type", "type", "voucher", "auto_join", "join_once",
    "use_voucher_metadata_schema", "start_date", "expiration_date", "validity_timeframe", "validity_day_of_week",
    "validity_hours", "activity_duration_after_publishing", "timezone", "budget", "vouchers_count", "active",
    "metadata", "created_at", "updated_at", "category", "category_id", "categories", "creation_status",
    "vouchers_generation_status", "protected", "readonly", "referral_program", "loyalty_tiers_expiration", "object",
    "validation_rules_assignments", "access_settings_assignments",
}  # fmt: skip


def test_a_campaign_comes_back_in_full(api: ApiClient) -> None:
    code_config = {"length": 6.0, "prefix": "S-"}
    body = SPRING | {
        "voucher": TEN | {"redemption": {"quantity": 2}, "code_config": code_config},
        "vouchers_count": 1,
        "metadata": {"team": "web"},
        "activity_duration_after_publishing": "P7D",
    }
    found = api.post("/v1/campaigns", body).json
    assert set(found) == FIELDS
    assert found["id"].startswith("camp_")
    assert (found["vouchers_count"], found["creation_status"], found["vouchers_generation_status"]) == (
        1,
        "DONE",
        "DONE",
    )
    assert found["voucher"]["code_config"]["length"] == 6
    assert found["voucher"]["redemption"] == {"quantity": 2}
    assert found["voucher"]["discount"]["percent_off"] == 10
    assert Voucher.objects.get().code.startswith("S-")
    assert api.get("/v1/campaigns/Spring%20Sale").json == found
    assert api.get(f"/v1/campaigns/{found['id']}").json == found


@pytest.mark.django_db(transaction=True)
def test_many_codes_are_made_in_the_background(api: ApiClient) -> None:
    made = api.post("/v1/campaigns", SPRING | {"vouchers_count": 25}, X_Request_Id="order-9").json
    assert (made["vouchers_count"], made["vouchers_generation_status"]) == (0, "IN_PROGRESS")
    found = api.get(f"/v1/campaigns/{made['id']}")
    assert (found["vouchers_count"], found["vouchers_generation_status"]) == (25, "DONE")
    answer = api.post("/v1/campaigns/Spring%20Sale/vouchers?vouchers_count=5", {"metadata": {"a": 1}})
    assert answer.status == 202
    action = api.get(f"/v1/async-actions/{answer['async_action_id']}").json
    assert (action["type"], action["status"], action["operation_status"], action["progress"]) == (
        "CAMPAIGN.VOUCHERS_GENERATE",
        "DONE",
        "SUCCESS",
        100,
    )
    assert action["result"]["done_count"] == 5
    assert api.get("/v1/vouchers?campaign=Spring%20Sale")["total"] == 30
    newest, first = api.get("/v1/async-actions")["async_actions"]
    assert newest == action
    assert first["id"] != action["id"]


def test_vouchers_are_added_with_and_without_a_code(api: ApiClient) -> None:
    api.post("/v1/campaigns", SPRING)
    one = api.call("POST", "/v1/campaigns/Spring%20Sale/vouchers")
    assert (one.status, one["campaign"], len(one["code"])) == (200, "Spring Sale", 8)
    assert one["discount"]["percent_off"] == 10
    own = api.post(
        "/v1/campaigns/Spring%20Sale/vouchers/MY%2FCODE", {"metadata": {"a": 1}, "redemption": {"quantity": 5}}
    )
    assert (own["code"], own["metadata"], own["redemption"]["quantity"]) == ("MY/CODE", {"a": 1}, 5)
    assert api.post("/v1/campaigns/Spring%20Sale/vouchers/MY%2FCODE").status == 409
    assert api.post("/v1/campaigns/Spring%20Sale/vouchers", {"code": "THIRD"})["code"] == "THIRD"
    assert api.post("/v1/campaigns/none/vouchers").status == 404
    assert api.get("/v1/campaigns/Spring%20Sale")["vouchers_count"] == 3


def test_a_standalone_campaign_has_one_public_code(api: ApiClient) -> None:
    api.post("/v1/campaigns", SPRING | {"type": "STANDALONE"})
    made = api.post("/v1/vouchers/PUBLIC", {"campaign": "Spring Sale"})
    assert (made["campaign"], made["discount"]["percent_off"]) == ("Spring Sale", 10)
    assert api.post("/v1/vouchers/SECOND", {"campaign": "Spring Sale"})["key"] == "invalid_campaign"
    assert api.post("/v1/campaigns/Spring%20Sale/vouchers")["key"] == "invalid_campaign"


def test_a_promotion_comes_with_its_tiers(api: ApiClient) -> None:
    tiers = [{"name": name, "action": {"discount": TEN["discount"]}} for name in ("one", "two")]
    found = api.post("/v1/campaigns", {"name": "P", "campaign_type": "PROMOTION", "promotion": {"tiers": tiers}}).json
    assert found["voucher"] is None
    assert [(tier["name"], tier["hierarchy"]) for tier in found["promotion"]["tiers"]] == [("one", 1), ("two", 2)]
    assert found["promotion"]["total"] == 2
    bad = {"name": "Q", "campaign_type": "PROMOTION", "promotion": {"tiers": [{"name": "no discount"}]}}
    assert api.post("/v1/campaigns", bad)["key"] == "invalid_payload"
    assert api.get("/v1/campaigns/Q").status == 404


@pytest.mark.parametrize(
    ("body", "status", "key"),
    [
        ({}, 400, "invalid_payload"),
        ({"name": 7}, 400, "invalid_payload"),
        (SPRING | {"name": ""}, 400, "invalid_payload"),
        (SPRING | {"voucher": {"type": "DISCOUNT_VOUCHER"}}, 400, "invalid_campaign"),
        (SPRING | {"voucher": None}, 400, "invalid_campaign"),
        (SPRING | {"voucher": []}, 400, "invalid_payload"),
        (SPRING | {"voucher": CARD}, 400, "invalid_campaign"),
        (SPRING | {"campaign_type": "GIFT_VOUCHERS"}, 400, "invalid_campaign"),
        (SPRING | {"campaign_type": "LOYALTY_PROGRAM"}, 400, "invalid_campaign"),
        (SPRING | {"campaign_type": "REFERRAL_PROGRAM"}, 400, "invalid_campaign"),
        (SPRING | {"voucher": TEN | {"is_referral_code": True}}, 400, "invalid_campaign"),
        (SPRING | {"campaign_type": "X"}, 400, "invalid_payload"),
        (SPRING | {"type": "X"}, 400, "invalid_payload"),
        (SPRING | {"vouchers_count": -1}, 400, "invalid_payload"),
        (SPRING | {"vouchers_count": "5"}, 400, "invalid_payload"),
        (SPRING | {"vouchers_count": 10**9}, 400, "invalid_campaign_params"),
        (SPRING | {"vouchers_count": 63, "voucher": TEN | ONE_CHARACTER}, 400, "invalid_code_config"),
        (SPRING | {"voucher": TEN | {"code_config": {"charset": "aa"}}}, 400, "invalid_code_config"),
        (SPRING | {"budget": -5}, 400, "invalid_payload"),
        (SPRING | {"start_date": "x"}, 400, "invalid_payload"),
        (SPRING | {"category": "none"}, 404, "not_found"),
        (SPRING | {"category_id": "cat_none"}, 404, "not_found"),
        (SPRING | {"validation_rules": ["val_none"]}, 404, "not_found"),
        (SPRING | {"activity_duration_after_publishing": "a week"}, 400, "invalid_payload"),
    ],
)  # fmt: skip
def test_bad_input_has_a_stable_key(api: ApiClient, body: Any, status: int, key: str) -> None:
    answer = api.post("/v1/campaigns", body)
    assert (answer.status, answer["key"]) == (status, key), answer
    assert not Campaign.objects.exists()


def test_a_name_is_unique_per_retailer(api: ApiClient, api_b: ApiClient) -> None:
    assert api.post("/v1/campaigns", SPRING).status == 200
    answer = api.post("/v1/campaigns", SPRING)
    assert (answer.status, answer["key"], answer["resource_id"]) == (409, "duplicate_found", "Spring Sale")
    assert api_b.post("/v1/campaigns", SPRING).status == 200


def test_null_clears_and_metadata_fields_are_unset(api: ApiClient) -> None:
    api.post("/v1/campaigns", SPRING | {"expiration_date": "2030-01-01", "metadata": {"a": 1, "b": 2}, "budget": 100})
    body = {"expiration_date": None, "metadata": {"c": 3}, "unset_metadata_fields": ["a"], "budget": None, "name": "X"}
    found = api.put("/v1/campaigns/Spring%20Sale", body)
    assert (found["expiration_date"], found["metadata"], found["budget"]) == (None, {"b": 2, "c": 3}, None)
    assert found["name"] == "Spring Sale"
    assert api.put("/v1/campaigns/Spring%20Sale", {"type": "AUTO_UPDATE"})["type"] == "AUTO_UPDATE"
    wrong = api.put("/v1/campaigns/Spring%20Sale", {"discount": {"type": "AMOUNT", "amount_off": 5}})
    assert wrong["key"] == "invalid_campaign"


def test_a_new_discount_holds_for_codes_that_are_out(api: ApiClient) -> None:
    api.post("/v1/campaigns", SPRING)
    api.post("/v1/campaigns/Spring%20Sale/vouchers/OUT")
    api.put("/v1/campaigns/Spring%20Sale", {"discount": {"type": "PERCENT", "percent_off": 25}})
    assert api.get("/v1/vouchers/OUT")["discount"]["percent_off"] == 25


def test_codes_of_a_disabled_campaign_cannot_be_redeemed(api: ApiClient) -> None:
    api.post("/v1/campaigns", SPRING)
    api.post("/v1/campaigns/Spring%20Sale/vouchers/OUT")
    body = {"redeemables": [{"object": "voucher", "id": "OUT"}], "order": {"amount": 1000}}
    assert api.post("/v1/campaigns/Spring%20Sale/disable").json == {}
    assert api.post("/v1/redemptions", body).status == 400
    assert api.post("/v1/campaigns/Spring%20Sale/enable").json == {}
    assert api.post("/v1/redemptions", body).status == 200


@pytest.mark.django_db(transaction=True)
def test_a_deleted_campaign_takes_its_codes_along(api: ApiClient) -> None:
    api.post("/v1/campaigns", SPRING | {"vouchers_count": 3})
    api.post("/v1/campaigns/Spring%20Sale/vouchers/OUT")
    answer = api.delete("/v1/campaigns/Spring%20Sale")
    assert answer.status == 202
    action = api.get(f"/v1/async-actions/{answer['async_action_id']}")
    assert (action["type"], action["status"]) == ("CAMPAIGN.VOUCHERS_DELETE", "DONE")
    assert api.get("/v1/campaigns/Spring%20Sale").status == 404
    assert api.get("/v1/vouchers/OUT").status == 404
    assert api.get("/v1/vouchers")["total"] == api.get("/v1/campaigns")["total"] == 0
    assert api.post("/v1/campaigns", SPRING).status == 200


def test_the_list_is_narrowed(api: ApiClient, api_b: ApiClient) -> None:
    api.post("/v1/campaigns", SPRING)
    api.post("/v1/campaigns", SPRING | {"name": "Cards", "campaign_type": "GIFT_VOUCHERS", "voucher": CARD})
    api.post("/v1/campaigns/Cards/disable")
    assert api_b.get("/v1/campaigns").json == {"object": "list", "data_ref": "campaigns", "campaigns": [], "total": 0}

    def names(query: str) -> list[str]:
        return [row["name"] for row in api.get(f"/v1/campaigns?{query}")["campaigns"]]

    assert names("") == ["Cards", "Spring Sale"]
    assert names("order=created_at") == ["Spring Sale", "Cards"]
    assert names("campaign_type=GIFT_VOUCHERS") == ["Cards"]
    assert names("campaign_status=IN_PROGRESS") == []
    assert names("is_referral_code=true") == []
    assert names("filters[campaigns][conditions][$is]=Cards") == ["Cards"]
    assert names("filters[active][conditions][$disabled]=true") == ["Cards"]
    assert api.get("/v1/campaigns?campaign_type=X").status == 400


@pytest.mark.parametrize(
    ("method", "tail"),
    [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/enable"), ("POST", "/vouchers"), ("POST", "/vouchers/X"),
     ("GET", "/summary"), ("POST", "/vouchers?vouchers_count=9")],
)  # fmt: skip
def test_other_retailers_campaigns_are_as_if_unknown(api: ApiClient, api_b: ApiClient, method: str, tail: str) -> None:
    ident = api.post("/v1/campaigns", SPRING)["id"]
    for name in ("Spring%20Sale", ident):
        answer = api_b.call(method, f"/v1/campaigns/{name}{tail}", None if method == "GET" else {})
        assert (answer.status, answer["key"]) == (404, "not_found")
    action = api.delete("/v1/campaigns/Spring%20Sale")["async_action_id"]
    assert api_b.get(f"/v1/async-actions/{action}").status == 404
    assert api_b.get("/v1/async-actions")["async_actions"] == []


@pytest.mark.parametrize("count", ["0", "-1", "x", "1.5", "9999999999"])
def test_a_bad_count_is_refused(api: ApiClient, count: str) -> None:
    api.post("/v1/campaigns", SPRING)
    answer = api.post(f"/v1/campaigns/Spring%20Sale/vouchers?vouchers_count={count}")
    assert (answer.status, answer["key"]) == (400, "invalid_query_params")


def test_the_summary_counts_what_a_campaign_brought(api: ApiClient) -> None:
    api.post("/v1/campaigns", SPRING)
    for code in ("ONE", "TWO"):
        api.post(f"/v1/campaigns/Spring%20Sale/vouchers/{code}", {"redemption": {"quantity": 1}})
    body = {"redeemables": [{"object": "voucher", "id": "ONE"}], "order": {"amount": 10000}}
    first = api.post("/v1/redemptions", body)["redemptions"][0]["id"]
    api.post("/v1/redemptions", body)  # used up
    api.post(f"/v1/redemptions/{first}/rollback")
    api.delete("/v1/vouchers/TWO")
    found = api.get("/v1/campaigns/Spring%20Sale/summary").json
    assert found["object"] == "campaign_summary"
    assert found["campaign"]["name"] == "Spring Sale"
    expected = {
        "redemptions": 2, "redemptions_succeeded": 1, "redemptions_failed": 1, "rollbacks": 1,
        "rollbacks_succeeded": 1, "rollbacks_failed": 0, "orders_amount": 10000, "orders_rolledback_amount": 10000,
        "vouchers_created": 2, "vouchers_deleted": 1, "discounted_amount": 1000, "rolledback_discounted_amount": 1000,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    past = api.get("/v1/campaigns/Spring%20Sale/summary?start_date=2020-01-01&end_date=2020-01-31")
    assert (past["redemptions"], past["vouchers_created"]) == (0, 0)
    assert api.get("/v1/campaigns/Spring%20Sale/summary?start_date=x").status == 400


def test_the_summary_of_gift_cards_counts_credits(api: ApiClient) -> None:
    api.post("/v1/campaigns", {"name": "Cards", "campaign_type": "GIFT_VOUCHERS", "voucher": CARD})
    for code in ("ONE", "TWO"):
        api.post(f"/v1/campaigns/Cards/vouchers/{code}")
    api.post("/v1/vouchers/ONE/balance", {"amount": 300})
    api.post("/v1/vouchers/ONE/balance", {"amount": -100})
    redeemables = [{"object": "voucher", "id": "ONE", "gift": {"credits": 700}}]
    api.post("/v1/redemptions", {"redeemables": redeemables, "order": {"amount": 9000}})
    api.delete("/v1/vouchers/ONE")
    found = api.get("/v1/campaigns/Cards/summary")
    amounts = ("created_vouchers_amount", "amount_added", "amount_subtracted", "amount_redeemed", "amount_deleted")
    assert [found[name] for name in amounts] == [10000, 300, 100, 700, 4500]


@pytest.mark.parametrize(
    ("field", "condition", "names"),
    [
        ("voucher_type", "[$is]=GIFT_VOUCHER", ["Cards"]),
        ("voucher_type", "[$in]=['GIFT_VOUCHER', 'DISCOUNT_VOUCHER']", ["Cards", "Spring Sale"]),
        ("voucher_type", "[$is_unknown]=", ["Promo"]),
        ("type", "[$in][0]=STANDALONE", ["Cards"]),
        ("is_referral_code", "[$is]=true", []),
        ("is_referral_code", "[$is_not]=true", ["Cards", "Promo", "Spring Sale"]),
        ("created_date", "[$after]=2020-01-01", ["Cards", "Promo", "Spring Sale"]),
        ("validity_timeframe", "[$has_value]=", ["Promo"]),
        ("validity_timeframe", "[$after]=2025-12-31", ["Promo"]),
        ("validity_timeframe", "[$before]=2025-12-31", []),
        ("validity_timeframe", "[$more_than]=3", ["Promo"]),
        ("type", "[$in]=BULK", ["Promo", "Spring Sale"]),
        ("type", "[$not_in][0]=BULK", ["Cards"]),
        ("type", "[$not_in]=['STATIC', 'AUTO_UPDATE']", ["Cards"]),
        ("status", "[$active]=", ["Cards", "Promo", "Spring Sale"]),
        ("status", "[$failed]=", []),
        ("status", "[$expired]=", []),
        ("campaign_status", "[$is]=DONE", ["Cards", "Promo", "Spring Sale"]),
        ("created_date", "[$less_than]=1", ["Cards", "Promo", "Spring Sale"]),
        ("start_date", "[$is_unknown]=", ["Cards", "Spring Sale"]),
        ("name", "[$is][0]=Cards&filters[name][conditions][$is][1]=Promo", ["Cards", "Promo"]),
    ],
)
def test_more_filters(api: ApiClient, field: str, condition: str, names: list[str]) -> None:
    frame = {"validity_timeframe": {"interval": "P2D", "duration": "PT1H"}, "start_date": "2026-01-01"}
    api.post("/v1/campaigns", SPRING)
    api.post(
        "/v1/campaigns", {"name": "Cards", "type": "STANDALONE", "campaign_type": "GIFT_VOUCHERS", "voucher": CARD}
    )
    api.post("/v1/campaigns", {"name": "Promo", "campaign_type": "PROMOTION", **frame})
    found = api.get(f"/v1/campaigns?filters[{field}][conditions]{condition}")
    assert found.status == 200, found
    assert sorted(campaign["name"] for campaign in found["campaigns"]) == names
    assert found["total"] == len(names)


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("[$is]=1", ["always", "lunch on Mondays", "weekdays"]),
        ("[$is][0]=1&filters[validity_day_of_week][conditions][$is][1]=6", ["always", "lunch on Mondays", "weekdays"]),
        ("[$is]=[0, 6]", ["always"]),
        ("[$is]=3,6", ["always", "weekdays"]),
    ],
)
def test_the_day_of_the_week_finds_what_works_then(api: ApiClient, condition: str, names: list[str]) -> None:
    lunch = {"daily": [{"start_time": "12:00", "expiration_time": "14:00", "days_of_week": [1]}]}
    windows: dict[str, Any] = {
        "always": {},
        "weekdays": {"validity_day_of_week": [1, 2, 3, 4, 5]},
        "lunch on Mondays": {"validity_hours": lunch},
    }
    for name, window in windows.items():
        assert api.post("/v1/campaigns", {"name": name, "campaign_type": "PROMOTION", **window}).status == 200
    found = api.get(f"/v1/campaigns?filters[validity_day_of_week][conditions]{condition}")
    assert found.status == 200, found
    assert sorted(campaign["name"] for campaign in found["campaigns"]) == names


@pytest.mark.parametrize("condition", ["[$is]=7", "[$is]=", "[$is]=Monday", "[$more_than]=1"])
def test_a_day_that_is_none_is_refused_by_name(api: ApiClient, condition: str) -> None:
    answer = api.get(f"/v1/campaigns?filters[validity_day_of_week][conditions]{condition}")
    assert (answer.status, answer["key"]) == (400, "invalid_query_params")
    assert "validity_day_of_week" in answer["details"]


def test_status_looks_at_the_codes_and_active_at_the_dates(api: ApiClient) -> None:
    dates = {
        "past": {"expiration_date": "2020-01-01"},
        "now": {},
        "future": {"start_date": "2999-01-01"},
        "off": {},
    }
    for name, window in dates.items():
        api.post("/v1/campaigns", {"name": name, "campaign_type": "PROMOTION", **window})
    api.post("/v1/campaigns/off/disable")

    def found(query: str) -> list[str]:
        return sorted(campaign["name"] for campaign in api.get(f"/v1/campaigns?{query}")["campaigns"])

    assert found("filters[status][conditions][$active]=") == ["future", "now", "off", "past"]
    assert found("filters[active][conditions][$active]=") == ["now"]
    assert found("filters[active][$active]=") == ["now"]
    assert found("filters[status][conditions][before_start]=") == ["future"]
    assert found("filters[status][conditions][$expired]=&filters[status][conditions][before_start]=") == [
        "future",
        "past",
    ]
    either = "filters[junction]=or&filters[active][conditions][$expired]=&filters[name][conditions][$is]=off"
    assert found(either) == ["off", "past"]


@pytest.mark.parametrize(
    "query", ["is_referral_code=maybe", "expand=everything", "campaign_type=X", "campaign_status=X"]
)
def test_a_parameter_that_means_nothing_is_refused_by_name(api: ApiClient, query: str) -> None:
    answer = api.get(f"/v1/campaigns?{query}")
    assert (answer.status, answer["key"]) == (400, "invalid_query_params")
    assert query.split("=")[0] in answer["details"]


def test_no_campaign_belongs_to_an_area_of_stores(api: ApiClient) -> None:
    api.post("/v1/campaigns", SPRING)
    assert api.get("/v1/campaigns?is_referral_code=False&expand=category")["total"] == 1
    assert api.get("/v1/campaigns?is_referral_code=True")["total"] == 0
    assert api.get("/v1/campaigns?access_settings[filter][areas_ids][0]=ar_1")["total"] == 0


def test_a_timeframe_is_there_or_not(api: ApiClient) -> None:
    answer = api.get("/v1/campaigns?filters[validity_timeframe][conditions][$is]=P2D")
    assert (answer.status, answer["key"]) == (400, "invalid_query_params")
