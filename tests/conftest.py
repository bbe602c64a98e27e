"""Starts the throw-away servers a test needs, gives every test the clock, and ends what it started."""

import atexit
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
import redis

from offers.lib import clock
from project import embedded, env
from tests.settings import SERVERS

pytest_plugins = ["tests.lines", "tests.people"]
CI = env.env_bool("CI", False)


def pytest_configure(config: pytest.Config) -> None:
    # The controller of pytest-xdist starts PostgreSQL for its workers, which find it in the environment.
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        start_postgres()


@cache
def start_postgres() -> None:
    if os.environ["DATABASE_URL"] != embedded.postgres_url(SERVERS) or os.environ.get("TEST_POSTGRES") == "runs":
        return
    embedded.make_throw_away_dir(SERVERS)
    atexit.register(embedded.remove_throw_away_dir, SERVERS)
    atexit.register(embedded.start_postgres(SERVERS, durable=False).stop)
    os.environ["TEST_POSTGRES"] = "runs"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Called by pytest-django before it makes the test database: the moment to have a server."""
    start_postgres()


@pytest.fixture(scope="session")
def valkey(worker_id: str) -> Iterator[str]:
    """A real Valkey at settings.REDIS_URL, for the tests that ask for it; the others run without one."""
    url = os.environ["REDIS_URL"]
    if os.environ.get("TEST_REDIS") != "own":
        yield url
        return
    place = Path(f"{SERVERS}-valkey-{worker_id}")
    embedded.make_throw_away_dir(place)
    port = url.rpartition(":")[2].partition("/")[0]
    env.write_file(place / "valkey.env", {"PORT": port, "PASSWORD": "test"})
    server = embedded.start_valkey(place, durable=False)
    yield url
    server.stop()
    embedded.remove_throw_away_dir(place)


@pytest.fixture
def redis_client(valkey: str) -> Iterator["redis.Redis"]:
    """A client of an emptied Valkey."""
    client = redis.Redis.from_url(valkey)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def set_clock() -> Iterator[Callable[[datetime], None]]:
    """Sets what clock.now() says, as often as wanted, until the test ends."""
    with ExitStack() as blocks:

        def set_to(moment: datetime) -> None:
            blocks.enter_context(clock.fixed(moment))

        yield set_to
