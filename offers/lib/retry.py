"""Repeats a one-statement write that the database gave up on although nothing was wrong with it."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)

Result = TypeVar("Result")

ROLLED_BACK = {"40P01", "40001"}  # deadlock detected, serialization failure
PAUSE_MS = 20  # at most this long before the second attempt, twice as long before each further one


def retrying(write: Callable[[], Result], *, attempts: int = 3, again_after_loss: bool = False) -> Result:
    """Call `write`, and again after a deadlock or serialization failure; the last failure is raised.

    Only in autocommit: inside a transaction the statements before it are lost too, so there it is raised at once.
    After a lost connection nobody knows whether the statement was committed: the next call gets a new connection, and
    `write` is repeated only when `again_after_loss` promises that doing it twice does it once.
    """
    for attempt in range(1, attempts + 1):
        try:
            return write()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block:
                raise
            if getattr(error.__cause__, "sqlstate", None) not in ROLLED_BACK:
                if connection.connection is not None and connection.is_usable():
                    raise
                connection.close()
                if not again_after_loss:
                    raise
            if attempt == attempts:
                raise
            log.warning("attempt %d of %d failed: %s", attempt, attempts, error)
            time.sleep(random.randrange(PAUSE_MS * 2 ** (attempt - 1)) / 1000)
    raise ValueError("attempts must be positive")
