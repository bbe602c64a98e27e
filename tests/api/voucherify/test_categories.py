"""/v1/categories."""

from typing import Any

import pytest

from tests.api.client import ApiClient
from tests.api.voucherify.test_vouchers import TEN


def test_a_category_lives_and_dies(api: ApiClient) -> None:
    made = api.post("/v1/categories", {"name": "VIP", "hierarchy": 3}).json
    assert made["id"].startswith("cat_")
    assert (made["name"], made["hierarchy"], made["object"]) == ("VIP", 3, "category")
    place = f"/v1/categories/{made['id']}"
    assert api.get(place).json == made
    assert api.put(place, {"hierarchy": 1})["hierarchy"] == 1
    voucher = api.post("/v1/vouchers/X", TEN | {"category_id": made["id"]})
    assert (voucher["category"], voucher["categories"][0]["id"]) == ("VIP", made["id"])
    listed = api.get("/v1/categories").json
    assert (listed["total"], listed["data_ref"], listed["data"][0]["id"]) == (1, "data", made["id"])
    assert api.delete(place).status == 204
    assert api.get(place).status == 404
    assert api.get("/v1/vouchers/X")["category"] is None


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": 7}, {"name": "x", "hierarchy": -1}, {"name": "x" * 101}])
def test_bad_categories_are_refused(api: ApiClient, body: dict[str, Any]) -> None:
    assert api.post("/v1/categories", body)["key"] == "invalid_payload"


def test_a_name_is_unique_and_retailers_are_apart(api: ApiClient, api_b: ApiClient) -> None:
    made = api.post("/v1/categories", {"name": "VIP", "hierarchy": 1}).json
    assert api.post("/v1/categories", {"name": "VIP", "hierarchy": 1}).status == 409
    assert api_b.get(f"/v1/categories/{made['id']}").status == 404
    assert api_b.post("/v1/categories", {"name": "VIP", "hierarchy": 1}).status == 200
    assert api_b.post("/v1/vouchers/X", TEN | {"category_id": made["id"]}).status == 404
