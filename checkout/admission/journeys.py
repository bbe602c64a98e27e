"""One consumer's progress, as the browser sees it: the status document of every mechanism, and of an experience."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from checkout.admission import (
    auctions,
    claims,
    distributions,
    draws,
    estimates,
    line,
    line_answers,
    queue_pace,
    queues,
    routing,
    standings,
)
from checkout.admission.models import Admission, Consumer, Distribution, Entry, Experience


class TokenOf(Protocol):
    """Writes an admission's token."""

    def __call__(self, admission: Admission, *, now: datetime) -> str: ...


IN_PLAY = (Entry.State.QUEUED, Entry.State.ENTERED, Entry.State.BIDDING, Entry.State.WON)
OVER = (Entry.State.COMPLETED, Entry.State.DENIED, Entry.State.LOST)
SECOND = timedelta(seconds=1)


def enter(
    *,
    experience: Experience,
    consumer: Consumer,
    now: datetime,
    token_of: TokenOf,
    access_code: str = "",
    ticket: str | None = None,
    entrance: Callable[[Distribution], None] = lambda _: None,
) -> dict[str, Any]:
    """Route the consumer and put him into the line of a queue or into a draw; an auction is entered by bidding.

    Answers stage needs_access_code or needs_auth where he stands before a gate. `entrance` is asked before a line or
    a draw, and may refuse. Refuses what `queues.enter` refuses.
    """
    taken = _taken(experience, consumer, now, may_tick=False)
    distribution = taken.distribution if taken else None
    if distribution is None:
        found = routing.route(experience=experience, consumer=consumer, access_code=access_code)
        if found.distribution is None:
            return before_gate(found.gate, now=now)
        distribution = found.distribution
    if distribution.mechanism != Distribution.Mechanism.AUCTION:
        entrance(distribution)
    if distribution.mechanism == Distribution.Mechanism.DRAW:
        standing = draws.enter(draw=distribution, consumer=consumer, now=now)
    elif distribution.mechanism == Distribution.Mechanism.AUCTION:
        standing = taken or standings.Standing(distribution)  # one takes part by bidding
    else:
        standing = queues.enter(distribution=distribution, consumer=consumer, now=now, ticket=ticket)
    return document(standing, consumer=consumer, now=now, token_of=token_of)


def journey(
    *, experience: Experience, consumer: Consumer, now: datetime, token_of: TokenOf, ticket: str | None = None
) -> dict[str, Any]:
    """Return the status document of the path the consumer took, else of the one he would take."""
    taken = _taken(experience, consumer, now, ticket)
    if taken is None:
        found = routing.route(experience=experience, consumer=consumer)
        if found.distribution is None:
            return before_gate(found.gate, now=now)
        taken = standings.Standing(found.distribution)
    return document(taken, consumer=consumer, now=now, token_of=token_of)


def leave(*, experience: Experience, consumer: Consumer, now: datetime) -> None:
    """Give up the places in the experience's queues and draws, and what it admitted to; without any nothing happens.

    Refuses what `queues.leave` and `draws.leave` do.
    """
    for distribution in routing.paths(experience):
        if distribution.mechanism == Distribution.Mechanism.QUEUE:
            queues.leave(distribution=distribution, consumer_id=consumer.pk, now=now)
        elif distribution.mechanism == Distribution.Mechanism.DRAW:
            draws.leave(draw=distribution, consumer_id=consumer.pk, now=now)
        else:  # a bid stands
            claims.give_up(distribution=distribution, consumer_id=consumer.pk, now=now)


