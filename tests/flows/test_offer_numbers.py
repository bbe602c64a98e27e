"""Every number of the offer workflow over HTTP, with the seed's own samples: made, fetched, looked up, locked, sent."""

import copy
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from loyalty.models import Rule
from offers.lib import clock
from offers.models import Retailer
from tests.api.client import Answer
from tests.api.sessionm.offer_bodies import SAMPLE
from tests.api.sessionm.sales import SEED
from tests.api.sessionm.wallets import SEED_TRANSACTION
from tests.flows.counter import PER_DOLLAR, Counter

pytestmark = pytest.mark.django_db

# The moment of the seed's answer to Lock, within the dates of its sample offer.
THEN = datetime(2018, 9, 7, 16, 29, 11, tzinfo=UTC)
UUID_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOMENT_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TWENTY = {"amount": "20.00"}


@pytest.fixture
def counter(set_clock: Callable[[datetime], None]) -> Counter:
    set_clock(THEN)
    return Counter(PER_DOLLAR)


@pytest.fixture
def created(counter: Counter) -> Answer:
    return counter.offer("management/create", **SAMPLE)


@pytest.fixture
def fetched(counter: Counter, created: Answer) -> Answer:
    """Return the sample as fetch_offer shows it; ids in upper case, as the seed sends the retailer's."""
    asked = {"retailer_id": counter.retailer.upper(), "offer_id": created["payload"]["offer_id"], "culture": "en-us"}
    return counter.post("offers/fetch_offer", asked)


@pytest.fixture
def shown(fetched: Answer) -> dict[str, Any]:
    found: dict[str, Any] = fetched["payload"]["offer"]
    return found


@pytest.fixture
def entry(counter: Counter) -> str:
    return counter.issue(counter.make(config=TWENTY))


@pytest.fixture
def looked(counter: Counter, entry: str) -> Answer:
    return counter.pos("Lookup", {"external_customer_id": "X-ada"}, request_id="1")


@pytest.fixture
def locked(counter: Counter, entry: str) -> Answer:
    return counter.lock(entry, SEED_TRANSACTION, request_id="1")


