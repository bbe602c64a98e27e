"""What a validation came to."""

from dataclasses import dataclass

from checkout.facts import Facts
from checkout.sessions import Session
from offers.evaluation.verdicts import Outcome


@dataclass(frozen=True, slots=True)
class Validated:
    """A validation's answer: the outcome on the facts it was judged by, and the session it opened."""

    id: str
    facts: Facts
    outcome: Outcome
    tracking_id: str
    session: Session | None
