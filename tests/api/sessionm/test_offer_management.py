"""Offers over the wire: created and changed, their status moved, fetched per culture."""

import re
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from offers.models import AuditEntry, Offer, Retailer
from tests.api.client import Answer, ApiClient
from tests.api.sessionm.client import Till
from tests.api.sessionm.offer_bodies import SAMPLE, simple

UUID_FORM = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
IN_2018 = datetime(2018, 9, 4, 19, 47, tzinfo=UTC)


@pytest.fixture
def tool(shop_a: Retailer) -> Till:
    return Till(shop_a, scopes=["offers.manage", "offers.read"])


def create(tool: Till, body: dict[str, Any]) -> Answer:
    return tool.offer("offers/management/create", **body)


def made(tool: Till, **fields: Any) -> str:
    answer = create(tool, simple(**fields))
    assert answer.status == 200, answer
    return str(answer["payload"]["offer_id"])


def fetch(tool: Till, offer_id: str, **fields: Any) -> dict[str, Any]:
    answer = tool.offer("offers/fetch_offer", offer_id=offer_id, **fields)
    assert answer.status == 200, answer
    found: dict[str, Any] = answer["payload"]["offer"]
    return found


def errors_of(answer: Answer) -> dict[str, Any]:
    assert answer.status == 400, answer
    assert answer["status"] == "error"
    assert answer["errors"]["code"] == "validation"
    found: dict[str, Any] = answer["payload"]["validation_errors"]
    return found


def test_o4_the_sample_creates_a_published_offer(tool: Till) -> None:
    answer = create(tool, SAMPLE)
    assert answer.status == 200
    payload = answer["payload"]
    assert answer.json == {
        "status": "ok",  # O27
        "payload": {
            "offer_id": payload["offer_id"],
            "root_offer_id": payload["offer_id"],  # O29
            "validation_errors": {},  # O30
            "revisioned": False,  # O31
            "new_status": 1,  # O32
            "state_transition": "created_new-(unknown_status>published)",  # O33
        },
    }
    assert UUID_FORM.fullmatch(payload["offer_id"])  # O28


def test_o4_what_the_sample_puts_into_common_config_by_its_missing_brace_is_lifted(tool: Till) -> None:
    body = deepcopy(SAMPLE)
    for name in ("discount_config", "offer_config", "use_restrictions", "catalog_restrictions"):
        body["common_config"][name] = body.pop(name)
    body["common_config"]["catalog_restrictions"] = [{"mode": "exclude", "match": "item", "values": ["7"]}]
    answer = create(tool, body)
    assert answer.status == 200, answer
    assert Offer.objects.get().catalog_restrictions == [{"mode": "exclude", "match": "item", "values": ["7"]}]
    body["catalog_restrictions"] = []
    assert "catalog_restrictions" in errors_of(create(tool, body))


