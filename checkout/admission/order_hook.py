"""The order hook: a shop elsewhere tells, signed with the retailer's secret, what became of an admission's order."""

from datetime import datetime

import orjson
from django.db import transaction

from checkout.admission import claims, distributions, told
from checkout.admission.models import Admission
from offers import audit, signing_keys
from offers.lib import signing
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.models import AuditEntry, Retailer
from offers.outbox import endpoints

TOLERANCE_SECONDS = 300
ACTOR = Actor(kind="API", ident="order_hook", label="order hook")
PAID, CANCELLED = "admission.order_paid", "admission.order_cancelled"


class HookRefused(Refusal):
    """The signature is missing, wrong or too old."""

    code = "invalid_signature"


def retailer_of(*, signature: str, body: bytes, organization: str | None, now: datetime) -> int:
    """Return the retailer whose secret signed these bytes, at most five minutes away from now.

    A shop that takes our webhooks may sign with the secret it verifies those with, instead of the order secret.
    Whose secret that should be says `organization` (a retailer's public id) or else, read only to know with whose key
    to verify, the admission in the body. Refuses invalid_signature: missing, wrong, too old, nobody's, all alike.
    """
    if organization is not None:
        found = Retailer.objects.filter(public_id=organization).values_list("pk", flat=True).first()
    else:
        found = Admission.objects.filter(uuid=_claimed(body)).values_list("retailer_id", flat=True).first()
    keys = signing_keys.all_believed(retailer_id=found or 0, purpose=signing_keys.ORDERS, now=now)
    secrets = [secret for key in keys for secret in signing_keys.secrets(key)] + endpoints.all_secrets(
        retailer_id=found or 0, now=now
    )
    at = int(now.timestamp())
    signed = signing.verified(secrets or [""], signature, body, at=at, tolerance=TOLERANCE_SECONDS)
    if not signed or not secrets or found is None:
        raise HookRefused()
    return found


def paid(*, admission_id: int, order_id: str, amount: int, currency: str, now: datetime) -> Admission:
    """Complete the admission with the order, noted in its history; told again it is the first answer.

    Refuses what `claims.complete` refuses.
    """
    with transaction.atomic(), claims.owned(admission_id) as before:
        state = before.state
        row = claims.complete(admission_id=admission_id, order_id=order_id, amount=amount, currency=currency, now=now)
        if state != Admission.State.COMPLETED:
            _note(row, PAID, state, order_id, now)
    return row


def cancelled(*, admission_id: int, order_id: str, now: datetime) -> Admission:
    """Note that the order will not be, once; an admission still open is released for the next.

    One that was completed with this order stays COMPLETED, and what ended in another way stays as it ended. Refuses
    admission_already_completed where another order completed it.
    """
    with claims.owned(admission_id) as row:
        state = row.state
        if state == Admission.State.COMPLETED and row.order_id != order_id:
            raise claims.AlreadyCompleted()
        if AuditEntry.objects.filter(object_type="admission", object_id=str(row.uuid), action=CANCELLED).exists():
            return row
        if state in Admission.OPEN and not claims.is_over(row, now):
            row = claims.release(admission_id=row.pk, now=now)
        _note(row, CANCELLED, state, order_id, now)
        told.of_cancelled_order(row, order_id=order_id, now=now)
    return row


def _claimed(body: bytes) -> str:
    """Return the admission a body says it is about, unverified."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    return distributions.as_uuid(said.get("admission_id") if isinstance(said, dict) else None)


def _note(row: Admission, action: str, before: str, order_id: str, now: datetime) -> None:
    audit.record(
        retailer_id=row.retailer_id,
        actor=ACTOR,
        action=action,
        object_type="admission",
        object_id=str(row.uuid),
        before={"state": before},
        after={"state": row.state, "order_id": order_id},
        now=now,
    )