def document(standing: standings.Standing, *, consumer: Consumer, now: datetime, token_of: TokenOf) -> dict[str, Any]:
    """Return the status document (admission.md 4.1); a token stands in stage admitted only, and only the consumer's."""
    distribution, place, entry = standing.distribution, standing.place, standing.entry
    found = {
        **blank(now),
        "mechanism": distribution.mechanism,
        "distribution_id": str(distribution.uuid),
        "experience_id": str(distribution.sequence.experience.uuid),
        "paused": distribution.paused,
        "opens_at": distribution.open_at,
        "ends_at": distribution.close_at,
    }
    if place is not None:
        found |= _waiting(standing, place, consumer, now)
        return found
    stage = _stage(standing, now)
    found |= {"stage": stage, "poll_after_seconds": _poll_after(stage, distribution, consumer, now)}
    if entry is not None:
        found |= {
            "status": entry.state,
            "entry_id": str(entry.uuid),
            "entered_at": entry.entered_at,
            "admitted_at": entry.admitted_at,
            "deny_reason": entry.deny_reason or None,
        }
        if entry.state == Entry.State.ADMITTED and distribution.mechanism != Distribution.Mechanism.QUEUE:
            found["status"] = "WON"
    if distribution.mechanism == Distribution.Mechanism.AUCTION:
        found |= auctions.details(distribution, entry)
    if stage == "admitted" and standing.admission is not None:
        found["admission"] = {
            "id": str(standing.admission.uuid),
            "token": token_of(standing.admission, now=now),
            "expires_at": standing.admission.expires_at,
            "seconds_left": max(0, (standing.admission.expires_at - now) // SECOND),
        }
    elif stage == "admission_expired":
        found["status"] = "EXPIRED"
    return found


def gate(*, distribution: Distribution, consumer: Consumer, access_code: str, now: datetime) -> str:
    """Return what a consumer lacks to come in (needs_access_code, needs_auth); "" is nothing, or he is in already."""
    lacks = routing.gate_of(distribution.sequence, consumer, access_code)
    if not lacks:
        return ""
    if distribution.mechanism == Distribution.Mechanism.QUEUE:
        found = queues.stand(distribution=distribution, consumer_id=consumer.pk, now=now, may_tick=False)
    else:
        found = standings.rows(distribution, consumer.pk)
    return "" if _takes_part(found) else lacks


def before_gate(gate: str, *, now: datetime) -> dict[str, Any]:
    """Return the status document of somebody who stands before a gate."""
    return {**blank(now), "stage": gate}


def blank(now: datetime) -> dict[str, Any]:
    """Return the status document of somebody who has done nothing."""
    return {
        "stage": "not_started",
        "mechanism": None,
        "status": None,
        "position": None,
        "people_ahead": None,
        "estimated_wait_seconds": None,
        "entered_at": None,
        "admitted_at": None,
        "admission": None,
        "deny_reason": None,
        "waiting_ticket": None,
        "server_time": now,
        "poll_after_seconds": 15,
        "ends_at": None,
    }


def _taken(
    experience: Experience, consumer: Consumer, now: datetime, ticket: str | None = None, may_tick: bool = True
) -> standings.Standing | None:
    """Return where the consumer stands in the experience: in a line, or by the row that was made last."""
    left = None
    for distribution in routing.paths(experience):
        if distribution.mechanism == Distribution.Mechanism.QUEUE:
            found = queues.stand(
                distribution=distribution, consumer_id=consumer.pk, now=now, ticket=ticket, may_tick=may_tick
            )
        else:
            found = standings.rows(distribution, consumer.pk)
        if _takes_part(found):
            return found
        left = left or (found if found.entry is not None else None)
    return left


def _takes_part(found: standings.Standing) -> bool:
    return found.place is not None or (found.entry is not None and found.entry.state != Entry.State.LEFT)


def _waiting(
    standing: standings.Standing, place: line_answers.Place, consumer: Consumer, now: datetime
) -> dict[str, Any]:
    distribution = standing.distribution
    served = distributions.state_of(distribution, now) == "SCHEDULED" or distributions.serves(distribution, now)
    if not served:
        return {"stage": "ended", "status": "QUEUED", "entered_at": place.entered_at, "poll_after_seconds": 60}
    hidden = (  # the order is that of a shuffle which has not been shown yet
        distribution.open_at is not None
        and now < distribution.open_at
        and distribution.ordering == Distribution.Ordering.SHUFFLE_PREQUEUE
    )
    wait = queue_pace.wait_of(distribution, place, now)
    near = place.ahead < line.near(distribution.admission_rate)
    poll = estimates.poll_after(wait=wait, near=near, salt=consumer.pk)
    if distribution.open_at is not None and now < distribution.open_at:
        poll = min(estimates.LONGEST, max(1, (distribution.open_at - now) // SECOND))
    return {
        "stage": "participating",
        "status": "QUEUED",
        "position": None if hidden else place.ahead + 1,
        "people_ahead": None if hidden else place.ahead,
        "estimated_wait_seconds": None if hidden or distribution.paused else wait,
        "entered_at": place.entered_at,
        "waiting": place.waiting,
        "waiting_ticket": queues.ticket_of(standing, consumer_id=consumer.pk),
        "poll_after_seconds": poll,
    }


def _stage(standing: standings.Standing, now: datetime) -> str:
    distribution, entry, admission = standing.distribution, standing.entry, standing.admission
    if admission is not None and admission.state in Admission.OPEN:
        return "admission_expired" if claims.is_over(admission, now) else "admitted"
    if entry is not None and entry.state == Entry.State.EXPIRED:
        return "admission_expired"
    if entry is not None and entry.state in OVER:
        return "ended"
    if entry is not None and entry.state == Entry.State.QUEUED:
        return "ended"  # waited to the end, in a line that is over
    if entry is not None and entry.state in IN_PLAY:
        return "participating"
    state = distributions.state_of(distribution, now)
    if state in {"DRAFT", "SCHEDULED"}:
        since = distributions.enterable_from(distribution)
        return "active_enterable" if since is not None and now >= since else "upcoming"
    return "active_enterable" if state == "OPEN" else "ended"


def _poll_after(stage: str, distribution: Distribution, consumer: Consumer, now: datetime) -> int:
    if stage == "upcoming":
        since = distributions.enterable_from(distribution) or now
        return min(estimates.LONGEST, max(1, -(-(since - now) // SECOND)))
    if stage == "participating":
        return estimates.poll_after(wait=None, near=True, salt=consumer.pk)
    return estimates.LONGEST
