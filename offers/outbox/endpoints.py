"""Looks after webhook endpoints: their addresses, their secrets, on and off.

Secrets are sealed in the database and in the rows; only what signs, verifies or shows one unseals it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from offers import audit
from offers.lib import ids, sealing
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.outbox import addresses
from offers.outbox.models import Delivery, Endpoint

OVERLAP = timedelta(hours=24)


class StillRotating(Refusal):
    """The secret before the present one is still in use; wait until it has run out, or end it first."""

    code = "webhook_secret_still_rotating"


def create(
    *, retailer_id: int, url: str, events: Sequence[str], allow_http: bool, actor: Actor, now: datetime
) -> tuple[Endpoint, str]:
    """Register an endpoint; returns it with its secret. Refuses (webhook_address_refused) what cannot be sent to."""
    addresses.parse(url, allow_http=allow_http)
    secret = new_secret()
    endpoint = Endpoint(retailer_id=retailer_id, url=url, events=list(events), secret=secret)
    with transaction.atomic():
        endpoint.save()
        _note(endpoint, "webhook.create", actor, now, after=_shown(endpoint))
    return endpoint, secret


@transaction.atomic
def change(
    endpoint: Endpoint, *, url: str, events: Sequence[str], allow_http: bool, actor: Actor, now: datetime
) -> Endpoint:
    """Change where events go and which; refuses (webhook_address_refused) what cannot be sent to."""
    addresses.parse(url, allow_http=allow_http)
    kept = _locked(endpoint)
    before = _shown(kept)
    kept.url, kept.events = url, list(events)
    kept.save(update_fields=["url", "events"])
    old, new = audit.changes(before, _shown(kept))
    if new:
        _note(kept, "webhook.update", actor, now, before=old, after=new)
    return kept


@transaction.atomic
def rotate(endpoint: Endpoint, *, actor: Actor, now: datetime, overlap: timedelta = OVERLAP) -> str:
    """Give an endpoint a new secret and return it; the one before signs beside it for `overlap`, if it can be read.

    Refuses (webhook_secret_still_rotating) while the last rotation is still overlapping.
    """
    kept = _locked(endpoint)
    is_known = secret(kept) is not None
    if is_known and kept.previous_secret and kept.previous_secret_until and kept.previous_secret_until > now:
        raise StillRotating(until=kept.previous_secret_until.isoformat())
    made, before = new_secret(), kept.secret if is_known else ""
    kept.secret, kept.previous_secret, kept.previous_secret_until = made, before, now + overlap if before else None
    kept.save(update_fields=["secret", "previous_secret", "previous_secret_until"])
    until = kept.previous_secret_until and kept.previous_secret_until.isoformat()
    _note(kept, "webhook.rotate", actor, now, after={"previous_until": until})
    return made


@transaction.atomic
def end_rotation(endpoint: Endpoint, *, actor: Actor, now: datetime) -> None:
    """Stop signing with the secret before the present one, at once; nothing happens when there is none."""
    kept = _locked(endpoint)
    if kept.previous_secret:
        kept.previous_secret, kept.previous_secret_until = "", None
        kept.save(update_fields=["previous_secret", "previous_secret_until"])
        _note(kept, "webhook.end_rotation", actor, now)


@transaction.atomic
def enable(endpoint: Endpoint, *, actor: Actor, now: datetime) -> None:
    """Switch on; what was set aside while it was off is due at once, with all its retries before it."""
    kept = _locked(endpoint)
    if kept.active:
        return
    reason, kept.active, kept.disabled_reason = kept.disabled_reason, True, ""
    kept.save(update_fields=["active", "disabled_reason"])
    Delivery.objects.filter(endpoint=kept, state=Delivery.State.PAUSED).update(
        state=Delivery.State.WAITING, attempts=0, next_at=now
    )
    _note(kept, "webhook.enable", actor, now, before={"active": False, "reason": reason}, after={"active": True})


@transaction.atomic
def disable(endpoint: Endpoint, *, actor: Actor, now: datetime, reason: str) -> None:
    """Switch off; what waits is set aside, and events from now on are not for it."""
    kept = _locked(endpoint)
    if not kept.active:
        return
    kept.active, kept.disabled_reason = False, reason[:200]
    kept.save(update_fields=["active", "disabled_reason"])
    Delivery.objects.filter(endpoint=kept, state=Delivery.State.WAITING).update(state=Delivery.State.PAUSED)
    _note(kept, "webhook.disable", actor, now, before={"active": True}, after={"active": False}, reason=reason)


@transaction.atomic
def remove(endpoint: Endpoint, *, actor: Actor, now: datetime, reason: str = "") -> None:
    """Forget an endpoint with all its deliveries; the events stay."""
    kept = _locked(endpoint)
    _note(kept, "webhook.delete", actor, now, before=_shown(kept), reason=reason)
    kept.delete()


def secret(endpoint: Endpoint) -> str | None:
    """Return an endpoint's secret; None where it was sealed under a SECRET_KEY that is known no more."""
    return _read(endpoint.secret)


def secrets_in_use(endpoint: Endpoint, *, now: datetime) -> list[str]:
    """Return the secret, and the one before it while both are good; none where they cannot be read."""
    until = endpoint.previous_secret_until
    overlapping = endpoint.previous_secret and until is not None and now < until
    stored = [endpoint.secret, endpoint.previous_secret] if overlapping else [endpoint.secret]
    return [text for text in map(_read, stored) if text is not None]


def all_secrets(*, retailer_id: int, now: datetime) -> list[str]:
    """Return every secret in use of a retailer's endpoints that are switched on."""
    rows = Endpoint.objects.filter(retailer_id=retailer_id, active=True)
    return [text for row in rows for text in secrets_in_use(row, now=now)]


def new_secret() -> str:
    return ids.new_id("whsec_", 43)


def _read(stored: str) -> str | None:
    try:
        return sealing.unseal(stored)
    except sealing.Unreadable:
        return None


def _locked(endpoint: Endpoint) -> Endpoint:
    return Endpoint.objects.select_for_update().get(pk=endpoint.pk)


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    return {"url": endpoint.url, "events": list(endpoint.events), "active": endpoint.active}


def _note(endpoint: Endpoint, action: str, actor: Actor, now: datetime, **details: Any) -> None:
    audit.record(
        retailer_id=endpoint.retailer_id,
        actor=actor,
        action=action,
        object_type="webhook",
        object_id=endpoint.public_id,
        now=now,
        **details,
    )
