"""Key rings: which key signs now, which ones are still believed, and how one follows another.

Every signature and every check reads the ring: a key that was retired is believed nowhere from that moment on.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import NotFound, Refusal
from offers.lib.ids import new_id, random_text
from offers.models import Retailer, SigningKey

SALT = "offerkeep.signing_key"
ADMISSION = "admission"
ORDERS = "orders"
# For how long a key that signs no more is still believed: an admission lives an hour at most, and one more; a secret
# that people carry into a shop's settings has a day.
OVERLAPS = {ADMISSION: timedelta(hours=2), ORDERS: timedelta(hours=24)}


class UnknownPurpose(Refusal):
    """There are no signing keys for this."""

    code = "unknown_purpose"


def active(*, retailer_id: int, purpose: str, now: datetime) -> SigningKey:
    """Return the key that signs, made on first use."""
    rows = SigningKey.objects.select_related("retailer").filter(retailer_id=retailer_id, purpose=purpose)
    found = rows.filter(state=SigningKey.State.ACTIVE).first()
    if found is None:
        # Several may come first: the constraint lets one key in, and all take that.
        SigningKey.objects.bulk_create([_new(retailer_id, purpose, now)], ignore_conflicts=True)
        found = rows.get(state=SigningKey.State.ACTIVE)
    return found


def believed(*, kid: str, purpose: str, now: datetime) -> SigningKey | None:
    """Return the key of this name if what it signed is still believed."""
    found = SigningKey.objects.filter(kid=kid, purpose=purpose).exclude(state=SigningKey.State.RETIRED).first()
    return found if found is not None and _holds(found, now) else None


def all_believed(*, retailer_id: int, purpose: str, now: datetime) -> list[SigningKey]:
    """Return every key a signature without a name may be of, the active one first."""
    rows = SigningKey.objects.filter(retailer_id=retailer_id, purpose=purpose).exclude(state=SigningKey.State.RETIRED)
    return [row for row in rows.order_by("state", "-id") if _holds(row, now)]


def secret(key: SigningKey) -> str:
    """Return a key's secret, 64 hexadecimal digits. Whoever knows it can sign in the retailer's name."""
    return secrets(key)[0]


def secrets(key: SigningKey) -> list[str]:
    """Return its secret, and what that was under each of SECRET_KEY_FALLBACKS: all of them are believed."""
    return [
        salted_hmac(SALT, f"{key.kid}.{key.salt}", secret=master, algorithm="sha256").hexdigest()
        for master in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


@transaction.atomic
def rotate(*, retailer_id: int, purpose: str, actor: Actor, now: datetime, reason: str = "") -> SigningKey:
    """Give a ring a new active key and return it; the one before is believed for the overlap of its purpose.

    Refuses unknown_purpose.
    """
    _own(retailer_id, purpose)
    before, made = active(retailer_id=retailer_id, purpose=purpose, now=now), _new(retailer_id, purpose, now)
    before.state, before.verify_until = SigningKey.State.VERIFY, now + OVERLAPS[purpose]
    before.save(update_fields=["state", "verify_until"])
    made.save()
    _note(made, "signing_key.rotate", actor, now, {"kid": before.kid}, {"kid": made.kid}, reason)
    return made


@transaction.atomic
def retire(*, retailer_id: int, kid: str, actor: Actor, now: datetime, reason: str = "") -> SigningKey:
    """Believe a key no more, at once; an active one is followed by a new one. One that is retired stays so.

    Refuses not_found.
    """
    found = SigningKey.objects.filter(retailer_id=retailer_id, kid=kid).first()
    if found is None:
        raise NotFound("signing_key", kid)
    _own(retailer_id, found.purpose)
    found.refresh_from_db()
    if (state := found.state) != SigningKey.State.RETIRED:
        found.state, found.retired_at = SigningKey.State.RETIRED, now
        found.save(update_fields=["state", "retired_at"])
        if state == SigningKey.State.ACTIVE:
            _new(retailer_id, found.purpose, now).save()
        _note(found, "signing_key.retire", actor, now, {"state": state}, {"state": found.state}, reason)
    return found


def retire_due(*, now: datetime) -> int:
    """Write down which keys are believed no more; the clock decides before this does."""
    due = SigningKey.objects.filter(state=SigningKey.State.VERIFY, verify_until__lte=now)
    return due.update(state=SigningKey.State.RETIRED, retired_at=now)


def _holds(key: SigningKey, now: datetime) -> bool:
    return key.state == SigningKey.State.ACTIVE or (key.verify_until is not None and now < key.verify_until)


def _own(retailer_id: int, purpose: str) -> None:
    """Let only one change the rings of a retailer at a time."""
    if purpose not in OVERLAPS:
        raise UnknownPurpose(f"There are no signing keys for {purpose}", purpose=purpose)
    Retailer.objects.select_for_update(no_key=True).get(pk=retailer_id)


def _new(retailer_id: int, purpose: str, now: datetime) -> SigningKey:
    return SigningKey(
        retailer_id=retailer_id, purpose=purpose, kid=new_id("key_", 12), salt=random_text(43), created_at=now
    )


def _note(
    key: SigningKey,
    action: str,
    actor: Actor,
    now: datetime,
    before: dict[str, str],
    after: dict[str, str],
    reason: str,
) -> None:
    audit.record(
        retailer_id=key.retailer_id,
        actor=actor,
        action=action,
        object_type="signing_key",
        object_id=key.kid,
        before={"purpose": key.purpose, **before},
        after={"purpose": key.purpose, **after},
        reason=reason,
        now=now,
    )
