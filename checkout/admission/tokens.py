"""Admission tokens: `adm1.<kid>.<payload>.<HMAC-SHA256>`; the signature gets one to the row, the row decides."""

import base64
import hashlib
import hmac
import uuid
from datetime import datetime

import orjson
from django.utils.crypto import salted_hmac

from checkout.admission.models import Admission
from offers.lib import money
from offers.lib.errors import Refusal

PREFIX = "adm1"
KID = "k1"
LONGEST = 1024


class InvalidSignature(Refusal):
    """This is no admission token of ours."""

    code = "invalid_signature"


class UnknownAdmission(Refusal):
    """There is no such admission."""

    code = "unknown_admission"


def token_of(admission: Admission) -> str:
    """Return the token of an admission: the same text as long as its moments stay the same, and no personal data."""
    payload = orjson.dumps(
        {
            "v": 1,
            "jti": str(admission.uuid),
            "iss": "offerkeep",
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
    )
    signed = f"{PREFIX}.{KID}.{_text(payload)}"
    return f"{signed}.{_mac(admission.retailer_id, signed)}"


def read(*, text: str, retailer_id: int) -> Admission:
    """Return the admission a token names, whatever its state; the signature is verified before anything is parsed.

    Refuses invalid_signature (malformed, altered, another retailer's, all alike) and unknown_admission.
    """
    signed, _, mac = text.rpartition(".")
    parts = signed.split(".")
    shaped = len(text) <= LONGEST and text.isascii() and len(parts) == 3 and parts[:2] == [PREFIX, KID]
    if not hmac.compare_digest(_mac(retailer_id, signed if shaped else ""), mac if shaped else ""):
        raise InvalidSignature()
    named = orjson.loads(base64.urlsafe_b64decode(parts[2] + "=" * (-len(parts[2]) % 4)))["jti"]
    rows = Admission.objects.select_related("distribution__sequence__experience", "consumer", "retailer")
    found = rows.filter(uuid=uuid.UUID(named), retailer_id=retailer_id).first()
    if found is None:
        raise UnknownAdmission()
    return found


def claimed_id(text: str) -> uuid.UUID:
    """Return whose admission a token says it is, unverified: only to find whose key `read` has to verify it with."""
    parts = text.split(".")
    try:
        raw = base64.urlsafe_b64decode(parts[2] + "=" * (-len(parts[2]) % 4)) if len(text) <= LONGEST else b""
        return uuid.UUID(orjson.loads(raw)["jti"])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return uuid.UUID(int=0)


def _mac(retailer_id: int, signed: str) -> str:
    key = salted_hmac("offerkeep.admission", str(retailer_id), algorithm="sha256").digest()
    return _text(hmac.new(key, signed.encode(), hashlib.sha256).digest())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unix(moment: datetime) -> int:
    return int(moment.timestamp())
