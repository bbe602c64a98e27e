"""The keys of retailer A's pages and server, for the tests of the admission dialect."""

import pytest

from offers.models import Retailer
from tests import factories
from tests.api.client import ApiClient


@pytest.fixture
def page(shop_a: Retailer) -> ApiClient:
    row, _ = factories.credential(shop_a, "publishable", origins=["https://shop.example"])
    return ApiClient({"X-Publishable-Key": row.key})


@pytest.fixture
def server(shop_a: Retailer) -> ApiClient:
    return ApiClient({"Authorization": f"Bearer {factories.credential(shop_a, 'secret')[1]}"})
