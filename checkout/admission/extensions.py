"""More time for an admission, given by staff: to somebody on the phone whose payment takes longer."""

from datetime import datetime, timedelta

from checkout.admission import claims
from checkout.admission.models import Admission
from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import InvalidPayload

MOST = 3600  # seconds at once, and from now on


def prolong(*, admission_id: int, seconds: int, actor: Actor, reason: str, now: datetime) -> Admission:
    """Give an open admission, claimed or not, and all it holds, more time than its distribution grants; audited.

    Never beyond the distribution's hard end or an hour from now, and not counted among the checkout's own extensions.
    Refuses invalid_payload, extension_refused, and what `claims.claim` refuses: nothing is brought back to life.
    """
    if not 1 <= seconds <= MOST:
        raise InvalidPayload(f"seconds should be from 1 to {MOST}", field="minutes")
    with claims.owned(admission_id) as row:
        claims.refuse_unless_open(row, None, now)
        before, end = row.expires_at, row.distribution.hard_end_at
        if now >= before:
            raise claims.NoExtension("Its time is up; only the payment that has begun may still end.")
        latest = min(now + timedelta(seconds=MOST), end) if end else now + timedelta(seconds=MOST)
        until = before + timedelta(seconds=seconds)
        if until > latest:
            raise claims.NoExtension("So long an admission is not allowed: an hour from now, or the launch's end.")
        row.expires_at = until
        row.save(update_fields=["expires_at"])
        claims.keep(row, now)
        audit.record(
            retailer_id=row.retailer_id,
            actor=actor,
            action="admission.extend",
            object_type="admission",
            object_id=str(row.uuid),
            before={"expires_at": before.isoformat()},
            after={"expires_at": until.isoformat(), "seconds": seconds},
            reason=reason,
            now=now,
        )
    return row
