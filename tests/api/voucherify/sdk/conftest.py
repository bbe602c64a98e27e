"""The official Python client, unmodified, pointed at a live server of ours."""

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import voucherify
from pytest_django.live_server_helper import LiveServer

from offers.models import Client, Retailer
from tests import factories

Caller = Callable[..., Any]


@pytest.fixture
def sdk(live_server: LiveServer, shop_a: Retailer) -> Iterator[Any]:
    """An ApiClient with a server credential of retailer A: voucherify.CustomersApi(sdk).create_customer(...)."""
    row, secret = factories.credential(shop_a)
    yield from _client(live_server.url, {"X-App-Id": row.key, "X-App-Token": secret})


@pytest.fixture
def browser_sdk(live_server: LiveServer, shop_a: Retailer) -> Iterator[Any]:
    """An ApiClient with a browser credential of retailer A, allowed from anywhere."""
    row, secret = factories.credential(shop_a, Client.Kind.BROWSER, origins=["*"])
    yield from _client(live_server.url, {"X-Client-Application-Id": row.key, "X-Client-Token": secret})


def _client(url: str, keys: dict[str, str]) -> Iterator[Any]:
    with voucherify.ApiClient(voucherify.Configuration(host=url, api_key=keys)) as client:
        yield client
        # Kept-alive connections would hold the server's threads, and with them the database, beyond the test.
        # A refusal keeps its connection out of the pool until it is collected.
        client.rest_client.pool_manager.clear()
        gc.collect()
