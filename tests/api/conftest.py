"""What the tests of every dialect may ask for."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from pytest_django.fixtures import Settings

from checkout.api.common import schema


@pytest.fixture
def document(settings: Settings) -> Iterator[dict[str, Any]]:
    """What /openapi.json says of the product's own addresses."""
    settings.ROOT_URLCONF = "project.urls"
    schema.text.cache_clear()
    yield orjson.loads(schema.text())
    schema.text.cache_clear()
