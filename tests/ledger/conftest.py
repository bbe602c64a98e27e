"""After each test of the ledger the ledger is proved."""

from collections.abc import Iterator

import pytest

from offers.ledger import audit


@pytest.fixture(autouse=True)
def ledger_stands_up(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did: every counter is what journal and holds say, unless spoiling it was the point."""
    marker = request.node.get_closest_marker("django_db")
    if marker:  # asked for here so that it is still open when this fixture ends
        request.getfixturevalue("transactional_db" if marker.kwargs.get("transaction") else "db")
    yield
    if marker and not request.node.get_closest_marker("spoils_the_ledger"):
        assert audit.prove().differences == []
