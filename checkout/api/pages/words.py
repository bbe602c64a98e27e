"""What the pages say of time, money and refusals, in plain words."""

from datetime import timedelta

from offers.lib.errors import Refusal

_REFUSALS = {
    "not_open_yet": "The line is not open yet.",
    "closed": "The line has closed; nobody new can join.",
    "queue_full": "The line is full. Please try again in a moment.",
    "guest_too_young": "Please try again in a second.",
    "line_unavailable": "We cannot reach the line right now. Places are kept; please try again in a moment.",
    "too_many_accounts": "As many shoppers as this launch allows take part from your device or connection already.",
    "challenge_failed": "We could not tell that you are a person. Please try the check again.",
    "challenge_unavailable": "The check that you are a person does not answer. Please try again in a moment.",
    "too_many_requests": "That was often. Please wait a minute and try again.",
    "payment_under_way": "A payment is under way. Your place is kept until it is known how it went.",
    "not_waiting": "It is just becoming your turn. Please look again.",
}


def refusal(found: Refusal) -> str:
    return _REFUSALS.get(found.code, found.message)


def clock(left: timedelta) -> str:
    """Return m:ss, the whole seconds that are left; never below 0:00."""
    seconds = max(0, left // timedelta(seconds=1))
    return f"{seconds // 60}:{seconds % 60:02}"


def about(seconds: int | None) -> str:
    """Return an estimate as people say it."""
    if seconds is None:
        return ""
    if seconds < 60:
        return "less than a minute"
    minutes = -(-seconds // 60)
    if minutes < 60:
        return f"about {minutes} minute{'s' if minutes > 1 else ''}"
    hours = -(-minutes // 60)
    return f"about {hours} hour{'s' if hours > 1 else ''}"
