"""The waiting line for tests that let people queue: an emptied Valkey, and a process that remembers nothing of it."""

from collections.abc import Iterator

import pytest
import redis

from checkout.admission import line, queue_numbers


@pytest.fixture
def emptied_line(redis_client: "redis.Redis") -> Iterator[None]:
    """Nobody waits anywhere."""
    line.reset()
    queue_numbers.reset()
    yield
    line.reset()
