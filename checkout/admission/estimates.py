"""How long the wait may be and when to ask again: pure numbers, shown with "about"."""

SHORTEST, LONGEST = 3, 60
SOON_SECONDS = 5


def wait_seconds(*, ahead: int, admitted: int, over_seconds: int, rate: int | None) -> int | None:
    """Return about how long `ahead` people take at the pace of late, else at the configured rate; None if unknown."""
    if admitted > 0:
        return -(-(ahead + 1) * over_seconds // admitted)
    if rate:
        return -(-(ahead + 1) * 60 // rate)
    return 0 if rate is None and ahead == 0 else None


def poll_after(*, wait: int | None, near: bool, salt: int) -> int:
    """Return when to ask again: soon in front, rarely far back, and not all in the same second."""
    if wait is not None and wait <= SOON_SECONDS:
        return 1
    longest = 15 if near else LONGEST
    base = min(longest, max(SHORTEST, (wait if wait is not None else 200) // 20))
    return max(1, base * (80 + salt * 7919 % 41) // 100)
