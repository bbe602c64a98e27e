"""The Python client's calls for vouchers."""

from datetime import UTC, datetime
from typing import Any

import pytest
import voucherify as v

pytestmark = pytest.mark.django_db(transaction=True)
JAN = datetime(2026, 1, 1, tzinfo=UTC)


def percent(value: float) -> Any:
    return v.Discount(type="PERCENT", percent_off=value, effect="APPLY_TO_ORDER")


def coupon(**fields: Any) -> Any:
    return v.VouchersCreateWithSpecificCodeRequestBody(type="DISCOUNT_VOUCHER", discount=percent(10.0), **fields)


def card(amount: float) -> Any:
    gift = v.Gift(amount=amount, effect="APPLY_TO_ORDER")
    return v.VouchersCreateWithSpecificCodeRequestBody(type="GIFT_VOUCHER", gift=gift)


def test_a_voucher_lives_and_dies(sdk: Any) -> None:
    api = v.VouchersApi(sdk)
    made = api.create_voucher(
        "TEN/OFF",
        coupon(
            start_date=JAN,
            expiration_date=datetime(2999, 1, 1),  # noqa: DTZ001 - the client sends a naive time as it is
            validity_timeframe=v.ValidityTimeframe(interval="P7D", duration="P1D"),
            redemption=v.VouchersCreateWithSpecificCodeRequestBodyRedemption(quantity=5),
            additional_info="for friends",
            metadata={"team": "blue"},
        ),
    )
    assert (made.code, made.type, made.redemption.quantity) == ("TEN/OFF", "DISCOUNT_VOUCHER", 5)
    assert (made.discount.percent_off, made.validity_timeframe.interval) == (10, "P7D")
    assert (made.start_date, made.expiration_date) == (JAN, datetime(2999, 1, 1, tzinfo=UTC))
    assert api.get_voucher(made.id) == api.get_voucher("TEN/OFF")
    changes = v.VouchersUpdateRequestBody(
        discount=percent(12.5), expiration_date=None, metadata={"team": "red"}, active=False
    )
    changed = api.update_voucher("TEN/OFF", changes)
    assert (changed.discount.percent_off, changed.expiration_date, changed.active) == (12.5, None, False)
    assert api.enable_voucher("TEN/OFF").active is True
    assert api.disable_voucher("TEN/OFF").active is False
    api.delete_voucher("TEN/OFF", force=True)
    with pytest.raises(v.exceptions.NotFoundException):
        api.get_voucher("TEN/OFF")
    assert api.create_voucher("TEN/OFF", coupon()).id != made.id


@pytest.mark.parametrize(
    ("discount", "field", "value"),
    [
        ({"type": "AMOUNT", "amount_off": 1000.0, "effect": "APPLY_TO_ITEMS"}, "amount_off", 1000),
        ({"type": "FIXED", "fixed_amount": 500, "effect": "APPLY_TO_ORDER"}, "fixed_amount", 500),
        ({"type": "UNIT", "unit_off": 1, "unit_type": "prod_1", "effect": "ADD_NEW_ITEMS"}, "unit_off", 1),
        ({"type": "PERCENT", "percent_off": 33.3, "amount_limit": 900.0}, "amount_limit", 900),
    ],
)
def test_every_kind_of_discount(sdk: Any, discount: dict[str, Any], field: str, value: int) -> None:
    body = v.VouchersCreateRequestBody(type="DISCOUNT_VOUCHER", discount=v.Discount(**discount))
    made = v.VouchersApi(sdk).generate_random_code(vouchers_create_request_body=body)
    assert getattr(made.discount, field) == value
    assert len(made.code) == 8


def test_a_random_code_follows_its_settings(sdk: Any) -> None:
    config = v.CodeConfig(length=5.0, charset="AB", prefix="PR-", postfix="-Z")
    body = v.VouchersCreateRequestBody(type="DISCOUNT_VOUCHER", discount=percent(10), code_config=config)
    code = v.VouchersApi(sdk).generate_random_code(vouchers_create_request_body=body).code
    assert (code[:3], code[-2:], set(code[3:-2]) <= {"A", "B"}, len(code)) == ("PR-", "-Z", True, 10)


def test_a_gift_card_is_topped_up(sdk: Any) -> None:
    api = v.VouchersApi(sdk)
    made = api.create_voucher("CARD", card(5000.0))
    assert (made.gift.amount, made.gift.balance) == (5000, 5000)
    body = v.VouchersBalanceUpdateRequestBody(amount=1000, source_id="s-1", reason="sorry")
    answer = api.update_voucher_balance("CARD", body)
    assert (answer.total, answer.balance, answer.type, answer.related_object.id) == (
        6000,
        6000,
        "gift_voucher",
        made.id,
    )
    assert api.update_voucher_balance("CARD", body).balance == 6000
    api.update_voucher_balance("CARD", v.VouchersBalanceUpdateRequestBody(amount=-500))
    assert api.get_voucher("CARD").gift.subtracted_amount == 500
    first = api.list_voucher_transactions("CARD", limit=1, order="-id")
    assert (first.data[0].type, first.has_more) == ("CREDITS_REMOVAL", True)
    rest = api.list_voucher_transactions("CARD", limit=5, starting_after_id=first.more_starting_after)
    assert [(line.type, line.reason, line.source_id) for line in rest.data] == [("CREDITS_ADDITION", "sorry", "s-1")]
    assert rest.data[0].details.balance.balance == 6000


def test_the_list_takes_every_parameter(sdk: Any) -> None:
    api = v.VouchersApi(sdk)
    for code in ("A", "B", "C"):
        api.create_voucher(code, coupon())
    ids = [api.get_voucher(code).id for code in ("A", "C")]
    assert [row.code for row in api.list_vouchers(limit=2, page=1, order="code").vouchers] == ["A", "B"]
    assert [row.code for row in api.list_vouchers(ids=ids, order="-code").vouchers] == ["C", "A"]
    assert [row.code for row in api.list_vouchers(code="B").vouchers] == ["B"]
    assert api.list_vouchers(campaign="none", customer="none", category="none").total == 0
    assert api.list_vouchers(created_at=v.ParameterCreatedBeforeAfter(after=JAN)).total == 3
    assert api.list_vouchers(created_at=v.ParameterCreatedBeforeAfter(before=JAN)).total == 0


def test_refusals_arrive_as_the_clients_exceptions(sdk: Any) -> None:
    api = v.VouchersApi(sdk)
    api.create_voucher("TAKEN", coupon())
    with pytest.raises(v.exceptions.ApiException) as refusal:
        api.create_voucher("TAKEN", coupon())
    assert refusal.value.status == 409
    with pytest.raises(v.exceptions.BadRequestException, match="invalid_voucher"):
        api.create_voucher("X", v.VouchersCreateWithSpecificCodeRequestBody(type="GIFT_VOUCHER"))
    with pytest.raises(v.exceptions.NotFoundException):
        api.enable_voucher("NONE")
