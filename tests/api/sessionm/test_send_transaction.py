"""send_transaction: stored before it is answered, once whatever comes twice, refused only for its shape."""

import copy
import threading
from typing import Any

import pytest
from django.db import connection

from checkout import transaction_queue
from checkout.models import Revision, Transaction
from offers import clients
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Retailer
from tests.api.client import Answer
from tests.api.sessionm import wallets
from tests.api.sessionm.client import Till
from tests.api.sessionm.sales import SEED, line, sale
from tests.bench import trips

OK = '{"status":"OK","payload":null,"errors":null}'


@pytest.fixture(autouse=True)
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave everything in the queue, as if the workers were away."""
    monkeypatch.setattr(transaction_queue, "nudge", lambda: None)


@pytest.fixture
def till(shop_a: Retailer) -> Till:
    return Till(shop_a)


def send(till: Till, payload: Any, **fields: Any) -> Answer:
    return till.pos("send_transaction", payload, **fields)


def states() -> list[str]:
    return list(Revision.objects.order_by("pk").values_list("state", flat=True))


def code(answer: Answer) -> str:
    return str(answer["errors"]["code"])


@pytest.mark.parametrize(
    "path", ["offers/send_transaction", "send_transaction", "Send_Transaction", "send_transaction/"]
)
def test_o88_o89_o90_o95_the_seeds_sample_is_accepted_under_every_name(till: Till, path: str) -> None:
    answer = till.pos(path, SEED, request_id="1")
    assert (answer.status, answer.text) == (200, OK)
    row = Revision.objects.get()
    assert (row.state, row.is_closed, row.number) == ("queued", True, 1)
    assert row.transaction.transaction_id == "24222-2-424242-4qwe-q"
    assert row.payload["payments"][0]["amount"] == "2703.25"  # as it was sent
    assert row.transaction.first_closed_at == row.modified_at


def test_t3_the_damaged_sample_with_a_list_in_the_list_is_flattened(till: Till) -> None:
    damaged = copy.deepcopy(SEED)
    damaged["discounts"] = [damaged["discounts"]]
    assert send(till, damaged).status == 200
    without = {name: value for name, value in SEED.items() if name != "discounts"}
    assert send(till, {**without, "transaction_id": "other"}).status == 200


def test_real_numbers_and_booleans_do_as_well_as_texts(till: Till) -> None:
    payload = sale(is_closed=True, subtotal=10.5, tax_total=".77", guest_count=2)
    payload["items"] = [{"line_id": 1, "item_id": 7, "quantity": 2, "unit_price": 5.25, "subtotal": 10.5}]
    assert send(till, payload).text == OK


def test_local_times_are_the_stores(till: Till) -> None:
    till.store.timezone = "America/New_York"
    till.store.save()
    assert send(till, sale(modified_time="2026-07-01 9:20:00.000")).status == 200
    assert Revision.objects.get().modified_at.isoformat() == "2026-07-01T13:20:00+00:00"


def test_reliability_23_t61_the_same_sale_again_has_no_second_effect(till: Till) -> None:
    first, again, later = (send(till, sale()) for _ in range(3))
    assert [answer.text for answer in (first, again, later)] == [OK] * 3
    assert Revision.objects.count() == 1
    assert send(till, sale(modified_time="2026-11-21 09:40:00.000")).text == OK  # touched, not changed
    assert Revision.objects.count() == 1


def test_the_same_request_is_replayed_and_says_so(till: Till) -> None:
    send(till, sale(), request_id="a")
    again = send(till, sale(), request_id="a")
    assert (again.text, again.headers["X-Idempotent-Replay"]) == (OK, "true")
    other = send(till, sale("t1", "11.00"), request_id="a")
    assert (other.status, code(other)) == (409, "request_id_conflict")
    assert Revision.objects.count() == 1


def test_reliability_24_three_purchases_sharing_a_request_id_all_count(till: Till) -> None:
    for number in range(3):
        assert send(till, sale(f"t{number}"), request_id="1").text == OK
    assert Transaction.objects.count() == 3
    assert states() == ["queued"] * 3


def test_one_transaction_id_is_two_sales_in_two_stores(till: Till, shop_a: Retailer) -> None:
    other = Till(shop_a)
    assert send(till, sale()).text == send(other, sale()).text == OK
    assert Transaction.objects.count() == 2


def test_t56_newer_content_is_a_new_revision_and_older_is_stale(till: Till) -> None:
    send(till, sale("t1", "10.00", modified_time="2026-11-21 09:30:00"))
    assert send(till, sale("t1", "12.00", modified_time="2026-11-21 09:35:00")).text == OK
    assert send(till, sale("t1", "11.00", modified_time="2026-11-21 09:32:00")).text == OK
    assert send(till, sale("t1", "13.00", modified_time="2026-11-21 09:35:00")).text == OK
    assert states() == ["queued", "queued", "stale", "stale"]
    answer = till.call(f"transactions/t1?store_id={till.store.uuid}", method="GET")
    assert (answer["payload"]["state"], answer["payload"]["revision"]) == ("stale", 4)


def test_a_void_of_the_very_moment_of_its_sale_counts(till: Till) -> None:
    send(till, sale())
    assert send(till, sale(is_voided="true")).text == OK
    assert states() == ["queued", "queued"]


def test_an_open_sale_is_kept_and_does_not_make_its_closing_old(till: Till) -> None:
    assert send(till, sale(is_closed="false")).text == OK
    assert states() == ["open"]
    assert send(till, sale()).text == OK
    assert states() == ["open", "queued"]
    head = Transaction.objects.get()
    assert head.first_closed_at == head.modified_at


def test_a_receipt_code_belongs_to_one_sale(till: Till) -> None:
    assert send(till, sale("t1", receipt_code="QR1")).status == 200
    answer = send(till, sale("t2", receipt_code="QR1"))
    assert (answer.status, code(answer)) == (400, "validation")
    assert send(till, sale("t1", "11.00", receipt_code="QR1", modified_time="2026-11-21 10:00:00")).status == 200


def many(name: str, count: int) -> dict[str, Any]:
    rows: dict[str, Any] = {
        "items": lambda at: line(at),
        "payments": lambda at: {"payment_id": str(at), "amount": "0.01", "type": "CASH"},
        "discounts": lambda at: {"reference_id": f"{at:032x}", "discount_source": "sessionm", "amount": 0},
    }
    return {**sale(), name: [rows[name](at) for at in range(count)]}


@pytest.mark.parametrize(
    ("name", "most", "wanted"),
    [
        ("items", 1000, "too_many_items"),
        ("discounts", 100, "too_many_discounts"),
        ("payments", 100, "too_many_payments"),
    ],
)
def test_t48_t50_t51_exactly_the_limit_passes_and_one_over_is_refused(
    till: Till, name: str, most: int, wanted: str
) -> None:
    assert send(till, many(name, most)).text == OK
    answer = send(till, {**many(name, most + 1), "transaction_id": "over"})
    assert (answer.status, code(answer)) == (400, wanted)
    assert Transaction.objects.count() == 1


def test_t52_a_thousand_custom_elements_pass_and_one_more_is_refused(till: Till) -> None:
    lines = [{**line(0), "custom_data": {"values": list(range(600))}}]
    assert send(till, sale(items=lines, custom_data={str(at): at for at in range(400)})).text == OK
    answer = send(till, sale("over", items=lines, custom_data={str(at): at for at in range(401)}))
    assert (answer.status, code(answer)) == (400, "too_many_custom_elements")


def test_t53_too_deep_and_too_large_custom_data_have_codes_of_their_own(till: Till) -> None:
    six: dict[str, Any] = {"a": 1}
    for _ in range(5):
        six = {"a": six}
    assert send(till, sale(custom_data=six)).text == OK
    assert code(send(till, sale("deep", custom_data={"a": six}))) == "custom_data_too_deep"
    assert code(send(till, sale("large", custom_data={"a": "x" * 262_144}))) == "custom_data_too_large"


@pytest.mark.parametrize(
    ("fields", "wanted", "field"),
    [
        ({"transaction_id": None}, "missing_data", "request_payload.transaction_id"),
        ({"transaction_id": "x" * 65}, "argument_error", "request_payload.transaction_id"),
        ({"transaction_id": "a\u200bb"}, "argument_error", "request_payload.transaction_id"),
        ({"is_closed": None}, "missing_data", "request_payload.is_closed"),
        ({"is_closed": "yes"}, "argument_error", "request_payload.is_closed"),
        ({"subtotal": "1,5"}, "argument_error", "request_payload.subtotal"),
        ({"subtotal": ""}, "argument_error", "request_payload.subtotal"),
        ({"subtotal": "NaN"}, "argument_error", "request_payload.subtotal"),
        ({"subtotal": "1e9999"}, "argument_error", "request_payload.subtotal"),
        ({"subtotal": "1.234"}, "argument_error", "request_payload.subtotal"),
        ({"subtotal": True}, "argument_error", "request_payload.subtotal"),
        ({"modified_time": "yesterday"}, "argument_error", "request_payload.modified_time"),
        ({"modified_time": "2026-02-30 10:00:00"}, "argument_error", "request_payload.modified_time"),
        ({"items": {}}, "argument_error", "request_payload.items"),
        ({"items": [7]}, "argument_error", "request_payload.items[0]"),
        ({"items": [line(1), line(1)]}, "argument_error", "request_payload.items[1].line_id"),
        ({"items": [{**line(1), "quantity": "abc"}]}, "argument_error", "request_payload.items[0].quantity"),
        (
            {"items": [{**line(1), "modifies_line_id": "9"}]},
            "argument_error",
            "request_payload.items[0].modifies_line_id",
        ),
        (
            {"items": [{**line(1), "modifies_line_id": "1"}]},
            "argument_error",
            "request_payload.items[0].modifies_line_id",
        ),
        ({"discounts": [{"reference_id": "zz"}]}, "argument_error", "request_payload.discounts[0].reference_id"),
        ({"custom_data": []}, "argument_error", "request_payload.custom_data"),
    ],
)
def test_t77_what_cannot_be_read_is_refused_with_its_place(
    till: Till, fields: dict[str, Any], wanted: str, field: str
) -> None:
    answer = send(till, sale(**fields) if "transaction_id" not in fields else {**sale(), **fields})
    assert (answer.status, code(answer)) == (400, wanted)
    assert answer["errors"]["details"][0]["field"] == field
    assert Transaction.objects.count() == 0


def test_an_offer_named_twice_is_refused(till: Till) -> None:
    twice = [
        {**SEED["discounts"][0]},
        {**SEED["discounts"][0], "reference_id": SEED["discounts"][0]["reference_id"].upper()},
    ]
    assert code(send(till, sale(discounts=twice))) == "duplicate_discount"


def test_strange_texts_are_stored_as_they_came(till: Till) -> None:
    nasty = "Robert'); DROP TABLE students;-- <b>\N{PILE OF POO}"
    assert send(till, sale(channel=nasty, pos_employee_id="\N{SNOWMAN}")).text == OK
    assert Revision.objects.get().payload["channel"] == nasty


def test_who_may_not_send_is_refused(till: Till, shop_a: Retailer, shop_b: Retailer) -> None:
    manager, foreign = Till(shop_a, scopes=["offers.manage"]), Till(shop_b)
    assert code(send(manager, sale())) == "access_denied"
    for fields in ({"client_id": foreign.row.key}, {"store_id": str(foreign.store.uuid)}):
        answer = send(till, sale(), **fields)
        assert (answer.status, code(answer)) == (403, "access_denied")
    till.store.active = False
    till.store.save()
    assert send(till, sale()).status == 403
    till.headers = {}
    assert send(till, sale()).status == 401
    assert Transaction.objects.count() == 0


def test_a_revoked_credential_sends_nothing_more_although_it_is_remembered(till: Till, shop_a: Retailer) -> None:
    assert send(till, sale()).status == 200
    clients.revoke(retailer_id=shop_a.pk, key=till.row.key, actor=SYSTEM, now=clock.now())
    assert send(till, sale("t2")).status == 401
    assert Transaction.objects.count() == 1


@pytest.mark.parametrize("missing", ["store_id", "client_id", "request_id", "request_payload"])
def test_o51_each_missing_part_of_the_envelope_is_named(till: Till, missing: str) -> None:
    body = {name: value for name, value in till.envelope(sale()).items() if name != missing}
    answer = till.call("send_transaction", body)
    assert (answer.status, code(answer)) == (400, "missing_data")
    assert answer["errors"]["details"][0]["field"] == missing


def test_get_is_no_way_to_send(till: Till) -> None:
    assert till.call("send_transaction", method="GET").status == 405


def test_status_says_where_a_sale_stands_and_hides_others(till: Till, shop_b: Retailer) -> None:
    send(till, SEED)
    path = f"transactions/24222-2-424242-4qwe-q?store_id={till.store.uuid}"
    answer = till.call(path, method="GET")
    assert (answer.status, answer["status"]) == (200, "ok")
    found = answer["payload"]
    assert (found["state"], found["revision"], found["result"]) == ("queued", 1, None)
    assert found["store_id"] == str(till.store.uuid)
    assert code(till.call(f"transactions/none?store_id={till.store.uuid}", method="GET")) == "transaction_not_found"
    assert till.call("transactions/none", method="GET").status == 400
    assert Till(shop_b).call(path, method="GET").status == 403


def test_a_shop_with_three_decimals_sends_what_its_lock_answered(till: Till, shop_a: Retailer) -> None:
    Retailer.objects.update(currency="KWD")
    entry = wallets.in_wallet(shop_a, discount_config={"percent": "12.5"})
    locked = till.pos("lock", wallets.asks(entry, wallets.basket("0.999", "1.001")))["payload"]
    assert locked["amount"] == 0.25
    locked = till.pos("lock", wallets.asks(entry, wallets.basket("999")))["payload"]
    assert locked["amount"] == 124.875
    assert send(till, sale("t1", "999", discounts=[locked])).text == OK
    transaction_queue.drain(now=clock.now())
    answer = till.call(f"transactions/t1?store_id={till.store.uuid}", method="GET")
    assert [one["amount"] for one in answer["payload"]["result"]["redeemed"]] == [124.875]
    assert code(send(till, sale("t2", "1.0001"))) == "argument_error"
    Retailer.objects.update(currency="USD")
    assert code(send(till, sale("t2", "1.001"))) == "argument_error"


def test_the_result_speaks_decimals_as_the_lock_does(till: Till, shop_a: Retailer) -> None:
    entry = wallets.in_wallet(shop_a, "fixed_check_discount", discount_config={"amount": "5.25"})
    locked = till.pos("lock", wallets.asks(entry, wallets.basket("40.00")))["payload"]
    send(till, sale("t1", "40.00", discounts=[{**locked, "amount": "5.00"}]))
    transaction_queue.drain(now=clock.now())
    answer = till.call(f"transactions/t1?store_id={till.store.uuid}", method="GET")
    [redeemed] = answer["payload"]["result"]["redeemed"]
    assert redeemed == {"user_offer_id": str(entry.uuid), "amount": 5.25, "sent_amount": 5}


@pytest.mark.django_db(transaction=True)
def test_accepting_is_one_round_trip(till: Till) -> None:
    send(till, sale("warm"))
    for payload in (sale(), sale("t1", "11.00", modified_time="2026-11-21 10:00:00"), sale()):
        with trips.counted() as counted:
            assert send(till, payload).status == 200
        assert len(counted) == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_t61_twenty_tills_sending_one_sale_at_once_store_it_once(till: Till) -> None:
    begin, answers = threading.Barrier(20), []

    def one(number: int) -> None:
        begin.wait()
        answers.append(send(till, sale(), request_id="1" if number % 2 else None).text)
        connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [OK] * 20
    assert states() == ["queued"]
