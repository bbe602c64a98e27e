"""Numbers of those who come before the opening: a fair shuffle that nobody can draw again.

Each is drawn from the queue's secret and the consumer, so leaving and coming back gives the same one. They are all
below zero and so before every later ticket; their order is that of a shuffle, with no moment in which it is made.
"""

import hmac

BITS = 47


def early(*, seed: bytes, consumer: int) -> int:
    """Return the consumer's number among the early ones."""
    drawn = hmac.digest(seed, str(consumer).encode(), "sha256")[:6]
    return -1 - (int.from_bytes(drawn) & ((1 << BITS) - 1))