def seed_sale(counter: Counter, *discounts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the seed's sale, paid by our member, with our discounts in it."""
    sale = copy.deepcopy({**SEED, **fields})
    sale["payments"][0]["user_id"] = counter.members["ada"]
    sale["discounts"] = list(discounts)
    return sale


# --- step 1 ---
def test_o3_an_offer_made_in_the_back_office_is_fetched_over_http(admin_client: Client) -> None:
    counter = Counter()
    form = {
        "retailer": Retailer.objects.get(uuid=counter.retailer).pk,
        "offer_type": "percent_check_discount",
        "percent": "10",
        "culture_1": "en",
        "title_1": "Ten percent",
        "validity_period": "2",
        "validity_unit": "weeks",
        "publish": "on",
    }
    answer = admin_client.post("/admin/offers/offer/add/", form)
    assert answer.status_code == 302
    page = admin_client.get(answer["Location"]).content.decode()
    found = {ident for ident in UUID_FORM.findall(page) if ident != counter.retailer}
    told = [counter.offer("fetch_offer", offer_id=ident, culture="en") for ident in found]
    assert "Ten percent" in {one["payload"]["offer"]["title"] for one in told if one.status == 200}


def test_o27_create_answers_the_word_ok(created: Answer) -> None:
    assert (created.status, created["status"]) == (200, "ok")


def test_o28_the_offer_id_is_a_uuid(created: Answer) -> None:
    assert UUID_FORM.fullmatch(created["payload"]["offer_id"])


def test_o29_a_new_offer_is_its_own_root(created: Answer) -> None:
    assert created["payload"]["root_offer_id"] == created["payload"]["offer_id"]


def test_o30_success_has_no_validation_errors(created: Answer) -> None:
    assert created["payload"]["validation_errors"] == {}


def test_o31_a_new_offer_is_not_revisioned(created: Answer) -> None:
    assert created["payload"]["revisioned"] is False


def test_o32_a_published_offer_has_status_1(created: Answer) -> None:
    assert created["payload"]["new_status"] == 1


def test_o33_the_transition_is_spelled_as_in_the_seed(created: Answer) -> None:
    assert created["payload"]["state_transition"] == "created_new-(unknown_status>published)"


# --- step 2 ---
def test_o35_the_offer_is_nested_in_payload_offer(fetched: Answer) -> None:
    assert (fetched.status, fetched["status"]) == (200, "ok")
    assert isinstance(fetched["payload"]["offer"], dict)


def test_o36_type_ids_title_and_status_are_as_created(counter: Counter, created: Answer, shown: dict[str, Any]) -> None:
    made = created["payload"]["offer_id"]
    assert (shown["id"], shown["root_offer_id"], shown["retailer_id"]) == (made, made, counter.retailer)
    assert (shown["offer_type_id"], shown["title"], shown["status"]) == ("manual_fulfillment", "Test Image URL", 1)


def test_o37_acquisition_dates_are_iso_with_z(shown: dict[str, Any]) -> None:
    dates = [shown["acquisition_start_date"], shown["acquisition_end_date"]]
    assert dates == ["2018-03-01T00:00:00Z", "2019-03-31T23:59:00Z"]
    assert all(MOMENT_FORM.fullmatch(date) for date in dates)


def test_o38_validity_reward_store_and_custom_data_are_as_created(shown: dict[str, Any]) -> None:
    assert (shown["validity_period"], shown["validity_unit"], shown["reward_store"]) == (100, "years", False)
    assert shown["custom_data"] == '{"CustomAttribute":"CustomValue"}'


def test_o39_what_is_derived_is_there_with_its_types(shown: dict[str, Any]) -> None:
    assert (shown["requires_extended_data"], shown["all_items_eligible"]) == (False, False)  # as in the seed
    assert (shown["parent_offer_ids"], shown["check_level"]) == ([], False)


def test_o40_texts_say_terms_for_terms_and_conditions(shown: dict[str, Any]) -> None:
    [text] = shown["offer_text"]
    sent = SAMPLE["text_config"][0]
    assert UUID_FORM.fullmatch(text.pop("id"))
    assert text == {
        "offer_id": shown["id"],
        "culture": "en",
        "title": sent["title"],
        "description": sent["description"],
        "terms": sent["terms_and_conditions"],
    }


def test_o41_media_are_a_list(shown: dict[str, Any]) -> None:
    assert shown["offer_media"] == []


def test_o42_start_and_end_mirror_the_acquisition(shown: dict[str, Any]) -> None:
    assert shown["start_date"] == shown["acquisition_start_date"]
    assert shown["end_date"] == shown["acquisition_end_date"]
    assert shown["valid_after_end_date"] is False


def test_o43_en_us_finds_the_text_in_en(shown: dict[str, Any]) -> None:
    assert shown["title"] == SAMPLE["text_config"][0]["title"]


# --- step 3 ---
def test_o46_staff_make_edit_and_switch_off_a_rule_and_tills_feel_it(admin_client: Client) -> None:
    counter = Counter()
    shop = Retailer.objects.get(uuid=counter.retailer)

    def buy(number: str) -> int:
        closed = clock.now().isoformat()
        counter.send(number, "10.00", modified_time=closed)
        counter.work()
        return counter.points()

    def says(rate: int) -> dict[str, str]:
        return {"name": "Per dollar", "outcome_1": "points_per", "rate_1": str(rate)}

    made = admin_client.post("/admin/loyalty/rule/add/", {"retailer": shop.pk, "scope": "economy", **says(2)})
    assert made.status_code == 302, made.content.decode()
    path = f"/admin/loyalty/rule/{Rule.objects.get(name='Per dollar').pk}/"
    assert buy("t1") == 20
    assert admin_client.post(f"{path}edit/", {**says(3), "reason": "double weeks"}).status_code == 302
    assert buy("t2") == 50
    assert admin_client.post(f"{path}switch/", {"reason": "over"}).status_code == 302
    assert buy("t3") == 50


def test_o48_further_points_do_not_issue_it_again() -> None:
    crosses = {"metric": "earned_points", "account": "main", "op": "crosses", "value": 200}
    five = {
        **PER_DOLLAR,
        "name": "Five at 200",
        "trigger": "points_changed",
        "conditions": [crosses],
        "limits": {"per_user": {"count": 1, "period": "lifetime"}},
        "outcomes": [{"type": "offer", "offer": "five"}],
    }
    del five["section"]
    counter = Counter(PER_DOLLAR, five)
    counter.make(key="five")
    for number, amount in (("t1", "200.00"), ("t2", "300.00")):
        counter.send(number, amount)
        counter.work()
        assert len(counter.wallet()) == 1


# --- step 4 ---
def test_o54_lookup_answers_the_word_success(looked: Answer) -> None:
    assert (looked.status, looked["status"]) == (200, "success")


def test_o55_the_payload_is_a_list_of_one_customer(looked: Answer) -> None:
    assert len(looked["payload"]) == 1


def test_o56_the_customer_has_every_field_of_the_sample(counter: Counter, looked: Answer) -> None:
    customer = looked["payload"][0]
    ada = counter.members["ada"]
    assert (customer["user_reference_id"], customer["user_account_id"]) == (ada, ada)
    assert (customer["partial_response"], customer["first_name"], customer["points"]) == (False, "ada", 0)
    assert {"last_name", "phone", "email"} <= customer.keys()
    assert customer["profile_fields"] == {}


def test_o57_offers_have_every_field_of_the_sample(counter: Counter, looked: Answer, entry: str) -> None:
    [offer] = looked["payload"][0]["offers"]
    assert offer == {
        "reference_id": entry,
        "user_id": counter.members["ada"],
        "reference_id_type": "userofferid",
        "pos_discount_id": None,
        "status": "INFO",
        "display_name": "5 off",
        "image_url": None,
        "discounted_line_ids": [],
        "discounted_line_id_quantities": [],
        "discount_source": "sessionm",
        "amount": 0,
        "stack_order": 0,
        "applied_time": None,
    }


def test_o58_accounts_are_spelled_in_capitals(counter: Counter, entry: str) -> None:
    counter.send("t1", "10.00")
    counter.work()
    [account] = counter.pos("Lookup", {"external_customer_id": "X-ada"})["payload"][0]["accounts"]
    for name in ("UserPointAccountID", "PointAccountID"):
        assert UUID_FORM.fullmatch(account.pop(name))
    assert account == {"AccountName": "main", "GroupingLabel": "", "AvailableBalance": 10, "LifeTimeValue": 10}


def test_o59_success_has_no_errors(looked: Answer) -> None:
    assert looked["errors"] is None


def test_o63_the_history_holds_what_was_revoked(counter: Counter, entry: str) -> None:
    assert counter.offer("acquisition/revoke", user_offer_id=entry, reason="mistake").status == 200
    [line] = counter.history()["results"]
    assert (line["user_offer_id"], line["status"], line["status_description"]) == (entry, 3, "Revoked")


def test_o64_the_history_holds_what_was_redeemed(counter: Counter, entry: str) -> None:
    assert counter.lock(entry, SEED_TRANSACTION, path="redeem").status == 200
    [line] = counter.history()["results"]
    assert (line["user_offer_id"], line["status"], line["status_description"]) == (entry, 2, "Redeemed")


def test_o66_the_history_counts_and_lists(counter: Counter, entry: str) -> None:
    told = counter.history(take=1)
    assert (told["total_records"], len(told["results"]), told["skip"], told["take"]) == (1, 1, 0, 1)


def test_o67_a_line_of_the_history_has_every_field_of_the_sample(counter: Counter, created: Answer) -> None:
    entry = counter.issue(created["payload"]["offer_id"])
    [line] = counter.history()["results"]
    sent = SAMPLE["text_config"][0]
    assert {name: line[name] for name in ("title", "description", "culture")} == {
        name: sent[name] for name in ("title", "description", "culture")
    }
    assert (line["terms"], line["user_offer_id"]) == (sent["terms_and_conditions"], entry)
    assert (line["offer_id"], line["offer_type"]) == (created["payload"]["offer_id"], "manual_fulfillment")
    assert (line["user_id"], line["status"], line["status_description"]) == (counter.members["ada"], 1, "Issued")
    for name in ("acquire_date", "redemption_start_date", "redemption_end_date"):
        assert MOMENT_FORM.fullmatch(line[name]), name
    assert (line["media_uri"], line["media_culture"]) == ("", "")


# --- step 5 ---
def test_o75_the_seeds_sample_of_lock_is_accepted_with_its_texts_for_numbers(locked: Answer) -> None:
    assert locked.status == 200
    assert {"pos_employee_id", "table_id", "guest_count", "TaxTotal", "open_time"} <= SEED_TRANSACTION.keys()
    assert isinstance(SEED_TRANSACTION["guest_count"], str)


def test_o78_an_empty_modifies_line_id_modifies_nothing(counter: Counter, entry: str) -> None:
    alone = copy.deepcopy(SEED_TRANSACTION)
    for line in alone["items"]:
        line["modifies_line_id"] = ""
    assert counter.lock(entry, alone)["payload"]["discounted_line_ids"] == ["0", "1"]
    alone["items"][1]["modifies_line_id"] = "7"
    assert counter.lock(entry, alone).status == 400


def test_o80_empty_discounts_and_payments_are_accepted(counter: Counter, entry: str) -> None:
    assert (SEED_TRANSACTION["discounts"], SEED_TRANSACTION["payments"]) == ([], [])
    assert counter.lock(entry, SEED_TRANSACTION).status == 200


def test_o81_lock_answers_the_word_ok_in_capitals_without_errors(locked: Answer) -> None:
    assert (locked["status"], locked["errors"]) == ("OK", None)


def test_o82_the_lock_answers_a_whole_discount_object(counter: Counter, locked: Answer, entry: str) -> None:
    discount = locked["payload"]
    assert (discount["reference_id"], discount["user_id"]) == (entry, counter.members["ada"])
    assert (discount["reference_id_type"], discount["pos_discount_id"]) == ("userofferid", None)
    assert (discount["status"], discount["display_name"], discount["image_url"]) == ("LOCKED", "5 off", None)
    assert (discount["discount_source"], discount["stack_order"]) == ("sessionm", 0)
    assert {"discounted_line_ids", "amount", "applied_time"} <= discount.keys()


def test_o83_the_lines_named_were_sent(locked: Answer) -> None:
    sent = {line["line_id"] for line in SEED_TRANSACTION["items"]}
    named = set(locked["payload"]["discounted_line_ids"])
    assert named
    assert named <= sent


def test_o84_the_amount_is_what_the_basket_allows(counter: Counter, locked: Answer) -> None:
    assert locked["payload"]["amount"] == 11  # 20.00 off 10.00 + 1.00: never above the base
    small = counter.issue(counter.make(config={"amount": "3.50"}), "ben")
    other = {**SEED_TRANSACTION, "transaction_id": "other"}
    assert counter.lock(small, other)["payload"]["amount"] == 3.5


def test_o85_it_was_applied_now(locked: Answer) -> None:
    applied = datetime.fromisoformat(locked["payload"]["applied_time"])
    assert abs(applied - clock.now()) < timedelta(seconds=5)


def test_o87_what_lock_answers_is_what_send_takes(counter: Counter, locked: Answer, entry: str) -> None:
    sale = seed_sale(counter, locked["payload"], transaction_id=SEED_TRANSACTION["transaction_id"])
    assert counter.pos("send_transaction", sale).status == 200
    counter.work()
    assert counter.status(entry) == 2


# --- step 6 ---
@pytest.mark.parametrize("path", ["offers/send_transaction", "send_transaction"])
def test_o89_both_addresses_of_send_are_one_operation(counter: Counter, path: str) -> None:
    sale = seed_sale(counter)
    first = counter.pos("send_transaction", sale, request_id="1")
    again = counter.pos(path, sale, request_id="1")
    assert again.headers["X-Idempotent-Replay"] == "true"
    assert again.text == first.text


def test_o90_the_seeds_sample_of_send_is_accepted_and_earns(counter: Counter) -> None:
    assert SEED["is_closed"] == "true"
    assert counter.pos("offers/send_transaction", seed_sale(counter), request_id="1").status == 200
    counter.work()
    assert counter.points() == 2703


def test_o92_the_discount_of_the_sample_is_accepted_field_by_field(counter: Counter) -> None:
    # An entry we never issued: recorded, never an error for the till, and the sale earns all the same.
    sale = seed_sale(counter, *SEED["discounts"])
    assert counter.pos("send_transaction", sale).status == 200
    counter.work()
    assert counter.points() > 0


def test_o95_send_answers_ok_and_nothing_else(counter: Counter) -> None:
    answer = counter.pos("send_transaction", seed_sale(counter), request_id="1")
    assert answer.text == '{"status":"OK","payload":null,"errors":null}'


# --- the whole ---
def test_o98_wallets_are_narrowed_to_what_loyalty_rules_gave(admin_client: Client) -> None:
    gift = {**PER_DOLLAR, "name": "Gift", "outcomes": [{"type": "offer", "offer": "gift"}]}
    counter = Counter(gift)
    counter.make(key="gift")
    counter.send("t1", "10.00")
    counter.work()
    [given] = counter.wallet()
    handed = counter.issue(counter.make(), "ben")
    for by, entry in (("rule", given["user_offer_id"]), ("api", handed)):
        page: Any = admin_client.get(f"/admin/offers/useroffer/?issued_by={by}")
        assert [str(row.uuid) for row in page.context_data["cl"].result_list] == [entry]
