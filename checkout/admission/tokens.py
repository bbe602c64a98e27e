"""Admission tokens: `adm1.<kid>.<payload>.<HMAC-SHA256>`; the signature gets one to the row, the row decides.

The key's name says whose token it is. Keys are those of the retailer's ring for admissions (offers/signing_keys.py).
"""

import hmac
import uuid
from datetime import datetime
from typing import Any

from checkout.admission.models import Admission
from offers import signing_keys
from offers.lib import money, signed_texts
from offers.lib.errors import Refusal
from offers.models import SigningKey

PREFIX = "adm1"
LONGEST = 1024


class InvalidSignature(Refusal):
    """This is no admission token of ours."""

    code = "invalid_signature"


class UnknownAdmission(Refusal):
    """There is no such admission."""

    code = "unknown_admission"


def token_of(admission: Admission, *, now: datetime) -> str:
    """Return the token of an admission, without personal data and never longer than LONGEST.

    It is the same text as long as its moments and the key that signs stay the same.
    """
    key = signing_keys.active(retailer_id=admission.retailer_id, purpose=signing_keys.ADMISSION, now=now)
    said: dict[str, Any] = {
        "v": 1,
        "jti": str(admission.uuid),
        "iss": "offerkeep",
        "aud": key.retailer.public_id,
        "iat": _unix(admission.issued_at),
        "nbf": _unix(admission.issued_at),
        "exp": _unix(admission.expires_at),
        "con": str(admission.consumer.uuid),
        "exp_id": str(admission.distribution.sequence.experience.uuid),
        "dist": {"type": admission.distribution.mechanism, "id": str(admission.distribution.uuid)},
        "qty": admission.quantity,
        "skus": [admission.sku] if admission.sku else [],
        **({} if admission.amount is None else {"amt": money.text(admission.amount, admission.currency)}),
    }
    text = _signed(key, said)
    if len(text) > LONGEST:
        del said["skus"]  # a long one, of letters of several bytes; the row knows it
        text = _signed(key, said)
    return text


def read(*, text: str, retailer_id: int | None, now: datetime) -> Admission:
    """Return the admission a token names, whatever its state; the signature is verified before anything is parsed.

    Without a retailer it is whosever key signed it. Refuses invalid_signature (malformed, altered, another retailer's,
    of a key that is believed no more, all alike) and unknown_admission.
    """
    signed, _, mac = text.rpartition(".")
    parts = signed.split(".")
    shaped = len(text) <= LONGEST and text.isascii() and len(parts) == 3 and parts[0] == PREFIX and "\0" not in text
    key = signing_keys.believed(kid=parts[1], purpose=signing_keys.ADMISSION, now=now) if shaped else None
    ours = key is not None and retailer_id in (None, key.retailer_id)
    macs = [signed_texts.mac(secret, signed) for secret in signing_keys.secrets(key or SigningKey())]
    # A key that nobody has costs what one does.
    if not any(hmac.compare_digest(one, mac if ours else "") for one in macs) or key is None:
        raise InvalidSignature()
    named = signed_texts.payload_of(parts[2])["jti"]
    rows = Admission.objects.select_related("distribution__sequence__experience", "consumer", "retailer")
    found = rows.filter(uuid=uuid.UUID(named), retailer_id=key.retailer_id).first()
    if found is None:
        raise UnknownAdmission()
    return found


def _signed(key: SigningKey, said: dict[str, Any]) -> str:
    return signed_texts.write(PREFIX, key.kid, said, signing_keys.secret(key))


def _unix(moment: datetime) -> int:
    return int(moment.timestamp())