def test_o5_get_on_create_is_405(tool: Till) -> None:
    answer = tool.call("offers/management/create", method="GET")
    assert (answer.status, answer["errors"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("header", ["", "Basic", "Basic bm8=", "Basic bm9ib2R5OndyZW9uZw=="])
def test_o6_without_right_credentials_401(tool: Till, header: str) -> None:
    tool.headers = {"Authorization": header} if header else {}
    for path in ("offers/management/create", "offers/fetch_offer", "offers/user_offer_history"):
        assert tool.offer(path, **SAMPLE).status == 401


def test_o7_a_form_is_415(tool: Till) -> None:
    answer = tool.call("offers/management/create", raw=b"a=b", content_type="application/x-www-form-urlencoded")
    assert answer.status == 415


def test_o8_retailer_id_is_needed_and_ones_own(tool: Till, shop_b: Retailer) -> None:
    assert tool.call("offers/management/create", SAMPLE).status == 400
    answer = tool.call("offers/management/create", {**SAMPLE, "retailer_id": str(shop_b.uuid)})
    assert (answer.status, answer["errors"]["code"]) == (403, "access_denied")
    answer = tool.call("offers/management/create", {**SAMPLE, "retailer_id": str(tool.shop.uuid).upper()})
    assert answer.status == 200


def test_o9_an_unknown_type_is_a_validation_error(tool: Till) -> None:
    assert "offer_type" in errors_of(create(tool, simple(offer_type="magic")))
    assert Offer.objects.count() == 0


@pytest.mark.parametrize(
    ("publish", "status"), [("true", 1), (True, 1), ("TRUE", 1), ("false", 0), (False, 0), (None, 0)]
)
def test_o10_publish_may_be_text(tool: Till, publish: object, status: int) -> None:
    payload = create(tool, simple(publish=publish))["payload"]
    word = "published" if status else "draft"
    assert (payload["new_status"], payload["state_transition"]) == (status, f"created_new-(unknown_status>{word})")


def test_o10_anything_else_in_publish_is_refused(tool: Till) -> None:
    assert "publish" in errors_of(create(tool, simple(publish="yes")))


def test_o11_o40_texts_come_back_with_terms(tool: Till) -> None:
    offer_id = create(tool, SAMPLE)["payload"]["offer_id"]
    [text] = fetch(tool, offer_id)["offer_text"]
    sent = SAMPLE["text_config"][0]
    assert UUID_FORM.fullmatch(text.pop("id"))
    assert text == {
        "offer_id": offer_id,
        "culture": "en",
        "title": sent["title"],
        "description": sent["description"],
        "terms": sent["terms_and_conditions"],
    }


def test_o12_each_culture_has_its_text(tool: Till) -> None:
    texts = [{"title": "Coffee", "culture": "en"}, {"title": "Kaffee", "culture": "de-CH"}]
    offer_id = made(tool, text_config=texts)
    for culture, title in (
        ("en", "Coffee"),
        ("EN_us", "Coffee"),
        ("de_ch", "Kaffee"),
        ("de-AT", "Kaffee"),
        ("fr", "Coffee"),
        (None, "Coffee"),
    ):
        shown = fetch(tool, offer_id, culture=culture)
        assert shown["title"] == title
        assert shown["offer_text"][0]["title"] == title
        assert len(shown["offer_text"]) == 2
    again = [{"title": "A", "culture": "en-us"}, {"title": "B", "culture": "EN_US"}]
    assert "text_config[1].culture" in errors_of(create(tool, simple(text_config=again)))


def test_o13_o41_media_show_in_offer_media(tool: Till) -> None:
    media = {"uri": "https://cdn.example/cup.png", "culture": "en", "kind": "image", "alt": "A cup"}
    [shown] = fetch(tool, made(tool, media_config=[media]))["offer_media"]
    assert {name: shown[name] for name in media} == media
    assert fetch(tool, made(tool, media_config=[]))["offer_media"] == []


def test_o14_o37_o42_dates_come_back_with_z(tool: Till) -> None:
    shown = fetch(tool, create(tool, SAMPLE)["payload"]["offer_id"])
    for start, end in (("acquisition_start_date", "acquisition_end_date"), ("start_date", "end_date")):
        assert (shown[start], shown[end]) == ("2018-03-01T00:00:00Z", "2019-03-31T23:59:00Z")
    assert shown["valid_after_end_date"] is False


def test_o15_an_end_before_the_start_is_a_validation_error(tool: Till) -> None:
    common = {"acquisition_start_date": "2026-03-01", "acquisition_end_date": "2026-03-01"}
    assert list(errors_of(create(tool, simple(common=common)))) == ["common_config.acquisition_end_date"]


def test_o20_custom_data_is_echoed_and_must_hold_json(tool: Till) -> None:
    text = '{"b" : 1,   "a":"\\u00e9"}'
    assert fetch(tool, made(tool, common={"custom_data": text}))["custom_data"] == text
    for wrong in ("{", {"a": 1}, "NaN", 5):
        assert "common_config.custom_data" in errors_of(create(tool, simple(common={"custom_data": wrong})))


@pytest.mark.parametrize(
    ("kind", "config", "wrong"),
    [
        ("percent_check_discount", {}, "percent"),
        ("percent_check_discount", {"percent": 0}, "percent"),
        ("percent_check_discount", {"percent": "100.01"}, "percent"),
        ("percent_check_discount", {"percent": "1.234"}, "percent"),
        ("fixed_check_discount", {}, "amount"),
        ("fixed_check_discount", {"amount": "-5"}, "amount"),
        ("fixed_check_discount", {"amount": "1,5"}, "amount"),
        ("fixed_item_discount", {"amount": 5, "required_quantity": 0}, "required_quantity"),
        ("percent_item_discount", {"percent": 5, "target": "middle"}, "target"),
        ("bxgy_set_price", {"buy_quantity": 1}, "set_price"),
        ("set_price_coupon", {"set_price": "1.00", "items": [{"match": "colour", "values": ["red"]}]}, "items"),
        ("pos_discount", {}, "pos_discount_id"),
    ],
)
def test_o21_a_discount_needs_what_its_type_needs(tool: Till, kind: str, config: dict[str, Any], wrong: str) -> None:
    body = simple(offer_type=kind, discount_config=config)
    assert list(errors_of(create(tool, body))) == [f"discount_config.{wrong}"]


def test_o21_money_and_percent_come_back_as_numbers(tool: Till) -> None:
    config = {"percent": "12.50", "max_amount": ".77", "min_spend": 10}
    shown = fetch(tool, made(tool, offer_type="percent_check_discount", discount_config=config))
    assert shown["discount_config"] == {"percent": "12.50", "max_amount": 0.77, "min_spend": 10}
    assert (shown["check_level"], shown["all_items_eligible"]) == (True, True)


def test_o22_offer_config_names_the_same_type(tool: Till) -> None:
    assert create(tool, simple(offer_config={"type": "manual_fulfillment"})).status == 200
    assert "offer_config.type" in errors_of(create(tool, simple(offer_config={"type": "pos_discount"})))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("use_restrictions", {"kind": "redemption", "per": "user", "count": 0, "period": "day"}),
        ("use_restrictions", {"kind": "sometimes", "count": 1}),
        ("use_restrictions", {"kind": "inventory"}),
        ("use_restrictions", {"kind": "issuance", "count": 1, "period": "fortnight"}),
        ("purchase_restrictions", {"kind": "min_subtotal", "amount": "0"}),
        ("purchase_restrictions", {"kind": "min_item_count", "count": 0}),
        ("purchase_restrictions", {"kind": "channel", "values": []}),
        ("purchase_restrictions", {"kind": "weekdays", "days": ["someday"]}),
        ("purchase_restrictions", {"kind": "time_window", "start": "15:00", "end": "25:00"}),
        ("purchase_restrictions", {"kind": "moon_phase"}),
        ("catalog_restrictions", {"mode": "include", "match": "item", "values": []}),
        ("catalog_restrictions", {"mode": "perhaps", "match": "item", "values": ["1"]}),
        ("location_restrictions", {"mode": "include", "store_ids": []}),
        ("location_restrictions", {"mode": "include", "store_ids": ["no uuid"]}),
        ("use_restrictions", "once"),
    ],
)
def test_a_restriction_nobody_could_follow_is_refused_at_create(tool: Till, name: str, line: object) -> None:
    assert list(errors_of(create(tool, simple(**{name: [line]})))) == [f"{name}[0]"]
    assert Offer.objects.count() == 0


