"""Which path of an experience a consumer takes: the first sequence by rank that lets him in."""

import hmac
from dataclasses import dataclass

from checkout.admission import distributions
from checkout.admission.models import Consumer, Distribution, Experience, Sequence
from offers.lib.errors import NotFound


@dataclass(frozen=True, slots=True)
class Route:
    """The distribution of the path taken, or the gate the consumer stands before."""

    distribution: Distribution | None
    gate: str = ""  # needs_access_code | needs_auth


def find(*, retailer_id: int, uuid: str) -> Experience:
    """Return an experience of the retailer. Refuses not_found, another's as well."""
    found = Experience.objects.filter(retailer_id=retailer_id, uuid=distributions.as_uuid(uuid)).first()
    if found is None:
        raise NotFound("experience", uuid)
    return found


def paths(experience: Experience) -> list[Distribution]:
    """Return the published distributions of an experience, in the order of their sequences."""
    rows = Distribution.objects.select_related("sequence__experience").filter(
        sequence__experience=experience, published=True
    )
    return list(rows.order_by("sequence__rank", "sequence_id", "id"))


def route(*, experience: Experience, consumer: Consumer | None, access_code: str = "") -> Route:
    """Return the path for a consumer with this access code; a wrong code is no code. Refuses not_found (no path)."""
    found = paths(experience)
    if not found:
        raise NotFound("experience", experience.uuid)
    gates = []
    for distribution in found:
        gate = gate_of(distribution.sequence, consumer, access_code)
        if not gate:
            return Route(distribution)
        gates.append(gate)
    return Route(None, gates[0])


def gate_of(sequence: Sequence, consumer: Consumer | None, access_code: str) -> str:
    """Return what a consumer lacks for a sequence, "" for nothing."""
    if sequence.access_code and not hmac.compare_digest(sequence.access_code.encode(), access_code.strip().encode()):
        return "needs_access_code"
    if sequence.audience == Sequence.Audience.SIGNED_IN and (consumer is None or consumer.guest):
        return "needs_auth"
    return ""
