"""Tills lock, price anew, unlock, redeem, reinstate: what the wire promises."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from checkout import offer_codes, offer_locks
from checkout.models import OfferLock
from offers import user_offers
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Retailer, UserOffer
from tests.api.client import Answer
from tests.api.sessionm import wallets
from tests.api.sessionm.client import Till, store
from tests.api.sessionm.wallets import asks, basket, in_wallet

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Clock = Callable[[datetime], None]


@pytest.fixture
def till(shop_a: Retailer) -> Till:
    return Till(shop_a)


def lock(till: Till, entry: UserOffer, transaction: dict[str, Any], **fields: Any) -> Answer:
    return till.pos("Lock", asks(entry, transaction), **fields)


def redeem(till: Till, entry: UserOffer, transaction: dict[str, Any], **fields: Any) -> Answer:
    return till.pos("redeem", asks(entry, transaction), **fields)


def why(answer: Answer) -> tuple[int, str]:
    return answer.status, answer["errors"]["code"]


def fresh(entry: UserOffer) -> UserOffer:
    return UserOffer.objects.get(pk=entry.pk)


def test_o71_o75_the_seeds_sample_locks(till: Till) -> None:
    entry = in_wallet(till.shop, "fixed_check_discount", discount_config={"amount": "20"})
    answer = till.pos("offers/redemption/lock", asks(entry, wallets.SEED_TRANSACTION), request_id="1")
    assert answer.status == 200
    assert (answer["status"], answer["errors"]) == ("OK", None)
    found = answer["payload"]
    member = entry.customer.member
    assert {name: found[name] for name in ("reference_id", "user_id", "reference_id_type", "pos_discount_id")} == {
        "reference_id": str(entry.uuid),
        "user_id": str(member.uuid),
        "reference_id_type": "userofferid",
        "pos_discount_id": None,
    }
    assert (found["status"], found["display_name"], found["image_url"]) == ("LOCKED", "$20 coupon", None)
    assert (found["discounted_line_ids"], found["amount"], found["stack_order"]) == (["0", "1"], 11, 0)
    assert found["discounted_line_id_quantities"] == [{"line_id": "0", "quantity": 1}, {"line_id": "1", "quantity": 1}]
    assert found["discount_source"] == "sessionm"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", found["applied_time"])


def test_o73_every_alias_is_one_operation(till: Till) -> None:
    entry = in_wallet(till.shop)
    assert lock(till, entry, basket("10"), request_id="1").status == 200
    for where in ("lock", "LOCK", "offers/redemption/lock", "offers/redemption/Lock/"):
        again = till.pos(where, asks(entry, basket("10")), request_id="1")
        assert again.headers["X-Idempotent-Replay"] == "true"
    assert why(till.pos("lock", asks(entry, basket("10", transaction_id="t2")))) == (409, "offer_locked")


def test_names_come_in_the_culture_asked_for(till: Till) -> None:
    entry = in_wallet(till.shop)
    assert lock(till, entry, basket("10"), culture="de-AT")["payload"]["display_name"] == "Gutschein"


def test_o74_other_lookup_types_are_refused(till: Till) -> None:
    entry = in_wallet(till.shop)
    answer = till.pos("lock", asks(entry, basket("1"), offer_lookup_type="barcode"))
    assert why(answer) == (400, "unsupported_lookup_type")
    assert till.pos("lock", asks(entry, basket("1"), offer_lookup_type="UserOfferId")).status == 200
    assert why(till.pos("lock", asks(entry, basket("1"), offer_lookup_code="x"))) == (400, "argument_error")
    assert why(till.pos("lock", asks(entry, basket("1"), offer_lookup_code=None))) == (400, "missing_data")


def test_unknown_and_foreign_offers_are_not_found(till: Till, shop_b: Retailer) -> None:
    foreign = in_wallet(shop_b)
    assert why(lock(till, foreign, basket("1"))) == (404, "user_offer_not_found")
    assert why(redeem(till, foreign, basket("1"))) == (404, "user_offer_not_found")
    assert why(till.pos("unlock", {"user_offer_id": str(foreign.uuid)})) == (404, "user_offer_not_found")
    assert why(till.pos("reinstate", {"user_offer_id": str(foreign.uuid)})) == (404, "user_offer_not_found")


def test_t24_t25_t26_the_discount_follows_the_transaction(till: Till) -> None:
    entry = in_wallet(till.shop)
    assert lock(till, entry, basket("100"))["payload"]["amount"] == 10
    assert lock(till, entry, basket("50"))["payload"]["amount"] == 5
    assert lock(till, entry, basket("50", "0.05"))["payload"]["amount"] == 5.01
    assert OfferLock.objects.get().calls == 3


def test_o72_patch_prices_anew_what_has_changed(till: Till) -> None:
    entry = in_wallet(till.shop, purchase_restrictions=[{"kind": "channel", "values": ["store"]}])
    payload = asks(entry, {"transaction_id": "t1", "items": basket("30")["items"]})
    assert why(till.pos("offers/redemption/lock", payload, method="PATCH")) == (404, "lock_not_found")
    lock(till, entry, basket("100"))
    answer = till.pos("offers/redemption/lock", payload, method="PATCH")
    assert (answer.status, answer["payload"]["amount"]) == (200, 3)
    missing = till.pos("lock", asks(entry, {"items": []}), method="PATCH")
    assert why(missing) == (400, "missing_data")


def test_patch_of_an_expired_lock_says_so(till: Till, set_clock: Clock) -> None:
    entry = in_wallet(till.shop)
    lock(till, entry, basket("100"))
    set_clock(clock.now() + timedelta(seconds=1800))
    assert why(till.pos("lock", asks(entry, basket("1")), method="PATCH")) == (409, "lock_expired")


def test_post_and_patch_are_two_operations(till: Till) -> None:
    entry = in_wallet(till.shop)
    assert lock(till, entry, basket("10"), request_id="1").status == 200
    answer = till.pos("lock", asks(entry, basket("20")), method="PATCH", request_id="1")
    assert (answer.status, answer["payload"]["amount"]) == (200, 2)


def test_t38_get_is_405(till: Till) -> None:
    assert why(till.call("lock", method="GET")) == (405, "method_not_allowed")


def test_t19_t20_a_lock_binds_until_unlocked(till: Till) -> None:
    entry = in_wallet(till.shop)
    lock(till, entry, basket("10"))
    taken = lock(till, entry, basket("10", transaction_id="t2"))
    assert why(taken) == (409, "offer_locked")
    assert taken["errors"]["details"][0]["until"].endswith("Z")
    assert "t1" not in taken.text
    assert till.pos("unlock", {"user_offer_id": str(entry.uuid), "employee_id": "7"}).text == (
        '{"status":"OK","payload":null,"errors":null}'
    )
    assert lock(till, entry, basket("10", transaction_id="t2")).status == 200


def test_the_same_transaction_id_in_another_store_is_another_transaction(till: Till) -> None:
    entry = in_wallet(till.shop)
    lock(till, entry, basket("10"))
    other = Till(till.shop, store(till.shop))
    assert why(lock(other, entry, basket("10"))) == (409, "offer_locked")


def test_t21_a_lock_ends_by_time_and_the_offer_is_free_again(till: Till, set_clock: Clock) -> None:
    till.shop.settings = {"lock_ttl_seconds": 1, "transaction_max_queue_seconds": 0}
    till.shop.save()
    entry = in_wallet(till.shop)
    start = clock.now()
    set_clock(start)
    lock(till, entry, basket("10"))
    set_clock(start + timedelta(seconds=1, microseconds=-1))
    assert why(lock(till, entry, basket("10", transaction_id="t2"))) == (409, "offer_locked")
    set_clock(start + timedelta(seconds=1))
    assert lock(till, entry, basket("10", transaction_id="t2")).status == 200
    assert [one.state for one in OfferLock.objects.order_by("id")] == ["expired", "active"]


def test_every_call_starts_the_timer_again(till: Till, set_clock: Clock) -> None:
    entry, start = in_wallet(till.shop), clock.now()
    set_clock(start)
    lock(till, entry, basket("10"))
    set_clock(start + timedelta(seconds=1000))
    answer = lock(till, entry, basket("10"))
    assert OfferLock.objects.get().expires_at == start + timedelta(seconds=2800)
    assert answer["payload"]["lock_expires_at"].endswith("Z")


def test_a_lock_taken_in_time_outlives_the_offers_end_but_not_its_own(till: Till, set_clock: Clock) -> None:
    start = clock.now()
    set_clock(start)
    entry = in_wallet(till.shop, common={"validity_unit": "minutes", "validity_period": 10})
    lock(till, entry, basket("10"))
    set_clock(start + timedelta(seconds=900))
    assert lock(till, entry, basket("20"))["payload"]["amount"] == 2
    assert OfferLock.objects.get().expires_at == start + timedelta(seconds=1800)
    assert redeem(till, entry, basket("20")).status == 200


def test_t23_what_cannot_be_used_is_refused_with_its_reason(till: Till, set_clock: Clock) -> None:
    start = clock.now()
    set_clock(start)
    entry = in_wallet(till.shop)
    later = wallets.issue(entry.offer, entry.customer.member, starts_at=start + timedelta(days=1))
    assert why(lock(till, later, basket("10"))) == (422, "offer_not_started")
    user_offers.revoke(user_offer_id=later.pk, actor=SYSTEM, now=start)
    assert why(lock(till, later, basket("10"))) == (422, "offer_revoked")
    set_clock(start + timedelta(days=10))
    assert why(lock(till, entry, basket("10"))) == (422, "offer_expired")


def test_an_item_or_check_offer_needs_something_to_discount(till: Till) -> None:
    for entry in (
        in_wallet(till.shop, "fixed_item_discount", discount_config={"amount": "1"}),
        in_wallet(till.shop, "percent_check_discount"),
    ):
        assert why(lock(till, entry, basket())) == (422, "offer_not_applicable")
    assert why(lock(till, in_wallet(till.shop), basket("0"))) == (422, "offer_not_applicable")


def test_a_check_without_lines_counts_by_its_subtotal(till: Till) -> None:
    assert lock(till, in_wallet(till.shop), basket(subtotal="50"))["payload"]["amount"] == 5


def test_o24_a_minimum_holds_to_the_cent(till: Till) -> None:
    entry = in_wallet(till.shop, purchase_restrictions=[{"kind": "min_subtotal", "amount": "25.00"}])
    refused = lock(till, entry, basket("24.99"))
    assert why(refused) == (422, "restriction_failed")
    assert refused["errors"]["details"][0]["restriction"] == "min_subtotal"
    assert lock(till, entry, basket("25.00"))["payload"]["amount"] == 2.5


def test_o25_an_excluded_item_is_never_discounted(till: Till) -> None:
    wallets.product(till.shop, "i1", category="GiftCard")
    restriction = {"mode": "exclude", "match": "category", "values": ["giftcard"]}
    entry = in_wallet(till.shop, catalog_restrictions=[restriction])
    found = lock(till, entry, basket("10", "90"))["payload"]
    assert (found["amount"], found["discounted_line_ids"]) == (1, ["0"])
    only = basket("90")
    only["items"][0]["item_id"] = "i1"
    assert (
        lock(till, in_wallet(till.shop, catalog_restrictions=[restriction]), only)["errors"]["details"][0][
            "restriction"
        ]
        == "catalog"
    )


def test_o26_an_offer_for_one_store_fails_in_another(till: Till) -> None:
    here = {"mode": "include", "store_ids": [str(till.store.uuid).upper()]}
    entry = in_wallet(till.shop, location_restrictions=[here])
    other = Till(till.shop, store(till.shop))
    assert lock(other, entry, basket("10"))["errors"]["details"][0]["restriction"] == "location"
    assert lock(till, entry, basket("10")).status == 200


def test_o97_channels_are_the_same_in_any_case(till: Till) -> None:
    for channel in ("STORE", "Store"):
        entry = in_wallet(till.shop, purchase_restrictions=[{"kind": "channel", "values": ["sToRe"]}])
        assert lock(till, entry, basket("10", channel=channel)).status == 200
    assert why(lock(till, entry, basket("10", channel="WEB"))) == (422, "restriction_failed")


def test_o86_another_users_copy_of_the_offer_stays_free(till: Till) -> None:
    one = wallets.offer(till.shop)
    first, second = (wallets.issue(one, wallets.member(till.shop)) for _ in range(2))
    lock(till, first, basket("10"))
    assert lock(till, second, basket("10", transaction_id="t2")).status == 200


def test_a_price_refused_leaves_the_lock_with_nothing_and_its_timer(till: Till, set_clock: Clock) -> None:
    entry, start = in_wallet(till.shop), clock.now()
    set_clock(start)
    lock(till, entry, basket("10"))
    set_clock(start + timedelta(seconds=100))
    assert why(lock(till, entry, basket(), request_id="x")) == (422, "offer_not_applicable")
    kept = OfferLock.objects.get()
    assert (kept.state, kept.amount, kept.expires_at) == ("active", 0, start + timedelta(seconds=1800))
    assert why(lock(till, entry, basket(), request_id="x")) == (422, "offer_not_applicable")
    assert why(lock(till, entry, basket("10", transaction_id="t2"))) == (409, "offer_locked")
    assert lock(till, entry, basket("10"))["payload"]["amount"] == 1


def test_t46_items_up_to_a_thousand(till: Till) -> None:
    entry = in_wallet(till.shop)
    assert lock(till, entry, basket(*["1.00"] * 1000))["payload"]["amount"] == 100
    assert why(lock(till, entry, basket(*["1.00"] * 1001))) == (400, "too_many_items")


def test_t47_t49_the_limits_hold_for_redeem_and_for_discounts(till: Till) -> None:
    entry = in_wallet(till.shop)
    assert why(redeem(till, entry, basket(*["1.00"] * 1001))) == (400, "too_many_items")
    foreign = [{"reference_id": str(at), "discount_source": "till", "amount": "0.01"} for at in range(101)]
    for call in (lock, redeem):
        assert why(call(till, entry, basket("10", discounts=foreign))) == (400, "too_many_discounts")
    assert lock(till, entry, basket("10", discounts=foreign[:100])).status == 200
    assert redeem(till, entry, basket(*["1.00"] * 1000)).status == 200


def test_t27_t55_many_calls_are_warned_about_and_then_refused(till: Till, set_clock: Clock) -> None:
    entry, start = in_wallet(till.shop), clock.now()
    set_clock(start)
    answers = [lock(till, entry, basket("10")) for _ in range(60)]
    assert {answer.status for answer in answers} == {200}
    warned = ["warnings" in answer["payload"] for answer in answers]
    assert warned == [False] * 10 + [True] * 50
    assert why(lock(till, entry, basket("10"))) == (429, "too_many_calls")
    set_clock(start + timedelta(minutes=10))
    assert lock(till, entry, basket("10")).status == 200


def test_o79_a_modifier_is_discounted_with_its_line(till: Till) -> None:
    entry = in_wallet(till.shop, "percent_item_discount", discount_config={"percent": "50"})
    found = lock(till, entry, wallets.SEED_TRANSACTION)["payload"]
    assert (found["amount"], found["discounted_line_ids"]) == (5.5, ["0", "1"])


def test_earlier_discounts_leave_less_to_discount(till: Till) -> None:
    first = in_wallet(till.shop, "fixed_check_discount", discount_config={"amount": "8"})
    second = in_wallet(till.shop, "fixed_check_discount", discount_config={"amount": "8"})
    given = lock(till, first, basket("10"))["payload"]
    found = lock(till, second, basket("10", discounts=[given]))["payload"]
    assert (found["amount"], found["stack_order"]) == (2, 1)
    third = in_wallet(till.shop)
    assert why(lock(till, third, basket("10"))) == (422, "offer_not_applicable")  # though not listed


def test_an_offer_that_stacks_with_none_stands_alone(till: Till) -> None:
    lock(till, in_wallet(till.shop), basket("10"))
    alone = in_wallet(till.shop, common={"stackable": False})
    assert lock(till, alone, basket("10"))["errors"]["details"][0]["restriction"] == "stackable"


def test_a_gifted_offer_is_let_through_with_a_word(till: Till) -> None:
    entry, payer = in_wallet(till.shop), wallets.member(till.shop)
    paid = [
        {"payment_id": "1", "amount": "1", "type": "CASH", "user_id": str(payer.uuid), "user_id_type": "SessionM_ID"}
    ]
    assert lock(till, entry, basket("10", payments=paid))["payload"]["warnings"] == ["gifted"]


def test_nasty_baskets_are_400_with_their_place(till: Till) -> None:
    entry = in_wallet(till.shop)
    twice = basket("1", "1")
    twice["items"][1]["line_id"] = "0"
    nowhere = basket("1")
    nowhere["items"][0]["modifies_line_id"] = "7"
    circle = basket("1")
    circle["items"][0]["modifies_line_id"] = "0"
    negative = basket("1")
    negative["items"][0]["quantity"] = "-1"
    unnamed = basket("1", transaction_id="")
    for transaction in (twice, nowhere, circle, negative, unnamed, basket("abc"), basket("1,5"), {}):
        answer = lock(till, entry, transaction)
        assert answer.status == 400, answer
        assert answer["errors"]["details"][0]["field"].startswith("request_payload.transaction")
    assert why(till.pos("lock", asks(entry, None))) == (400, "missing_data")  # type: ignore[arg-type]


def test_t31_t32_t60_redeemed_once_until_reinstated(till: Till) -> None:
    entry = in_wallet(till.shop)
    answer = redeem(till, entry, basket("10"))
    assert (answer.status, answer["payload"]["status"], answer["payload"]["amount"]) == (200, "REDEEMED", 1)
    assert "lock_expires_at" not in answer["payload"]
    used = fresh(entry)
    assert (used.status, used.redeemed_amount, used.redeemed_in) == (2, 100, f"{till.store.uuid}:t1")
    for again in (redeem(till, entry, basket("10")), lock(till, entry, basket("10"))):
        assert why(again) == (409, "already_redeemed")
    assert till.pos("reinstate", {"user_offer_id": str(entry.uuid)})["status"] == "OK"
    assert why(till.pos("reinstate", {"user_offer_id": str(entry.uuid)})) == (409, "not_redeemed")
    assert redeem(till, entry, basket("10")).status == 200


def test_o23_a_use_a_day_is_enforced_at_the_second_and_given_back(till: Till) -> None:
    rule = {"kind": "redemption", "per": "user", "count": 1, "period": "day"}
    one, whose = wallets.offer(till.shop, use_restrictions=[rule]), wallets.member(till.shop)
    first, second = wallets.issue(one, whose), wallets.issue(one, whose)
    assert redeem(till, first, basket("10")).status == 200
    assert why(redeem(till, second, basket("10", transaction_id="t2"))) == (422, "frequency_exceeded")
    assert why(lock(till, second, basket("10", transaction_id="t2"))) == (422, "frequency_exceeded")
    till.pos("reinstate", {"user_offer_id": str(first.uuid)})
    assert redeem(till, second, basket("10", transaction_id="t2")).status == 200


def test_reinstating_after_the_end_revives_only_with_a_new_one(till: Till, set_clock: Clock) -> None:
    start = clock.now()
    set_clock(start)
    entry = in_wallet(till.shop)
    redeem(till, entry, basket("10"))
    set_clock(start + timedelta(days=20))
    till.pos("reinstate", {"user_offer_id": str(entry.uuid)})
    assert why(redeem(till, entry, basket("10"))) == (422, "offer_expired")
    second = in_wallet(till.shop)
    redeem(till, second, basket("10", transaction_id="t2"))
    set_clock(start + timedelta(days=40))
    until = (start + timedelta(days=50)).isoformat()
    till.pos("reinstate", {"user_offer_id": str(second.uuid), "extend_to": until, "employee_id": "7"})
    assert redeem(till, second, basket("10", transaction_id="t2")).status == 200


def test_t30_redeemed_stays_redeemed_whatever_the_time(till: Till, set_clock: Clock) -> None:
    start = clock.now()
    set_clock(start)
    entry = in_wallet(till.shop)
    redeem(till, entry, basket("10"))
    set_clock(start + timedelta(seconds=3601))
    assert why(redeem(till, entry, basket("10"))) == (409, "already_redeemed")


def test_redeem_turns_the_lock_of_its_own_transaction_into_it(till: Till) -> None:
    entry = in_wallet(till.shop)
    lock(till, entry, basket("10"))
    assert why(redeem(till, entry, basket("10", transaction_id="t2"))) == (409, "offer_locked")
    assert redeem(till, entry, basket("20"))["payload"]["amount"] == 2
    assert OfferLock.objects.get().state == "consumed"


def test_t35_what_staff_hand_over_or_tills_compute_redeems_at_nothing(till: Till) -> None:
    assert redeem(till, in_wallet(till.shop, "manual_fulfillment"), basket())["payload"]["amount"] == 0
    entry = in_wallet(till.shop, "pos_discount", discount_config={"pos_discount_id": "PD7"})
    found = redeem(till, entry, basket("10"))["payload"]
    assert (found["amount"], found["pos_discount_id"], found["discounted_line_ids"]) == (0, "PD7", [])


def test_t59_unlocking_is_harmless_twice_and_careful(till: Till) -> None:
    entry = in_wallet(till.shop)
    payload = {"user_offer_id": str(entry.uuid)}
    assert till.pos("unlock", payload).status == 200
    lock(till, entry, basket("10"))
    assert why(till.pos("unlock", {**payload, "transaction_id": "t2"})) == (409, "transaction_mismatch")
    assert why(Till(till.shop, store(till.shop)).pos("unlock", payload)) == (409, "offer_locked")
    assert till.pos("offers/redemption/unlock", {**payload, "transaction_id": "t1"}).status == 200
    assert OfferLock.objects.get().state == "released"
    redeem(till, entry, basket("10"))
    assert why(till.pos("unlock", payload)) == (409, "already_redeemed")


def test_a_claimed_lock_neither_expires_nor_unlocks_nor_reprices(till: Till, set_clock: Clock) -> None:
    entry = in_wallet(till.shop)
    lock(till, entry, basket("10"))
    OfferLock.objects.update(state="claimed")
    assert why(till.pos("unlock", {"user_offer_id": str(entry.uuid)})) == (409, "lock_claimed")
    assert why(lock(till, entry, basket("10"))) == (409, "lock_claimed")
    set_clock(clock.now() + timedelta(hours=5))
    assert why(lock(till, entry, basket("10", transaction_id="t2"))) == (409, "offer_locked")
    assert why(redeem(till, entry, basket("10", transaction_id="t2"))) == (409, "offer_locked")


def test_o94_a_claimed_lock_is_settled_or_let_go(till: Till) -> None:
    first, second = in_wallet(till.shop), in_wallet(till.shop)
    for entry, name in ((first, "t1"), (second, "t2")):
        lock(till, entry, basket("10", transaction_id=name))
    OfferLock.objects.update(state="claimed")
    held = {one.user_offer_id: one for one in OfferLock.objects.select_related("store")}
    offer_locks.settle_claimed(lock=held[first.pk], amount=100, actor=SYSTEM, now=clock.now())
    offer_locks.release(lock=held[second.pk], now=clock.now())
    assert (fresh(first).status, fresh(first).redeemed_in) == (2, f"{till.store.uuid}:t1")
    assert fresh(second).status == 1
    assert [one.state for one in OfferLock.objects.order_by("id")] == ["consumed", "released"]


def test_by_hand_only_what_needs_no_basket(till: Till) -> None:
    entry = in_wallet(till.shop, "manual_fulfillment")
    answer = till.offer("offers/redemption/manual_redeem", user_offer_id=str(entry.uuid), location="Bar")
    assert (answer["status"], answer["payload"]["status"], fresh(entry).redeemed_in) == ("ok", "REDEEMED", "manual:Bar")
    again = till.offer("offers/redemption/manual_redeem", user_offer_id=str(entry.uuid))
    assert why(again) == (409, "already_redeemed")
    other = till.offer("offers/redemption/manual_redeem", user_offer_id=str(in_wallet(till.shop).uuid))
    assert why(other) == (422, "offer_not_applicable")
    held = in_wallet(till.shop, "manual_fulfillment")
    lock(till, held, basket("10"))
    assert why(till.offer("offers/redemption/manual_redeem", user_offer_id=str(held.uuid))) == (409, "offer_locked")


def test_the_sweeper_notes_what_time_has_ended(till: Till) -> None:
    lock(till, in_wallet(till.shop), basket("10"))
    assert offer_locks.expire(now=clock.now()) == 0
    assert offer_locks.expire(now=clock.now() + timedelta(seconds=1800)) == 1
    assert OfferLock.objects.get().state == "expired"


def test_a_code_from_the_app_stands_for_the_offer_in_one_transaction(till: Till, set_clock: Clock) -> None:
    start = clock.now()
    set_clock(start)
    entry = in_wallet(till.shop)

    def code() -> str:
        made = till.offer("offers/redemption/ttl_code", user_offer_id=str(entry.uuid))["payload"]
        assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{8}", made["offer_lookup_code"])
        return str(made["offer_lookup_code"])

    def by(typed: str, transaction_id: str) -> Answer:
        transaction = basket("10", transaction_id=transaction_id)
        fields = {"offer_lookup_code": typed, "offer_lookup_type": "TTLCode"}
        return till.pos("lock", asks(entry, transaction, **fields))

    first = code()
    assert by(f"{first[:4].lower()}-{first[4:]}", "t1")["payload"]["reference_id"] == str(entry.uuid)
    assert by(first, "t1").status == 200
    till.pos("unlock", {"user_offer_id": str(entry.uuid)})
    assert why(by(first, "t2")) == (404, "user_offer_not_found")
    late = code()
    set_clock(start + timedelta(minutes=5))
    assert why(by(late, "t2")) == (404, "user_offer_not_found")
    assert why(by("ZZZZZZZZ", "t2")) == (404, "user_offer_not_found")
    assert by(first, "t1").status == 200
    foreign = till.offer("offers/redemption/ttl_code", user_offer_id="00000000-0000-0000-0000-000000000000")
    assert why(foreign) == (404, "user_offer_not_found")
    assert offer_codes.purge(now=start + timedelta(days=2)) == 2
