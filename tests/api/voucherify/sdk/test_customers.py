"""The Python client's calls for customers."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import voucherify as v

from offers.models import Customer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api(sdk: Any) -> Any:
    return v.CustomersApi(sdk)


def test_create_get_update_and_delete(api: Any) -> None:
    made = api.create_customer(
        v.CustomersCreateRequestBody(
            source_id="team a/7",
            name="Ann",
            birthdate=date(1990, 12, 31),
            address=v.CustomersCreateRequestBodyAddress(city="Oslo"),
            metadata={"vip": True},
        )
    )
    assert made.id.startswith("cust_")
    assert (made.summary.redemptions.total_redeemed, made.summary.orders.total_amount) == (0, 0)
    found = api.get_customer("team a/7")
    assert (found.name, found.birthdate, found.address.city) == ("Ann", date(1990, 12, 31), "Oslo")
    updated = api.update_customer(made.id, v.CustomersUpdateRequestBody(name=None, phone="+47"))
    assert (updated.name, updated.phone, updated.metadata) == (None, "+47", {"vip": True})
    api.delete_customer(made.id)
    with pytest.raises(v.exceptions.NotFoundException) as refused:
        api.get_customer(made.id)
    assert '"key":"not_found"' in refused.value.body


def test_permanent_deletion(api: Any) -> None:
    made = api.create_customer(v.CustomersCreateRequestBody(source_id="ann"))
    gone = api.customer_permanently_deletion(made.id)
    assert (gone.status, gone.related_object_id, gone.data_json.customer) == ("DONE", made.id, 1)


def test_lists_and_scrolling(api: Any) -> None:
    for number in range(3):
        api.create_customer(v.CustomersCreateRequestBody(source_id=f"c{number}", email=f"{number}@example.com"))
    listed = api.list_customers(limit=2, order="source_id")
    assert ([row.source_id for row in listed.customers], listed.total, listed.has_more) == (["c0", "c1"], 3, True)
    assert [row.source_id for row in api.list_customers(email="1@example.com").customers] == ["c1"]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert api.list_customers(created_at_after=tomorrow).customers == []
    assert len(api.list_customers(created_at_before=tomorrow, updated_at_before=tomorrow).customers) == 0
    first = api.list_customers(starting_after=tomorrow, limit=1)
    second = api.list_customers(starting_after=first.customers[-1].created_at, limit=100)
    assert {row.source_id for row in first.customers + second.customers} == {"c0", "c1", "c2"}


def test_a_refusal_reaches_the_caller_as_it_is(api: Any) -> None:
    with pytest.raises(v.exceptions.BadRequestException) as refused:
        api.create_customer(v.CustomersCreateRequestBody(source_id="x" * 256))
    assert '"key":"invalid_payload"' in refused.value.body
    assert ".source_id" in refused.value.body
    assert not Customer.objects.exists()