def test_a_location_has_to_be_one_of_the_retailers_stores(tool: Till, shop_b: Retailer) -> None:
    mine = {"mode": "include", "store_ids": [str(tool.store.uuid).upper()]}
    assert made(tool, location_restrictions=[mine])
    theirs = {"mode": "include", "store_ids": [str(Till(shop_b).store.uuid)]}
    assert "location_restrictions" in errors_of(create(tool, simple(location_restrictions=[theirs])))


def test_restrictions_come_back_as_they_are_understood(tool: Till) -> None:
    purchase = [
        {"kind": "min_subtotal", "amount": "25.00"},
        {"kind": "channel", "values": ["STORE"]},
        {"kind": "weekdays", "days": ["Sat", 0]},
        {"kind": "time_window", "start": "22:00", "end": "2:00"},
    ]
    shown = fetch(tool, made(tool, purchase_restrictions=purchase))
    assert shown["purchase_restrictions"] == [
        {"kind": "min_subtotal", "amount": 25},
        {"kind": "channel", "values": ["store"]},
        {"kind": "weekdays", "days": ["saturday", "sunday"]},
        {"kind": "time_window", "start": "22:00", "end": "02:00"},
    ]


@pytest.mark.parametrize(
    ("common", "wrong"),
    [
        ({"validity_period": 0}, "validity_period"),
        ({"validity_period": "x"}, "validity_period"),
        ({"validity_period": 10**9}, "validity_period"),
        ({"validity_unit": "eons"}, "validity_unit"),
        ({"acquisition_start_date": "yesterday"}, "acquisition_start_date"),
        ({"acquisition_start_date": "2018-02-30"}, "acquisition_start_date"),
        ({"does_not_expire": "perhaps"}, "does_not_expire"),
        ({"key": "five dollars"}, "key"),
    ],
)
def test_common_config_is_checked_field_by_field(tool: Till, common: dict[str, Any], wrong: str) -> None:
    assert list(errors_of(create(tool, simple(common=common)))) == [f"common_config.{wrong}"]


