"""What is asked of a shopper at the entrance of a launch, before he has a place: not too often, a proof, from where."""

from datetime import datetime

from django.http import HttpRequest

from checkout.admission import challenges, signals
from checkout.admission.models import Consumer, Distribution, Flag
from checkout.api.common import limits, shopper_limits

FINGERPRINT = "HTTP_X_FINGERPRINT"


def check(
    request: HttpRequest, distribution: Distribution, consumer: Consumer, *, proof: object, now: datetime
) -> None:
    """Ask for a proof where the launch requires one, and note device and network; neither is who somebody is.

    Refuses challenge_failed, challenge_unavailable, too_many_accounts. How often is `shopper_limits.entry`.
    """
    proven = not distribution.require_challenge or challenges.verify(proof if isinstance(proof, str) else "")
    network = "" if shopper_limits.is_exempt(request) else limits.address(request)
    seen = signals.Signals(device=request.META.get(FINGERPRINT, ""), network=network)
    signals.note(distribution=distribution, consumer=consumer, signals=seen, now=now)
    if not proven:
        signals.flag(distribution, [consumer.pk], Flag.Kind.UNPROVEN, now=now)
