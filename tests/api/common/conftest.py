"""Puts the small views of urls.py under the API's addresses for the tests in this folder."""

import pytest
from django.urls import clear_url_caches
from pytest_django.fixtures import Settings

from checkout.api.common import auth, limits


@pytest.fixture(autouse=True)
def small_views(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.api.common.urls"
    clear_url_caches()
    auth._cache.clear()
    auth._touched.clear()
    limits.reset()