def test_a_published_offer_needs_a_text_and_a_title(tool: Till) -> None:
    assert list(errors_of(create(tool, simple(text_config=[])))) == ["text_config"]
    assert create(tool, simple(text_config=[], publish=False)).status == 200
    assert list(errors_of(create(tool, simple(text_config=[{"culture": "en"}])))) == ["text_config[0].title"]
    assert create(tool, simple(text_config=[{"culture": "en", "title": "☕" * 255}])).status == 200
    long = [{"culture": "en", "title": "☕" * 256}]
    assert list(errors_of(create(tool, simple(text_config=long)))) == ["text_config[0].title"]


def test_everything_wrong_is_told_at_once(tool: Till) -> None:
    answer = create(tool, simple(offer_type="magic", text_config=[], common={"validity_period": 0}))
    assert set(errors_of(answer)) == {"offer_type", "text_config", "common_config.validity_period"}
    assert {line["field"] for line in answer["errors"]["details"]} == set(errors_of(answer))


def test_a_key_is_one_offers(tool: Till) -> None:
    made(tool, common={"key": "five-dollars"})
    assert "common_config.key" in errors_of(create(tool, simple(common={"key": "five-dollars"})))


def test_o34_to_o39_fetch_shows_the_offer(tool: Till) -> None:
    offer_id = create(tool, SAMPLE)["payload"]["offer_id"]
    answer = tool.offer("offers/fetch_offer", offer_id=offer_id.upper(), culture="en-us")
    assert (answer.status, answer["status"]) == (200, "ok")
    shown = answer["payload"]["offer"]
    expected = {
        "offer_type_id": "manual_fulfillment",
        "id": offer_id,
        "root_offer_id": offer_id,
        "retailer_id": str(tool.shop.uuid),
        "title": "Test Image URL",  # O43: en-us finds en
        "validity_period": 100,
        "validity_unit": "years",
        "reward_store": False,
        "custom_data": SAMPLE["common_config"]["custom_data"],
        "requires_extended_data": False,
        "all_items_eligible": False,
        "parent_offer_ids": [],
        "check_level": False,
        "offer_media": [],
    }
    assert {name: shown[name] for name in expected} == expected


def test_a_status_is_as_of_now(tool: Till, set_clock: Any) -> None:
    offer_id = create(tool, SAMPLE)["payload"]["offer_id"]
    assert fetch(tool, offer_id)["status"] == 3
    set_clock(IN_2018)
    assert fetch(tool, offer_id)["status"] == 1


def test_o44_an_unknown_offer_is_404_and_a_malformed_id_400(tool: Till, shop_b: Retailer) -> None:
    for offer_id in ("00000000-0000-4000-8000-000000000000", made(Till(shop_b))):
        answer = tool.offer("offers/fetch_offer", offer_id=offer_id)
        assert (answer.status, answer["errors"]["code"]) == (404, "offer_not_found")
    for wrong in ("17", "x" * 36, 5, {"a": 1}):
        answer = tool.offer("offers/fetch_offer", offer_id=wrong)
        assert (answer.status, answer["errors"]["code"]) == (400, "argument_error")
    assert tool.offer("offers/fetch_offer").status == 400


