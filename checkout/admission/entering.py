"""Who may come in: what every mechanism refuses to those who are too early, too late, too many or too new."""

from datetime import datetime, timedelta

from checkout.admission import distributions
from checkout.admission.models import Consumer, Distribution
from offers.lib.errors import Refusal

SECOND = timedelta(seconds=1)


class Closed(Refusal):
    """This has closed; nobody new may enter."""

    code = "closed"


class NotOpenYet(Refusal):
    """This is not open yet."""

    code = "not_open_yet"


class Full(Refusal):
    """The line is full; try again later."""

    code = "queue_full"


class GuestTooYoung(Refusal):
    """Try again in a second."""

    code = "guest_too_young"


class CodeNeeded(Refusal):
    """This access code is not right."""

    code = "needs_access_code"


class SignInNeeded(Refusal):
    """This is for customers who have signed in."""

    code = "needs_auth"


class NotWaiting(Refusal):
    """This consumer does not wait in the line."""

    code = "not_waiting"


def check_gate(gate: str) -> None:
    """Refuse, in words of its own, who stands before a gate of `routing.gate_of`; "" is none."""
    if gate:
        raise CodeNeeded() if gate == CodeNeeded.code else SignInNeeded()


def check_open(distribution: Distribution, consumer: Consumer, *, over: bool, now: datetime) -> None:
    """Refuse who may not take part in a draw or an auction: not_open_yet, closed (`over`: decided already),
    guest_too_young.
    """
    check_opened(distribution, since=distribution.open_at, now=now)
    if over or distributions.state_of(distribution, now) != "OPEN":
        raise Closed()
    check_settled(distribution, consumer, now)


def check_opened(distribution: Distribution, *, since: datetime | None, now: datetime) -> None:
    """Refuse (not_open_yet, with the seconds left) before a moment; None is always."""
    if since is not None and now < since:
        raise NotOpenYet(retry_after=max(1, -(-(since - now) // SECOND)), opens_at=distribution.open_at)


def check_settled(distribution: Distribution, consumer: Consumer, now: datetime) -> None:
    """Refuse (guest_too_young) guests of less than a second where the distribution says so."""
    if distribution.require_settled_guest and consumer.guest and now - consumer.created_at < SECOND:
        raise GuestTooYoung(retry_after=1)
