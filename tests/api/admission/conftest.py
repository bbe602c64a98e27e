"""The keys of retailer A's pages and server, for the tests of the admission dialect."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
import redis

from checkout.admission import line, queue_numbers
from offers.models import Retailer
from tests import factories
from tests.api.client import ApiClient
from tests.checkout.admission.launch import NOW


@pytest.fixture
def line_at_noon(redis_client: "redis.Redis", set_clock: Callable[[datetime], None]) -> Iterator[None]:
    """Nobody waits anywhere, and it is NOW."""
    line.reset()
    queue_numbers.reset()
    set_clock(NOW)
    yield
    line.reset()


@pytest.fixture
def page(shop_a: Retailer) -> ApiClient:
    row, _ = factories.credential(shop_a, "publishable", origins=["https://shop.example"])
    return ApiClient({"X-Publishable-Key": row.key})


@pytest.fixture
def server(shop_a: Retailer) -> ApiClient:
    return ApiClient({"Authorization": f"Bearer {factories.credential(shop_a, 'secret')[1]}"})