def test_several_offers_are_fetched_at_once(tool: Till) -> None:
    ids = [made(tool) for _ in range(3)]
    unknown = "00000000-0000-4000-8000-000000000000"
    answer = tool.offer("offers/fetch_offers_details", offer_ids=[*ids, unknown], skip=1, take="1")
    assert [offer["id"] for offer in answer["payload"]["offers"]] == ids[1:2]
    assert answer["payload"]["total_records"] == 3


def test_the_status_moves_only_where_it_may(tool: Till) -> None:
    draft = made(tool, publish=False)

    def move(verb: str, offer_id: str) -> tuple[int, object]:
        answer = tool.offer(f"offers/management/{verb}", offer_id=offer_id)
        if answer.status != 200:
            return answer.status, answer["errors"]["code"]
        payload = answer["payload"]
        assert payload["offer_id"] == offer_id
        return payload["new_status"], payload["state_transition"]

    no = (409, "invalid_transition")
    assert move("pause", draft) == no
    assert move("expire", draft) == no
    assert move("publish", draft) == (1, "published-(draft>published)")
    assert move("publish", draft) == no
    assert move("archive", draft) == no
    assert move("pause", draft) == (2, "paused-(published>paused)")
    assert move("publish", draft) == (1, "published-(paused>published)")
    assert move("expire", draft) == (3, "expired-(published>expired)")
    assert move("publish", draft) == no
    assert move("archive", draft) == (4, "archived-(expired>archived)")
    assert move("archive", draft) == no
    assert tool.offer("offers/management/update", offer_id=draft, text_config=[]).status == 409
    assert move("pause", "00000000-0000-4000-8000-000000000000") == (404, "offer_not_found")
    assert AuditEntry.objects.filter(object_type="offer", object_id=draft).count() == 6


def test_an_update_of_an_offer_nobody_holds_is_made_in_place(tool: Till) -> None:
    offer_id = made(tool)
    answer = tool.offer("offers/management/update", offer_id=offer_id, common_config={"validity_period": 20})
    payload = answer["payload"]
    assert (payload["offer_id"], payload["revisioned"]) == (offer_id, False)
    assert payload["state_transition"] == "updated-(published>published)"
    shown = fetch(tool, offer_id)
    assert (shown["validity_period"], shown["validity_unit"], shown["title"]) == (20, "days", "Coffee")


def test_an_update_may_publish_a_draft(tool: Till) -> None:
    offer_id = made(tool, publish=False)
    payload = tool.offer("offers/management/update", offer_id=offer_id, publish="true")["payload"]
    assert (payload["new_status"], payload["state_transition"]) == (1, "updated-(draft>published)")


def test_a_later_end_brings_an_expired_offer_back(tool: Till) -> None:
    offer_id = create(tool, SAMPLE)["payload"]["offer_id"]
    later = {"acquisition_end_date": "2126-01-01"}
    payload = tool.offer("offers/management/update", offer_id=offer_id, common_config=later)["payload"]
    assert (payload["new_status"], payload["state_transition"]) == (1, "updated-(expired>published)")


def test_an_invalid_update_changes_nothing(tool: Till) -> None:
    offer_id = made(tool)
    answer = tool.offer("offers/management/update", offer_id=offer_id, common_config={"validity_period": 0})
    assert "common_config.validity_period" in errors_of(answer)
    answer = tool.offer("offers/management/update", offer_id=offer_id, offer_type="pos_discount")
    assert "offer_type" in errors_of(answer)
    assert fetch(tool, offer_id)["validity_period"] == 10


def test_managing_needs_its_scope_and_reading_its_own(shop_a: Retailer, api: ApiClient) -> None:
    till = Till(shop_a, scopes=["pos"])
    assert create(till, SAMPLE).status == 403
    assert till.offer("offers/fetch_offer", offer_id=str(shop_a.uuid)).status == 403
    reader = Till(shop_a, scopes=["offers.read"])
    assert create(reader, SAMPLE).status == 403


@pytest.mark.parametrize("path", ["offers/management/create/", "Offers/Management/CREATE"])
def test_paths_forgive_case_and_slashes(tool: Till, path: str) -> None:
    assert tool.offer(path, **SAMPLE).status == 200
