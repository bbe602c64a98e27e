"""Short-lived codes for wallet entries: made for the customer's app, used once by a till."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from checkout.models import OfferCode
from offers import user_offers, wallets
from offers.models import UserOffer

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
LENGTH = 8
LIVES = timedelta(minutes=5)
KEPT = timedelta(days=1)
_SAME = str.maketrans("OIL", "011", "- ")


def make(*, user_offer: UserOffer, now: datetime) -> OfferCode:
    """Return a new code of an entry. Refuses what `user_offers.check` refuses."""
    user_offers.check(user_offer=user_offer, now=now)
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return OfferCode.objects.create(code=code, user_offer=user_offer, expires_at=now + LIVES)


def use(*, retailer_id: int, code: str, place: str, now: datetime) -> UUID:
    """Return the entry a code stands for and bind it to this transaction, which may use it again.

    Refuses user_offer_not_found: no such code, one whose time has passed, one that another transaction used.
    """
    typed = code.upper().translate(_SAME)
    rows = OfferCode.objects.select_related("user_offer").select_for_update(of=("self",))
    found = rows.filter(code=typed, user_offer__retailer_id=retailer_id).first()
    if found is None or (found.used_in != place if found.used_in else found.expires_at <= now):
        raise wallets.UserOfferNotFound("There is no such code")
    if not found.used_in:
        found.used_in = place
        found.save(update_fields=["used_in"])
    return found.user_offer.uuid


def purge(*, now: datetime) -> int:
    """Forget codes that ended a day ago; return how many."""
    gone, _ = OfferCode.objects.filter(expires_at__lt=now - KEPT).delete()
    return gone
