"""Codes a session was refused: counted, slowed down, and an alarm when one has leaked."""

import logging
from datetime import datetime, timedelta

from checkout.models import CodeRefusal
from offers.lib.errors import Refusal
from offers.lib.normal_codes import folded

alarm = logging.getLogger("offerkeep.alarm")
REFUSALS_MOST = 20  # of one session within the time below; more are told to wait
REFUSALS_WITHIN = timedelta(minutes=10)
LEAK_SESSIONS, LEAK_WITHIN = 50, timedelta(hours=1)


class TooManyRefusals(Refusal):
    """Too many codes were refused; try again later."""

    code = "too_many_requests"


def note(*, retailer_id: int, session_hash: str, code: str, now: datetime) -> None:
    """Count a refused code, outside the refused request's transaction; raises the alarm when a code has leaked."""
    plain = folded(code)[:64]
    CodeRefusal.objects.create(retailer_id=retailer_id, session_hash=session_hash, code=plain, created_at=now)
    rows = CodeRefusal.objects.filter(retailer_id=retailer_id, code=plain, created_at__gt=now - LEAK_WITHIN)
    # Requests that name no session are counted by number only: nobody knows how many people they are.
    sessions = rows.exclude(session_hash="").values("session_hash").distinct().count()
    if session_hash and sessions == LEAK_SESSIONS + 1:
        alarm.error("a code of a channel was tried in %d sessions within an hour: it has leaked", sessions)


def check(*, retailer_id: int, session_hash: str, now: datetime) -> None:
    """Refuse `too_many_requests` to a session that tried too many codes it was never shown."""
    rows = CodeRefusal.objects.filter(session_hash=session_hash, created_at__gt=now - REFUSALS_WITHIN)
    rows = rows.filter(retailer_id=retailer_id)
    if rows.count() > REFUSALS_MOST:
        raise TooManyRefusals(retry_after=int(REFUSALS_WITHIN.total_seconds()))
