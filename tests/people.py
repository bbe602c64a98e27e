"""The people of the tests: Alice owns retailer A, Bob is her staff, Charlie has no rights; retailer B is another's.

Fixtures, known to every test (conftest.py): shop_a, shop_b, alice, bob, charlie, and their API clients api, api_b and
browser (the checkout page of retailer A).
"""

import pytest
from django.contrib.auth.models import User

from offers.models import Retailer
from tests import factories
from tests.api.client import ApiClient

PASSWORD = "correct horse battery staple"


def user(name: str, **fields: bool) -> User:
    return User.objects.create_user(name, f"{name}@example.com", PASSWORD, **fields)


@pytest.fixture
def shop_a(db: None) -> Retailer:
    return factories.retailer(name="Retailer A")


@pytest.fixture
def shop_b(db: None) -> Retailer:
    return factories.retailer(name="Retailer B")


@pytest.fixture
def alice(db: None) -> User:
    """Owns the installation: may do everything."""
    return user("alice", is_staff=True, is_superuser=True)


@pytest.fixture
def bob(db: None) -> User:
    """Is staff: may enter the back office, and what his roles allow."""
    return user("bob", is_staff=True)


@pytest.fixture
def charlie(db: None) -> User:
    """Has an account and no rights."""
    return user("charlie")


@pytest.fixture
def api(shop_a: Retailer) -> ApiClient:
    return ApiClient.of(shop_a)


@pytest.fixture
def api_b(shop_b: Retailer) -> ApiClient:
    return ApiClient.of(shop_b)


@pytest.fixture
def browser(shop_a: Retailer) -> ApiClient:
    return ApiClient.of(shop_a, "browser")
